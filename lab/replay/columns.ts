/** The samples that one deployment is judged by, in the form in which the engine takes them. */

import type { SampleColumn } from "../../engine/index.ts";
import { assemble, type SampleWindow } from "../history/windows.ts";
import type { PlannedDeployment, PlannedSeries } from "./plan.ts";
import type { GatheredDeployment } from "./prepare.ts";

/** The gathered samples of these series as columns; those without a sample are left out. */
export function columnsOf(
  series: readonly PlannedSeries[],
  { rolledBackAtMs }: PlannedDeployment,
  gathered: GatheredDeployment,
): SampleColumn[] {
  const watched = series.flatMap(({ index, name }) => {
    const stored = gathered.watch.get(index);
    return stored === undefined || stored.length === 0 ? [] : [{ name, stored }];
  });
  const windows = assemble(watched.map(({ stored }) => stored));
  return watched.map(({ name }, at): SampleColumn => {
    return { series: name, ...cutAtRollback(windows[at]!, rolledBackAtMs) };
  });
}

/** Without samples that became known after history's rollback: they are of the old version. */
function cutAtRollback(window: SampleWindow, rolledBackAtMs: number | null): SampleWindow {
  if (rolledBackAtMs === null) return window;
  const { knownAtMs } = window;
  if (knownAtMs.every((known) => known <= rolledBackAtMs)) return window;
  const keep = Array.from(knownAtMs.keys()).filter((at) => knownAtMs[at]! <= rolledBackAtMs);
  const pick = (values: Float64Array): Float64Array => Float64Array.from(keep, (at) => values[at]!);
  const { answers } = window;
  return {
    atMs: pick(window.atMs),
    knownAtMs: pick(knownAtMs),
    values: pick(window.values),
    ...(answers === undefined ? {} : { answers: Uint8Array.from(keep, (at) => answers[at]!) }),
  };
}
