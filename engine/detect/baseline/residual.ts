/**
 * Residuals: how far a sample is above what was expected from the series' own past.
 *
 *     r = y − level − (season − median of season over the baseline)
 *
 * with y the logarithm of the value for relative tolerances (a change of +15 % is then 0.140 at
 * any level) and the value itself for percentage points. A logarithm knows no value below zero, so
 * a relative change of a series that was below zero is a share of the size of its median instead;
 * a detector of large changes asks for such shares on every series. The level is the median over
 * the baseline. The spread is a robust standard deviation with a floor (scale.ts); the scale is the
 * spread times √((1+φ)/(1−φ)) for an autocorrelation φ. The season is subtracted unless it makes
 * the residuals of the baseline clearly wider. An incident that was not over when the deployment
 * started is no noise (ongoing.ts).
 *
 * Of a policy this needs only the kind of tolerance and the length of the baseline, so all
 * policies that agree on these share the work.
 */

import type { SeasonProfile } from "../../event.ts";
import type { EventRate } from "../detectors/contract.ts";
import { BASELINE_FOR_HEALTH, medianStep } from "./baselineLength.ts";
import { medianInPlace } from "./orderStatistics.ts";
import { scaleBefore, type Ongoing } from "./ongoing.ts";
import { centre, shortScale } from "./scale.ts";
import { seasonAt } from "./season.ts";

/** Below this many baseline samples nothing can be said. */
export const BASELINE_AT_LEAST = 1;

/**
 * A season is subtracted unless the baseline becomes wider than by this factor. One hour is too
 * short to tell whether a season helps: when it had to make the baseline narrower, half of the
 * watches on a strongly diurnal series went without it, and 7 % of healthy ones were flagged at a
 * nominal 5 %. With this factor it is 1.2 %, at hardly any cost where there is no season.
 */
const SEASON_WORTH = 1.25;

/** `share`: the value divided by the size of the baseline's median, on a linear scale. */
export type Transform = "log" | "identity" | "share";

/** What was expected of a series when the deployment started; it does not change afterwards. */
export interface Baseline {
  readonly transform: Transform;
  /**
   * Of `log`: added before the logarithm so that zero has one (see `offsetOf`). Of `share`: the
   * size, in the metric's unit, that a residual of 1 has (see `sizeOf`).
   */
  readonly offset: number;
  /** Median of the transformed baseline. */
  readonly level: number;
  /** Standard deviation of one residual. */
  readonly spread: number;
  /** The spread, inflated for autocorrelation. */
  readonly scale: number;
  /** Lag-1 autocorrelation of the baseline residuals, in [0, 0.9]. */
  readonly autocorrelation: number;
  /** How many valid samples it is made of. */
  readonly samples: number;
  /**
   * The residuals of those samples; empty where no verdict can rest on it, and in a track whose
   * detector does not read them.
   */
  readonly residuals: Float64Array;
  /** Median spacing of the baseline samples; null with fewer than two. */
  readonly stepMs: number | null;
  readonly season: SeasonProfile | null;
  /** Why a season that was prepared is not subtracted; null where it is, or none was. */
  readonly seasonLeftOut: "uncovered" | "wider" | null;
  /** Median of the transformed season over the baseline. */
  readonly seasonLevel: number;
  /** Why no verdict can rest on it; null when one can. */
  readonly problem: string | null;
  /** True where all was zero and no tolerance says which size matters: `share` has no size then. */
  readonly sizeless?: true;
  /** Absent where no incident lasted when the deployment started. */
  readonly ongoing?: Ongoing;
  /** The rate of the counted events; absent for signals that do not count (see counted.ts). */
  readonly rate?: EventRate;
}

/**
 * The baseline of one series.
 *
 * @param atMs, values the samples that were known before the deployment, in time order
 * @param percentagePoint what one percentage point is in the series' unit
 * @param familySpread borrowed where the history is short; null takes the assumed one
 * @param atLeast the change that is tolerated at any level, in the series' unit; null: none
 */
export function observeBaseline(
  atMs: ArrayLike<number>,
  values: ArrayLike<number>,
  transform: Transform,
  percentagePoint: number,
  season: SeasonProfile | null,
  familySpread: number | null = null,
  atLeast: number | null = null,
): Baseline {
  const y = new Float64Array(values.length);
  let count = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (Number.isFinite(value)) y[count++] = value;
  }
  if (count === values.length)
    return observeFinite(atMs, y, transform, percentagePoint, season, familySpread, atLeast);
  const at = timesOfFinite(atMs, values, count);
  const finite = y.slice(0, count);
  return observeFinite(at, finite, transform, percentagePoint, season, familySpread, atLeast);
}

/**
 * As `observeBaseline`, without missing samples. Memory is two arrays, because there are millions
 * of baselines: `y` holds the samples and becomes the residuals in place, and every median is
 * taken in `scratch`.
 */
function observeFinite(
  atMs: ArrayLike<number>,
  y: Float64Array,
  asked: Transform,
  percentagePoint: number,
  season: SeasonProfile | null,
  familySpread: number | null,
  atLeast: number | null,
): Baseline {
  const count = y.length;
  const stepMs = count < 2 ? null : medianStep(atMs, count);
  if (count < BASELINE_AT_LEAST) {
    return refuse(asked, count, stepMs, "no sample before the deployment");
  }
  const scratch = y.slice();
  const median = medianInPlace(scratch, count);
  let transform = asked;
  let offset = transform === "log" ? offsetOf(y, count, median) : 0;
  if (transform === "log" && offset === 0 && atLeast === null && !isBelowZero(y)) {
    const problem = "nothing but zero before the deployment: no relative change";
    return refuse(transform, count, stepMs, problem);
  }
  if (transform === "log" && (offset === 0 || isBelowZero(y))) transform = "share";
  const size = transform === "share" ? sizeOf(y, median, scratch) : null;
  if (size !== null) offset = size === 0 ? (atLeast ?? 1) : size;
  if (transform !== "identity") {
    for (let index = 0; index < count; index++)
      y[index] = transformed(y[index]!, transform, offset);
  }
  const shape = season === null ? null : shapeOf(season, atMs, count, transform, offset);
  const shapeLevel = shape === null ? 0 : medianOf(shape, scratch);
  const adjusted = shape === null ? null : subtracted(y, shape, shapeLevel);
  // Untransformed, the samples' own median is the level already.
  const level = transform === "identity" ? median : medianOf(y, scratch);
  const mad = centre(y, scratch, level);
  const seasonLeftOut = season === null ? null : shape === null ? "uncovered" : "wider";
  let chosen = { residuals: y, level, mad, isSeasonal: false };
  if (adjusted !== null) {
    const seasonalLevel = medianOf(adjusted, scratch);
    const seasonalMad = centre(adjusted, scratch, seasonalLevel);
    if (seasonalMad < SEASON_WORTH * mad) {
      chosen = { residuals: adjusted, level: seasonalLevel, mad: seasonalMad, isSeasonal: true };
    }
  }
  const { residuals, isSeasonal } = chosen;
  const { mad: deviation } = chosen;
  const { spread, autocorrelation, ongoing } =
    count < BASELINE_FOR_HEALTH
      ? { ...shortScale(count, deviation, transform, percentagePoint, familySpread), ongoing: null }
      : scaleBefore(residuals, atMs, deviation, scratch, transform, percentagePoint);
  // Written out, here and in `refuse`: spreading a common part costs more time than a median.
  return {
    transform,
    offset,
    level: chosen.level,
    spread,
    scale: spread * Math.sqrt((1 + autocorrelation) / (1 - autocorrelation)),
    autocorrelation,
    samples: count,
    residuals,
    stepMs,
    season: isSeasonal ? season : null,
    seasonLeftOut: isSeasonal ? null : seasonLeftOut,
    seasonLevel: isSeasonal ? shapeLevel : 0,
    problem: null,
    ...(size === 0 && atLeast === null ? { sizeless: true as const } : {}),
    ...(ongoing === null ? {} : { ongoing }),
  };
}

/** A baseline that no verdict can rest on. */
function refuse(
  transform: Transform,
  samples: number,
  stepMs: number | null,
  problem: string,
): Baseline {
  return {
    transform,
    offset: 0,
    level: 0,
    spread: 1,
    scale: 1,
    autocorrelation: 0,
    samples,
    residuals: new Float64Array(0),
    stepMs,
    season: null,
    seasonLeftOut: null,
    seasonLevel: 0,
    problem,
  };
}

/**
 * The baseline of what is left when `explained`, one entry for each residual, is subtracted.
 *
 * @param atMs when each of its samples was taken
 */
export function withoutExplained(
  baseline: Baseline,
  atMs: ArrayLike<number>,
  explained: Float64Array,
  percentagePoint: number,
): Baseline {
  const left = baseline.residuals.map((residual, index) => residual - explained[index]!);
  const scratch = new Float64Array(left.length);
  const shift = medianOf(left, scratch);
  const mad = centre(left, scratch, shift);
  const { spread, autocorrelation, ongoing } = scaleBefore(
    left,
    atMs,
    mad,
    scratch,
    baseline.transform,
    percentagePoint,
  );
  const scale = spread * Math.sqrt((1 + autocorrelation) / (1 - autocorrelation));
  const found = { residuals: left, spread, autocorrelation, scale };
  const all: { -readonly [Field in keyof Baseline]: Baseline[Field] } = { ...baseline, ...found };
  all.level += shift;
  delete all.ongoing;
  if (ongoing !== null) all.ongoing = ongoing;
  return all;
}

/** The transformed season at every sample; null where it does not cover them all. */
function shapeOf(
  season: SeasonProfile,
  atMs: ArrayLike<number>,
  count: number,
  transform: Transform,
  offset: number,
): Float64Array | null {
  const shape = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const expected = seasonAt(season, atMs[index]!);
    if (!Number.isFinite(expected) || (transform === "log" && expected <= 0)) return null;
    shape[index] = transformed(expected, transform, offset);
  }
  return shape;
}

/** `y` without the season's departure from its own level. */
function subtracted(y: Float64Array, shape: Float64Array, shapeLevel: number): Float64Array {
  const adjusted = new Float64Array(y.length);
  for (let index = 0; index < y.length; index++) {
    adjusted[index] = y[index]! - (shape[index]! - shapeLevel);
  }
  return adjusted;
}

/**
 * What is added to values before the logarithm, so that zero has one: 0.1 % of the median, or
 * 1 % of the mean where the series is near zero most of the time.
 */
function offsetOf(values: Float64Array, count: number, median: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += Math.max(0, values[index]!);
  const mean = sum / count;
  return median > 0.1 * mean ? 0.001 * median : 0.01 * mean;
}

function isBelowZero(values: Float64Array): boolean {
  for (let index = 0; index < values.length; index++) if (values[index]! < 0) return true;
  return false;
}

/**
 * What changes are shares of: the size of the median, or the median size where samples lie about
 * zero, or the mean size where most of them are zero; 0 where all are.
 */
function sizeOf(values: Float64Array, median: number, scratch: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) {
    scratch[index] = Math.abs(values[index]!);
    sum += scratch[index]!;
  }
  const usual = medianInPlace(scratch, values.length);
  const large = usual === 0 ? sum / values.length : usual;
  const size = Math.abs(median) > 0.1 * large ? Math.abs(median) : large;
  // So small a size would make shares that are no numbers.
  return size < SMALLEST ? 0 : size;
}

/** Values of 1e300 have finite shares of it. */
const SMALLEST = 1e-8;

/** A value as residuals are made of it: its logarithm with the offset, a share, or itself. */
export function transformed(value: number, transform: Transform, offset: number): number {
  if (transform === "log") return Math.log(Math.max(value, 0) + offset);
  return transform === "share" ? value / offset : value;
}

/** The other way: the value that is transformed to this. */
export function untransformed(y: number, transform: Transform, offset: number): number {
  if (transform === "log") return Math.exp(y) - offset;
  return transform === "share" ? y * offset : y;
}

function medianOf(values: Float64Array, scratch: Float64Array): number {
  scratch.set(values);
  return medianInPlace(scratch, values.length);
}

/** When the finite samples were taken. */
export function timesOfFinite(
  atMs: ArrayLike<number>,
  values: ArrayLike<number>,
  count: number,
): Float64Array {
  const at = new Float64Array(count);
  let next = 0;
  for (let index = 0; index < values.length; index++) {
    if (Number.isFinite(values[index]!)) at[next++] = atMs[index]!;
  }
  return at;
}

/** The residual of each sample; NaN where the sample is missing. */
export function observe(
  baseline: Baseline,
  atMs: ArrayLike<number>,
  values: ArrayLike<number>,
): Float64Array {
  const residuals = new Float64Array(values.length);
  const { transform, offset, level, season, seasonLevel } = baseline;
  for (let index = 0; index < residuals.length; index++) {
    const value = values[index]!;
    if (!Number.isFinite(value)) {
      residuals[index] = Number.NaN;
      continue;
    }
    let expected = level;
    if (season !== null) {
      const shape = seasonAt(season, atMs[index]!);
      if (Number.isFinite(shape)) expected += transformed(shape, transform, offset) - seasonLevel;
    }
    residuals[index] = transformed(value, transform, offset) - expected;
  }
  return residuals;
}

/**
 * The expected value in the series' own unit, season included.
 *
 * @param residual how far from it: 0 for the expected value itself
 */
export function expectedAt(baseline: Baseline, atMs: number, residual = 0): number {
  let expected = baseline.level + residual;
  if (baseline.season !== null) {
    const shape = seasonAt(baseline.season, atMs);
    if (Number.isFinite(shape)) {
      expected += transformed(shape, baseline.transform, baseline.offset) - baseline.seasonLevel;
    }
  }
  return untransformed(expected, baseline.transform, baseline.offset);
}
