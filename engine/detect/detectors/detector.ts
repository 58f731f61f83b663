/**
 * The detectors behind one door.
 *
 * Detection has two steps, so that policies share the dear one. `observe` (see
 * residual.ts) turns samples into residuals against what was expected; it knows no
 * policy. A detector then folds residuals into evidence against a tolerance, one
 * sample at a time, so whole columns and single samples go through the same code
 * and any chunking gives the same result.
 *
 * To add a detector: one file with its `start` and `accumulate`, one case here. What all of
 * them are given and answer is in contract.ts.
 */

import { unreachable } from "../../assert.ts";
import type { DetectorSettings } from "../../policy/policy.ts";
import type { Bounds, Noise, Samples } from "./contract.ts";
import { accumulateCount, startCount, type CountState } from "./count.ts";
import { accumulateCusum, startCusum, type CusumState } from "./cusum.ts";
import { accumulateEwma, startEwma, type EwmaState } from "./ewma.ts";
import { accumulateMannWhitney, startMannWhitney, type MannWhitneyState } from "./mannWhitney.ts";
import { accumulateNovelty, startNovelty, type NoveltyState } from "./novelty.ts";
import { accumulateOnset, startOnset, type OnsetState } from "./onset.ts";
import { accumulateThreshold, startThreshold, type ThresholdState } from "./threshold.ts";
import { accumulateVariance, startVariance, type VarianceState } from "./variance.ts";

export type AccumulatorState =
  | ThresholdState
  | CusumState
  | EwmaState
  | OnsetState
  | MannWhitneyState
  | VarianceState
  | NoveltyState
  | CountState;

/**
 * The state before the first sample. Accumulators are updated in place: clone to keep.
 * A shallow clone will do, because lists in a state are replaced and never written to.
 */
export function startAccumulator(settings: DetectorSettings): AccumulatorState {
  switch (settings.kind) {
    case "threshold":
      return startThreshold();
    case "cusum":
      return startCusum();
    case "ewma":
      return startEwma();
    case "eprocess":
      return startOnset();
    case "mannWhitney":
      return startMannWhitney();
    case "variance":
      return startVariance();
    case "novelty":
      return startNovelty();
    case "count":
      return startCount();
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
 * @param samples what the residuals were made of, where the detector looks at it
 */
export function accumulate(
  settings: DetectorSettings,
  state: AccumulatorState,
  residuals: Float64Array,
  noise: Noise,
  boundsOf: (index: number) => Bounds,
  flags: Uint8Array,
  statistics: Float64Array,
  samples: Samples | null = null,
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
        samples,
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
    case "ewma":
      return accumulateEwma(
        settings,
        state as EwmaState,
        residuals,
        noise,
        boundsOf,
        flags,
        statistics,
      );
    case "eprocess":
      return accumulateOnset(
        settings,
        state as OnsetState,
        residuals,
        noise,
        boundsOf,
        flags,
        statistics,
      );
    case "mannWhitney":
      return accumulateMannWhitney(
        settings,
        state as MannWhitneyState,
        residuals,
        noise,
        boundsOf,
        flags,
        statistics,
      );
    case "novelty":
      return accumulateNovelty(settings, residuals, noise, boundsOf, flags, statistics);
    case "variance":
      return accumulateVariance(
        settings,
        state as VarianceState,
        residuals,
        noise,
        boundsOf,
        flags,
        statistics,
      );
    case "count":
      return accumulateCount(
        settings,
        state as CountState,
        residuals,
        noise,
        boundsOf,
        flags,
        statistics,
        samples,
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
    case "ewma":
    case "mannWhitney":
      return settings.limit;
    case "variance":
    case "novelty":
      return settings.times;
    case "eprocess":
    case "count":
      return -Math.log(settings.alpha);
    default:
      return unreachable(settings);
  }
}
