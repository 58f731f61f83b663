/**
 * Resamples of services that all policies of a sweep share (common random numbers), so that a
 * difference between two policies does not come from different resamples.
 *
 * Services are resampled because deployments of one service are alike. With fewer than about twenty
 * services the bootstrap's spread is too small (88 % coverage at ten; method.md). So "better than
 * the incumbent" rests on sign flips (better.ts), which are valid with few services; the bootstrap
 * is used for the frontier and the one-standard-error rule.
 */

import { randomStream } from "../random.ts";

export interface Resamples {
  readonly count: number;
  readonly services: number;
  /** How often each service is in each resample: by resample, then by service. */
  readonly times: Uint16Array;
}

export function resamplesOf(services: number, count: number, seed: number): Resamples {
  const random = randomStream(seed, "sweep", services);
  const times = new Uint16Array(count * services);
  for (let resample = 0; resample < count; resample++) {
    for (let drawn = 0; drawn < services; drawn++) {
      times[resample * services + Math.floor(random.next() * services)]!++;
    }
  }
  return { count, services, times };
}

/** The total of a sum in every resample. */
export function resampled({ count, services, times }: Resamples, sums: Float64Array): Float64Array {
  const totals = new Float64Array(count);
  for (let resample = 0; resample < count; resample++) {
    const at = resample * services;
    let total = 0;
    for (let service = 0; service < services; service++) {
      total += times[at + service]! * sums[service]!;
    }
    totals[resample] = total;
  }
  return totals;
}

/** Standard deviation over resamples; NaN ones do not count. */
export function spread(values: Float64Array): number {
  let n = 0;
  let mean = 0;
  let squares = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    n++;
    const step = value - mean;
    mean += step / n;
    squares += step * (value - mean);
  }
  return n < 2 ? 0 : Math.sqrt(squares / (n - 1));
}
