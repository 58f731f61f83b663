/**
 * How far the residuals of a series vary (spread), and how alike neighbours are
 * (autocorrelation): what is unusual is judged by these. Measured on the baseline alone.
 */

import { excursionIn, LEANS, standsApart, type Excursion } from "./excursion.ts";
import { medianInPlace, rankedAt } from "./orderStatistics.ts";
import type { Transform } from "./residual.ts";

/** The least spread for relative tolerances, on the log scale: 2 %. */
export const LOG_SCALE_FLOOR = 0.02;
/** The least spread for ratios: a tenth of a percentage point. */
export const POINT_SCALE_FLOOR = 0.1;

/**
 * The spread that is assumed where the history is short: 4 % for relative tolerances, 0.15
 * percentage points for ratios. It is used where no host prepared the spread of the metric's
 * family (familyScale.ts).
 */
const SHORT_LOG_SCALE = 0.04;
const SHORT_POINT_SCALE = 0.15;
/** The autocorrelation that is assumed there. */
const SHORT_AUTOCORRELATION = 0.2;

/** Width of a normal distribution's middle nine tenths in standard deviations. */
export const NINE_TENTHS_TO_SD = 3.29;
/** Scale a normal sample's median absolute deviation to its standard deviation. */
export const MAD_TO_SD = 1.4826;

/**
 * By how much a scale must be wider because it was estimated from few samples: the 99.9 % quantile
 * of Student's t over that of the normal distribution (expanded as by Cornish and Fisher 1938). A
 * robust scale of n samples is as uncertain as a standard deviation of half as many.
 *
 * @example fewSamples(16) // 1.47, and 1.1 from 60 samples
 */
export function fewSamples(count: number): number {
  const freedom = Math.max(1, (count - 1) / 2);
  return 1 + 2.64 / freedom + 6.4 / (freedom * freedom);
}

export interface Scale {
  /** Standard deviation of one residual. */
  readonly spread: number;
  readonly autocorrelation: number;
}

/**
 * The scale where the history is short. It is borrowed, and wider by √(1 + 1/n), the prediction
 * error of a mean of n samples, because the level is uncertain too.
 */
export function shortScale(
  count: number,
  mad: number,
  transform: Transform,
  percentagePoint: number,
  familySpread: number | null,
): Scale {
  const assumed = transform === "identity" ? SHORT_POINT_SCALE * percentagePoint : SHORT_LOG_SCALE;
  const plain = Math.max(MAD_TO_SD * mad, familySpread ?? assumed);
  return { spread: plain * Math.sqrt(1 + 1 / count), autocorrelation: SHORT_AUTOCORRELATION };
}

/**
 * The scale of residuals, without an incident that was over before the deployment (excursion.ts).
 *
 * @param residuals about their median
 * @param mad their median absolute deviation
 * @param scratch as long as `residuals`; its content is lost
 */
export function scaleOf(
  residuals: Float64Array,
  mad: number,
  scratch: Float64Array,
  transform: Transform,
  percentagePoint: number,
): Scale {
  const spread = spreadOf(residuals, mad, scratch, transform, percentagePoint);
  const autocorrelation = lagOneAutocorrelation(residuals, spread);
  const plain = { spread, autocorrelation };
  if (autocorrelation < LEANS) return plain;
  const settled = settledIn(residuals, scratch, floorOf(transform, percentagePoint));
  if (settled === null) return plain;
  const { residuals: rest } = settled;
  const space = scratch.subarray(0, rest.length);
  const restSpread = spreadOf(rest, settled.mad, space, transform, percentagePoint);
  return { spread: restSpread, autocorrelation: lagOneAutocorrelation(rest, restSpread) };
}

/** What is left of residuals without an incident that was over (see excursion.ts). */
export interface Settled {
  readonly excursion: Excursion;
  /** Their median, and their residuals about it. */
  readonly level: number;
  readonly residuals: Float64Array;
  /** Median absolute deviation. */
  readonly mad: number;
}

/**
 * The residuals without an incident that was over; null where there is none.
 *
 * @param atLeast the least spread of the rest by which the incident is told apart
 */
export function settledIn(
  residuals: Float64Array,
  scratch: Float64Array,
  atLeast: number,
): Settled | null {
  const excursion = excursionIn(residuals, scratch);
  if (excursion === null) return null;
  const rest = without(residuals, excursion);
  const space = scratch.subarray(0, rest.length);
  space.set(rest);
  const level = medianInPlace(space, rest.length);
  const mad = centre(rest, space, level);
  const wide = Math.max(MAD_TO_SD * mad, usualOf(rest, space), atLeast);
  return standsApart(excursion, level, wide) ? { excursion, level, residuals: rest, mad } : null;
}

function without(residuals: Float64Array, { from, to }: Excursion): Float64Array {
  const rest = new Float64Array(residuals.length - (to - from));
  rest.set(residuals.subarray(0, from));
  rest.set(residuals.subarray(to), from);
  return rest;
}

/**
 * The standard deviation of one residual: robust, but not blind to what the series does now and
 * then.
 *
 * By its median absolute deviation alone a series with spikes looks quiet, and then every ordinary
 * spike is a breach. So for relative changes it is at least what the width of the middle nine
 * tenths gives. A tolerance in percentage points is an absolute statement about harm, which
 * spikes must not widen.
 */
function spreadOf(
  values: Float64Array,
  mad: number,
  scratch: Float64Array,
  transform: Transform,
  percentagePoint: number,
): number {
  const least = Math.max(MAD_TO_SD * mad, floorOf(transform, percentagePoint));
  return transform === "identity" ? least : Math.max(least, usualOf(values, scratch));
}

/** The least spread of a residual. */
export function floorOf(transform: Transform, percentagePoint: number): number {
  return transform === "identity" ? POINT_SCALE_FLOOR * percentagePoint : LOG_SCALE_FLOOR;
}

/** The standard deviation of a normal distribution with the same width of middle nine tenths. */
export function usualOf(values: Float64Array, scratch: Float64Array): number {
  scratch.set(values);
  return (rankedAt(scratch, 0.95) - rankedAt(scratch, 0.05)) / NINE_TENTHS_TO_SD;
}

/** Subtracts the level from `y`, in place; returns the median absolute deviation. */
export function centre(y: Float64Array, scratch: Float64Array, level: number): number {
  for (let index = 0; index < y.length; index++) {
    const value = y[index]! - level;
    y[index] = value;
    scratch[index] = Math.abs(value);
  }
  return medianInPlace(scratch, y.length);
}

/**
 * Lag-1 autocorrelation of residuals, in [0, 0.9]. They are clipped at 6 scales, so that one
 * outlier does not decide it. Samples on both sides of a gap count as neighbours.
 */
export function lagOneAutocorrelation(residuals: Float64Array, scale: number): number {
  const clip = 6 * scale;
  let sum = 0;
  for (let index = 0; index < residuals.length; index++) sum += clipped(residuals[index]!, clip);
  const mean = sum / residuals.length;
  let variance = 0;
  let covariance = 0;
  let before = 0;
  for (let index = 0; index < residuals.length; index++) {
    const centred = clipped(residuals[index]!, clip) - mean;
    variance += centred * centred;
    covariance += centred * before;
    before = centred;
  }
  return variance === 0 ? 0 : Math.max(0, Math.min(0.9, covariance / variance));
}

/** By comparisons, which take half the time of Math.min and Math.max. */
function clipped(value: number, clip: number): number {
  return value > clip ? clip : value < -clip ? -clip : value;
}
