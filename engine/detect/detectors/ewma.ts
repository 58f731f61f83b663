/**
 * EWMA chart (Roberts 1959) on standardised residuals, for autocorrelated noise.
 *
 *     z ← (1−w)·z + w·clip(r/σ − bound/σ),   statistic z / s,   s = √(Var z + Var level)
 *
 * one z for each direction that is worse, from 0: a deployment begins at the
 * tolerance, not far below it, so the first samples count in full. σ is the plain
 * spread of one residual, `bound` the tolerance in the residual's unit. For a
 * stationary autocorrelation φ the variance of z is exact from the first sample on:
 *
 *     V ← (1−w)²·V + w² + 2w(1−w)·C,   C ← φ·((1−w)·C + w)
 *
 * with C the covariance of z and the next residual. It ends at
 * w/(2−w)·(1+φ(1−w))/(1−φ(1−w)), in which textbooks put a factor 1 − (1−w)^2t that is
 * right for φ = 0 only. The baseline's level is a median of n samples that is off
 * by a standard deviation of √(π/2·v/n) for the whole watch; that is paid for too.
 *
 * A step is clipped where it would move the statistic by `clip`, so a clip below the
 * limit keeps one spike from firing, and a lasting shift can still reach clip/w. A
 * breach ends soon after the harm: z forgets half in ln 2 / −ln(1−w) samples.
 */

import type { EwmaSettings } from "../../policy/policy.ts";
import {
  BEYOND,
  inflationOf,
  MISSING,
  phiOf,
  WITHIN,
  type Bounds,
  type Noise,
} from "./contract.ts";

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

/** See `accumulate`. The statistic is the larger z, in its standard deviations, from 0 up. */
export function accumulateEwma(
  settings: EwmaSettings,
  state: EwmaState,
  residuals: Float64Array,
  noise: Noise,
  boundsOf: (index: number) => Bounds,
  flags: Uint8Array,
  statistics: Float64Array,
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

function next(z: number, excess: number, weight: number, clip: number): number {
  if (excess === Number.NEGATIVE_INFINITY) return 0;
  const step = excess > clip ? clip : excess < -clip ? -clip : excess;
  return z + weight * (step - z);
}
