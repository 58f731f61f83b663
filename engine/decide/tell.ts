/**
 * Commands: what the host is asked to do because of a record, at the record's time. Each is
 * written out field by field, not spread from a common part: there are more commands than
 * records, and written out they are all of one shape (see `changed` in state.ts).
 */

import type { EngineCommand } from "../command.ts";
import type { Policy } from "../policy/policy.ts";
import type { DecisionRecord } from "../record.ts";
import { added } from "./list.ts";
import { onSilence } from "./question.ts";
import type { Turn } from "./recorder.ts";
import type { Proposed } from "./state.ts";

/** The audience that is asked first. */
export const ON_CALL = "on-call";

function tell(turn: Turn, command: EngineCommand): void {
  turn.commands = added(turn.commands, command);
}

/** Asks for samples of this deployment's signals until `untilMs`. */
export function watch(turn: Turn, record: DecisionRecord, untilMs: number): void {
  const { deploymentId, decisionId, knownAtMs: askedAtMs } = record;
  tell(turn, { kind: "watchUntil", untilMs, deploymentId, decisionId, askedAtMs });
}

/** Interrupts a person. */
export function page(turn: Turn, record: DecisionRecord, to: string): void {
  const { reason, deploymentId, decisionId, knownAtMs: askedAtMs } = record;
  tell(turn, { kind: "page", to, reason, deploymentId, decisionId, askedAtMs });
}

/** Lets a rollout go no further. */
export function holdRollout(turn: Turn, record: DecisionRecord): void {
  const { reason, deploymentId, decisionId, knownAtMs: askedAtMs } = record;
  tell(turn, { kind: "holdRollout", reason, deploymentId, decisionId, askedAtMs });
}

/** Tells the accountable team, without interrupting anybody. */
export function notify(turn: Turn, record: DecisionRecord): void {
  const { accountable: to, reason, deploymentId, decisionId, knownAtMs: askedAtMs } = record;
  tell(turn, { kind: "notify", to, reason, deploymentId, decisionId, askedAtMs });
}

/** Asks people the question of this phase: the first audience, or the next one. */
export function ask(
  turn: Turn,
  record: DecisionRecord,
  policy: Policy,
  phase: Proposed,
  proposals: number,
): void {
  const { deploymentId, decisionId, knownAtMs: askedAtMs } = record;
  const { step, to, answerByMs } = phase;
  const silence = onSilence(policy, phase);
  tell(
    turn,
    step === 0
      ? {
          kind: "propose",
          ordinal: proposals,
          answers: ["override", "approve"],
          answerByMs,
          onSilence: silence,
          to,
          deploymentId,
          decisionId,
          askedAtMs,
        }
      : {
          kind: "escalate",
          ordinal: step,
          answerByMs,
          onSilence: silence,
          to,
          deploymentId,
          decisionId,
          askedAtMs,
        },
  );
  page(turn, record, to);
}

/** The question no longer stands. Under tier `full` a coin waits, and nobody was asked. */
export function takeBack(turn: Turn, record: DecisionRecord): void {
  if (record.tier === "full") return;
  const { reason, deploymentId, decisionId, knownAtMs: askedAtMs } = record;
  tell(turn, { kind: "withdrawProposal", reason, deploymentId, decisionId, askedAtMs });
}

/** Orders the rollback, in the name of whoever had the authority to decide it. */
export function orderRollback(turn: Turn, record: DecisionRecord): void {
  const { authority, accountable, deploymentId, decisionId, knownAtMs: askedAtMs } = record;
  tell(turn, {
    kind: "rollBack",
    authority,
    accountable,
    deploymentId,
    decisionId,
    askedAtMs,
  });
}
