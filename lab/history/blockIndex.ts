/**
 * Which block lies in which row of which part file: a few small columns of all
 * files, read once, so that a reader asks only for the blocks it needs.
 *
 * A block's end is not stored. It ends before the next block of its series
 * begins, which is all that pruning needs: a block too many is cut away later, a
 * block too few is impossible.
 */

import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { assert } from "../../engine/index.ts";
import type { BlockRange } from "./blocks.ts";
import { checkFrame, type ValuesRange } from "./checksums.ts";
import { itemsOf, quoted, type DuckAtNeed } from "./duck.ts";
import { readingFile } from "./open.ts";
import { AlikeColumn } from "./packed.ts";
import { findPlainValues, LISTED, type PlainPart, type PlainValues } from "./plainPart.ts";
import type { ManifestFile } from "./tables.ts";

/** One part file; row `i` of the file is entry `i` of the arrays. */
export interface PartIndex extends PlainPart {
  readonly storage: "float" | "double";
  /** The same as `beforeMs` for the last row, which may go on in the next file. */
  lastBeforeMs: number;
  /**
   * Where its values lie in the file, found out when first asked for; null where DuckDB has
   * to read them.
   */
  readonly values: () => PlainValues | null;
}

/** No sample of the block is at or after this time; Infinity for a series' last block. */
export function beforeMs({ series, startMs, lastBeforeMs }: PartIndex, row: number): number {
  const next = row + 1;
  if (next === series.length) return lastBeforeMs;
  return series[next] === series[row] ? startMs[next]! : Number.POSITIVE_INFINITY;
}

/**
 * Reads the index of the part files (relative to `dir`), in the order of their names.
 *
 * @throws Problem where a part file is damaged outside of its values
 */
export async function loadBlockIndex(
  duck: DuckAtNeed,
  dir: string,
  files: readonly ManifestFile[],
): Promise<PartIndex[]> {
  const sorted = [...files].sort((a, b) => (a.file < b.file ? -1 : 1));
  const paths = sorted.map(({ file }) => join(dir, file));
  if (paths.length === 0) return [];
  // Before DuckDB sees them: a damaged footer can make it ask for any amount of memory.
  sorted.forEach(({ frame, values = null }, at) => {
    if (frame !== undefined) checkFrame(paths[at]!, values, frame);
  });
  const areSummed = sorted.every(({ frame }) => frame !== undefined);
  // Of their own, and two that work side by side: somebody may be in the middle of a result of
  // the other one.
  const connections = await Promise.all([duck.connect(), duck.connect()]);
  try {
    const read = (some: readonly string[]): Promise<PartIndex[]> =>
      readParts(connections, some, areSummed);
    const parts = await read(paths).catch(async (error: unknown) => {
      // All are read by two queries, which is many times quicker than two for each. Which of
      // them it was that could not be read, they do not always say.
      for (const path of paths) await readingFile(path, () => read([path]));
      throw error;
    });
    for (const storage of ["float", "double"] as const) {
      closeBlocks(parts.filter((part) => part.storage === storage));
    }
    return parts;
  } finally {
    for (const connection of connections) connection.closeSync();
  }
}

type Connections = readonly [DuckDBConnection, DuckDBConnection];

async function readParts(
  [one, other]: Connections,
  paths: readonly string[],
  areSummed: boolean,
): Promise<PartIndex[]> {
  const list = `[${paths.map(quoted).join(",")}]`;
  // DuckDB keeps the order of files and of the rows in them; `closeBlocks` would see it if not.
  // A part of the answer at a time: all of it at once is as much again as what is kept of it.
  const reading = other.stream(
    `SELECT series, epoch_us(start_at) / 1000, coalesce(step_ms, ${LISTED}),
            coalesce(known_delay_ms, ${LISTED})${areSummed ? ", crc" : ""}
       FROM read_parquet(${list})`,
  );
  // None may be under way when the connections are closed.
  const [parts, result] = await both(beginParts(one, paths, areSummed), reading);
  let [at, row] = [0, 0];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const [series, steps, delays] = [0, 2, 3].map((column) =>
      itemsOf(chunk.getColumnVector(column), Int32Array),
    ) as [Int32Array, Int32Array, Int32Array];
    const startMs = itemsOf(chunk.getColumnVector(1), Float64Array);
    const crc = areSummed ? itemsOf(chunk.getColumnVector(4), Int32Array) : null;
    for (let from = 0; from < chunk.rowCount;) {
      while (row === parts[at]?.series.length) [at, row] = [at + 1, 0];
      const part = parts[at];
      assert(part !== undefined, "a part file has as many rows as it says");
      const to = Math.min(chunk.rowCount, from + part.series.length - row);
      part.series.set(series.subarray(from, to), row);
      part.startMs.set(startMs.subarray(from, to), row);
      part.stepMs.addAll(steps.subarray(from, to));
      part.delayMs.addAll(delays.subarray(from, to));
      if (crc !== null) part.crc!.set(crc.subarray(from, to), row);
      row += to - from;
      from = to;
    }
  }
  while (row === parts[at]?.series.length) [at, row] = [at + 1, 0];
  assert(at === parts.length, "every row of every part file came");
  return parts;
}

/** What both come to, once both have ended. */
async function both<One, Other>(
  one: Promise<One>,
  other: Promise<Other>,
): Promise<readonly [One, Other]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

/** The parts with room for their rows, of which nothing is known yet. */
async function beginParts(
  connection: DuckDBConnection,
  paths: readonly string[],
  areSummed: boolean,
): Promise<PartIndex[]> {
  const chunks = await valueChunksOf(connection, paths);
  return paths.map((path) => emptyPart(path, chunks.get(path)!, areSummed));
}

async function valueChunksOf(
  connection: DuckDBConnection,
  paths: readonly string[],
): Promise<ReadonlyMap<string, readonly ValueChunk[]>> {
  const reader = await connection.runAndReadAll(
    `SELECT file_name, row_group_num_rows, compression, encodings, dictionary_page_offset,
            data_page_offset, num_values
       FROM parquet_metadata([${paths.map(quoted).join(",")}])
      WHERE path_in_schema = 'values, list, element'`,
  );
  const chunks = new Map(paths.map((path) => [path, [] as ValueChunk[]]));
  for (const row of reader.getRowsJS()) {
    const [path, rows, compression, encodings, dictionary, pageAt, values] = row;
    const isPlain = compression === "UNCOMPRESSED" && encodings === "PLAIN" && dictionary === null;
    const counts = { rows: Number(rows), values: Number(values), pageAt: Number(pageAt) };
    const of = chunks.get(path as string);
    assert(of !== undefined, "what is told of a part file names it as we do");
    of.push({ isPlain, ...counts });
  }
  return chunks;
}

/** Where the values of part files lie; null where DuckDB has to read them. */
export async function valuesRangesOf(
  connection: DuckDBConnection,
  paths: readonly string[],
): Promise<readonly (ValuesRange | null)[]> {
  if (paths.length === 0) return [];
  const chunks = await valueChunksOf(connection, paths);
  return paths.map((path) => {
    const found = plainValuesOf(path, chunks.get(path)!);
    return found === null ? null : [found.at, found.at + found.bytes * (found.ends.at(-1) ?? 0)];
  });
}

/** The values of one row group. */
interface ValueChunk {
  readonly isPlain: boolean;
  readonly rows: number;
  readonly values: number;
  /** Of their first page, in the file. */
  readonly pageAt: number;
}

function emptyPart(path: string, chunks: readonly ValueChunk[], isSummed: boolean): PartIndex {
  const rows = rowsIn(chunks);
  let found: PlainValues | null | undefined;
  return {
    path,
    storage: storageOf(path),
    series: new Int32Array(rows),
    startMs: new Float64Array(rows),
    lastBeforeMs: Number.POSITIVE_INFINITY,
    stepMs: new AlikeColumn(rows),
    delayMs: new AlikeColumn(rows),
    crc: isSummed ? new Int32Array(rows) : null,
    values: () => (found === undefined ? (found = plainValuesOf(path, chunks)) : found),
  };
}

function storageOf(path: string): PartIndex["storage"] {
  return path.endsWith("-double.parquet") ? "double" : "float";
}

function rowsIn(chunks: readonly ValueChunk[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
}

function plainValuesOf(path: string, chunks: readonly ValueChunk[]): PlainValues | null {
  const only = chunks.length === 1 && chunks[0]!.isPlain ? chunks[0]! : null;
  if (only === null) return null;
  const bytes = storageOf(path) === "float" ? 4 : 8;
  return findPlainValues(path, only.pageAt, only.values, bytes, rowsIn(chunks));
}

/** Looks at their order, and where a series goes on in another file: files follow each other. */
function closeBlocks(parts: readonly PartIndex[]): void {
  let before: PartIndex | null = null;
  let [lastSeries, lastMs] = [-1, 0];
  for (const part of parts) {
    const { series, startMs } = part;
    const law = `blocks lie in order: ${part.path}`;
    for (let row = 0; row < series.length; row++) {
      const one = series[row]!;
      const atMs = startMs[row]!;
      const isSame = one === lastSeries;
      assert(isSame ? atMs > lastMs : one > lastSeries, law);
      assert(isWholeMs(atMs), "a stored time is a whole millisecond");
      if (isSame && row === 0) before!.lastBeforeMs = atMs;
      lastSeries = one;
      lastMs = atMs;
    }
    if (series.length > 0) before = part;
  }
}

/** Made of whole microseconds, of which none was lost? */
function isWholeMs(ms: number): boolean {
  return Number.isInteger(ms) && Number.isSafeInteger(ms * 1000);
}

/** Disjoint, ascending intervals of one series: `fromMs[i]` to `toMs[i]`, exclusive. */
interface Intervals {
  readonly fromMs: number[];
  readonly toMs: number[];
}

function mergeRanges(ranges: readonly BlockRange[]): Map<number, Intervals> {
  const sorted = [...ranges].sort((a, b) => a.series - b.series || a.fromMs - b.fromMs);
  const merged = new Map<number, Intervals>();
  for (const { series, fromMs, toMs } of sorted) {
    if (!(toMs > fromMs)) continue;
    let of = merged.get(series);
    if (of === undefined) merged.set(series, (of = { fromMs: [], toMs: [] }));
    const last = of.toMs.length - 1;
    if (last >= 0 && fromMs <= of.toMs[last]!) {
      of.toMs[last] = Math.max(of.toMs[last]!, toMs);
    } else {
      of.fromMs.push(fromMs);
      of.toMs.push(toMs);
    }
  }
  return merged;
}

/** Rows of a part that are wanted, ascending. */
export interface PartPlan {
  readonly part: PartIndex;
  readonly rows: Int32Array;
}

/** Which rows of which parts hold samples of the ranges; parts with none are left out. */
export function planParts(
  parts: readonly PartIndex[],
  ranges: readonly BlockRange[] | "all",
  seriesIn: readonly number[] | undefined,
): PartPlan[] {
  const wanted = ranges === "all" ? null : mergeRanges(ranges);
  const allowed = seriesIn === undefined ? null : new Set(seriesIn);
  // Who reads a history bit by bit asks for few series at a time, which most parts have none of.
  const [least, most] = ranges === "all" ? [-Infinity, Infinity] : reachOf(ranges);
  return parts
    .filter(({ series }) => series[0]! <= most && series.at(-1)! >= least)
    .map((part) => ({ part, rows: new Int32Array(rowsOf(part, wanted, allowed)) }))
    .filter(({ rows }) => rows.length > 0);
}

/** Between which series those of the ranges are. */
function reachOf(ranges: readonly BlockRange[]): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const { series } of ranges) {
    if (series < least) least = series;
    if (series > most) most = series;
  }
  return [least, most];
}

function rowsOf(
  part: PartIndex,
  wanted: ReadonlyMap<number, Intervals> | null,
  allowed: ReadonlySet<number> | null,
): number[] {
  const { series, startMs } = part;
  const rows: number[] = [];
  let to = 0;
  while (to < series.length) {
    const from = to;
    const one = series[from]!;
    to = firstRow(from, series.length, (row) => series[row]! > one);
    if (allowed !== null && !allowed.has(one)) continue;
    const intervals = wanted?.get(one);
    if (wanted !== null && intervals === undefined) continue;
    const [fromMs, toMs] = [intervals?.fromMs[0] ?? -Infinity, intervals?.toMs.at(-1) ?? Infinity];
    const first = firstRow(from, to, (row) => beforeMs(part, row) > fromMs);
    const end = firstRow(first, to, (row) => startMs[row]! >= toMs);
    // Blocks and intervals both ascend: those that end before a block are over for all of them.
    for (let row = first, at = 0; row < end; row++) {
      if (intervals !== undefined) {
        while (intervals.toMs[at]! <= startMs[row]!) at++;
        if (!(intervals.fromMs[at]! < beforeMs(part, row))) continue;
      }
      rows.push(row);
    }
  }
  return rows;
}

/** Of rows in an order in which it stays true once it is: the first of which it is, or `to`. */
function firstRow(from: number, to: number, is: (row: number) => boolean): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (is(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
