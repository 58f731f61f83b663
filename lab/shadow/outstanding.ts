/**
 * Commands whose result is not known yet. A host that restarts sends them once more, each under
 * its old key, because nobody knows whether they went out before the previous host ended.
 *
 * A command of a host that only records stays recorded only, also when the next host may act. The
 * same holds for everything that follows from its question: people were told that nothing would be
 * done, so their silence must not lead to a rollback.
 */

import type {
  ControllerState,
  ControllerStep,
  DecisionKind,
  EngineCommand,
  Event,
  findDeployment,
  LiveSegment,
} from "../../engine/index.ts";

/** Pages and questions to people are repeated only while they are this fresh. */
const NEWS_MS = 300_000;

export interface Asked {
  readonly command: EngineCommand;
  /** Of the decision record that asked for the command. */
  readonly reason: string;
  /** False: recorded only. */
  readonly act: boolean;
}

export class Outstanding {
  #asked: Asked[];
  #act: boolean;
  /** Deployments whose open question or rollback is recorded only. */
  #recordedOnly: ReadonlySet<string>;

  /** @param state at the beginning of the segment */
  constructor(
    { act, errands, recordedOnly }: Pick<LiveSegment, "act" | "errands" | "recordedOnly">,
    state: ControllerState,
  ) {
    this.#act = act;
    this.#asked = errands.map((asked) => ({ ...asked, act: asked.act ?? act }));
    const open = openQuestions(state);
    this.#recordedOnly =
      recordedOnly === undefined ? new Set(act ? [] : open) : new Set(recordedOnly);
  }

  /** From now on the host may act, or may not. What was asked before keeps its mark. */
  goOn(act: boolean): void {
    this.#act = act;
  }

  /**
   * Adds the commands of a step and drops those that the step settled.
   *
   * @returns the commands of this step, without `watchUntil`, which only concerns the host's timer
   */
  take(event: Event, { commands, records, state }: ControllerStep): readonly Asked[] {
    const reasons = new Map(records.map(({ decisionId, reason }) => [decisionId, reason]));
    const asked = commands
      .filter(({ kind }) => kind !== "watchUntil")
      .map((command) => ({
        command,
        reason: reasons.get(command.decisionId)!,
        act: this.#act && !this.#recordedOnly.has(command.deploymentId),
      }));
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
    this.#follow(asked, state);
    return asked;
  }

  #follow(asked: readonly Asked[], state: ControllerState): void {
    const begun = asked.filter(
      ({ act, command: { kind } }) => !act && (kind === "propose" || kind === "rollBack"),
    );
    if (begun.length === 0 && this.#recordedOnly.size === 0) return;
    const open = openQuestions(state);
    const marked = [...this.#recordedOnly, ...begun.map(({ command }) => command.deploymentId)];
    this.#recordedOnly = new Set(marked.filter((id) => open.has(id)));
  }

  get recordedOnly(): readonly string[] {
    return [...this.#recordedOnly];
  }

  /** The oldest first. */
  get all(): readonly Asked[] {
    return this.#asked;
  }
}

/**
 * Is a command meant as real when a host sends it that may act, or may not? A rollback or a
 * question is about what this host will do; other messages are about what was done before.
 */
export function isMeant({ command: { kind }, act }: Asked, mayAct: boolean): boolean {
  return act && (mayAct || !["rollBack", "propose", "escalate"].includes(kind));
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

/** Deployments with an open question, or with a rollback that has not ended. */
function openQuestions({ fleet }: ControllerState): ReadonlySet<string> {
  const open = fleet.deployments.filter(
    ({ phase: { name } }) => name === "proposed" || name === "rollingBack",
  );
  return new Set(open.map(({ deployment }) => deployment.deploymentId));
}
