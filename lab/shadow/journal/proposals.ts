/** What agents proposed to a host, and what people answered, as rows of a history. */

import type { AgentProposed, DecisionEvent, DecisionRecord } from "../../../engine/index.ts";
import type { ProposalRow } from "../../history/tables.ts";

export class ProposalsHeard {
  readonly #rows = new Map<string, ProposalRow>();
  #byToken = 0;

  /** How many came with a token alone, so that a person had to agree. */
  get byToken(): number {
    return this.#byToken;
  }

  /** One that was sent again is on record twice, and is one row. */
  propose(event: AgentProposed): void {
    const { proposalId, deploymentId, agent, confidence, rationale, knownAtMs } = event;
    const key = keyOf(deploymentId, event);
    if (this.#rows.has(key)) return;
    if (event.asksOnly === true) this.#byToken++;
    this.#rows.set(key, {
      ...{ proposalId, deploymentId, agent, action: "rollback", confidence, rationale },
      ...{ proposedAtMs: knownAtMs, answeredBy: null, answer: null, answeredAtMs: null },
    });
  }

  /** A person answers an agent where nothing but the agent's word asked. */
  answer(event: DecisionEvent, records: readonly DecisionRecord[]): void {
    if (event.kind !== "overrideGiven" && event.kind !== "approvalGiven") return;
    const { deploymentId, by: answeredBy, knownAtMs: answeredAtMs } = event;
    const record = records.find(
      (one) => one.deploymentId === deploymentId && one.decision !== "refused",
    );
    if (record?.agent?.alone !== true) return;
    const key = keyOf(deploymentId, record.agent);
    const row = this.#rows.get(key);
    const answer = event.kind === "approvalGiven" ? "accepted" : "rejected";
    if (row !== undefined) this.#rows.set(key, { ...row, answeredBy, answer, answeredAtMs });
  }

  /** Agents number their own proposals, so that two of them may use one id. */
  rows(): readonly ProposalRow[] {
    const taken = new Set<string>();
    return [...this.#rows.values()].map((row) => {
      let { proposalId } = row;
      for (let count = 2; taken.has(proposalId); count++) proposalId = `${row.proposalId}#${count}`;
      taken.add(proposalId);
      return { ...row, proposalId };
    });
  }
}

function keyOf(
  deploymentId: string,
  { agent, proposalId }: Pick<AgentProposed, "agent" | "proposalId">,
): string {
  return JSON.stringify([deploymentId, agent, proposalId]);
}
