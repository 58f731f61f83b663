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

/** @param names by number. @returns null where the bytes are not such a batch */
export function decodeBlock(
  bytes: Uint8Array,
  names: readonly SeriesName[],
  knownAtMs: number | null,
): SampleColumn[] | null {
  if (bytes.length < HEAD) return null;
  const [columns, samples] = new Uint32Array(bytes.buffer, bytes.byteOffset, 2);
  if (bytes.length !== sizeOf(columns!, samples!, knownAtMs)) return null;
  const heads = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 + 2 * columns!);
  const part = (index: number): Float64Array => {
    const from = bytes.byteOffset + heads.byteLength + index * 8 * samples!;
    return new Float64Array(bytes.buffer, from, samples);
  };
  const [atMs, values] = [part(0), part(1)];
  const known = knownAtMs === null ? part(2) : new Float64Array(samples!).fill(knownAtMs);
  const decoded: SampleColumn[] = [];
  let at = 0;
  for (let index = 0; index < columns!; index++) {
    const series = names[heads[2 + index]!];
    const to = at + heads[2 + columns! + index]!;
    if (series === undefined || to > samples!) return null;
    decoded.push({
      series,
      atMs: atMs.subarray(at, to),
      knownAtMs: known.subarray(at, to),
      values: values.subarray(at, to),
    });
    at = to;
  }
  return decoded;
}

function sizeOf(columns: number, samples: number, knownAtMs: number | null): number {
  return HEAD + 8 * columns + (knownAtMs === null ? 24 : 16) * samples;
}
