/**
 * The e-value of a detector's statistic: by how much a bet on harm has multiplied its stake. When
 * nothing is wrong its expectation is at most 1, whenever one looks.
 *
 * The statistic of an e-process is the logarithm of one. Past its horizon H it has staked t/H
 * instead of 1, so it is divided by that. The sums and averages of CUSUM and EWMA promise nothing
 * of the kind. For these the statistic s becomes a p-value of the largest statistic in a watch,
 * p = exp(−rate·s), and that becomes an e-value,
 *
 *     e(p) = (1 − p + p·ln p) / (p·ln²p)      (Vovk and Wang 2021; e(0.01) = 4.46)
 *
 * the average of all p-to-e calibrators κ·p^(κ−1). The price is that p = 0.01 is worth 4.5 and
 * not 100. It holds whenever one looks, because the largest statistic so far is never above the
 * largest of the whole watch.
 *
 * The rates are set by the statistic that 1 % of healthy watches of 60 samples exceed, in the
 * worst case of normal and t (3 d.f.) noise with an autocorrelation of 0, .3, .6 and .8 and
 * nothing tolerated (4000 watches each, seeds in test/detectors/noise.ts): 12.1 for a sum and 6.5
 * for an average. (12.3 and 6.4 since incidents are left out of baselines, which 4000 watches
 * cannot tell apart from these.) One in a thousand exceed 32 and 9.8, where the exponential says
 * 18 and 9.8. Bias: the tail of a sum is heavier than this, drift is not allowed for, and neither
 * are two directions at once. On the other side, any tolerance above zero makes the statistics
 * smaller (with half a spread tolerated the 1 % point of a sum is 8.9).
 *
 * The other detectors have no e-value: without a calibration on the past of the series nothing is
 * known of how often a healthy one reaches a statistic.
 */

import type { DetectorSettings } from "../../policy/policy.ts";

/** The most that is believed, e = 10 400: no model of a metric is right beyond that. */
export const LOG_E_AT_MOST = 9.25;

const CUSUM_RATE = Math.log(100) / 12.1;
const EWMA_RATE = Math.log(100) / 6.5;

/** The natural logarithm of e(p): below 0 for p between 0.26 and 1, and 0 from 1 on. */
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
    case "outlier":
      return null;
  }
}

/** The largest logarithm of an e-value that a detector can reach; null where it has none. */
export function mostLogEOf(settings: DetectorSettings): number | null {
  switch (settings.kind) {
    case "eprocess":
    case "count":
      return logEOf(settings, Math.log(60 / settings.alpha), 1);
    case "cusum":
      return logEOf(settings, 2 * settings.limit, 1);
    case "ewma":
      // A step moves the average by `clip` of its deviations at most, a lasting shift by clip/w.
      return logEOf(settings, settings.clip / settings.weight, 1);
    case "threshold":
    case "mannWhitney":
    case "variance":
    case "novelty":
    case "outlier":
      return null;
  }
}
