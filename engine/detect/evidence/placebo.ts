/**
 * How unusual a detector's statistic is on a series, compared with the peaks that the same
 * detector reached when nothing was deployed (placebo watches).
 *
 *     p(s) = (#{m ≥ s} + 1) / (n + 1)              m the peaks of n placebo watches
 *     p(s) = p_u·(s/u)^(−1/ξ)                      beyond the largest; u the 95 % point,
 *                                                  ξ Hill's mean of ln(m/u) above it
 *     ln p = w·ln p_series + (1−w)·ln p_family,    w = n/(n + 150)
 *
 * The first is a p-value that is valid if placebo and real watches are exchangeable (Davison and
 * Hinkley 1997, 4.11). The tail is Hill's (1975), with ξ pooled over the family, the same metric
 * in all services, because a single series has only a handful of peaks beyond its 95 % point. A
 * statistic that is a logarithm already (the e-process) has an exponential tail instead, which is
 * Hill's tail of the statistic itself. The weighting of the last line is our own choice: a series
 * is its own best measure, but fifty windows cannot show what happens once in two hundred.
 *
 * Bias: effects of deployments and incidents that nobody recorded are among the placebos and make
 * p too large. Neighbouring windows depend on each other, so there is less evidence than n
 * suggests. A change of the series since the placebos makes p too small.
 */

import { firstFrom } from "../baseline/columns.ts";

/** Peaks of one detector setting, each list ascending. */
export interface Calibration {
  /** Peaks of the series itself. */
  readonly series: readonly number[];
  /** Peaks of the same metric over all services, the series itself among them. */
  readonly family: readonly number[];
  /** Is the statistic a logarithm already? */
  readonly isLogarithm: boolean;
}

/** How unusual a statistic is. */
export interface Placebo {
  /** The share of quiet watches that go as far; null without enough of them. */
  readonly p: number | null;
  /** How many placebo watches that rests on. */
  readonly windows: number;
  /** Whose they are: the series' own (weighted with its family's), its family's, or too few. */
  readonly source: "series" | "family" | "none";
}

/** A family with fewer placebo watches says nothing; of so many, five lie beyond the 95 % point. */
export const FAMILY_WINDOWS = 100;
/** A series with fewer placebo watches of its own is judged by its family alone. */
export const SERIES_WINDOWS = 20;
/** With so many placebo watches of its own a series counts as much as its family. */
const HALF_WEIGHT_WINDOWS = 150;
const TAIL_SHARE = 0.05;

/** How often a quiet watch goes as far as `statistic`. */
export function placeboP(calibration: Calibration | null, statistic: number): Placebo {
  const series = calibration?.series.length ?? 0;
  const family = calibration?.family.length ?? 0;
  if (calibration === null || family < FAMILY_WINDOWS) {
    return { p: null, windows: family, source: "none" };
  }
  const { isLogarithm } = calibration;
  const shape = tailShape(calibration.family, isLogarithm);
  const pooled = tailP(calibration.family, statistic, shape, isLogarithm);
  if (series < SERIES_WINDOWS) return { p: pooled, windows: family, source: "family" };
  const own = tailP(calibration.series, statistic, shape, isLogarithm);
  const weight = series / (series + HALF_WEIGHT_WINDOWS);
  const p = Math.exp(weight * Math.log(own) + (1 - weight) * Math.log(pooled));
  return { p, windows: series, source: "series" };
}

/**
 * The limit that a share `alpha` of quiet watches reaches: the smallest statistic whose p is at
 * most `alpha`. It is never below `quoted`, the limit of the policy, because a fortnight that
 * happened to be quiet must not make a detector more sensitive than its author asked for. With
 * too few windows for p to become so small it is just above the largest peak; with none it is
 * `quoted`.
 */
export function placeboLimit(
  calibration: Calibration | null,
  alpha: number,
  quoted: number,
): number {
  const isBelow = (statistic: number): boolean => {
    const { p } = placeboP(calibration, statistic);
    return p === null || p <= alpha;
  };
  if (calibration === null || isBelow(quoted)) return quoted;
  const largest = calibration.family[calibration.family.length - 1]!;
  let low = quoted;
  let high = Math.max(quoted, largest + 1e-9 * Math.max(1, Math.abs(largest)));
  for (let step = Math.max(1, high); !isBelow(high); step *= 2) {
    if (step > 1e6 * Math.max(1, largest)) return Math.max(quoted, largest * (1 + 1e-9));
    low = high;
    high += step;
  }
  while (high - low > 1e-6 * Math.max(1, Math.abs(high))) {
    const middle = (low + high) / 2;
    if (isBelow(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The 95 % point, with how many peaks lie beyond it. */
function tailPoint(peaks: readonly number[]): { readonly u: number; readonly beyond: number } {
  const beyond = Math.floor(TAIL_SHARE * peaks.length);
  return { u: peaks[Math.max(0, peaks.length - 1 - beyond)]!, beyond };
}

/** Hill's ξ, or the mean excess of a logarithm; 0 where there is no tail to fit. */
function tailShape(peaks: readonly number[], isLogarithm: boolean): number {
  const { u, beyond } = tailPoint(peaks);
  if (beyond === 0 || (!isLogarithm && u <= 0)) return 0;
  let sum = 0;
  for (let index = peaks.length - beyond; index < peaks.length; index++) {
    sum += isLogarithm ? peaks[index]! - u : Math.log(peaks[index]! / u);
  }
  return sum / beyond;
}

function tailP(
  peaks: readonly number[],
  statistic: number,
  shape: number,
  isLogarithm: boolean,
): number {
  const reached = peaks.length - firstFrom(peaks, statistic, 0);
  const counted = (reached + 1) / (peaks.length + 1);
  const { u, beyond } = tailPoint(peaks);
  if (reached > 0 || beyond === 0 || shape === 0 || statistic <= u) return counted;
  if (!isLogarithm && u <= 0) return counted;
  const further = isLogarithm ? statistic - u : Math.log(statistic / u);
  return Math.min(counted, ((beyond + 1) / (peaks.length + 1)) * Math.exp(-further / shape));
}
