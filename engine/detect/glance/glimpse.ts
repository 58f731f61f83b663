/**
 * What a glance sees of one series around one deployment: where its baseline and its watch lie,
 * between what the median of the one is and how far the other goes. Null where a series is out
 * of the ordinary: too short, silent for a while, full of gaps.
 */

import type { SeasonProfile, SeriesName } from "../../event.ts";
import { COVERAGE_FOR_HEALTH } from "../evidence/finalEvidence.ts";
import { medianInPlace, rankedAt } from "../baseline/orderStatistics.ts";
import { BASELINE_FOR_HEALTH, BASELINE_SAMPLES, observeBaseline } from "../baseline/residual.ts";
import { LOG_SCALE_FLOOR, NINE_TENTHS_TO_SD } from "../baseline/scale.ts";
import { STALE_AFTER_MS } from "../track.ts";

/** Room for rounding: a bound this close is left to the closer look. */
export const ROOM = 1e-9;
/** The median is first sought this close to the mean. */
const NEAR = 0.01;
/** A baseline with more gaps than that is left to the closer look. */
const MOSTLY_THERE = 0.7;

/** Samples of one series, evenly spaced; NaN is a missing one. */
export interface EvenColumn {
  readonly series: SeriesName;
  /** When the first was taken. */
  readonly startMs: number;
  readonly stepMs: number;
  /** How long after it was taken each was known. */
  readonly delayMs: number;
  readonly values: Values;
}

type Values = Float32Array | Float64Array;

/** Baseline and watch of one column, and what is true of them whatever the policy. */
export interface View {
  readonly column: EvenColumn;
  /** What was prepared for it and may be subtracted. */
  readonly season: SeasonProfile | null;
  /** Of the watch: `values[from..to)`, without missing ones. */
  readonly values: Values;
  readonly from: number;
  readonly to: number;
  /** Where in the column the first and the last of them are. */
  readonly first: number;
  readonly last: number;
  readonly highest: number;
  readonly lowest: number;
  readonly medianAtLeast: number;
  readonly medianAtMost: number;
  readonly past: Present;
  /** What the spread of relative residuals is at least, no season and nothing left out of it. */
  logSpread: number | null;
  /** What it is. Both are null until asked. */
  spread: number | null;
}

/** A view that was taken; null where something is out of the ordinary. */
export interface SeenView {
  readonly baselineMs: number;
  readonly watchMs: number;
  readonly season: SeasonProfile | null;
  readonly view: View | null;
}

/** The view of one column, taken once and added to those `seen`. */
export function viewOf(
  seen: SeenView[],
  column: EvenColumn,
  startedAtMs: number,
  baselineMs: number,
  watchMs: number,
  season: SeasonProfile | null,
): View | null {
  for (const one of seen) {
    const alike = one.baselineMs === baselineMs && one.watchMs === watchMs;
    if (alike && one.season === season) return one.view;
  }
  const view = look(column, startedAtMs, baselineMs, watchMs, season);
  seen.push({ baselineMs, watchMs, season, view });
  return view;
}

function look(
  column: EvenColumn,
  startedAtMs: number,
  baselineMs: number,
  watchMs: number,
  season: SeasonProfile | null,
): View | null {
  const { startMs, stepMs, delayMs, values } = column;
  const count = values.length;
  const from = placeIn(count, Math.ceil((startedAtMs - startMs) / stepMs));
  const to = placeIn(count, Math.floor((startedAtMs + watchMs - delayMs - startMs) / stepMs) + 1);
  const pastTo = Math.min(
    from,
    placeIn(count, Math.floor((startedAtMs - delayMs - startMs) / stepMs) + 1),
  );
  const reach = Math.ceil((startedAtMs - baselineMs - startMs) / stepMs);
  const pastFrom = placeIn(count, Math.min(reach, pastTo - BASELINE_SAMPLES));
  const past = present(values, pastFrom, pastTo, true);
  if (past.count < BASELINE_FOR_HEALTH) return null;
  // So few gaps leave the median spacing as it is.
  if (past.count < MOSTLY_THERE * (pastTo - pastFrom)) return null;
  const watch = present(values, from, to, false);
  const { first, last, longest } = watch;
  // Never silent: neither before the first sample, nor between two, nor after the last.
  const silenceMs = Math.max(STALE_AFTER_MS, 3 * stepMs);
  const knownMs = startMs + delayMs;
  if (watch.count === 0 || knownMs + first * stepMs - startedAtMs > silenceMs) return null;
  if (longest * stepMs > silenceMs) return null;
  if (knownMs + last * stepMs + silenceMs <= startedAtMs + watchMs) return null;
  if (watch.count / Math.max(1, Math.floor(watchMs / stepMs)) < COVERAGE_FOR_HEALTH) return null;

  const { highest, lowest } = watch;
  if (!Number.isFinite(highest) || !Number.isFinite(lowest)) return null;
  const { medianAtLeast, medianAtMost } = medianBounds(past);
  // Written out: there is one for every signal of every deployment.
  return {
    column,
    season,
    values: watch.values,
    from: watch.from,
    to: watch.to,
    first,
    last,
    highest,
    lowest,
    medianAtLeast,
    medianAtMost,
    past,
    logSpread: null,
    spread: null,
  };
}

function placeIn(count: number, index: number): number {
  return index < 0 ? 0 : index > count ? count : index;
}

/** The samples of a stretch that are there, at `values[from..to)`. */
interface Present {
  readonly values: Values;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly sum: number;
  readonly highest: number;
  readonly lowest: number;
  /** Where in the column the first and the last one are, and the longest way between two. */
  readonly first: number;
  readonly last: number;
  readonly longest: number;
}

/** @param isPast of a baseline nobody asks how far it goes */
function present(values: Values, from: number, to: number, isPast: boolean): Present {
  let sum = 0;
  let highest = Number.NEGATIVE_INFINITY;
  let lowest = Number.POSITIVE_INFINITY;
  if (isPast) {
    sum = sumOf(values, from, to);
  } else {
    for (let index = from; index < to; index++) {
      const value = values[index]!;
      sum += value;
      if (value > highest) highest = value;
      if (value < lowest) lowest = value;
    }
  }
  if (Number.isNaN(sum)) return presentAmong(values, from, to, highest, lowest);
  const [count, first, last] = [to - from, from, to - 1];
  return { values, from, to, count, sum, highest, lowest, first, last, longest: 1 };
}

/** By four sums side by side: one alone waits for each addition before the next. */
function sumOf(values: Values, from: number, to: number): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let index = from;
  for (; index + 3 < to; index += 4) {
    first += values[index]!;
    second += values[index + 1]!;
    third += values[index + 2]!;
    fourth += values[index + 3]!;
  }
  for (; index < to; index++) first += values[index]!;
  return first + second + (third + fourth);
}

function presentAmong(
  values: Values,
  from: number,
  to: number,
  highest: number,
  lowest: number,
): Present {
  // Of the same kind, so that loops over either are compiled once.
  const kept = values.slice(from, to);
  let count = 0;
  let [first, last, longest] = [-1, -1, 1];
  let sum = 0;
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    if (!Number.isFinite(value)) continue;
    kept[count++] = value;
    sum += value;
    if (first < 0) first = index;
    else longest = Math.max(longest, index - last);
    last = index;
  }
  return { values: kept, from: 0, to: count, count, sum, highest, lowest, first, last, longest };
}

type Medians = Pick<View, "medianAtLeast" | "medianAtMost">;

/** Between what the median of samples lies: both middle ones, of an even count. */
function medianBounds({ values, from, to, sum }: Present): Medians {
  const mean = sum / (to - from);
  const near = NEAR * Math.abs(mean);
  const low = mean - near;
  const high = mean + near;
  let below = 0;
  let above = 0;
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    // No branch: half of the samples are on either side, and none can be foreseen.
    below += Number(value < low);
    above += Number(value > high);
  }
  const half = (to - from - 1) >> 1;
  if (below <= half && above <= half) return { medianAtLeast: low, medianAtMost: high };
  const count = to - from;
  const sorted = Float64Array.from(values.subarray(from, to));
  medianInPlace(sorted, count);
  const upper = sorted[count >> 1]!;
  let lower = count % 2 === 1 ? upper : Number.NEGATIVE_INFINITY;
  // The median's selection left everything smaller in front of it.
  for (let index = 0; index < count >> 1; index++) {
    if (count % 2 === 0 && sorted[index]! > lower) lower = sorted[index]!;
  }
  return { medianAtLeast: lower, medianAtMost: upper };
}

/**
 * The middle nine tenths of a baseline say how wide it is at least (scale.ts), if no incident is
 * left out of it: ask `isAsWide`.
 */
export function logSpreadOf(view: View): number {
  view.logSpread ??= widthOf(view);
  return view.logSpread;
}

/** Is the spread not below that? The whole baseline says so, and is dear. */
export function isAsWide(view: View, spread: number): boolean {
  view.spread ??= spreadOf(view);
  return view.spread >= spread;
}

function spreadOf({ past, season, column: { startMs, stepMs } }: View): number {
  const { values, from, to, first, last } = past;
  // Where gaps were closed up nobody knows what the season was at a sample.
  if (season !== null && last - first !== to - from - 1) return 0;
  // Without one, how far apart samples are plays no part in how wide they lie.
  const atMs = new Float64Array(to - from);
  for (let index = 0; index < atMs.length; index++)
    atMs[index] = startMs + (first + index) * stepMs;
  return observeBaseline(atMs, values.subarray(from, to), "log", 1, season).spread;
}

function widthOf(view: View): number {
  const offset = offsetAtMost(view);
  if (offset === null) return LOG_SCALE_FLOOR;
  const { values, from, to } = view.past;
  const ranked = Float64Array.from(values.subarray(from, to));
  const low = rankedAt(ranked, 0.05);
  const high = rankedAt(ranked, 0.95);
  const width = Math.log((high + offset) / (low + offset));
  return Math.max(LOG_SCALE_FLOOR, (width / NINE_TENTHS_TO_SD) * (1 - ROOM));
}

/** A thousandth of the median; null where that is small beside the mean, and the offset more. */
export function offsetAtMost({ past, medianAtLeast, medianAtMost }: View): number | null {
  const { values, from, to, sum, count } = past;
  if (!(medianAtLeast > 0.2 * (sum / count))) return null;
  // A negative sample would count as zero in the mean that decides.
  for (let index = from; index < to; index++) if (!(values[index]! > 0)) return null;
  return 0.001 * medianAtMost;
}
