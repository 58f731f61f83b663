/**
 * Commands whose result is not known yet. A host that restarts sends them once more, each under
 * its old key, because nobody knows whether they went out before the previous host ended.
 */

import type {
  ControllerStep,
  DecisionKind,
  EngineCommand,
  Event,
  findDeployment,
} from "../../engine/index.ts";

/** Pages and questions to people are repeated only while they are this fresh. */
const NEWS_MS = 300_000;

export interface Asked {
  readonly command: EngineCommand;
  /** Of the decision record that asked for the command. */
  readonly reason: string;
}

export class Outstanding {
  #asked: Asked[];

  constructor(asked: readonly Asked[]) {
    this.#asked = [...asked];
  }

  /**
   * Adds the commands of a step and drops those that the step settled.
   *
   * @returns the commands of this step, without `watchUntil`, which only concerns the host's timer
   */
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
      // A question that a person or a timeout has answered is not asked again.
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
 * Is a message to people still true when it is sent late? A question is not, once it was withdrawn,
 * answered or timed out. Messages that say what happened always stay true.
 *
 * @param state of the command's deployment
 */
export function isStillTrue(
  command: EngineCommand,
  state: ReturnType<typeof findDeployment>,
  nowMs: number,
): boolean {
  const proposal = state?.phase.name === "proposed" ? state.phase : null;
  // While a newer proposal is open, a late withdrawal would seem to withdraw that one.
  if (command.kind === "withdrawProposal") return proposal === null;
  if (command.kind !== "propose" && command.kind !== "escalate") return true;
  if (proposal === null || nowMs >= command.answerByMs) return false;
  const [kind, ordinal] =
    proposal.step === 0 ? ["propose", state!.proposals] : ["escalate", proposal.step];
  const isSame = command.kind === kind && command.ordinal === ordinal;
  return isSame && command.answerByMs === proposal.answerByMs;
}
