/**
 * What was asked of the world and has not come of anything yet. A host that restarts sends it
 * once more, each under the key it had: whether it went out before the end nobody knows.
 */

import type {
  ControllerStep,
  DecisionKind,
  EngineCommand,
  Event,
  findDeployment,
} from "../../engine/index.ts";

/** Words to people are sent again for so long: later they are news no more. */
const NEWS_MS = 300_000;

export interface Asked {
  readonly command: EngineCommand;
  /** The words of its record. */
  readonly reason: string;
}

export class Outstanding {
  #asked: Asked[];

  constructor(asked: readonly Asked[]) {
    this.#asked = [...asked];
  }

  /** @returns what the step asked for */
  take(event: Event, { commands, records }: ControllerStep): readonly Asked[] {
    const reasons = new Map(records.map(({ decisionId, reason }) => [decisionId, reason]));
    const asked = commands
      .filter(({ kind }) => kind !== "watchUntil")
      .map((command) => ({ command, reason: reasons.get(command.decisionId)! }));
    const after = (...decisions: readonly DecisionKind[]): ReadonlySet<string> =>
      new Set(
        records.flatMap(({ decision, deploymentId }) =>
          decisions.includes(decision) ? [deploymentId] : [],
        ),
      );
    const ended = after("ended");
    const closed = after("ended", "withdrawn", "rollbackOrdered");
    const stands = ({ command: { kind, deploymentId, askedAtMs } }: Asked): boolean => {
      if (kind === "rollBack") return !ended.has(deploymentId);
      // A question that was answered, or that time answered, is asked of nobody again.
      if (kind === "propose" || kind === "escalate") {
        if (closed.has(deploymentId)) return false;
      }
      return askedAtMs >= event.knownAtMs - NEWS_MS;
    };
    this.#asked = [...this.#asked.filter(stands), ...asked];
    return asked;
  }

  /** The oldest first. */
  get all(): readonly Asked[] {
    return this.#asked;
  }
}

/**
 * Is what people are told of a question still so? One that was taken back or answered, by silence
 * or in words, is asked of nobody. Other words say what happened: that stays so.
 *
 * @param state of the command's deployment
 */
export function isTrueYet(
  command: EngineCommand,
  state: ReturnType<typeof findDeployment>,
  nowMs: number,
): boolean {
  const asked = state?.phase.name === "proposed" ? state.phase : null;
  // Where another question stands already it would seem to take that one back.
  if (command.kind === "withdrawProposal") return asked === null;
  if (command.kind !== "propose" && command.kind !== "escalate") return true;
  if (asked === null || nowMs >= command.answerByMs) return false;
  const [kind, ordinal] =
    asked.step === 0 ? ["propose", state!.proposals] : ["escalate", asked.step];
  const isSame = command.kind === kind && command.ordinal === ordinal;
  return isSame && command.answerByMs === asked.answerByMs;
}
