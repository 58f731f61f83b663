/**
 * People who answer by the responder model. They do not know the truth, but their odds of being
 * right depend on it, so for a deployment without a label it is unknown what they would answer.
 */

import type { DecisionEvent } from "../../engine/index.ts";
import { answer, type ResponderModel } from "./model.ts";
import type { Responder } from "./recorded.ts";

export interface Asked {
  readonly timezone: string | null;
  readonly team: string | null;
  /** Is the deployment a regression? Null where it has no label. */
  readonly truthIsBad: boolean | null;
}

/**
 * Modelled people.
 *
 * @param replicate another replicate means other random numbers for the same people
 */
export function modelled(
  about: (deploymentId: string) => Asked,
  seed: number,
  replicate = 0,
  model?: ResponderModel,
): Responder {
  return {
    name: "modelled",
    knows: (deploymentId) => about(deploymentId).truthIsBad !== null,
    answers: (command): readonly DecisionEvent[] => {
      const { deploymentId, askedAtMs, answerByMs, onSilence } = command;
      const { timezone, team, truthIsBad } = about(deploymentId);
      if (truthIsBad === null) return [];
      const given = answer(
        {
          timezone,
          team,
          truthIsBad,
          deploymentId,
          // Escalations are numbered after the proposal they belong to.
          ordinal: command.kind === "propose" ? command.ordinal : 100 + command.ordinal,
          proposedAtMs: askedAtMs,
          answerByMs,
          onSilence,
          answers: ["override", "approve"],
        },
        seed,
        replicate,
        model,
      );
      if (given.kind === "silence") return [];
      const atMs = askedAtMs + given.delayMs!;
      const event = { deploymentId, by: given.by!, atMs, knownAtMs: atMs };
      return given.kind === "override"
        ? [{ kind: "overrideGiven", ...event, justification: given.justification! }]
        : [{ kind: "approvalGiven", ...event }];
    },
  };
}
