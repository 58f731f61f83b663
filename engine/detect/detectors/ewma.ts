/**
 * EWMA chart (Roberts 1959) on standardised residuals, for autocorrelated noise.
 *
 *     z ← (1−w)·z + w·clip(r/σ − bound/σ),   statistic z / s,   s = √(Var z + Var level)
 *
 * with one z for each direction that is worse, which starts at 0: a deployment begins at the
 * tolerance and not far below it, so the first samples count in full. w is the weight, r the
 * residual, σ the spread of one residual, `bound` the tolerance in the residual's unit. For
 * residuals with a constant autocorrelation φ, V is the exact variance of z from the first sample:
 *
 *     V ← (1−w)²·V + w² + 2w(1−w)·C,   C ← φ·((1−w)·C + w)
 *
 * with C the covariance of z and the next residual. V converges to
 * w/(2−w)·(1+φ(1−w))/(1−φ(1−w)). Textbooks multiply that by 1 − (1−w)^2t for the first samples,
 * which is right for φ = 0 only. The level that was expected is a median of n samples, and wrong
 * by a standard deviation of √(π/2·v/n) during the whole watch: that is "Var level" above.
 *
 * Each step is clipped so that it moves the statistic by `clip` at most: with a clip below the
 * limit one spike raises no alarm, and a lasting shift can still reach clip/w. A breach ends soon
 * after the harm, because z forgets half of the past in ln 2 / −ln(1−w) samples.
 */

import type { EwmaSettings } from "../../policy/policy.ts";
import { BEYOND, inflationOf, MISSING, phiOf, WITHIN, type Stretch } from "./contract.ts";

export interface EwmaState {
  readonly kind: "ewma";
  up: number;
  down: number;
  /** Variance of z, in squared spreads. */
  variance: number;
  /** Covariance of z and the next standardised residual. */
  covariance: number;
}

export function startEwma(): EwmaState {
  return { kind: "ewma", up: 0, down: 0, variance: 0, covariance: 0 };
}

/** See `accumulate`. The statistic is the larger z in its standard deviations, never below 0. */
export function accumulateEwma(
  settings: EwmaSettings,
  state: EwmaState,
  { residuals, noise, boundsOf, flags, statistics }: Stretch,
): void {
  const { weight, clip, limit } = settings;
  const { spread, samples } = noise;
  const phi = phiOf(noise);
  const levelVariance = ((Math.PI / 2) * inflationOf(noise)) / samples;
  const keep = 1 - weight;
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    const missing = Number.isNaN(residual);
    if (!missing) {
      const bounds = boundsOf(index);
      state.variance =
        keep * keep * state.variance + weight * weight + 2 * weight * keep * state.covariance;
      state.covariance = phi * (keep * state.covariance + weight);
      const step = (clip * Math.sqrt(state.variance + levelVariance)) / weight;
      state.up = next(state.up, (residual - bounds.up) / spread, weight, step);
      state.down = next(state.down, (-residual - bounds.down) / spread, weight, step);
    }
    const furthest = Math.max(state.up, state.down, 0);
    const statistic = furthest / Math.sqrt(state.variance + levelVariance);
    statistics[index] = statistic;
    flags[index] = missing ? MISSING : statistic >= limit ? BEYOND : WITHIN;
  }
}

/** z after one more sample; everything but `weight` in spreads. */
function next(z: number, excess: number, weight: number, clip: number): number {
  if (excess === Number.NEGATIVE_INFINITY) return 0;
  const step = excess > clip ? clip : excess < -clip ? -clip : excess;
  return z + weight * (step - z);
}
