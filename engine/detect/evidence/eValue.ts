/**
 * The e-value of a detector's statistic: what a bet against "no harm" has multiplied
 * its stake by. Its expectation is at most 1 when nothing is wrong, at every look.
 *
 * An e-process says it itself. Past its horizon it has bet t/H instead of 1, so it is
 * divided by that. Sums and averages have no such promise: their statistic becomes a
 * p-value of the largest one in a watch, p = exp(−rate·s), and that an e-value,
 *
 *     e(p) = (1 − p + p·ln p) / (p·ln²p)      (Vovk and Wang 2021; e(0.01) = 4.46)
 *
 * the average of all p-to-e calibrators κ·p^(κ−1). It costs: p = 0.01 is worth 4.5, not
 * 100. The largest statistic so far is below the largest of the watch, so any look holds.
 *
 * Rates are where 1 % of 60-sample watches lie over the worst of normal and t (3 d.f.)
 * noise at an autocorrelation of 0, .3, .6 and .8, zero tolerated (4000 watches each,
 * seeds in test/detectors/noise.ts): a sum of 12.1, an average of 6.5 (12.3 and 6.4 since an
 * incident is left out of a baseline, which 4000 watches cannot tell apart). One in a thousand
 * lie over 32 and 9.8, an exponential says 18 and 9.8. Bias: beyond those the tail of a
 * sum is heavier than said, drift is not in it, and two directions are not paid for;
 * what any tolerance above zero gives away is (with half a spread the 1 % is 8.9).
 *
 * The other detectors have no such tail: without a calibration on the
 * past of the series nothing is known of how often. They have no e-value.
 */

import type { DetectorSettings } from "../../policy/policy.ts";

/** No model of a metric is right to one in ten thousand: more than this is not believed. */
export const LOG_E_AT_MOST = 9.25;

const CUSUM_RATE = Math.log(100) / 12.1;
const EWMA_RATE = Math.log(100) / 6.5;

/** The natural logarithm of e(p); 0 where p says nothing (e is below 1 only for p > 0.26). */
export function logEOfP(p: number): number {
  if (p >= 1) return 0;
  if (p <= 0) return LOG_E_AT_MOST;
  const log = Math.log(p);
  return Math.log((1 - p + p * log) / (p * log * log));
}

/**
 * The natural logarithm of the e-value of a statistic after so many valid samples; null
 * where the detector has none. At most `LOG_E_AT_MOST`.
 */
export function logEOf(
  settings: DetectorSettings,
  statistic: number,
  samples: number,
): number | null {
  switch (settings.kind) {
    case "eprocess":
    case "count": {
      const borrowed = Math.log(Math.max(1, samples / settings.horizon));
      return Math.min(LOG_E_AT_MOST, statistic - borrowed);
    }
    case "cusum":
      return Math.min(LOG_E_AT_MOST, logEOfP(Math.exp(-CUSUM_RATE * statistic)));
    case "ewma":
      return Math.min(LOG_E_AT_MOST, logEOfP(Math.exp(-EWMA_RATE * statistic)));
    case "threshold":
    case "mannWhitney":
    case "variance":
    case "novelty":
      return null;
  }
}

/** The most that a detector can ever say; null where it says nothing. */
export function mostLogEOf(settings: DetectorSettings): number | null {
  switch (settings.kind) {
    case "eprocess":
    case "count":
      return logEOf(settings, Math.log(60 / settings.alpha), 1);
    case "cusum":
      return logEOf(settings, 2 * settings.limit, 1);
    case "ewma":
      // One step moves the average by `clip` of its deviations at most, lasting ones by 1/w.
      return logEOf(settings, settings.clip / settings.weight, 1);
    case "threshold":
    case "mannWhitney":
    case "variance":
    case "novelty":
      return null;
  }
}
