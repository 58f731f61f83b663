/** Seeded standard normal numbers for simulations: the same in every run. */

import { normalQuantile, randomStream } from "../../lab/random.ts";

/** `count` independent standard normals. */
export function normals(seed: number, count: number): Float64Array {
  const stream = randomStream("engine tests", seed);
  return Float64Array.from({ length: count }, () => normalQuantile(stream.next()));
}
