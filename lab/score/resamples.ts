/**
 * Bootstrap samples of services. They depend on the seed and the number of services alone, so two
 * policies on one history are resampled alike and their differences are paired.
 */

import { getOrMake } from "../getOrMake.ts";
import { randomStream } from "../random.ts";
import { LEFT_OUT_AT_MOST } from "./intervals.ts";

/** Lists of services, by index; a service may be in a list more than once. */
export interface Groups {
  readonly count: number;
  readonly lists: Iterable<ArrayLike<number>>;
  /** Are the lists in memory? Others are drawn again each time that they are read. */
  readonly areKept: boolean;
}

/** Of fewer services the samples are kept: 40 MB. */
const KEPT_AT_MOST = 10_000_000;

interface Drawing {
  readonly seed: number;
  readonly bootstraps: number;
}

interface Resamples {
  /** Bootstrap samples; with a single service there is one. */
  readonly drawn: Groups;
  /** All services but one, for each of them; null where there are too few or too many. */
  readonly allButOne: Groups | null;
}

/** By how they are drawn and by number of services; kept as long as the first is. */
const kept = new WeakMap<Drawing, Map<number, Resamples>>();

export function resamplesOf(services: number, drawing: Drawing): Resamples {
  let known = kept.get(drawing);
  if (known === undefined) kept.set(drawing, (known = new Map<number, Resamples>()));
  return getOrMake(known, services, () => ({
    drawn: bootstrap(services, drawing),
    allButOne: services >= 2 && services <= LEFT_OUT_AT_MOST ? leftOut(services) : null,
  }));
}

function bootstrap(services: number, { seed, bootstraps }: Drawing): Groups {
  const count = services === 1 ? 1 : bootstraps;
  const lists = { [Symbol.iterator]: () => resamples(services, seed, count) };
  if (services * count > KEPT_AT_MOST) return { count, lists, areKept: false };
  return { count, lists: [...lists], areKept: true };
}

function leftOut(services: number): Groups {
  const all = [...Array(services).keys()];
  const lists = all.map((out) => all.filter((service) => service !== out));
  return { count: services, lists, areKept: true };
}

function* resamples(services: number, seed: number, count: number): Generator<Uint32Array> {
  const random = randomStream(seed, "bootstrap", services);
  for (let round = 0; round < count; round++) {
    yield Uint32Array.from({ length: services }, () => Math.floor(random.next() * services));
  }
}
