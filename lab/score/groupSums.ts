/**
 * Fields of many groups of services: of bootstrap samples, or of all services but one. A field
 * reads a few of the sums. A sum is added up when a field first reads it, in all groups at once,
 * and kept for the other fields that read it.
 */

import { durationsOf, type Durations, type Ordered } from "./durations.ts";
import { lazyRecord } from "./lazyRecord.ts";
import type { Groups } from "./resamples.ts";
import { COUNTED, DURATIONS, type DurationName, type SumName } from "./sums.ts";

export type Sums = Readonly<Record<SumName, number>>;
export type Seconds = Readonly<Record<DurationName, Durations>>;

const LazySums = lazyRecord<SumName, number>(COUNTED);
const LazySeconds = lazyRecord<DurationName, Durations>(DURATIONS);

/** Sums by name, of a row of them in the order of `COUNTED`. */
export function sumsIn(row: Float64Array): Sums {
  return new LazySums((at) => row[at]!);
}

/** What is added up of each service. */
export interface Addends {
  /** For each service its sums, in the order of `COUNTED`. */
  readonly sums: readonly Float64Array[];
  /** Null where no field asks for a duration. */
  readonly seconds: Readonly<Record<DurationName, Ordered>> | null;
}

export class GroupSums {
  readonly #addends: Addends;
  readonly #groups: Groups;
  readonly #sums: (Float64Array | undefined)[] = [];
  readonly #seconds: (readonly Durations[] | undefined)[] = [];

  constructor(addends: Addends, groups: Groups) {
    this.#addends = addends;
    this.#groups = groups;
  }

  /** What `valueOf` says of each group. */
  values(valueOf: (sums: Sums, seconds: Seconds) => number): Float64Array {
    let group = 0;
    const known = this.#sums;
    const sums = new LazySums((at) => (known[at] ?? this.#sumsAt(at))[group]!);
    const seconds = new LazySeconds((at) => this.#secondsAt(at)[group]!);
    const values = new Float64Array(this.#groups.count);
    for (; group < values.length; group++) values[group] = valueOf(sums, seconds);
    return values;
  }

  #sumsAt(at: number): Float64Array {
    const { lists, count, areKept } = this.#groups;
    // Lists that are drawn again each time are read once, for all sums.
    const asked = areKept ? [at] : [...COUNTED.keys()];
    const adding = asked.map((one) => ({
      own: Float64Array.from(this.#addends.sums, (sums) => sums[one]!),
      added: (this.#sums[one] = new Float64Array(count)),
    }));
    let group = 0;
    for (const drawn of lists) {
      for (const { own, added } of adding) added[group] = sumOf(own, drawn);
      group++;
    }
    return this.#sums[at]!;
  }

  #secondsAt(at: number): readonly Durations[] {
    return (this.#seconds[at] ??= Array.from(this.#groups.lists, (drawn) => {
      const times = new Uint32Array(this.#addends.sums.length);
      for (let nth = 0; nth < drawn.length; nth++) times[drawn[nth]!]!++;
      return durationsOf(this.#addends.seconds![DURATIONS[at]!], times);
    }));
  }
}

function sumOf(own: Float64Array, drawn: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < drawn.length; at++) sum += own[drawn[at]!]!;
  return sum;
}
