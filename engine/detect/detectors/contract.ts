/** What every detector is given, and what it answers for each sample. */

import { BASELINE_FOR_HEALTH } from "../baseline/baselineLength.ts";
import { type Transform } from "../baseline/residual.ts";

/** What one sample says. A missing sample is evidence of nothing: neither harm nor health. */
export const WITHIN = 0;
export const BEYOND = 1;
export const MISSING = 2;

/** What a detector must know of the baseline of one series; every `Baseline` is a `Noise`. */
export interface Noise {
  /** Standard deviation of one residual. */
  readonly spread: number;
  /** Lag-1 autocorrelation of the residuals, in [0, 0.9]. */
  readonly autocorrelation: number;
  /** How many baseline samples those are estimated from. */
  readonly samples: number;
  /** The residuals of the baseline's own samples; only for detectors that read them. */
  readonly residuals: ArrayLike<number>;
  /** What residuals are differences of (see `Transform`); absent: of the values themselves. */
  readonly transform?: Transform;
  /** No size is known that a residual could be compared with (see `Baseline`). */
  readonly sizeless?: true;
  /** How often the counted events happened; only for signals that count. */
  readonly rate?: EventRate;
}

/**
 * How often an event happened before the deployment, as a rate per request. Where the metric is
 * a ratio the rarer side is counted, whichever of the two the metric shows: failures, where most
 * requests succeed.
 */
export interface EventRate {
  /** Events, and the requests they happened in. */
  readonly events: number;
  readonly requests: number;
  /** How much wider than Poisson the counts are, autocorrelation included; at least 1. */
  readonly dispersion: number;
  /** Bounds of the true rate, each with a confidence of 99.5 %. */
  readonly low: number;
  readonly high: number;
  /** True where one minus the ratio is counted, because that side is rarer. */
  readonly opposite: boolean;
  /** Tolerances are relative to the metric; else they are in its unit. */
  readonly relative: boolean;
  /** What a ratio of 1 is in the metric's unit: 1, or 100 for metrics in per cent. */
  readonly whole: number;
}

/** How many events and requests each sample counts; NaN where a sample is missing. */
export interface Counts {
  readonly events: Float64Array;
  readonly requests: Float64Array;
}

/**
 * The autocorrelation, corrected for the bias of its estimate: from n samples of an AR(1) series
 * it comes out (1+3φ)/n too low (Marriott and Pope 1954). At most 0.9.
 */
export function phiOf({ autocorrelation, samples }: Noise): number {
  // Too few samples to estimate it from: the baseline holds an assumed value, without that bias.
  if (samples < BASELINE_FOR_HEALTH) return autocorrelation;
  return Math.min(0.9, autocorrelation + (1 + 3 * autocorrelation) / samples);
}

/** By how much autocorrelation widens the variance of a mean of many residuals: (1+φ)/(1−φ). */
export function inflationOf(noise: Noise): number {
  const phi = phiOf(noise);
  return (1 + phi) / (1 - phi);
}

/** The samples that residuals were made of, one entry each, for detectors that need them. */
export interface Samples {
  /** In the metric's own unit; for a counter its rate per second. */
  readonly values: ArrayLike<number>;
  /** What one percentage point is in that unit. */
  readonly percentagePoint: number;
  /** For signals that count. */
  readonly counts: Counts | null;
}

/** How far a residual may go under a tolerance, in the residual's own unit. */
export interface Bounds {
  /** Largest acceptable residual; Infinity when up is not worse. */
  readonly up: number;
  /** Largest acceptable −residual; Infinity when down is not worse. */
  readonly down: number;
}

/** Samples of one series for a detector to fold, and the arrays that its answers go into. */
export interface Stretch {
  /** NaN where a sample is missing. */
  readonly residuals: Float64Array;
  readonly noise: Noise;
  /** The bounds at each sample: a tag may begin or end while a deployment is watched. */
  readonly boundsOf: (index: number) => Bounds;
  /** What the residuals were made of, for detectors that look at it; else null. */
  readonly samples: Samples | null;
  /** Written to: WITHIN, BEYOND or MISSING for each sample. */
  readonly flags: Uint8Array;
  /** Written to: the detector's statistic after each sample. */
  readonly statistics: Float64Array;
}
