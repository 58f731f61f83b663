/**
 * What a glance sees of one series around one deployment, a view: where its baseline and its watch
 * are, bounds of the baseline's median, and the extremes of the watch. There is none for a series
 * that is too short, silent for a while or full of gaps.
 */

import type { SeasonProfile, SeriesName } from "../../event.ts";
import { COVERAGE_FOR_HEALTH } from "../evidence/finalEvidence.ts";
import { medianInPlace, rankedAt } from "../baseline/orderStatistics.ts";
import { BASELINE_FOR_HEALTH, BASELINE_SAMPLES } from "../baseline/baselineLength.ts";
import { observeBaseline } from "../baseline/residual.ts";
import { LOG_SCALE_FLOOR, NINE_TENTHS_TO_SD } from "../baseline/scale.ts";
import { STALE_AFTER_MS } from "../track.ts";

/** Room for rounding, as a share: what is this close to a bound counts as not proved. */
export const ROOM = 1e-9;
/** The median is first looked for within this share of the mean. */
const NEAR = 0.01;
/** No view is taken where a smaller share of the baseline's samples is there. */
const MOSTLY_THERE = 0.7;

/** Samples of one series, evenly spaced; NaN where one is missing. */
export interface EvenColumn {
  readonly series: SeriesName;
  /** When the first was taken. */
  readonly startMs: number;
  readonly stepMs: number;
  /** How long after it was taken each sample became known. */
  readonly delayMs: number;
  readonly values: Values;
}

type Values = Float32Array | Float64Array;

/** Baseline and watch of one column, and what is true of them whatever the policy. */
export interface View {
  readonly column: EvenColumn;
  /** The season that was prepared for it and may be subtracted; null where none may. */
  readonly season: SeasonProfile | null;
  /** The samples of the watch: `values[from..to)`, without missing ones. */
  readonly values: Values;
  readonly from: number;
  readonly to: number;
  /** The indices in the column of the first and the last of them. */
  readonly first: number;
  readonly last: number;
  readonly highest: number;
  readonly lowest: number;
  /** Bounds of the baseline's median. */
  readonly medianAtLeast: number;
  readonly medianAtMost: number;
  /** Was any sample of the baseline below zero? */
  readonly isBelowZero: boolean;
  /** The samples of the baseline. */
  readonly past: Present;
  /** A lower bound of the spread of relative residuals (see `logSpreadOf`); null until asked. */
  logSpread: number | null;
  /** That spread itself; null until asked. */
  spread: number | null;
}

/** A view that was taken before, and for what; `view` is null where none can be taken. */
export interface SeenView {
  readonly baselineMs: number;
  readonly watchMs: number;
  readonly season: SeasonProfile | null;
  readonly view: View | null;
}

/**
 * The view of one column; null where none can be taken. Each is taken once.
 *
 * @param seen the views that were taken of this column; a new one is added
 */
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
  // With no more gaps than this the median spacing is still one step.
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
  const { medianAtLeast, medianAtMost, isBelowZero } = medianBounds(past);
  // Written out and not spread, which is slow: there is one for every signal and deployment.
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
    isBelowZero,
    past,
    logSpread: null,
    spread: null,
  };
}

/** The index, kept between 0 and `count`. */
function placeIn(count: number, index: number): number {
  return index < 0 ? 0 : index > count ? count : index;
}

/** The samples of a stretch, missing ones left out: `values[from..to)`. */
interface Present {
  readonly values: Values;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly sum: number;
  readonly highest: number;
  readonly lowest: number;
  /** Indices in the column of the first and the last, and the most steps from one to the next. */
  readonly first: number;
  readonly last: number;
  readonly longest: number;
}

/**
 * The samples of a stretch that are not missing.
 *
 * @param isPast is it a baseline? Of one the extremes are not needed, and not found
 */
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

/** The sum, as four sums side by side: in a single one each addition must wait for the last. */
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

/** As `present`, where some samples are missing: copies the others together. */
function presentAmong(
  values: Values,
  from: number,
  to: number,
  highest: number,
  lowest: number,
): Present {
  // A copy of the same array type, so that V8 compiles the loops over either only once.
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

type Medians = Pick<View, "medianAtLeast" | "medianAtMost" | "isBelowZero">;

/** Bounds of the median of samples; for an even count they hold both middle ones. */
function medianBounds({ values, from, to, sum }: Present): Medians {
  const mean = sum / (to - from);
  const near = NEAR * Math.abs(mean);
  const low = mean - near;
  const high = mean + near;
  let below = 0;
  let above = 0;
  let negative = 0;
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    // Not a branch: the processor could not predict it, because either side is as likely.
    below += Number(value < low);
    above += Number(value > high);
    negative += Number(value < 0);
  }
  const isBelowZero = negative > 0;
  const half = (to - from - 1) >> 1;
  if (below <= half && above <= half) {
    return { medianAtLeast: low, medianAtMost: high, isBelowZero };
  }
  const count = to - from;
  const sorted = Float64Array.from(values.subarray(from, to));
  medianInPlace(sorted, count);
  const upper = sorted[count >> 1]!;
  let lower = count % 2 === 1 ? upper : Number.NEGATIVE_INFINITY;
  // The median's selection left everything smaller in front of it.
  for (let index = 0; index < count >> 1; index++) {
    if (count % 2 === 0 && sorted[index]! > lower) lower = sorted[index]!;
  }
  return { medianAtLeast: lower, medianAtMost: upper, isBelowZero };
}

/**
 * A lower bound of the baseline's spread, from its middle nine tenths (scale.ts). It holds only if
 * no incident is left out of the baseline, which `isAsWide` checks.
 */
export function logSpreadOf(view: View): number {
  view.logSpread ??= widthOf(view);
  return view.logSpread;
}

/** Is the baseline's true spread at least that? Makes the whole baseline, which is slow. */
export function isAsWide(view: View, spread: number): boolean {
  view.spread ??= spreadOf(view);
  return view.spread >= spread;
}

function spreadOf({ past, season, column: { startMs, stepMs } }: View): number {
  const { values, from, to, first, last } = past;
  // Missing samples were left out, so it is no longer known when each of the others was taken.
  if (season !== null && last - first !== to - from - 1) return 0;
  // Without a season the times of the samples make no difference to their spread.
  const atMs = new Float64Array(to - from);
  for (let index = 0; index < atMs.length; index++)
    atMs[index] = startMs + (first + index) * stepMs;
  return observeBaseline(atMs, values.subarray(from, to), "log", 1, season).spread;
}

/** See `logSpreadOf`. */
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

/**
 * An upper bound of the offset that the baseline adds before the logarithm: a thousandth of the
 * median. Null where the median is small beside the mean, because then the offset is another.
 */
export function offsetAtMost({ past, medianAtLeast, medianAtMost }: View): number | null {
  const { values, from, to, sum, count } = past;
  if (!(medianAtLeast > 0.2 * (sum / count))) return null;
  // A negative sample would count as zero in the mean that decides.
  for (let index = from; index < to; index++) if (!(values[index]! > 0)) return null;
  return 0.001 * medianAtMost;
}
