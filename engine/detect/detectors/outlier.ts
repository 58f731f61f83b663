/**
 * Large excursions, short ones too: an outlier test on a linear scale (in the manner of Hampel
 * 1974), with a sum so that smaller excursions count when they last.
 *
 *     z = (|r| − bound) / max(scale, bound / 4)
 *     S ← clamp(S + max(z − drift, −limit), 0, 1.5·limit),   breach where S ≥ limit
 *
 * with r the residual as a share of the level, or in the metric's unit for percentage points,
 * `bound` the tolerance in the same unit, and one S for each direction. Nothing is clipped from
 * above: one sample alone is a breach when it is `drift + limit` scales beyond the tolerance and
 * 3.5 tolerances out. A smaller one must last: twice the tolerance takes 4 samples on a quiet
 * series, and less than 1.5 tolerances is never found. That is the work of other detectors. One
 * normal sample after a spike ends the flag, so `hold` still asks for harm that lasts.
 *
 * On a logarithm ten times the level is 2.3 and only ten times as far out as +25 %; here it is 36
 * times as far. A share of the size of the level exists below zero too, and for a baseline of
 * nothing but zeros what the tolerance says in the metric's unit is the size. Where it says
 * nothing no sample is small or large, and three in a row are needed, whatever they are.
 *
 * The scale is that of the baseline without its largest excursion, so that one earlier spike
 * hides nothing: the widest of its median absolute deviation, its middle nine tenths and a quarter
 * of its largest residual (a series that bursts now and then bursts again). It is widened where
 * it rests on few samples (`fewSamples`).
 *
 * Biases: two spikes in the baseline hide smaller ones. A level that drifts or has a season that is
 * not known is an excursion. Autocorrelation is not allowed for. Of 4000 healthy watches of 60
 * samples with nothing tolerated, up, 0.0, 0.2 and 1.8 % are flagged with normal noise (φ = 0, .6
 * and .8) and 3.3 % with heavy tails (t, 3 d.f., φ = .3); seeds in test/detectors/noise.ts.
 */

import type { OutlierSettings } from "../../policy/policy.ts";
import { medianInPlace, rankedAt } from "../baseline/orderStatistics.ts";
import { BASELINE_FOR_HEALTH } from "../baseline/baselineLength.ts";
import {
  fewSamples,
  LOG_SCALE_FLOOR,
  MAD_TO_SD,
  NINE_TENTHS_TO_SD,
  POINT_SCALE_FLOOR,
} from "../baseline/scale.ts";
import { BEYOND, MISSING, WITHIN, type Noise, type Samples, type Stretch } from "./contract.ts";

/** No scale is smaller than this share of the bound: large is large against the tolerance too. */
const BOUND_SHARE = 1 / 4;
/** Or than this share of the largest residual of the baseline. */
const LARGEST_SHARE = 1 / 4;
/** The sum is at most so many limits, so that one normal sample ends what one spike began. */
const CAP = 1.5;
/** Samples in a row that are a breach where there is no size to compare them with. */
const SIZELESS_SAMPLES = 3;
/** An earlier excursion goes on while its samples are further out than so many deviations. */
const GOES_ON = 4;

export interface OutlierState {
  readonly kind: "outlier";
  up: number;
  down: number;
}

export function startOutlier(): OutlierState {
  return { kind: "outlier", up: 0, down: 0 };
}

/** See `accumulate`. The statistic is the larger of the two sums. */
export function accumulateOutlier(
  { drift, limit }: OutlierSettings,
  state: OutlierState,
  { residuals, noise, boundsOf, samples, flags, statistics }: Stretch,
): void {
  const scale = scaleOf(noise, samples);
  const most = noise.sizeless ? limit / SIZELESS_SAMPLES : Number.POSITIVE_INFINITY;
  const next = (sum: number, residual: number, bound: number): number => {
    if (bound === Number.POSITIVE_INFINITY) return 0;
    const z = (residual - bound) / Math.max(scale, BOUND_SHARE * bound);
    const step = Math.min(most, Math.max(-limit, z - drift));
    return Math.max(0, Math.min(CAP * limit, sum + step));
  };
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    if (!Number.isNaN(residual)) {
      const bounds = boundsOf(index);
      state.up = next(state.up, residual, bounds.up);
      state.down = next(state.down, -residual, bounds.down);
    }
    const statistic = Math.max(state.up, state.down);
    statistics[index] = statistic;
    if (Number.isNaN(residual)) flags[index] = MISSING;
    else flags[index] = statistic >= limit ? BEYOND : WITHIN;
  }
}

/** The scale of the baseline; see the header. */
function scaleOf(noise: Noise, samples: Samples | null): number {
  const { spread, transform } = noise;
  if (noise.sizeless) return Number.MIN_VALUE;
  // A short baseline has no scale of its own: `spread` is borrowed then. Of one that no verdict can
  // rest on (nothing but zeros) there is no residual at all.
  if (noise.samples < BASELINE_FOR_HEALTH || noise.residuals.length < BASELINE_FOR_HEALTH) {
    return spread * fewSamples(noise.samples);
  }
  const residuals = withoutLargest(Float64Array.from(noise.residuals));
  const sizes = residuals.map(Math.abs);
  let largest = 0;
  for (const size of sizes) if (size > largest) largest = size;
  const width = rankedAt(residuals, 0.95) - rankedAt(residuals, 0.05);
  const relative = transform === "share" || transform === "log";
  const points = samples === null ? spread : POINT_SCALE_FLOOR * samples.percentagePoint;
  return Math.max(
    fewSamples(residuals.length) *
      Math.max(MAD_TO_SD * medianInPlace(sizes, sizes.length), width / NINE_TENTHS_TO_SD),
    LARGEST_SHARE * largest,
    relative ? LOG_SCALE_FLOOR : points,
  );
}

/** Residuals without the largest of them and its neighbours that are far out too. */
function withoutLargest(residuals: Float64Array): Float64Array {
  const { length } = residuals;
  const sizes = residuals.map(Math.abs);
  let at = 0;
  for (let index = 1; index < length; index++) if (sizes[index]! > sizes[at]!) at = index;
  const usual = GOES_ON * MAD_TO_SD * medianInPlace(sizes.slice(), length);
  // One excursion is at most an eighth of the baseline: what takes longer is how the series is.
  const reach = Math.max(1, length >> 4);
  let [from, to] = [at, at + 1];
  while (from > 0 && at - from < reach && sizes[from - 1]! > usual) from--;
  while (to < length && to - at - 1 < reach && sizes[to]! > usual) to++;
  const rest = new Float64Array(length - (to - from));
  rest.set(residuals.subarray(0, from));
  rest.set(residuals.subarray(to), from);
  return rest;
}
