/**
 * What the engine asks of the host, in the imperative. Commands are data: the
 * host carries them out and reports back as events.
 */

interface Command<Kind extends string> {
  readonly kind: Kind;
  readonly deploymentId: string;
  /** When it was asked, in the controller's time. */
  readonly askedAtMs: number;
  /** The record that says why. */
  readonly decisionId: string;
}

/** Keep reporting samples of this deployment's signals until `untilMs`. */
export interface WatchUntil extends Command<"watchUntil"> {
  readonly untilMs: number;
}
/** Ask people; `answerByMs` is when silence becomes an answer. */
export interface Propose extends Command<"propose"> {
  /** 1 for the first proposal about this deployment, then one more for each. */
  readonly ordinal: number;
  readonly answers: readonly ("override" | "approve")[];
  readonly answerByMs: number;
  readonly onSilence: "rollback" | "hold";
  readonly to: string;
}
/** The question no longer stands: recovered, answered, or superseded. */
export interface WithdrawProposal extends Command<"withdrawProposal"> {
  readonly reason: string;
}
/** The first audience did not answer in time: ask the next. */
export interface Escalate extends Command<"escalate"> {
  /** 1 for the first escalation of a question, then one more for each. */
  readonly ordinal: number;
  readonly to: string;
  readonly answerByMs: number;
  readonly onSilence: "rollback" | "hold";
}
/** Interrupt a person. */
export interface Page extends Command<"page"> {
  readonly to: string;
  readonly reason: string;
}
/** Tell people without interrupting them. */
export interface Notify extends Command<"notify"> {
  readonly to: string;
  readonly reason: string;
}
/** Roll the deployment back. At most once for each deployment. */
export interface RollBack extends Command<"rollBack"> {
  readonly authority: string;
  readonly accountable: string;
}

/** Let the rollout go no further until people have looked: the deployment reports nothing. */
export interface HoldRollout extends Command<"holdRollout"> {
  readonly reason: string;
}

export type EngineCommand =
  WatchUntil | Propose | WithdrawProposal | Escalate | Page | Notify | HoldRollout | RollBack;
