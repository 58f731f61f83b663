/** Samples of one series for a chart: what a screen can show of them, no spike lost. */

import { InvariantError } from "../../../engine/index.ts";
import { streamWindows } from "../../history/windows.ts";
import type { History } from "../../history/open.ts";
import { arrowStream } from "../arrow.ts";
import { Refusal } from "../problems.ts";

/** Beyond this a range is refused: a year of one series at one sample a second. */
const SAMPLES_AT_MOST = 32_000_000;
/** More samples than this for a pixel, and they are thinned out. */
const KEPT_OF_A_PIXEL = 4;

export interface Asked {
  readonly series: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly pixels: number;
}

/** @throws Refusal for a series that is not there, or a range that is none */
export async function seriesBytes(history: History, asked: Asked): Promise<Uint8Array> {
  const { series, fromMs, toMs, pixels } = asked;
  if (history.series[series] === undefined) {
    throw new Refusal("not-found", `There is no series ${series}.`);
  }
  if (toMs <= fromMs) throw new Refusal("bad-request", "The range ends before it begins.");
  const windows = streamWindows(history, [{ id: 0, series, fromMs, toMs }]);
  for await (const { window } of windows) {
    const { atMs, values } = window;
    if (atMs.length > SAMPLES_AT_MOST) {
      throw new Refusal("unprocessable", `${atMs.length} samples are too many; ask for less.`);
    }
    const isDense = atMs.length > KEPT_OF_A_PIXEL * pixels;
    const shown = isDense
      ? thinned(atMs, values, fromMs, toMs, pixels)
      : { at: atMs, value: values };
    const said = { samples: String(atMs.length), decimated: String(isDense) };
    return arrowStream({ at: shown.at, value: shown.value }, said);
  }
  throw new InvariantError("a window that was asked for comes");
}

/**
 * Of each pixel the first, the lowest, the highest and the last sample, in their order: the
 * line through them covers the same pixels as the line through all (M4, Jugel et al. 2014).
 * A pixel with nothing but missing scrapes keeps one of them, so that a gap stays a gap.
 *
 * @param atMs ascending
 */
export function thinned(
  atMs: Float64Array,
  values: Float64Array,
  fromMs: number,
  toMs: number,
  pixels: number,
): { readonly at: Float64Array; readonly value: Float64Array } {
  const kept = new Int32Array(Math.min(atMs.length, (KEPT_OF_A_PIXEL + 1) * pixels));
  let count = 0;
  const perMs = pixels / (toMs - fromMs);
  let begin = 0;
  while (begin < atMs.length) {
    const pixel = Math.floor((atMs[begin]! - fromMs) * perMs);
    let first = -1;
    let last = -1;
    let lowest = -1;
    let highest = -1;
    let end = begin;
    for (; end < atMs.length; end++) {
      if (Math.floor((atMs[end]! - fromMs) * perMs) !== pixel) break;
      const value = values[end]!;
      if (Number.isNaN(value)) continue;
      if (first < 0) first = lowest = highest = end;
      if (value < values[lowest]!) lowest = end;
      if (value > values[highest]!) highest = end;
      last = end;
    }
    if (first < 0) kept[count++] = begin;
    else {
      const [early, late] = lowest < highest ? [lowest, highest] : [highest, lowest];
      kept[count++] = first;
      if (early > first) kept[count++] = early;
      if (late > Math.max(first, early)) kept[count++] = late;
      if (last > Math.max(first, late)) kept[count++] = last;
    }
    begin = end;
  }
  const at = new Float64Array(count);
  const value = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    at[index] = atMs[kept[index]!]!;
    value[index] = values[kept[index]!]!;
  }
  return { at, value };
}
