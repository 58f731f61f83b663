/**
 * The contract of a detector.
 *
 * Detection has two steps, so that policies share the dear one. `observe` (see
 * residual.ts) turns samples into residuals against what was expected; it knows no
 * policy. A detector then folds residuals into evidence against a tolerance, one
 * sample at a time, so whole columns and single samples go through the same code
 * and any chunking gives the same result.
 *
 * To add a detector: one file with its `start` and `accumulate`, one case here.
 */

import { unreachable } from "../assert.ts";
import type { DetectorSettings } from "../policy/policy.ts";
import { accumulateCusum, startCusum, type CusumState } from "./cusum.ts";
import { accumulateThreshold, startThreshold, type ThresholdState } from "./threshold.ts";

/** What one sample says. A missing sample is evidence of nothing: neither harm nor health. */
export const WITHIN = 0;
export const BEYOND = 1;
export const MISSING = 2;

/** Residuals this far out, in the scale of one sample, on one series. */
export interface Noise {
  /** Standard deviation of one residual, inflated for autocorrelation. */
  readonly scale: number;
}

/** How a residual is held against a tolerance: bounds in the residual's own unit. */
export interface Bounds {
  /** Largest acceptable residual; Infinity when up is not worse. */
  readonly up: number;
  /** Largest acceptable −residual; Infinity when down is not worse. */
  readonly down: number;
}

export type AccumulatorState = ThresholdState | CusumState;

/** The state before the first sample. Accumulators are updated in place: clone to keep. */
export function startAccumulator(settings: DetectorSettings): AccumulatorState {
  switch (settings.kind) {
    case "threshold":
      return startThreshold();
    case "cusum":
      return startCusum();
    default:
      return unreachable(settings);
  }
}

/**
 * Folds `residuals[from..to)` into `state`, in place. Writes WITHIN, BEYOND or
 * MISSING for each sample into `flags` and the statistic into `statistics`.
 *
 * @param bounds one for each sample, through `boundsOf(index)`, because a tag may
 *   begin or end while a deployment is watched.
 */
export function accumulate(
  settings: DetectorSettings,
  state: AccumulatorState,
  residuals: Float64Array,
  noise: Noise,
  boundsOf: (index: number) => Bounds,
  flags: Uint8Array,
  statistics: Float64Array,
): void {
  switch (settings.kind) {
    case "threshold":
      return accumulateThreshold(
        settings,
        state as ThresholdState,
        residuals,
        boundsOf,
        flags,
        statistics,
      );
    case "cusum":
      return accumulateCusum(
        settings,
        state as CusumState,
        residuals,
        noise,
        boundsOf,
        flags,
        statistics,
      );
    default:
      return unreachable(settings);
  }
}

/** What the statistic is held against, for the record. */
export function limitOf(settings: DetectorSettings): number {
  switch (settings.kind) {
    case "threshold":
      return settings.breaches;
    case "cusum":
      return settings.limit;
    default:
      return unreachable(settings);
  }
}
