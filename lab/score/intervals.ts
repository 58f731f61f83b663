/**
 * 95 % intervals from few, unequal clusters.
 *
 * The percentile bootstrap over services is too narrow when there are few of them or some
 * are large: over 24 unequal services it called 8.5 % of null differences. So its two
 * sides are stretched about the value by what a studentised interval is wider: the
 * cluster jackknife's standard error (CV3 of MacKinnon, Nielsen & Webb 2023) times
 * Student's t with the effective number of clusters less one, over the bootstrap's own
 * standard error times 1.96. The bootstrap keeps its shape, and 0 with [0, 0] stays so.
 *
 * A share of which the bootstrap saw only none or all gets Wilson's interval (1927)
 * instead: no service having a false positive does not show that none ever will.
 *
 * What is stretched about a value near the end of what can be, reaches past it. There it
 * is cut: the truth cannot lie where nothing can, so the cut interval holds it exactly as
 * often as the whole one did. On a logarithmic scale the same stretch of few services'
 * other side would multiply itself.
 */

import { studentQuantile, Z } from "./student.ts";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Deployments of one service are alike; where nothing can be measured this is assumed. */
const DESIGN_EFFECT = 1.5;
/** With more services t is z, and leaving each out in turn says nothing new. */
export const LEFT_OUT_AT_MOST = 200;

/** Between which a number can lie at all. */
export type Range = Interval;

/** What is known of one number's spread over services. */
export interface Spread {
  readonly value: number;
  /** The value in every bootstrap sample; NaN where it has none. */
  readonly samples: Float64Array;
  /**
   * The value with each service left out in turn, a total grown to as many services as there
   * are; null where there are too many.
   */
  readonly leftOut: Float64Array | null;
  readonly effectiveClusters: number;
  /** Is it a smooth function of sums? A quantile is not: leaving one out tells little. */
  readonly smooth: boolean;
  readonly range: Range;
}

/** Of a value less another of the same range. */
export function differenceRange({ low, high }: Range): Range {
  return { low: low - high, high: high - low };
}

/** Null when hardly any bootstrap sample has a value. */
export function intervalOf(spread: Spread): Interval | null {
  const { value, samples, range } = spread;
  const valid = samples.filter((sample) => !Number.isNaN(sample)).sort();
  if (valid.length < samples.length / 2) return null;
  const at = (share: number): number =>
    valid[Math.min(valid.length - 1, Math.max(0, Math.round(share * (valid.length - 1))))]!;
  const bootError = deviationOf(valid);
  const error = standardErrorOf(spread);
  const times =
    bootError === 0
      ? 1
      : Math.max(1, (studentQuantile(spread.effectiveClusters - 1) * error) / (Z * bootError));
  return {
    low: tidy(Math.max(range.low, value - times * (value - at(0.025)))),
    high: tidy(Math.min(range.high, value + times * (at(0.975) - value))),
  };
}

/**
 * The same of a share of `n`: Wilson's where none or all is all that was seen.
 *
 * @param n observations
 */
export function intervalOfShare(spread: Spread, n: number): Interval | null {
  const { value } = spread;
  const seen = intervalOf(spread);
  const noneOrAll = seen !== null && seen.low === seen.high && (value === 0 || value === 1);
  return noneOrAll ? wilson(value, n) : seen;
}

/** The cluster jackknife's standard error; the bootstrap's where that has none. */
export function standardErrorOf({ samples, leftOut, smooth }: Spread): number {
  const bootError = deviationOf(samples.filter((sample) => !Number.isNaN(sample)));
  if (leftOut === null) return bootError;
  const kept = leftOut.filter((value) => !Number.isNaN(value));
  if (kept.length < 2) return bootError;
  if (!smooth) return bootError * Math.sqrt(kept.length / (kept.length - 1));
  return deviationOf(kept) * ((kept.length - 1) / Math.sqrt(kept.length));
}

function deviationOf(values: Float64Array): number {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  // Equal values differ from their own mean by rounding alone.
  const deviation = Math.sqrt(squares / Math.max(1, values.length - 1));
  return deviation < 1e-12 * Math.abs(mean) ? 0 : deviation;
}

/**
 * The effective number of clusters: as many equal ones as carry what these unequal ones
 * do (Kish 1965), so that a fleet with one large service does not pass for a large fleet.
 *
 * @param sizes how many observations each has
 */
export function effectiveClusters(sizes: readonly number[]): number {
  let sum = 0;
  let squares = 0;
  for (const size of sizes) {
    sum += size;
    squares += size * size;
  }
  return squares === 0 ? 0 : (sum * sum) / squares;
}

/** Wilson's score interval of a share of `n`, with `n` cut down by the design effect. */
export function wilson(share: number, n: number): Interval {
  const count = n / DESIGN_EFFECT;
  const middle = (share + (Z * Z) / (2 * count)) / (1 + (Z * Z) / count);
  const half =
    (Z / (1 + (Z * Z) / count)) *
    Math.sqrt((share * (1 - share)) / count + (Z * Z) / (4 * count * count));
  // At none and at all one side is the share itself, but for rounding.
  return {
    low: share === 0 ? 0 : tidy(Math.max(0, middle - half)),
    high: share === 1 ? 1 : tidy(Math.min(1, middle + half)),
  };
}

/** With no deployment that differs out of `n`, what share may still: 95 % upper bound. */
export function shareStillPossible(n: number): number {
  return n === 0 ? 1 : 1 - 0.05 ** (DESIGN_EFFECT / n);
}

/** Nine significant digits: stable in print whatever the order of additions. */
export function tidy(value: number): number {
  return Number(value.toPrecision(9));
}
