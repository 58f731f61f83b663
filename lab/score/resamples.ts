/**
 * Bootstrap samples of services. They depend on the seed and the number of services alone, so two
 * policies on one history are resampled alike and their differences are paired.
 */

import { randomStream } from "../random.ts";

/** Indices of services, one list for each sample. With a single service there is one sample. */
export function* resamples(services: number, seed: number, samples: number): Generator<number[]> {
  const random = randomStream(seed, "bootstrap", services);
  const rounds = services === 1 ? 1 : samples;
  for (let round = 0; round < rounds; round++) {
    yield Array.from({ length: services }, () => Math.floor(random.next() * services));
  }
}
