/**
 * Which block lies in which row of which part file: two small columns of every
 * file, read once, so that a reader asks only for the blocks it needs.
 *
 * A block's end is not stored. It ends before the next block of its series
 * begins, which is all that pruning needs: a block too many is cut away later, a
 * block too few is impossible.
 */

import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { assert } from "../../engine/index.ts";
import type { BlockRange } from "./blocks.ts";
import { microsToMs, quoted, type Duck } from "./duck.ts";
import { readingFile } from "./open.ts";
import { findPlainValues, LISTED, type PlainPart } from "./plainPart.ts";

/** One part file; row `i` of the file is entry `i` of the arrays. */
export interface PartIndex {
  readonly path: string;
  readonly storage: "float" | "double";
  readonly series: Int32Array;
  readonly startMs: Float64Array;
  /** No sample of the block is at or after this time; Infinity for a series' last block. */
  readonly beforeMs: Float64Array;
  /** Where its values lie in the file; null where DuckDB has to read them. */
  readonly plain: PlainPart | null;
}

const READERS = 4;

/** Reads the index of the named part files (relative to `dir`, in file order). */
export async function loadBlockIndex(
  duck: Duck,
  dir: string,
  files: readonly string[],
): Promise<PartIndex[]> {
  const sorted = [...files].sort();
  const parts = new Array<PartIndex>(sorted.length);
  const read = async (connection: DuckDBConnection, at: number): Promise<void> => {
    const path = join(dir, sorted[at]!);
    const storage = path.endsWith("-double.parquet") ? "double" : "float";
    const part = await readingFile(path, () => readPart(connection, path, storage));
    const beforeMs = new Float64Array(part.series.length).fill(Infinity);
    parts[at] = { path, storage, beforeMs, ...part };
  };
  let next = 0;
  const reader = async (): Promise<void> => {
    const connection = await duck.connect();
    try {
      while (next < sorted.length) await read(connection, next++);
    } finally {
      next = sorted.length;
      connection.closeSync();
    }
  };
  // Each is a few small answers of the database to wait for. None may be under way when
  // somebody hears of a failure and closes it.
  const ends = await Promise.allSettled(Array.from({ length: READERS }, reader));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  for (const storage of ["float", "double"] as const) {
    closeBlocks(parts.filter((part) => part.storage === storage));
  }
  return parts;
}

async function readPart(
  connection: DuckDBConnection,
  path: string,
  storage: PartIndex["storage"],
): Promise<Pick<PartIndex, "series" | "startMs" | "plain">> {
  const reader = await connection.runAndReadAll(
    `SELECT series, epoch_us(start_at) AS start_us, step_ms, known_delay_ms
       FROM read_parquet(${quoted(path)}, file_row_number = true) ORDER BY file_row_number`,
  );
  const [series = [], startUs = [], steps = [], delays = []] = reader.getColumnsJS() as unknown as [
    number[] | undefined,
    bigint[] | undefined,
    (number | null)[] | undefined,
    (number | null)[] | undefined,
  ];
  const index = {
    series: Int32Array.from(series),
    startMs: Float64Array.from(startUs, microsToMs),
  };
  const bytes = storage === "float" ? 4 : 8;
  const values = await findPlainValues(connection, path, bytes, index.series.length);
  if (values === null) return { ...index, plain: null };
  const stepMs = Int32Array.from(steps, (step) => step ?? LISTED);
  const delayMs = Int32Array.from(delays, (delay) => delay ?? LISTED);
  return { ...index, plain: { values, ...index, stepMs, delayMs } };
}

/** Ends every block where the next one of its series begins; files follow each other. */
function closeBlocks(parts: readonly PartIndex[]): void {
  let before: { part: PartIndex; row: number } | null = null;
  for (const part of parts) {
    for (let row = 0; row < part.series.length; row++) {
      if (before !== null) {
        const sameSeries = before.part.series[before.row] === part.series[row];
        const order = part.series[row]! - before.part.series[before.row]!;
        assert(
          order > 0 || (sameSeries && part.startMs[row]! > before.part.startMs[before.row]!),
          `blocks lie in order: ${part.path}`,
        );
        if (sameSeries) before.part.beforeMs[before.row] = part.startMs[row]!;
      }
      before = { part, row };
    }
  }
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
  return parts
    .map((part) => ({ part, rows: Int32Array.from(rowsOf(part, wanted, allowed)) }))
    .filter(({ rows }) => rows.length > 0);
}

function* rowsOf(
  { series, startMs, beforeMs }: PartIndex,
  wanted: ReadonlyMap<number, Intervals> | null,
  allowed: ReadonlySet<number> | null,
): Generator<number, void> {
  let to = 0;
  while (to < series.length) {
    const from = to;
    const one = series[from]!;
    to = firstRow(from, series.length, (row) => series[row]! > one);
    if (allowed !== null && !allowed.has(one)) continue;
    const intervals = wanted?.get(one);
    if (wanted !== null && intervals === undefined) continue;
    const [fromMs, toMs] = [intervals?.fromMs[0] ?? -Infinity, intervals?.toMs.at(-1) ?? Infinity];
    const first = firstRow(from, to, (row) => beforeMs[row]! > fromMs);
    const end = firstRow(first, to, (row) => startMs[row]! >= toMs);
    for (let row = first; row < end; row++) {
      if (intervals === undefined || touches(intervals, startMs[row]!, beforeMs[row]!)) yield row;
    }
  }
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

function touches({ fromMs, toMs }: Intervals, startMs: number, beforeMs: number): boolean {
  // The last interval that begins before the block ends; earlier ones end earlier still.
  const later = firstRow(0, fromMs.length, (at) => fromMs[at]! >= beforeMs);
  return later > 0 && toMs[later - 1]! > startMs;
}
