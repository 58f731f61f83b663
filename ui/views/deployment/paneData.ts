/** Samples and bands in the shape a pane draws: one time column, and what stands at it. */

import uPlot from "uplot";
import type { BandColumns, SeriesColumns } from "../../../lab/server/contract/series.ts";

/** Columns of a pane beside time, by their place. */
export const PLACE = {
  value: 1,
  expected: 2,
  usualLow: 3,
  usualHigh: 4,
  toleratedLow: 5,
  toleratedHigh: 6,
  untaggedLow: 7,
  untaggedHigh: 8,
} as const;

type Column = (number | null)[];

/** What is not a number is a hole; so is a side on which nothing is worse. */
function holed(values: Float64Array): Column {
  return Array.from(values, (value) => (Number.isFinite(value) ? value : null));
}

export function paneData(samples: SeriesColumns, bands: BandColumns | null): uPlot.AlignedData {
  const own: uPlot.AlignedData = [Array.from(samples.at), holed(samples.value)];
  const names = Object.keys(PLACE).slice(1) as (keyof BandColumns)[];
  if (bands === null || bands.at.length === 0) {
    const none: Column = new Array<null>(samples.at.length).fill(null);
    return [...own, ...names.map(() => none)] as uPlot.AlignedData;
  }
  const beside: uPlot.AlignedData = [
    Array.from(bands.at),
    ...names.map((name) => holed(bands[name])),
  ];
  return uPlot.join([own, beside]);
}

/** Does a tag move what is tolerated anywhere here? */
export function isMoved(bands: BandColumns | null): boolean {
  if (bands === null) return false;
  const differs = (one: Float64Array, other: Float64Array): boolean =>
    one.some((value, at) => Number.isFinite(value) && value !== other[at]);
  return (
    differs(bands.toleratedHigh, bands.untaggedHigh) ||
    differs(bands.toleratedLow, bands.untaggedLow)
  );
}

/** The index of the last instant not after `ms`; -1 where there is none. */
export function indexAt(at: ArrayLike<number>, ms: number): number {
  let [low, high] = [0, at.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle]! <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
