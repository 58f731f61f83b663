/**
 * Has the series ever been there? For single samples far out, on series that are coarse or
 * wild: five-minute samples of infrastructure, where a sum over samples comes too late and
 * a standard deviation means little.
 *
 *     up:   (x − max of the baseline) / (q95 − q05 of the baseline)
 *     down: (min of the baseline − x) / (q95 − q05 of the baseline)
 *
 * in the series' own unit, whatever its residuals are in: on a logarithm every fall
 * towards zero is a record. A breach is a sample at least `times` that range beyond all it
 * did before, and beyond the signal's tolerance. One is enough; `hold` asks for more.
 *
 * Biases: the largest of n samples is passed by one of the next H with probability H/(n+H)
 * even if nothing changed, so `times` is what keeps it quiet, and no tail is too heavy to
 * break it. A spike in the baseline hides every smaller one. A history too short for a
 * scale of its own has no range either, and is never called a breach here.
 */

import type { NoveltySettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Bounds, type Noise } from "./contract.ts";
import { rankedAt } from "../baseline/orderStatistics.ts";
import { BASELINE_FOR_HEALTH } from "../baseline/residual.ts";

/** Memory has no part in it: every sample is judged by itself. */
export interface NoveltyState {
  readonly kind: "novelty";
}

export function startNovelty(): NoveltyState {
  return { kind: "novelty" };
}

/** A range below this share of the level is not believed. */
const RANGE_AT_LEAST = 0.1;

/** See `accumulate`. The statistic is how many ranges beyond, 0 where within or tolerated. */
export function accumulateNovelty(
  settings: NoveltySettings,
  residuals: Float64Array,
  noise: Noise,
  boundsOf: (index: number) => Bounds,
  flags: Uint8Array,
  statistics: Float64Array,
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

/** A residual on a scale that is linear in the series' unit: a multiple of its level for logs. */
function linear(residual: number, { transform }: Noise): number {
  return transform === "log" ? Math.exp(residual) : residual;
}

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
  // Of a logarithm the level is 1; elsewhere the spread has a floor of its own.
  const floor = noise.transform === "log" ? RANGE_AT_LEAST : spread;
  return { least, most, range: Math.max(width, floor) };
}
