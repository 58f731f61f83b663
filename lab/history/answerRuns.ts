/**
 * What evaluations of queries answered where it was no finite number: NaN, an infinity, or a query
 * that failed. An incumbent tells them apart; a detector sees a missing sample in each.
 *
 * They lie beside the samples, in `answers.parquet`, as runs of one answer each. Ordinary samples
 * cost nothing, and a history without them has no such file. A missing sample in no run is an
 * answer without that series.
 */

import type { Hash } from "node:crypto";
import { join } from "node:path";
import {
  DOUBLE,
  DuckDBDataChunk,
  INTEGER,
  UTINYINT,
  type DuckDBConnection,
} from "@duckdb/node-api";
import { AnswerKind, assert } from "../../engine/index.ts";
import { quoted } from "./duck.ts";
import type { AnswerCounts } from "./tables.ts";

export const ANSWERS_FILE = "answers.parquet";

/** The runs of one series, in time order: each from its first sample to its last, inclusive. */
export interface SeriesAnswers {
  readonly fromMs: Float64Array;
  readonly toMs: Float64Array;
  /** `AnswerKind`. */
  readonly answers: Uint8Array;
}

interface Run {
  readonly series: number;
  readonly fromMs: number;
  toMs: number;
  samples: number;
  readonly answer: number;
}

/** Rows handed to DuckDB at once. */
const CHUNK_ROWS = 2048;
const IN_RUNS: ReadonlySet<number> = new Set([
  AnswerKind.nan,
  AnswerKind.failed,
  AnswerKind.infinite,
  AnswerKind.minusInfinite,
]);

/** Collects the runs of a history that is written; series come in ascending order. */
export class AnswerRuns {
  readonly #runs: Run[] = [];
  /** The run that the next sample may continue. */
  #open: Run | null = null;

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  /** @param answers one for each sample; a finite value is its own answer */
  add(
    series: number,
    atMs: Float64Array,
    values: Float64Array | Float32Array,
    answers: Uint8Array,
  ): void {
    assert(answers.length === atMs.length, "every sample has an answer");
    if (this.#open?.series !== series) this.#open = null;
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i]!;
      const isNumber = Number.isFinite(values[i]!);
      assert(isNumber === (answer === AnswerKind.value), "only a finite value is a number");
      if (this.#open !== null && this.#open.answer === answer) {
        this.#open.toMs = atMs[i]!;
        this.#open.samples++;
        continue;
      }
      this.#open = null;
      if (!IN_RUNS.has(answer)) continue;
      this.#open = { series, fromMs: atMs[i]!, toMs: atMs[i]!, samples: 1, answer };
      this.#runs.push(this.#open);
    }
  }

  counts(): AnswerCounts {
    const of = (...answers: readonly number[]): number =>
      this.#runs.reduce((sum, run) => sum + (answers.includes(run.answer) ? run.samples : 0), 0);
    return {
      nan: of(AnswerKind.nan),
      failed: of(AnswerKind.failed),
      infinite: of(AnswerKind.infinite, AnswerKind.minusInfinite),
    };
  }

  /** Nothing where there are none, so that an ordinary history keeps its digest. */
  digestInto(hash: Hash): void {
    for (const { series, fromMs, toMs, answer } of this.#runs) {
      hash.update(`${series} ${fromMs} ${toMs} ${answer}\n`);
    }
  }

  /** Writes the file, unless there is no run. */
  async write(connection: DuckDBConnection, dir: string): Promise<void> {
    if (this.isEmpty) return;
    await connection.run(
      `CREATE OR REPLACE TABLE answer_runs
         (series INTEGER, from_ms DOUBLE, to_ms DOUBLE, answer UTINYINT)`,
    );
    const appender = await connection.createAppender("answer_runs");
    for (let first = 0; first < this.#runs.length; first += CHUNK_ROWS) {
      const runs = this.#runs.slice(first, first + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create([INTEGER, DOUBLE, DOUBLE, UTINYINT], runs.length);
      chunk.setColumns([
        runs.map(({ series }) => series),
        runs.map(({ fromMs }) => fromMs),
        runs.map(({ toMs }) => toMs),
        runs.map(({ answer }) => answer),
      ]);
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
    await connection.run(
      `COPY (SELECT series, make_timestamp_ms(from_ms::BIGINT) AS start_at,
           make_timestamp_ms(to_ms::BIGINT) AS end_at, answer
         FROM answer_runs ORDER BY series, start_at)
       TO ${quoted(join(dir, ANSWERS_FILE))} (FORMAT parquet)`,
    );
    await connection.run("DROP TABLE answer_runs");
  }
}

/** By series; those without a run are not in it. */
export async function readAnswers(
  connection: DuckDBConnection,
  path: string,
): Promise<ReadonlyMap<number, SeriesAnswers>> {
  const reader = await connection.runAndReadAll(
    `SELECT series, epoch_ms(start_at)::DOUBLE, epoch_ms(end_at)::DOUBLE, answer
       FROM read_parquet(${quoted(path)}) ORDER BY series, start_at`,
  );
  const [series, fromMs, toMs, answers] = reader.getColumnsJS() as [
    number[],
    number[],
    number[],
    number[],
  ];
  const bySeries = new Map<number, SeriesAnswers>();
  for (let first = 0; first < series.length;) {
    let next = first + 1;
    while (next < series.length && series[next] === series[first]) next++;
    bySeries.set(series[first]!, {
      fromMs: Float64Array.from(fromMs.slice(first, next)),
      toMs: Float64Array.from(toMs.slice(first, next)),
      answers: Uint8Array.from(answers.slice(first, next)),
    });
    first = next;
  }
  return bySeries;
}

/** The answer of each sample; null where nothing is known of the series but its samples. */
export function answersAt(
  own: SeriesAnswers | undefined,
  atMs: Float64Array,
  values: Float64Array,
): Uint8Array | null {
  if (own === undefined) return null;
  const answers = new Uint8Array(atMs.length);
  let run = atMs.length === 0 ? 0 : firstEndingFrom(own.toMs, atMs[0]!);
  for (let i = 0; i < atMs.length; i++) {
    const at = atMs[i]!;
    while (run < own.toMs.length && own.toMs[run]! < at) run++;
    if (!Number.isNaN(values[i]!)) continue; // `AnswerKind.value` is 0.
    const isInRun = run < own.toMs.length && own.fromMs[run]! <= at;
    answers[i] = isInRun ? own.answers[run]! : AnswerKind.none;
  }
  return answers;
}

/** Binary search: the first run that ends at or after `atMs`. */
function firstEndingFrom(toMs: Float64Array, atMs: number): number {
  let [low, high] = [0, toMs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (toMs[middle]! < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
