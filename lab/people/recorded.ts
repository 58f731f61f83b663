/**
 * What people are to a replay (`Responder`), and two kinds of them: those who answered in history,
 * and nobody.
 *
 * A recorded delay is relative to its proposal: whoever answered 80 s after history's proposal
 * answers 80 s after ours. Bias: this assumes that an answer does not depend on when it is asked
 * for, though policies may propose at other hours.
 *
 * A deployment that history never proposed has no recorded answer. Where history stopped waiting
 * without one, because its window ran out for example, it is not known who would have answered
 * later. What people would have done is unknown then, and the outcome says so.
 */

import type { DecisionEvent, Escalate, Propose } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { DecisionRow, DecisionWhat } from "../history/tables.ts";

/** How people answer proposals. */
export interface Responder {
  readonly name: "absent" | "recorded" | "modelled" | "perfect";
  /** Their answers to a question, as events that come later; none where they stay silent. */
  readonly answers: (command: Propose | Escalate) => readonly DecisionEvent[];
  /** Is it known what they do about this deployment for so long after being asked? */
  readonly knows: (deploymentId: string, waitedMs: number) => boolean;
}

/** What people record as an answer. */
const ANSWERS: readonly DecisionWhat[] = ["overrideGiven", "approvalGiven"];
/** After one of these, history's question no longer stood. */
export const CLOSES: readonly DecisionWhat[] = ["withdrawn", "expired", "rollbackStarted"];

/** Nobody answers: every window times out, every approval expires. */
export const absent: Responder = { name: "absent", answers: () => [], knows: () => true };

/** Plays back the answers in `decisions`, after the first proposal of each deployment. */
export function recorded(decisions: readonly DecisionRow[]): Responder {
  const byDeployment = new Map<string, DecisionRow[]>();
  for (const row of decisions) getOrMake(byDeployment, row.deploymentId, () => []).push(row);
  const proposalOf = (id: string): DecisionRow | undefined =>
    byDeployment.get(id)?.find(({ what }) => what === "proposed");
  return {
    name: "recorded",
    knows: (deploymentId, waitedMs) => {
      const proposal = proposalOf(deploymentId);
      if (proposal === undefined) return false;
      const after = byDeployment.get(deploymentId)!.filter(({ atMs }) => atMs >= proposal.atMs);
      if (after.some(({ what }) => ANSWERS.includes(what))) return true;
      const ends = after.filter(({ what }) => CLOSES.includes(what)).map(({ atMs }) => atMs);
      return ends.length === 0 || waitedMs <= Math.max(...ends) - proposal.atMs;
    },
    answers: (command) => {
      const proposal = proposalOf(command.deploymentId);
      if (proposal === undefined || command.kind !== "propose" || command.ordinal > 1) return [];
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
