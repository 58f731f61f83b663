/**
 * What one deployment would have shown, had history not rolled it back: its own series and its
 * peers', in one draw. Who asks changes nothing of it.
 */

import { seriesKey, type SampleColumn } from "../../engine/index.ts";
import type { PlannedDeployment } from "./plan.ts";
import { spliceColumns, type Futures } from "./splice.ts";

/**
 * The columns of a deployment up to `untilMs`; null where history did not roll it back, or where
 * there is nothing to go by (see `spliceColumns`).
 *
 * @param columns what was known when history rolled back, of its own series
 * @param peers the same of series that control these
 */
export function continuedColumns(
  planned: PlannedDeployment,
  columns: readonly SampleColumn[],
  peers: readonly SampleColumn[],
  untilMs: number,
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
    noiseFromMs: (series: SampleColumn["series"]) =>
      startedAtMs - noiseBackMs.get(seriesKey(series))!,
    ...effectOf(deploymentId),
  };
  const own = spliceColumns(columns, future, seed, deploymentId, draw);
  if (own === null) return null;
  // Peers go on as they were too: a shock that was there stays.
  return [...own, ...(spliceColumns(peers, future, seed, deploymentId, draw) ?? peers)];
}
