/**
 * Is the noise wider than before? This finds harm that leaves the level where it was: a worker
 * that hangs now and then, a cache that misses for some, a garbage collector at its limit.
 *
 *     statistic = m(watch) / m(baseline),   m = mean of |rᵢ − rᵢ₋₁| without its largest tenth
 *
 * over the last `window` samples. Steps from one sample to the next do not show a level that
 * shifts or drifts, and show a transient only by its two edges, which the trimming drops (the
 * idea is von Neumann's, 1941; a trimmed mean, because a median of 30 steps is twice as noisy).
 * A spike makes two large steps, so four spikes in half an hour are more than the trimming
 * drops. A breach also needs m(watch) beyond the signal's tolerance: noise that nobody would
 * feel may double without harm.
 *
 * The direction that is worse plays no part: wider noise is wider both ways. Biases: the ratio
 * of two estimates from 30 steps each is above 1.9 in about 2 % of healthy watches at one
 * look, more often when looked at after every sample, and steps of a strongly
 * autocorrelated series say little about its spread (scenarios/judge has the figures).
 */

import type { VarianceSettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Stretch } from "./contract.ts";

/** The share of the largest steps that is left out; at least two, the edges of one spike. */
const TRIMMED = 0.1;
const TRIMMED_AT_LEAST = 2;
/** m(baseline) is taken to be at least this share of the baseline's spread. */
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
  { residuals, noise, boundsOf, flags, statistics }: Stretch,
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
