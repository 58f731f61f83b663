/**
 * Means and quantiles of durations, fast for many resamples of services: all durations are sorted
 * once, and a resample is one pass over them that counts each as often as its service was drawn.
 */

/** In seconds; NaN where there is no duration. */
export interface Durations {
  readonly mean: number;
  readonly median: number;
  readonly p90: number;
  /** The mean with everything longer than an hour counted as an hour. */
  readonly restrictedMean60m: number;
  readonly longest: number;
}

/** The durations of all services, ascending, with the index of each one's service. */
export interface Ordered {
  readonly seconds: Float64Array;
  readonly services: Int32Array;
  /** How many durations each service has. */
  readonly counts: readonly number[];
}

/** Sorts the durations, given in seconds for each service. */
export function inOrder(byService: readonly (readonly number[])[]): Ordered {
  const all = byService.flatMap((own, service) => own.map((seconds) => ({ seconds, service })));
  all.sort((a, b) => a.seconds - b.seconds);
  return {
    seconds: Float64Array.from(all, ({ seconds }) => seconds),
    services: Int32Array.from(all, ({ service }) => service),
    counts: byService.map(({ length }) => length),
  };
}

/** What did not happen counts as this. */
export const LIMIT_SECONDS = 3600;

/**
 * Means and quantiles of one resample. Quantiles are values that occur, the inverse of the
 * empirical distribution: the median of 2, 3, 4 and 10 is 3.
 *
 * @param times how often each service is in the resample
 */
export function durationsOf({ seconds, services, counts }: Ordered, times: Uint32Array): Durations {
  let n = 0;
  for (let service = 0; service < counts.length; service++) n += times[service]! * counts[service]!;
  if (n === 0) {
    const none = Number.NaN;
    return { mean: none, median: none, p90: none, restrictedMean60m: none, longest: none };
  }
  const [atMedian, atP90] = [Math.ceil(0.5 * n), Math.ceil(0.9 * n)];
  let sum = 0;
  let restricted = 0;
  let seen = 0;
  let median = Number.NaN;
  let p90 = Number.NaN;
  let longest = Number.NaN;
  for (let at = 0; at < seconds.length; at++) {
    const drawn = times[services[at]!]!;
    if (drawn === 0) continue;
    const one = seconds[at]!;
    longest = one;
    sum += drawn * one;
    restricted += drawn * Math.min(one, LIMIT_SECONDS);
    const before = seen;
    seen += drawn;
    if (before < atMedian && seen >= atMedian) median = one;
    if (before < atP90 && seen >= atP90) p90 = one;
  }
  return { mean: sum / n, median, p90, restrictedMean60m: restricted / n, longest };
}
