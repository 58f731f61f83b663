/**
 * What one deployment would have shown, had history not rolled it back: its own series and its
 * peers', in one draw. Who asks changes nothing of it, but whether it takes a series for a counter.
 */

import {
  isCounter,
  matchesGlob,
  seriesKey,
  servicesOf,
  type Deployment,
  type Policy,
  type SampleColumn,
  type SeriesName,
} from "../../engine/index.ts";
import type { PlannedDeployment } from "./plan.ts";
import { spliceColumns, type Futures } from "./splice.ts";

/** Which signals of a policy judge a series of a deployment. */
function judging(
  { signals }: Policy,
  deployment: Deployment,
  series: SeriesName,
): Policy["signals"] {
  return signals.filter(
    (signal) =>
      matchesGlob(signal.metric, series.metric) &&
      servicesOf(signal, deployment).has(series.service),
  );
}

/**
 * Is a deployment continued to a policy: does any series go on that it judges? What only stands
 * behind these, or what others judge, continues nothing to it.
 *
 * @param columns what was known when history rolled back
 * @returns asked of the same in their order, with a future put on some, and of more after them
 */
export function continuedTo(
  policy: Policy,
  deployment: Deployment,
  columns: readonly SampleColumn[],
): (continued: readonly SampleColumn[]) => boolean {
  const own = columns.map(({ series }) => judging(policy, deployment, series).length > 0);
  return (continued) => columns.some((column, at) => own[at] && continued[at] !== column);
}

/** Which series of a deployment are running totals to a policy. */
export function countedBy(policy: Policy, deployment: Deployment): (series: SeriesName) => boolean {
  const byCatalog = ({ counter }: SeriesName): boolean => counter === true;
  if (policy.signals.every(({ counter }) => counter === undefined)) return byCatalog;
  return (series) => {
    const by = judging(policy, deployment, series);
    // What only stands behind another, or controls it, no signal says anything of.
    if (by.length === 0) return byCatalog(series);
    return by.some((signal) => isCounter(signal, series));
  };
}

/**
 * The columns of a deployment up to `untilMs`; null where history did not roll it back, or where
 * there is nothing to go by (see `spliceColumns`).
 *
 * @param columns what was known when history rolled back, of its own series
 * @param peers the same of series that control these
 * @param counts which series are counters to who asks
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
  // Peers go on as they were too: a shock that was there stays.
  return [...own, ...(spliceColumns(peers, future, seed, deploymentId, draw) ?? peers)];
}
