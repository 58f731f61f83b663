/**
 * Continues the series of one deployment, and those of its peers, as if history had not rolled it
 * back (splice.ts). All policies meet the same continuation, except where they disagree on which
 * series are counters.
 */

import {
  isCounter,
  seriesKey,
  servicesOf,
  watches,
  type Deployment,
  type Policy,
  type SampleColumn,
  type SeriesName,
} from "../../engine/index.ts";
import type { PlannedDeployment } from "./plan.ts";
import { spliceColumns, type Futures } from "./splice.ts";

/** The signals of a policy that judge this series of a deployment. */
function judging(
  { signals }: Policy,
  deployment: Deployment,
  series: SeriesName,
): Policy["signals"] {
  return signals.filter(
    (signal) => watches(signal, series) && servicesOf(signal, deployment).has(series.service),
  );
}

/**
 * Is a deployment continued as far as this policy can see? That needs a continued series that the
 * policy judges; an exposure, or a series that only other policies judge, makes no difference.
 *
 * @param columns what was known when history rolled back
 * @returns a function of the continued columns: `columns` in the same order, then others
 */
export function continuedTo(
  policy: Policy,
  deployment: Deployment,
  columns: readonly SampleColumn[],
): (continued: readonly SampleColumn[]) => boolean {
  const own = columns.map(({ series }) => judging(policy, deployment, series).length > 0);
  return (continued) => columns.some((column, at) => own[at] && continued[at] !== column);
}

/** A function that says which series of a deployment a policy takes for counters. */
export function countedBy(policy: Policy, deployment: Deployment): (series: SeriesName) => boolean {
  const byCatalog = ({ counter }: SeriesName): boolean => counter === true;
  if (policy.signals.every(({ counter }) => counter === undefined)) return byCatalog;
  return (series) => {
    const by = judging(policy, deployment, series);
    // No signal judges an exposure or a peer, so the catalog decides.
    if (by.length === 0) return byCatalog(series);
    return by.some((signal) => isCounter(signal, series));
  };
}

/**
 * The columns of a deployment, continued up to `untilMs`; null where history did not roll it back,
 * or where none can be continued (see `spliceColumns`).
 *
 * @param columns what was known of its own series when history rolled back
 * @param peers what was known of its peers' series
 * @param counts says which series are counters
 */
export function continuedColumns(
  planned: PlannedDeployment,
  columns: readonly SampleColumn[],
  peers: readonly SampleColumn[],
  untilMs: number,
  counts: (series: SeriesName) => boolean,
  { seed, passing, effectOf }: Pick<Futures, "seed" | "passing" | "effectOf">,
  draw: number,
): SampleColumn[] | null {
  const { rolledBackAtMs, deployment } = planned;
  const { deploymentId, startedAtMs } = deployment;
  if (rolledBackAtMs === null) return null;
  const noiseBackMs = new Map(
    [...planned.series, ...planned.peers].map((one) => [seriesKey(one.name), one.noiseBackMs]),
  );
  const future = {
    startedAtMs,
    rolledBackAtMs,
    untilMs,
    passing,
    isCounter: counts,
    noiseFromMs: (series: SeriesName) => startedAtMs - noiseBackMs.get(seriesKey(series))!,
    ...effectOf(deploymentId),
  };
  const own = spliceColumns(columns, future, seed, deploymentId, draw);
  if (own === null) return null;
  // The peers are continued in the same way, so a shock that was there stays.
  return [...own, ...(spliceColumns(peers, future, seed, deploymentId, draw) ?? peers)];
}
