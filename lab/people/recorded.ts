/**
 * What people are to a replay (`Responder`), and two kinds of them: those who answered in history,
 * and nobody.
 *
 * A recorded delay is relative to its proposal: whoever answered 80 s after history's proposal
 * answers 80 s after ours. Bias: this assumes that an answer does not depend on when it is asked
 * for, though policies may propose at other hours.
 *
 * A question that rests on an agent's proposal alone has the answer that history's people gave to
 * that proposal, as long after the question as it came after the proposal. Where none is recorded
 * with its time, it is answered as any other question.
 *
 * A deployment that history never proposed has no recorded answer. Where history stopped waiting
 * without one, because its window ran out for example, it is not known who would have answered
 * later. What people would have done is unknown then, and the outcome says so.
 */

import type {
  AgentWord,
  DecisionEvent,
  DecisionRecord,
  Escalate,
  Propose,
} from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { DecisionRow, DecisionWhat, ProposalRow } from "../history/tables.ts";

/** How people answer proposals. */
export interface Responder {
  readonly name: "absent" | "recorded" | "modelled" | "perfect";
  /** Their answers to a question, as events that come later; none where they stay silent. */
  readonly answers: (command: Propose | Escalate, word?: LoneWord) => readonly DecisionEvent[];
  /** Is it known what they do about this deployment for so long after being asked? */
  readonly knows: (deploymentId: string, waitedMs: number, word?: LoneWord) => boolean;
}

/** The proposal of an agent on which alone a question rests. */
export type LoneWord = Pick<AgentWord, "agent" | "proposalId">;

/** That of a record; undefined where our own evidence was enough, or no agent spoke. */
export function loneWordOf(record: DecisionRecord | undefined): LoneWord | undefined {
  return record?.agent?.alone === true ? record.agent : undefined;
}

/** What people record as an answer. */
const ANSWERS: readonly DecisionWhat[] = ["overrideGiven", "approvalGiven"];
/** After one of these, history's question no longer stood. */
export const CLOSES: readonly DecisionWhat[] = ["withdrawn", "expired", "rollbackStarted"];

/** Nobody answers: every window times out, every approval expires. */
export const absent: Responder = { name: "absent", answers: () => [], knows: () => true };

/** A proposal of an agent with an answer and its time. */
interface Answered extends ProposalRow {
  readonly answer: NonNullable<ProposalRow["answer"]>;
  readonly answeredAtMs: number;
}

/** Proposals that people answered at a recorded time. */
export function answeredIn(proposals: readonly ProposalRow[] = []): readonly Answered[] {
  return proposals.filter(
    (row): row is Answered => row.answer !== null && row.answeredAtMs !== null,
  );
}

/**
 * Plays back the answers in `proposals` to the same proposal, and those in `decisions` after the
 * first proposal of each deployment.
 */
export function recorded(
  decisions: readonly DecisionRow[],
  proposals: readonly ProposalRow[] = [],
): Responder {
  const byDeployment = new Map<string, DecisionRow[]>();
  for (const row of decisions) getOrMake(byDeployment, row.deploymentId, () => []).push(row);
  const proposalOf = (id: string): DecisionRow | undefined =>
    byDeployment.get(id)?.find(({ what }) => what === "proposed");
  const keyOf = (id: string, { agent, proposalId }: LoneWord): string =>
    JSON.stringify([id, agent, proposalId]);
  const byWord = new Map(
    answeredIn(proposals).map((row) => [keyOf(row.deploymentId, row), row] as const),
  );
  const answerTo = (id: string, word: LoneWord | undefined): Answered | undefined =>
    word === undefined ? undefined : byWord.get(keyOf(id, word));
  return {
    name: "recorded",
    knows: (deploymentId, waitedMs, word) => {
      if (answerTo(deploymentId, word) !== undefined) return true;
      const proposal = proposalOf(deploymentId);
      if (proposal === undefined) return false;
      const after = byDeployment.get(deploymentId)!.filter(({ atMs }) => atMs >= proposal.atMs);
      if (after.some(({ what }) => ANSWERS.includes(what))) return true;
      const ends = after.filter(({ what }) => CLOSES.includes(what)).map(({ atMs }) => atMs);
      return ends.length === 0 || waitedMs <= Math.max(...ends) - proposal.atMs;
    },
    answers: (command, word) => {
      if (command.kind !== "propose") return [];
      const answered = answerTo(command.deploymentId, word);
      if (answered !== undefined) return [answerEvent(command, answered)];
      const proposal = proposalOf(command.deploymentId);
      if (proposal === undefined || command.ordinal > 1) return [];
      const events: DecisionEvent[] = [];
      for (const row of byDeployment.get(command.deploymentId) ?? []) {
        if (row.atMs < proposal.atMs) continue;
        const atMs = command.askedAtMs + (row.atMs - proposal.atMs);
        const given = {
          deploymentId: row.deploymentId,
          by: row.by ?? "unnamed",
          atMs,
          knownAtMs: atMs,
        };
        if (row.what === "overrideGiven") {
          const justification = row.justification ?? "(none recorded)";
          events.push({ kind: "overrideGiven", ...given, justification });
        } else if (row.what === "approvalGiven") {
          events.push({ kind: "approvalGiven", ...given });
        }
      }
      return events;
    },
  };
}

function answerEvent({ deploymentId, askedAtMs }: Propose, row: Answered): DecisionEvent {
  const atMs = askedAtMs + (row.answeredAtMs - row.proposedAtMs);
  const given = { deploymentId, by: row.answeredBy ?? "unnamed", atMs, knownAtMs: atMs };
  return row.answer === "accepted"
    ? { kind: "approvalGiven", ...given }
    : { kind: "overrideGiven", ...given, justification: "(none recorded)" };
}
