/**
 * Is the noise wider than before? For harm that leaves the level where it was: a worker
 * that hangs now and then, a cache that misses for some, a garbage collector at its limit.
 *
 *     statistic = m(watch) / m(baseline),   m = mean of |rᵢ − rᵢ₋₁| without its largest tenth
 *
 * over the last `window` samples. Steps from sample to sample are blind to a level that
 * shifts or drifts, and to a transient but for its two edges, which the trimming drops
 * (von Neumann 1941 for the idea; a trimmed mean because the median of 30 steps is twice
 * as noisy). Spikes make two large steps each, so four in half an hour are more than the
 * trimming hides. A breach also needs m(watch) beyond the signal's tolerance: twice a
 * noise that nobody would feel is no harm.
 *
 * Which way is worse plays no part: a wider noise is wider both ways. Biases: the ratio
 * of two estimates from 30 steps each is above 1.9 in about 2 % of healthy watches at one
 * look, more often when looked at after every sample, and steps of a strongly
 * autocorrelated series say little about its spread (scenarios/judge has the figures).
 */

import type { VarianceSettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Bounds, type Noise } from "./contract.ts";

/** Of the steps, the largest that do not count, and at least the two edges of one spike. */
const TRIMMED = 0.1;
const TRIMMED_AT_LEAST = 2;
/** A baseline smoother than this share of its own spread is not believed. */
const SMOOTHEST = 0.3;

export interface VarianceState {
  readonly kind: "variance";
  /** The newest valid residual; null before the first. */
  last: number | null;
  /** Absolute steps between valid residuals, oldest first, `window` at most. */
  steps: readonly number[];
  /** The statistic of the last look. */
  statistic: number;
}

export function startVariance(): VarianceState {
  return { kind: "variance", last: null, steps: [], statistic: 0 };
}

/** See `accumulate`. The statistic is how many times wider the noise is; 0 where tolerated. */
export function accumulateVariance(
  settings: VarianceSettings,
  state: VarianceState,
  residuals: Float64Array,
  noise: Noise,
  boundsOf: (index: number) => Bounds,
  flags: Uint8Array,
  statistics: Float64Array,
): void {
  const { window, times, atLeast } = settings;
  const before = Math.max(trimmedMean(stepsOf(noise.residuals)), SMOOTHEST * noise.spread);
  // A state is cloned shallowly: its list may be shared, so it is replaced.
  const steps = [...state.steps];
  state.steps = steps;
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    const missing = Number.isNaN(residual);
    if (!missing) {
      if (state.last !== null) steps.push(Math.abs(residual - state.last));
      if (steps.length > window) steps.shift();
      state.last = residual;
      if (steps.length >= atLeast) {
        const { up, down } = boundsOf(index);
        const now = trimmedMean(steps);
        state.statistic = now > Math.min(up, down) ? now / before : 0;
      }
    }
    statistics[index] = state.statistic;
    flags[index] = missing ? MISSING : state.statistic >= times ? BEYOND : WITHIN;
  }
}

/** Absolute steps between neighbours: one less than there are values. */
function stepsOf(values: ArrayLike<number>): number[] {
  const steps: number[] = [];
  for (let index = 1; index < values.length; index++) {
    steps.push(Math.abs(values[index]! - values[index - 1]!));
  }
  return steps;
}

/**
 * The mean without the largest tenth, two at least; 0 of fewer than three.
 *
 * @example trimmedMean([1, 2, 3, 100, 90]) // 2
 */
export function trimmedMean(values: readonly number[]): number {
  const kept = values.length - Math.max(TRIMMED_AT_LEAST, Math.round(TRIMMED * values.length));
  if (kept < 1) return 0;
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  for (let index = 0; index < kept; index++) sum += sorted[index]!;
  return sum / kept;
}
