/** What every detector is given, and what it answers for each sample. */

import { BASELINE_FOR_HEALTH, type Transform } from "../baseline/residual.ts";

/** What one sample says. A missing sample is evidence of nothing: neither harm nor health. */
export const WITHIN = 0;
export const BEYOND = 1;
export const MISSING = 2;

/** What the baseline says about the residuals of one series; a `Baseline` is one. */
export interface Noise {
  /** Standard deviation of one residual. */
  readonly spread: number;
  /** Lag-1 autocorrelation of the residuals, in [0, 0.9]. */
  readonly autocorrelation: number;
  /** How many baseline samples those are estimated from. */
  readonly samples: number;
  /** The baseline's own residuals. */
  readonly residuals: ArrayLike<number>;
  /** What residuals are differences of; the series' own unit where nothing is said. */
  readonly transform?: Transform;
  /** How often what is counted happened; for signals that count only. */
  readonly rate?: EventRate;
}

/**
 * How often something happened before the deployment, a request. Of a ratio the rarer
 * side is counted, whatever its metric shows: failures, where most requests succeed.
 */
export interface EventRate {
  /** Events, and the requests they happened in. */
  readonly events: number;
  readonly requests: number;
  /** How much wider than Poisson the counts are, autocorrelation included; at least 1. */
  readonly dispersion: number;
  /** What the rate may be, with 99.5 % confidence in either direction. */
  readonly low: number;
  readonly high: number;
  /** Is the event that the ratio does not show counted, one minus it? */
  readonly opposite: boolean;
  /** Tolerances are relative to the metric; else in its unit, of which `whole` is a ratio of 1. */
  readonly relative: boolean;
  readonly whole: number;
}

/** What was counted in each sample; NaN where a sample says nothing. */
export interface Counts {
  readonly events: Float64Array;
  readonly requests: Float64Array;
}

/**
 * The autocorrelation without the bias of its estimate: over n samples of an AR(1)
 * series it comes out (1+3φ)/n too low (Marriott and Pope 1954). At most 0.9.
 */
export function phiOf({ autocorrelation, samples }: Noise): number {
  // A short history has no autocorrelation of its own; what stands there is assumed.
  if (samples < BASELINE_FOR_HEALTH) return autocorrelation;
  return Math.min(0.9, autocorrelation + (1 + 3 * autocorrelation) / samples);
}

/** What autocorrelation multiplies the variance of a mean of many residuals by: (1+φ)/(1−φ). */
export function inflationOf(noise: Noise): number {
  const phi = phiOf(noise);
  return (1 + phi) / (1 - phi);
}

/** What stands behind the residuals, one entry each, for detectors that look at more. */
export interface Samples {
  /** In the metric's own unit; for a counter its rate a second. */
  readonly values: ArrayLike<number>;
  /** What one percentage point is in that unit. */
  readonly percentagePoint: number;
  /** For signals that count. */
  readonly counts: Counts | null;
}

/** How a residual is held against a tolerance: bounds in the residual's own unit. */
export interface Bounds {
  /** Largest acceptable residual; Infinity when up is not worse. */
  readonly up: number;
  /** Largest acceptable −residual; Infinity when down is not worse. */
  readonly down: number;
}
