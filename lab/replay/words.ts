/** What agents proposed in a history, as events of a replay. */

import { compareEvents, type AgentProposed } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { ProposalRow } from "../history/tables.ts";
import type { PlannedDeployment } from "./plan.ts";

/** The proposals about each deployment, by its id, in the order they were made. */
export function wordsByDeployment(
  proposals: readonly ProposalRow[],
): ReadonlyMap<string, readonly AgentProposed[]> {
  const words = new Map<string, AgentProposed[]>();
  for (const { proposedAtMs: atMs, deploymentId, ...row } of proposals) {
    const { proposalId, agent, confidence, rationale } = row;
    getOrMake(words, deploymentId, () => []).push({
      ...{ kind: "agentProposed", atMs, knownAtMs: atMs, deploymentId },
      ...{ proposalId, agent, confidence, rationale },
    });
  }
  for (const list of words.values()) list.sort(compareEvents);
  return words;
}

/**
 * Those a policy may hear of: not from before the deployment was known, when no machine could have
 * placed them, and not from after history's own rollback, which are about the old version.
 */
export function heardOf(planned: PlannedDeployment): readonly AgentProposed[] {
  const { words = [], knownAtMs, deployment, rolledBackAtMs } = planned;
  const fromMs = Math.max(knownAtMs, deployment.startedAtMs);
  const untilMs = rolledBackAtMs ?? Number.POSITIVE_INFINITY;
  return words.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
}

/** When an agent speaks of it for the last time; 0 where none does. */
export function lastWordMs(planned: PlannedDeployment): number {
  return planned.words === undefined ? 0 : (heardOf(planned).at(-1)?.atMs ?? 0);
}
