/**
 * Gathers the samples of many batches by series and hands them to the engine together. A batch has
 * one sample of thousands of series, and the engine's work on a column hardly depends on how long
 * it is.
 */

import { handle, initialController } from "../../../engine/index.ts";
import type { ControllerState, Policy, SampleColumn, SeriesName } from "../../../engine/index.ts";
import { columnsOf, type BatchBlock } from "./blocks.ts";

type Recent = ControllerState["recent"];

/** So many samples are gathered at most: 24 bytes each. */
const SAMPLES_AT_ONCE = 2_000_000;
const ROOM_AT_LEAST = 16;
/** Columns of so many samples, as in the first batch of a host, are handed on as they are. */
const LONG = 32;

interface Growing {
  used: number;
  atMs: Float64Array;
  knownAtMs: Float64Array;
  values: Float64Array;
}

export class Gathered {
  readonly #growing = new Map<number, Growing>();
  #samples = 0;

  constructor(
    private readonly names: readonly SeriesName[],
    private recent: Recent,
    private policy: Policy,
  ) {}

  /** From here on samples are kept as long as this policy asks. */
  under(policy: Policy): void {
    this.#hand();
    this.policy = policy;
  }

  add(block: BatchBlock): void {
    const { numbers, lengths, atMs, values, knownAtMs } = block;
    if (atMs.length >= LONG * numbers.length) {
      this.#hand();
      this.recent = remembered(this.policy, this.recent, columnsOf(block, this.names));
      return;
    }
    let from = 0;
    for (let column = 0; column < numbers.length; column++) {
      const length = lengths[column]!;
      const own = this.#roomFor(numbers[column]!, length);
      for (let index = 0; index < length; index++) {
        own.atMs[own.used] = atMs[from + index]!;
        own.values[own.used] = values[from + index]!;
        own.knownAtMs[own.used++] =
          typeof knownAtMs === "number" ? knownAtMs : knownAtMs[from + index]!;
      }
      from += length;
    }
    this.#samples += from;
    if (this.#samples >= SAMPLES_AT_ONCE) this.#hand();
  }

  /** The recent samples after everything that was added. */
  get all(): Recent {
    this.#hand();
    return this.recent;
  }

  #roomFor(number: number, more: number): Growing {
    let own = this.#growing.get(number);
    if (own === undefined) {
      const room = Math.max(ROOM_AT_LEAST, more);
      const make = (): Float64Array => new Float64Array(room);
      own = { used: 0, atMs: make(), knownAtMs: make(), values: make() };
      this.#growing.set(number, own);
    }
    if (own.used + more > own.atMs.length) {
      for (const field of ["atMs", "knownAtMs", "values"] as const) {
        const grown = new Float64Array(2 * (own.used + more));
        grown.set(own[field].subarray(0, own.used));
        own[field] = grown;
      }
    }
    return own;
  }

  #hand(): void {
    if (this.#samples === 0) return;
    const columns = [...this.#growing].map(([number, { used, ...own }]): SampleColumn => {
      return {
        series: this.names[number]!,
        atMs: own.atMs.subarray(0, used),
        knownAtMs: own.knownAtMs.subarray(0, used),
        values: own.values.subarray(0, used),
      };
    });
    this.recent = remembered(this.policy, this.recent, columns);
    this.#growing.clear();
    this.#samples = 0;
  }
}

/** The recent samples with more. */
export function remembered(
  policy: Policy,
  recent: Recent,
  columns: readonly SampleColumn[],
): Recent {
  const event = { kind: "samplesTaken", atMs: 0, knownAtMs: 0, columns } as const;
  return handle(policy, { ...initialController, recent }, event).state.recent;
}
