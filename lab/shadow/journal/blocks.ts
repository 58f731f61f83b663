/**
 * The bytes of one batch of samples, little-endian:
 *
 *     columns u32, samples u32
 *     columns × u32    number of the series
 *     columns × u32    samples of the column
 *     samples × f64    atMs, column after column
 *     samples × f64    values; NaN is a missing scrape
 *     samples × f64    knownAtMs; absent where the log has one value for all of them
 */

import type { SampleColumn, SeriesName } from "../../../engine/index.ts";

const HEAD = 8;

/** @param knownAtMs of all samples; null: each has its own, written into the block */
export function encodeBlock(
  columns: readonly SampleColumn[],
  numberOf: (series: SeriesName) => number,
  knownAtMs: number | null,
): Uint8Array {
  const samples = columns.reduce((sum, { values }) => sum + values.length, 0);
  const bytes = new Uint8Array(sizeOf(columns.length, samples, knownAtMs));
  const heads = new Uint32Array(bytes.buffer, 0, 2 + 2 * columns.length);
  const numbers = new Float64Array(bytes.buffer, heads.byteLength);
  heads[0] = columns.length;
  heads[1] = samples;
  let at = 0;
  columns.forEach((column, index) => {
    const { length } = column.values;
    heads[2 + index] = numberOf(column.series);
    heads[2 + columns.length + index] = length;
    for (let sample = 0; sample < length; sample++, at++) {
      numbers[at] = column.atMs[sample]!;
      numbers[samples + at] = column.values[sample]!;
      if (knownAtMs === null) numbers[2 * samples + at] = column.knownAtMs[sample]!;
    }
  });
  return bytes;
}

/** A batch as it lies in the file: views of its bytes. */
export interface BatchBlock {
  /** By column: the number of its series, and how many samples it has. */
  readonly numbers: Uint32Array;
  readonly lengths: Uint32Array;
  /** Column after column. */
  readonly atMs: Float64Array;
  readonly values: Float64Array;
  readonly knownAtMs: Float64Array | number;
}

/**
 * @param series how many series have a number
 * @returns null where the bytes are not such a batch
 */
export function openBlock(
  bytes: Uint8Array,
  series: number,
  knownAtMs: number | null,
): BatchBlock | null {
  if (bytes.length < HEAD) return null;
  const [columns, samples] = new Uint32Array(bytes.buffer, bytes.byteOffset, 2);
  if (bytes.length !== sizeOf(columns!, samples!, knownAtMs)) return null;
  const heads = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 + 2 * columns!);
  const part = (index: number): Float64Array => {
    const from = bytes.byteOffset + heads.byteLength + index * 8 * samples!;
    return new Float64Array(bytes.buffer, from, samples);
  };
  const [numbers, lengths] = [heads.subarray(2, 2 + columns!), heads.subarray(2 + columns!)];
  let all = 0;
  for (let column = 0; column < columns!; column++) {
    all += lengths[column]!;
    if (numbers[column]! >= series) return null;
  }
  if (all > samples!) return null;
  return { numbers, lengths, atMs: part(0), values: part(1), knownAtMs: knownAtMs ?? part(2) };
}

/** @param names by number. @returns null where the bytes are not such a batch */
export function decodeBlock(
  bytes: Uint8Array,
  names: readonly SeriesName[],
  knownAtMs: number | null,
): SampleColumn[] | null {
  const block = openBlock(bytes, names.length, knownAtMs);
  if (block === null) return null;
  return columnsOf(block, names);
}

/** The columns of a batch, as views of its bytes. @param names by number */
export function columnsOf(block: BatchBlock, names: readonly SeriesName[]): SampleColumn[] {
  const { numbers, lengths, atMs, values } = block;
  const known =
    typeof block.knownAtMs === "number"
      ? new Float64Array(values.length).fill(block.knownAtMs)
      : block.knownAtMs;
  let at = 0;
  return Array.from(numbers, (number, index) => {
    const [from, to] = [at, at + lengths[index]!];
    at = to;
    return {
      series: names[number]!,
      atMs: atMs.subarray(from, to),
      knownAtMs: known.subarray(from, to),
      values: values.subarray(from, to),
    };
  });
}

function sizeOf(columns: number, samples: number, knownAtMs: number | null): number {
  return HEAD + 8 * columns + (knownAtMs === null ? 24 : 16) * samples;
}
