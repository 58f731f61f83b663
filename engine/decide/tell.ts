/** What the host is asked to do because of a record, at the record's time. */

import type { EngineCommand } from "../command.ts";
import type { Policy } from "../policy/policy.ts";
import type { DecisionRecord } from "../record.ts";
import type { Turn } from "./recorder.ts";
import { onSilence } from "./standing.ts";
import type { Proposed } from "./state.ts";

/** Who is asked first. */
export const ON_CALL = "on-call";

type Wanted<Command> = Command extends EngineCommand
  ? Omit<Command, "deploymentId" | "askedAtMs" | "decisionId">
  : never;

export function tell(turn: Turn, record: DecisionRecord, command: Wanted<EngineCommand>): void {
  const { deploymentId, decisionId, knownAtMs } = record;
  turn.commands.push({ ...command, deploymentId, decisionId, askedAtMs: knownAtMs });
}

/** Interrupts a person. */
export function page(turn: Turn, record: DecisionRecord, to: string): void {
  tell(turn, record, { kind: "page", to, reason: record.reason });
}

/** Tells whoever answers for it, without interrupting. */
export function notify(turn: Turn, record: DecisionRecord): void {
  tell(turn, record, { kind: "notify", to: record.accountable, reason: record.reason });
}

/** Asks people the question of this phase: the first audience, or the next one. */
export function ask(
  turn: Turn,
  record: DecisionRecord,
  policy: Policy,
  phase: Proposed,
  proposals: number,
): void {
  const { step, to, answerByMs } = phase;
  const asked = { answerByMs, onSilence: onSilence(policy, phase), to };
  tell(
    turn,
    record,
    step === 0
      ? { kind: "propose", ordinal: proposals, answers: ["override", "approve"], ...asked }
      : { kind: "escalate", ordinal: step, ...asked },
  );
  page(turn, record, to);
}

/** The question no longer stands. */
export function takeBack(turn: Turn, record: DecisionRecord): void {
  tell(turn, record, { kind: "withdrawProposal", reason: record.reason });
}
