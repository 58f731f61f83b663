/**
 * Cuts the samples of one series after the other into blocks, counts them and
 * hashes them.
 *
 * Law: a block begins where the block before it is full (or where an offset would
 * no longer fit into 32 bits), so blocks, files and digest follow from the samples
 * alone, however they were handed over.
 */

import type { Hash } from "node:crypto";
import { assert } from "../../engine/index.ts";
import { blockChecksum } from "./checksums.ts";
import { BLOCK_SAMPLES } from "./blocks.ts";
import type { PartFiles, Storage } from "./partFiles.ts";

const OFFSET_MAX_MS = 2 ** 31 - 1;

export class BlockPacker {
  /** Stored values that are numbers. */
  samples = 0;
  /** Stored as NaN. */
  missing = 0;
  firstMs = Infinity;
  lastMs = -Infinity;

  #series = -1;
  #storage: Storage = "float";
  #length = 0;
  #startMs = 0;
  #previousMs = -Infinity;
  readonly #offsets = new Int32Array(BLOCK_SAMPLES);
  readonly #delays = new Int32Array(BLOCK_SAMPLES);
  readonly #floats = new Float32Array(BLOCK_SAMPLES);
  readonly #doubles = new Float64Array(BLOCK_SAMPLES);
  readonly #headInts = new Float64Array(6);
  /** Begun, but not before the last block of the series before it is written. */
  #pending: { series: number; storage: Storage } | null = null;

  constructor(
    private readonly files: Readonly<Record<Storage, PartFiles>>,
    private readonly hash: Hash,
  ) {}

  /** Ends the series before and begins the next. */
  begin(series: number, storage: Storage): void {
    this.#pending = { series, storage };
  }

  /** Appends a run: evenly spaced from `startMs` when `atMs` is null. */
  async append(
    startMs: number,
    stepMs: number,
    atMs: Float64Array | null,
    values: Float64Array | Float32Array,
    knownDelayMs: number | Int32Array,
  ): Promise<void> {
    if (this.#pending !== null) await this.#turn();
    const column = this.#storage === "float" ? this.#floats : this.#doubles;
    const one = typeof knownDelayMs === "number" ? knownDelayMs : 0;
    const delays = typeof knownDelayMs === "number" ? null : knownDelayMs;
    assert(Number.isInteger(one) && one >= 0 && one <= OFFSET_MAX_MS, "a delay is whole ms from 0");
    assert(atMs !== null || Number.isSafeInteger(startMs), "a time is a whole number of ms");
    for (let i = 0; i < values.length; i++) {
      const at = atMs === null ? startMs + i * stepMs : atMs[i]!;
      if (!(at > this.#previousMs)) assert(false, "samples of a series arrive in time order");
      if (atMs !== null && !Number.isSafeInteger(at)) assert(false, "a time is whole ms");
      if (this.#length === BLOCK_SAMPLES || at - this.#startMs > OFFSET_MAX_MS) await this.#flush();
      if (this.#length === 0) this.#startMs = at;
      const value = values[i]!;
      this.#offsets[this.#length] = at - this.#startMs;
      this.#delays[this.#length] = delays === null ? one : delays[i]!;
      column[this.#length++] = Number.isFinite(value) ? value : NaN;
      this.#previousMs = at;
    }
  }

  /** Writes the last block. */
  async finish(): Promise<void> {
    await this.#flush();
  }

  async #turn(): Promise<void> {
    await this.#flush();
    this.#series = this.#pending!.series;
    this.#storage = this.#pending!.storage;
    this.#pending = null;
    this.#previousMs = -Infinity;
  }

  async #flush(): Promise<void> {
    const length = this.#length;
    if (length === 0) return;
    this.#length = 0;
    const column = this.#storage === "float" ? this.#floats : this.#doubles;
    const values = column.subarray(0, length);
    const offsets = this.#offsets.subarray(0, length);
    const delays = this.#delays.subarray(0, length);
    const stepMs = evenStep(offsets);
    const delayMs = allEqual(delays) ? delays[0]! : null;
    this.#count(values, offsets);
    this.#digest(values, offsets, delays, stepMs, delayMs);
    await this.files[this.#storage].add({
      series: this.#series,
      startMs: this.#startMs,
      stepMs,
      offsetsMs: stepMs === null ? offsets : null,
      values,
      delayMs,
      delaysMs: delayMs === null ? delays : null,
      crc: blockChecksum(values),
    });
  }

  #count(values: Float32Array | Float64Array, offsets: Int32Array): void {
    let missing = 0;
    for (const value of values) if (Number.isNaN(value)) missing++;
    this.missing += missing;
    this.samples += values.length - missing;
    this.firstMs = Math.min(this.firstMs, this.#startMs);
    this.lastMs = Math.max(this.lastMs, this.#startMs + offsets.at(-1)!);
  }

  #digest(
    values: Float32Array | Float64Array,
    offsets: Int32Array,
    delays: Int32Array,
    stepMs: number | null,
    delayMs: number | null,
  ): void {
    const head = this.#headInts;
    head[0] = this.#series;
    head[1] = this.#startMs;
    head[2] = values.length;
    head[3] = values.BYTES_PER_ELEMENT;
    head[4] = stepMs ?? -1;
    head[5] = delayMs ?? -1;
    this.hash.update(bytes(head)).update(bytes(values));
    if (stepMs === null) this.hash.update(bytes(offsets));
    if (delayMs === null) this.hash.update(bytes(delays));
  }
}

function bytes(array: Float32Array | Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The spacing when every two neighbours are equally far apart; a lone sample has none. */
function evenStep(offsets: Int32Array): number | null {
  if (offsets.length < 2) return null;
  const step = offsets[1]!;
  for (let i = 2; i < offsets.length; i++) if (offsets[i] !== step * i) return null;
  return step;
}

function allEqual(items: Int32Array): boolean {
  const first = items[0]!;
  for (const item of items) if (item !== first) return false;
  return true;
}
