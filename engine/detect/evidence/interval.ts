/**
 * How far the effect in a record is known: an interval of the smoothed residual.
 *
 *     s ± z·f·σ·√(V + L),   V = Var(s)/σ²,   L = (π/2)·v/n,   z = Φ⁻¹(1 − 0.025/m)
 *
 * s is the smoothed residual, σ the spread of one residual, n the samples of the baseline and
 * v = (1+φ)/(1−φ). V is the exact variance of the exponential average of an AR(1) series that began
 * with its first sample. L is that of the level, a median of n samples. f widens σ because it was
 * estimated from n samples (`fewSamples`). m is the number of samples that are due in the watch.
 *
 * Why m: a record is written when a detector speaks, so its moment is chosen by the noise. By the
 * Bonferroni inequality this interval holds at all samples of the watch at once with 95 %, and so
 * at a chosen one too. At the first breach of 300 watches it missed the effect in none with normal
 * noise and in 4 % with heavy tails (t, 3 degrees of freedom); with m = 1 in 2 to 6 % and in 21 %
 * (test/detectors/interval.test.ts).
 *
 * It costs a few dozen steps for a judgement, nothing for a sample.
 *
 * Bias: the noise is assumed to be as wide after the deployment as before it. A heavy tail, or harm
 * that widens the noise, makes the interval too short. s lags: while harm grows, the interval is of
 * the recent average.
 */

import type { SignalPolicy } from "../../policy/policy.ts";
import { SMOOTHING } from "../baseline/readings.ts";
import type { Baseline } from "../baseline/residual.ts";
import { fewSamples } from "../baseline/scale.ts";
import { phiOf } from "../detectors/contract.ts";
import { normalQuantile } from "../detectors/normal.ts";
import type { TrackState } from "../trackState.ts";

/** How often an interval of a watch may miss the effect. */
const MISSES = 0.05;
/** The variance of the average is settled after so many samples: 0.6^40 is nothing. */
const SETTLED = 40;

/**
 * The interval of the smoothed residual at a change of verdict. Null without a residual, and where
 * σ is not the spread of the residuals: of counts, of a detector of the noise itself, and of a
 * comparison with the old version.
 *
 * @param smooth the smoothed residual
 * @param valid samples since the deployment
 */
export function intervalOf(
  signal: SignalPolicy,
  { baseline, beside }: TrackState,
  smooth: number | null,
  valid: number,
  watchMs: number,
): { readonly low: number; readonly high: number } | null {
  if (smooth === null || baseline === null || valid === 0) return null;
  const isOther = baseline.rate !== undefined || beside !== undefined;
  if (baseline.problem !== null || isOther || signal.detector.kind === "variance") return null;
  const due = signal.watchSamples ?? (baseline.stepMs === null ? 0 : watchMs / baseline.stepMs);
  const looks = Math.max(1, valid, due);
  const half = normalQuantile(1 - MISSES / 2 / looks) * deviation(baseline, valid);
  return { low: smooth - half, high: smooth + half };
}

/** The standard deviation of the smoothed residual about the effect. */
function deviation(baseline: Baseline, valid: number): number {
  const phi = phiOf(baseline);
  const level = (Math.PI / 2) * ((1 + phi) / (1 - phi)) * (1 / baseline.samples);
  const all = smoothedVariance(valid, phi) + level;
  return fewSamples(baseline.samples) * baseline.spread * Math.sqrt(all);
}

/** The variance of the exponential average of `count` samples of an AR(1) series of variance 1. */
export function smoothedVariance(count: number, phi: number): number {
  const keep = 1 - SMOOTHING;
  let variance = 1;
  // Of the average with its newest sample.
  let covariance = 1;
  for (let nth = 1; nth < Math.min(count, SETTLED); nth++) {
    const carried = keep * phi * covariance;
    variance = keep * keep * variance + SMOOTHING * SMOOTHING + 2 * SMOOTHING * carried;
    covariance = carried + SMOOTHING;
  }
  return variance;
}
