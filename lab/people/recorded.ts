/**
 * The people who answered in history, or nobody.
 *
 * A recorded delay is relative to its proposal: who answered 80 s after the proposal
 * answers 80 s after ours. This assumes that an answer does not depend on when it is
 * asked for, which is a bias where policies propose at other hours. A deployment that
 * history never proposed has no recorded answer: what people would have done is
 * unknown, and its outcome says so.
 */

import type { DecisionEvent, Escalate, Propose } from "../../engine/index.ts";
import type { DecisionRow } from "../history/tables.ts";

/** How people answer a proposal: their future events, or null when nobody can say. */
export interface Responder {
  readonly name: "absent" | "recorded" | "modelled";
  /** The events that follow from being asked. */
  readonly answers: (command: Propose | Escalate) => readonly DecisionEvent[];
  /** Is it known what people do about this deployment? */
  readonly knows: (deploymentId: string) => boolean;
}

/** Nobody answers: every window times out, every approval expires. */
export const absent: Responder = { name: "absent", answers: () => [], knows: () => true };

/** Plays back the answers in `decisions`, after the first proposal of each deployment. */
export function recorded(decisions: readonly DecisionRow[]): Responder {
  const byDeployment = new Map<string, DecisionRow[]>();
  for (const row of decisions) {
    const rows = byDeployment.get(row.deploymentId);
    if (rows === undefined) byDeployment.set(row.deploymentId, [row]);
    else rows.push(row);
  }
  const proposalOf = (id: string): DecisionRow | undefined =>
    byDeployment.get(id)?.find(({ what }) => what === "proposed");
  return {
    name: "recorded",
    knows: (deploymentId) => proposalOf(deploymentId) !== undefined,
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
