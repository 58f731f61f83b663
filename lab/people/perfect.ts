/**
 * People who answer every proposal at once and are never wrong: an anchor, not a
 * prediction. What a policy loses under them it loses by seeing too little or too late.
 */

import type { DecisionEvent } from "../../engine/index.ts";
import type { Responder } from "./recorded.ts";

/** A question needs an instant to be read, so that no answer stands before it. */
const AT_ONCE_MS = 1000;

/** @param isBad null where nobody knows: then even they stay silent, and it is unknown */
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
