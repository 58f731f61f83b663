/**
 * The responder model as people of a world: they know the truth as little as real
 * ones do, and answer by the model's odds.
 */

import type { DecisionEvent } from "../../engine/index.ts";
import { answer } from "./model.ts";
import type { Responder } from "./recorded.ts";

export interface Asked {
  readonly timezone: string | null;
  readonly team: string | null;
  /** Is the deployment really a regression? */
  readonly truthIsBad: boolean;
}

/** @param replicate another replicate is other luck for the same people */
export function modelled(
  about: (deploymentId: string) => Asked,
  seed: number,
  replicate = 0,
): Responder {
  return {
    name: "modelled",
    knows: () => true,
    answers: (command): readonly DecisionEvent[] => {
      const { deploymentId, askedAtMs, answerByMs, onSilence } = command;
      const given = answer(
        {
          ...about(deploymentId),
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
