/** What is measured of a series, the same for a recording and for a world. */

import {
  quantile,
  sampleCorrelation,
  sampleRankCorrelation,
  standardDeviation,
} from "simple-statistics";

/** Values at one spacing; NaN where there is none. */
export type Series = readonly number[];

/** A normal sd from a median absolute deviation. */
const MAD_TO_SD = 1.4826;

function known(values: Series): number[] {
  return values.filter((value) => !Number.isNaN(value));
}

/** Each value's logarithm less the median of those in the `window` values before it. */
export function residuals(values: Series, window: number): Series {
  const logs = values.map((value) => (value > 0 ? Math.log(value) : Number.NaN));
  return logs.map((log, at) => {
    const before = at < window ? [] : known(logs.slice(at - window, at));
    return before.length < window / 2 ? Number.NaN : log - quantile(before, 0.5);
  });
}

export interface Spread {
  readonly sd: number;
  /** The sd of a normal with the same median absolute deviation. */
  readonly core: number;
  /** Lag-1 autocorrelation, values held within four core sds. */
  readonly phi: number;
  /** The 1 % and 99 % quantiles, in core sds. */
  readonly low: number;
  readonly high: number;
}

/** Null where half of the values are the same, as of a timer's coarsest step. */
export function spreadOf(series: Series): Spread | null {
  const all = known(series);
  if (all.length < 60) return null;
  const middle = quantile(all, 0.5);
  const core =
    MAD_TO_SD *
    quantile(
      all.map((value) => Math.abs(value - middle)),
      0.5,
    );
  if (core === 0) return null;
  const held = series.map((value) => Math.max(-4, Math.min(4, (value - middle) / core)));
  const pairs = pairsOf(held.slice(1), held);
  return {
    sd: standardDeviation(all),
    core,
    phi: sampleCorrelation(pairs[0], pairs[1]),
    low: (quantile(all, 0.01) - middle) / core,
    high: (quantile(all, 0.99) - middle) / core,
  };
}

/** Rank correlation; null where too little is known at the same times. */
export function correlation(a: Series, b: Series): number | null {
  const [x, y] = pairsOf(a, b);
  return x.length < 100 ? null : sampleRankCorrelation(x, y);
}

function pairsOf(a: Series, b: Series): [number[], number[]] {
  const both = a
    .map((_, at) => at)
    .filter((at) => at < b.length && !Number.isNaN(a[at]) && !Number.isNaN(b[at]));
  return [both.map((at) => a[at]!), both.map((at) => b[at]!)];
}

/** How harm goes: a step keeps all of it above half the peak, a burst little. */
export interface Course {
  /** Relative to the median before, in the direction that went further. */
  readonly peak: number;
  readonly medianShare: number;
  readonly aboveHalf: number;
  readonly runs: number;
}

export function courseOf(before: Series, after: Series): Course | null {
  const level = quantile(known(before), 0.5);
  const values = known(after);
  if (!(level > 0) || values.length < after.length / 2) return null;
  const up = values.map((value) => value / level - 1);
  const down = values.map((value) => level / Math.max(value, 1e-9) - 1);
  const excess = Math.max(...up) >= Math.max(...down) ? up : down;
  const peak = Math.max(...excess);
  const above = excess.map((one) => one > peak / 2);
  return {
    peak,
    medianShare: quantile(excess, 0.5) / peak,
    aboveHalf: above.filter(Boolean).length / above.length,
    runs: above.filter((is, at) => is && above[at - 1] !== true).length,
  };
}

/** Means of `count` values each, as a coarser recording would have them. */
export function coarser(values: Series, count: number): Series {
  return Array.from({ length: Math.floor(values.length / count) }, (_, at) => {
    const some = known(values.slice(at * count, (at + 1) * count));
    return some.length === 0 ? Number.NaN : some.reduce((sum, one) => sum + one, 0) / some.length;
  });
}

/** `median [quartile, quartile] of n`. */
export function quartiles(values: readonly (number | null)[], digits = 2): string {
  const all = values.filter((value) => value !== null);
  if (all.length === 0) return "-";
  const [low, middle, high] = [0.25, 0.5, 0.75].map((p) => quantile(all, p).toFixed(digits));
  return `${middle!} [${low!}, ${high!}] of ${all.length}`;
}

const UP_10 = Math.log(1.1);

/** Of the hours in a series of residuals: those in which a plain rule of 10 % would act. */
export function shareOfHours(series: Series, samplesPerHour: number): number {
  const hours = Math.floor(series.length / samplesPerHour);
  const acts = Array.from({ length: hours }, (_, hour) =>
    series
      .slice(hour * samplesPerHour, (hour + 1) * samplesPerHour)
      .some((_value, at, all) => at >= 2 && [at - 2, at - 1, at].every((i) => all[i]! > UP_10)),
  );
  return acts.filter(Boolean).length / hours;
}
