/**
 * How long things took, over services: means and quantiles in one resample of services after
 * the other. Sorted once, a resample is a pass over the whole that counts each service's times
 * as often as the service was drawn.
 */

/** Seconds; NaN of none. */
export interface Durations {
  readonly mean: number;
  readonly median: number;
  readonly p90: number;
  /** Of what is longer than an hour, the hour. */
  readonly restrictedMean60m: number;
}

/** Times of all services, ascending, and the place of the service each is of. */
export interface Ordered {
  readonly seconds: Float64Array;
  readonly services: Int32Array;
  /** How many each service has. */
  readonly counts: readonly number[];
}

export function inOrder(byService: readonly (readonly number[])[]): Ordered {
  const all = byService.flatMap((own, service) => own.map((seconds) => ({ seconds, service })));
  all.sort((a, b) => a.seconds - b.seconds);
  return {
    seconds: Float64Array.from(all, ({ seconds }) => seconds),
    services: Int32Array.from(all, ({ service }) => service),
    counts: byService.map(({ length }) => length),
  };
}

const LIMIT_SECONDS = 3600;

/**
 * Quantiles are the inverse of the empirical distribution: 2, 3, 4, 10 have the median 3.
 *
 * @param times how often each service is in the resample
 */
export function durationsOf({ seconds, services, counts }: Ordered, times: Uint32Array): Durations {
  let n = 0;
  for (let service = 0; service < counts.length; service++) n += times[service]! * counts[service]!;
  if (n === 0) {
    return { mean: Number.NaN, median: Number.NaN, p90: Number.NaN, restrictedMean60m: Number.NaN };
  }
  const [atMedian, atP90] = [Math.ceil(0.5 * n), Math.ceil(0.9 * n)];
  let sum = 0;
  let restricted = 0;
  let seen = 0;
  let median = Number.NaN;
  let p90 = Number.NaN;
  for (let at = 0; at < seconds.length; at++) {
    const drawn = times[services[at]!]!;
    if (drawn === 0) continue;
    const one = seconds[at]!;
    sum += drawn * one;
    restricted += drawn * Math.min(one, LIMIT_SECONDS);
    const before = seen;
    seen += drawn;
    if (before < atMedian && seen >= atMedian) median = one;
    if (before < atP90 && seen >= atP90) p90 = one;
  }
  return { mean: sum / n, median, p90, restrictedMean60m: restricted / n };
}
