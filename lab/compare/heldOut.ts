/**
 * Tests the model of what history hid on this very history. Deployments that history let run are
 * cut short where one of two policies would have rolled them back, or a regression as late as
 * history rolled back others. The model continues them as if nothing of the rest were known, and
 * what happens then under the policies is held against what did happen (see modelled.ts).
 *
 * History rolled the largest excursions back, so those that it let run are smaller on average than
 * those that it hid. So the error is measured by size (bySize.ts). What the model learns from other
 * deployments it learns without the tested ones.
 */

import { incidentsByDeployment } from "../history/incidents.ts";
import type { Past } from "../history/open.ts";
import type { DecisionRow, HistoryTables } from "../history/tables.ts";
import type { Listed } from "../history/listed.ts";
import { isOpen, type Outcome } from "../outcome/outcome.ts";
import type { Recovery } from "../outcome/recovery.ts";
import type { Plan } from "../replay/plan.ts";

/** Of a history with more of them, only so many are tested, spread over its length. */
const TESTED_AT_MOST = 400;

export interface HeldOut {
  /** The history in which these deployments were rolled back. */
  readonly past: Past;
  /** When each of them was, by id. */
  readonly atMsOf: ReadonlyMap<string, number>;
  /** Their places in the plan. */
  readonly places: ReadonlySet<number>;
}

/**
 * The history with known deployments cut short; null where none can be.
 *
 * @param watchMs how long either policy looks
 * @param outcomes of all these deployments, by policy
 */
export function holdOut(
  history: Past,
  deployments: Plan["deployments"],
  watchMs: number,
  outcomes: readonly Listed<Outcome>[],
  recovery: Recovery,
): HeldOut | null {
  const delayMs = usualDelayMs(history.tables, deployments);
  const cuts: { readonly place: number; readonly id: string; readonly atMs: number }[] = [];
  for (let place = 0; place < deployments.length; place++) {
    const found = outcomes.map((list) => list.at(place)!);
    if (found.some(isOpen)) continue;
    const { rolledBackAtMs, deployment } = deployments.at(place)!;
    const { deploymentId: id, startedAtMs } = deployment;
    const atMs = cutAtMs(found, delayMs);
    const isWatched = atMs > startedAtMs && atMs < startedAtMs + watchMs;
    if (rolledBackAtMs === null && isWatched) cuts.push({ place, id, atMs });
  }
  if (cuts.length === 0) return null;
  const every = Math.max(1, cuts.length / TESTED_AT_MOST);
  const kept = Array.from(
    { length: Math.min(cuts.length, TESTED_AT_MOST) },
    (_, nth) => cuts[Math.floor(nth * every)]!,
  );
  const atMsOf = new Map(kept.map(({ id, atMs }) => [id, atMs]));
  return {
    past: { ...history, tables: withRollbacks(history.tables, atMsOf, recovery) },
    atMsOf,
    places: new Set(kept.map(({ place }) => place)),
  };
}

/**
 * When a policy would have cut the deployment short; of a regression that none of them saw, as long
 * after its onset as history acted on others. Infinity: never.
 */
function cutAtMs(outcomes: readonly Outcome[], delayMs: number | null): number {
  const acted = outcomes.flatMap(
    ({ decidedAtMs, proposedAtMs }) => decidedAtMs ?? proposedAtMs ?? [],
  );
  if (acted.length > 0) return Math.min(...acted);
  const { onsetAtMs, recoveredAtMs } = outcomes[0]!;
  if (onsetAtMs === null || delayMs === null) return Number.POSITIVE_INFINITY;
  const atMs = onsetAtMs + delayMs;
  return recoveredAtMs !== null && recoveredAtMs <= atMs ? Number.POSITIVE_INFINITY : atMs;
}

/** How long after their onset history rolled regressions back: the median; null: it never did. */
export function usualDelayMs(
  { incidents }: HistoryTables,
  deployments: Plan["deployments"],
): number | null {
  const onsets = incidentsByDeployment(incidents);
  const delays: number[] = [];
  deployments.forEach(({ deployment, rolledBackAtMs }) => {
    const onsetAtMs = onsets.get(deployment.deploymentId)?.onsetAtMs;
    if (rolledBackAtMs === null || onsetAtMs === undefined) return;
    if (rolledBackAtMs > onsetAtMs) delays.push(rolledBackAtMs - onsetAtMs);
  });
  delays.sort((a, b) => a - b);
  return delays[Math.floor(delays.length / 2)] ?? null;
}

/** The tables had these deployments been rolled back then, and had that helped. */
export function withRollbacks(
  tables: HistoryTables,
  atMsOf: ReadonlyMap<string, number>,
  recovery: Recovery,
): HistoryTables {
  const backAtMs = (id: string): number => atMsOf.get(id)! + recovery.rollBack(id).durationMs;
  const row = (deploymentId: string, atMs: number, what: DecisionRow["what"]): DecisionRow => {
    return { deploymentId, atMs, what, by: null, justification: null, confidence: null };
  };
  const rollbacks = [...atMsOf].flatMap(([id, atMs]) => [
    row(id, atMs, "rollbackStarted"),
    row(id, backAtMs(id), "rollbackFinished"),
  ]);
  const incidents = tables.incidents.map((incident) => {
    const { deploymentId, resolvedAtMs } = incident;
    const atMs = deploymentId === null ? undefined : atMsOf.get(deploymentId);
    if (atMs === undefined || (resolvedAtMs !== null && resolvedAtMs <= atMs)) return incident;
    const helpedAtMs = backAtMs(deploymentId!) + recovery.recoversAfterMs(deploymentId!);
    return { ...incident, resolvedAtMs: Math.max(atMs, incident.onsetAtMs, helpedAtMs) };
  });
  const decisions = [...tables.decisions, ...rollbacks];
  return { ...tables, decisions: decisions.sort((a, b) => a.atMs - b.atMs), incidents };
}
