/**
 * People who answer every proposal at once and are never wrong: a reference, not a prediction. What
 * a policy still loses under them is lost by detecting too little or too late.
 */

import type { DecisionEvent } from "../../engine/index.ts";
import type { Responder } from "./recorded.ts";

/** An answer comes this long after its question, so that it is never ordered before it. */
const AT_ONCE_MS = 1000;

/**
 * Perfect people.
 *
 * @param isBad by deployment; null where it has no label: then they give no answer, and the outcome
 *   is unknown
 */
export function perfect(isBad: (deploymentId: string) => boolean | null): Responder {
  return {
    name: "perfect",
    knows: (deploymentId) => isBad(deploymentId) !== null,
    answers: ({ deploymentId, askedAtMs }): readonly DecisionEvent[] => {
      const bad = isBad(deploymentId);
      if (bad === null) return [];
      const atMs = askedAtMs + AT_ONCE_MS;
      const event = { deploymentId, by: "a perfect responder", atMs, knownAtMs: atMs };
      if (bad) return [{ kind: "approvalGiven", ...event }];
      return [{ kind: "overrideGiven", ...event, justification: "the label says it is good" }];
    },
  };
}
