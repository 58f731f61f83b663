/** Kinds of decision records in words, and what the address filters them by. */

import type { DecisionRow, DecisionsQuery } from "../../../lab/server/contract/decisions.ts";

export const KINDS: Readonly<Record<DecisionRow["decision"], string>> = {
  watchStarted: "watch started",
  proposed: "rollback proposed",
  withdrawn: "proposal withdrawn",
  escalated: "escalated",
  waited: "put off by a coin",
  rollbackOrdered: "rollback ordered",
  ended: "ended",
  paged: "people paged",
  held: "held by a guardrail",
  silent: "no metrics since the deployment",
  halted: "all machines halted",
  haltLifted: "halt lifted",
  policyChanged: "policy changed",
  refused: "event refused",
};

/** Those that may need a justification. */
export const ACTS: readonly DecisionRow["decision"][] = [
  "proposed",
  "rollbackOrdered",
  "escalated",
  "halted",
];

/** Names of settings in the address. */
export const FILTERS = ["q", "decision", "service", "deployment", "from", "to"] as const;
export type Chosen = Readonly<Record<(typeof FILTERS)[number], string | null>>;

export const PAGE = 50;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;

/** @param offset of the first record shown; days are whole ones in UTC, the last one included */
export function queryOf(policy: string, by: Chosen, offset: number): DecisionsQuery {
  const query: DecisionsQuery = { policy, offset, limit: PAGE };
  if (by.q !== null) query.q = by.q;
  if (by.decision !== null && Object.hasOwn(KINDS, by.decision)) {
    query.decision = by.decision as DecisionRow["decision"];
  }
  if (by.service !== null) query.service = by.service;
  if (by.deployment !== null) query.deployment = by.deployment;
  const from = dayMs(by.from);
  const to = dayMs(by.to);
  if (from !== null) query.from = new Date(from).toISOString();
  if (to !== null) query.to = new Date(to + DAY_MS).toISOString();
  return query;
}

function dayMs(text: string | null): number | null {
  if (text === null || !DAY.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** `3fa9c1…b2`: enough to hold against a copy by eye. */
export function shortHash(hash: string): string {
  return hash.length <= 20 ? hash : `${hash.slice(0, 10)}…${hash.slice(-6)}`;
}

/** As the contract names those that are about no one deployment. */
export function isOfFleet(deploymentId: string): boolean {
  return deploymentId.startsWith("(");
}
