/**
 * 95 % intervals from few, unequal clusters.
 *
 * The percentile bootstrap over services is too narrow where services are few or unequal: with 24
 * unequal ones it found 8.5 % of differences where there were none. So both of its sides are
 * stretched about the value, by a factor: (the cluster jackknife's standard error, CV3 of
 * MacKinnon, Nielsen and Webb 2023, times Student's t for the effective number of clusters less
 * one) over (the bootstrap's own standard error times 1.96). The interval keeps the bootstrap's
 * shape, and a value of 0 with [0, 0] stays so.
 *
 * A share for which every bootstrap sample was 0, or every one was 1, gets Wilson's interval (1927)
 * instead: that no service had a false positive does not show that none ever will.
 *
 * A stretched interval may reach beyond what is possible, and is cut there. The truth cannot lie
 * beyond, so the cut interval contains it exactly as often. Stretching on a logarithmic scale would
 * avoid that, but with few services it would make the other side much too wide.
 */

import { studentQuantile, Z } from "./student.ts";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The design effect that is assumed where none can be measured: deployments are alike. */
const DESIGN_EFFECT = 1.5;
/** With more services Student's t is normal, and the jackknife adds nothing to the bootstrap. */
export const LEFT_OUT_AT_MOST = 200;

/** The least and the most that a number can be. */
export type Range = Interval;

/** How one number varies over services. */
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
  /** Is it a smooth function of sums? A quantile is not, and the jackknife says little of one. */
  readonly smooth: boolean;
  readonly range: Range;
}

/** The range of a value less another. */
export function differenceRange(value: Range, less: Range): Range {
  return { low: value.low - less.high, high: value.high - less.low };
}

/** The 95 % interval; null where fewer than half of the bootstrap samples have a value. */
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
 * The 95 % interval of a share; Wilson's where every bootstrap sample was 0, or every one was 1.
 *
 * @param n how many observations the share is of
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
  // Equal values may differ from their mean by rounding: that counts as no deviation.
  const deviation = Math.sqrt(squares / Math.max(1, values.length - 1));
  return deviation < 1e-12 * Math.abs(mean) ? 0 : deviation;
}

/** Wilson's score interval of a share of `n`, with `n` cut down by the design effect. */
export function wilson(share: number, n: number): Interval {
  const count = n / DESIGN_EFFECT;
  const middle = (share + (Z * Z) / (2 * count)) / (1 + (Z * Z) / count);
  const half =
    (Z / (1 + (Z * Z) / count)) *
    Math.sqrt((share * (1 - share)) / count + (Z * Z) / (4 * count * count));
  // For shares of 0 and 1 one bound is the share itself; this avoids rounding.
  return {
    low: share === 0 ? 0 : tidy(Math.max(0, middle - half)),
    high: share === 1 ? 1 : tidy(Math.min(1, middle + half)),
  };
}

/** The 95 % upper bound of a share of which none of `n` was seen. */
export function shareStillPossible(n: number): number {
  return n === 0 ? 1 : 1 - 0.05 ** (DESIGN_EFFECT / n);
}

/** Nine significant digits: stable in print whatever the order of additions. */
export function tidy(value: number): number {
  return Number(value.toPrecision(9));
}
