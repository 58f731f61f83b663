/**
 * The detectors behind one door.
 *
 * Detection has two steps, so that policies can share the expensive one. `observe` (see
 * baseline/residual.ts) turns samples into residuals, the differences from what was expected; it
 * knows no policy. A detector then folds residuals into evidence against a tolerance, one sample
 * after the other, so that whole columns and single samples go through the same code and any
 * cutting into stretches gives the same result.
 *
 * To add a detector: one file with its `start` and `accumulate`, its cases here. What all of
 * them are given and answer is in contract.ts.
 */

import { unreachable } from "../../assert.ts";
import type { DetectorSettings } from "../../policy/policy.ts";
import type { Stretch } from "./contract.ts";
import { accumulateCount, startCount, type CountState } from "./count.ts";
import { accumulateCusum, startCusum, type CusumState } from "./cusum.ts";
import { accumulateEwma, startEwma, type EwmaState } from "./ewma.ts";
import { accumulateMannWhitney, startMannWhitney, type MannWhitneyState } from "./mannWhitney.ts";
import { accumulateNovelty, startNovelty, type NoveltyState } from "./novelty.ts";
import { accumulateOnset, startOnset, type OnsetState } from "./onset.ts";
import { accumulateOutlier, startOutlier, type OutlierState } from "./outlier.ts";
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
  | OutlierState
  | CountState;

/**
 * The state before the first sample. `accumulate` changes a state in place, so whoever wants to
 * keep one clones it first. A shallow clone is enough: detectors replace the lists of a state and
 * never write to them.
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
    case "outlier":
      return startOutlier();
    case "count":
      return startCount();
    default:
      return unreachable(settings);
  }
}

/**
 * Folds a stretch of samples into `state`, in place, and writes a flag and the detector's
 * statistic for each sample into the stretch.
 */
export function accumulate(
  settings: DetectorSettings,
  state: AccumulatorState,
  stretch: Stretch,
): void {
  switch (settings.kind) {
    case "threshold":
      return accumulateThreshold(settings, state as ThresholdState, stretch);
    case "cusum":
      return accumulateCusum(settings, state as CusumState, stretch);
    case "ewma":
      return accumulateEwma(settings, state as EwmaState, stretch);
    case "eprocess":
      return accumulateOnset(settings, state as OnsetState, stretch);
    case "mannWhitney":
      return accumulateMannWhitney(settings, state as MannWhitneyState, stretch);
    case "novelty":
      return accumulateNovelty(settings, stretch);
    case "outlier":
      return accumulateOutlier(settings, state as OutlierState, stretch);
    case "variance":
      return accumulateVariance(settings, state as VarianceState, stretch);
    case "count":
      return accumulateCount(settings, state as CountState, stretch);
    default:
      return unreachable(settings);
  }
}

/** Does the detector look at the residuals of the baseline (`Noise.residuals`)? */
export function readsBaseline({ kind }: DetectorSettings): boolean {
  switch (kind) {
    case "mannWhitney":
    case "variance":
    case "novelty":
    case "outlier":
      return true;
    case "threshold":
    case "cusum":
    case "ewma":
    case "eprocess":
    case "count":
      return false;
    default:
      return unreachable(kind);
  }
}

/**
 * Does an incident that began before the deployment matter to the detector? It moves the level, and
 * not how wide the noise is; and novelty is beyond everything before, whatever that was.
 */
export function heedsOngoing({ kind }: DetectorSettings): boolean {
  return kind !== "variance" && kind !== "novelty";
}

/** The limit that the statistic of a detector is compared with. */
export function limitOf(settings: DetectorSettings): number {
  switch (settings.kind) {
    case "threshold":
      return settings.breaches;
    case "cusum":
    case "ewma":
    case "mannWhitney":
    case "outlier":
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
