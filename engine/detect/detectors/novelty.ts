/**
 * Is a sample far beyond everything the series did before? This is for coarse or wild series,
 * such as five-minute samples of infrastructure, where a sum over several samples comes too late
 * and a standard deviation means little.
 *
 *     up:   (x − max of the baseline) / (q95 − q05 of the baseline)
 *     down: (min of the baseline − x) / (q95 − q05 of the baseline)
 *
 * with x the sample, in the series' own unit even where residuals are logarithms: on a logarithm
 * every fall towards zero would be a record. A breach is a sample that is at least `times` the
 * range q95 − q05 beyond everything before, and beyond the signal's tolerance. One sample is
 * enough; `hold` asks for more.
 *
 * Biases: one of the next H samples passes the largest of the n before with a probability of
 * H/(n+H) even if nothing changed, so only `times` keeps this quiet, and a tail that is heavy
 * enough breaks it. A spike in the baseline hides every smaller one. Where the history is too
 * short for a scale of its own, nothing is ever called a breach here.
 */

import type { NoveltySettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Noise, type Stretch } from "./contract.ts";
import { rankedAt } from "../baseline/orderStatistics.ts";
import { BASELINE_FOR_HEALTH } from "../baseline/baselineLength.ts";

/** No memory: every sample is judged by itself. */
export interface NoveltyState {
  readonly kind: "novelty";
}

export function startNovelty(): NoveltyState {
  return { kind: "novelty" };
}

/** The range is taken to be at least this share of the level. */
const RANGE_AT_LEAST = 0.1;

/** See `accumulate`. The statistic is how many ranges beyond; 0 where within or tolerated. */
export function accumulateNovelty(
  settings: NoveltySettings,
  { residuals, noise, boundsOf, flags, statistics }: Stretch,
): void {
  const { times } = settings;
  const past = pastOf(noise);
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    if (Number.isNaN(residual)) {
      flags[index] = MISSING;
      statistics[index] = 0;
      continue;
    }
    const { up, down } = boundsOf(index);
    const value = linear(residual, noise);
    const above = residual > up ? (value - past.most) / past.range : 0;
    const below = -residual > down ? (past.least - value) / past.range : 0;
    const statistic = Math.max(0, above, below);
    statistics[index] = statistic;
    flags[index] = statistic >= times ? BEYOND : WITHIN;
  }
}

/** A residual on a linear scale: a logarithm becomes a multiple of the expected level. */
function linear(residual: number, { transform }: Noise): number {
  return transform === "log" ? Math.exp(residual) : residual;
}

/** The extremes of the baseline and its range; extremes of ±Infinity where it is too short. */
function pastOf(noise: Noise): { least: number; most: number; range: number } {
  const { residuals, samples, spread } = noise;
  if (samples < BASELINE_FOR_HEALTH || residuals.length === 0) {
    const never = Number.POSITIVE_INFINITY;
    return { least: -never, most: never, range: 1 };
  }
  const values = Float64Array.from(residuals, (residual) => linear(residual, noise));
  let [least, most] = [values[0]!, values[0]!];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const width = rankedAt(values, 0.95) - rankedAt(values, 0.05);
  // On the linear scale of relative changes the level is 1; percentage points have a floor.
  const isRelative = noise.transform === "log" || noise.transform === "share";
  const floor = isRelative ? RANGE_AT_LEAST : spread;
  return { least, most, range: Math.max(width, floor) };
}
