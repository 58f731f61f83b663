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
import { microsToMs, quoted } from "./duck.ts";
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

/** Reads the index of the named part files (relative to `dir`, in file order). */
export async function loadBlockIndex(
  connection: DuckDBConnection,
  dir: string,
  files: readonly string[],
): Promise<PartIndex[]> {
  const parts: PartIndex[] = [];
  for (const file of [...files].sort()) {
    const path = join(dir, file);
    const storage = file.endsWith("-double.parquet") ? "double" : "float";
    const read = await readingFile(path, () => readPart(connection, path, storage));
    const beforeMs = new Float64Array(read.series.length).fill(Infinity);
    parts.push({ path, storage, beforeMs, ...read });
  }
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
    .map((part) => {
      const rows: number[] = [];
      for (let row = 0; row < part.series.length; row++) {
        const series = part.series[row]!;
        if (allowed !== null && !allowed.has(series)) continue;
        if (wanted === null || touches(wanted.get(series), part.startMs[row]!, part.beforeMs[row]!))
          rows.push(row);
      }
      return { part, rows: Int32Array.from(rows) };
    })
    .filter(({ rows }) => rows.length > 0);
}

function touches(intervals: Intervals | undefined, startMs: number, beforeMs: number): boolean {
  if (intervals === undefined) return false;
  // The last interval that begins before the block ends; earlier ones end earlier still.
  let low = 0;
  let high = intervals.fromMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (intervals.fromMs[middle]! < beforeMs) low = middle + 1;
    else high = middle;
  }
  return low > 0 && intervals.toMs[low - 1]! > startMs;
}
