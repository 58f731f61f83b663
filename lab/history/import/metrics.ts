/**
 * Samples from a source into a history, in flat memory: stage, sort, write.
 *
 * DuckDB stages the rows as compact Parquet and sorts them (spilling to the
 * scratch directory); JavaScript sees sorted columns, merges duplicates, drops
 * conflicts and decides how a series is stored. Row order is no matter.
 *
 * Laws: no digit that was read is lost: a series is FLOAT only where every FLOAT
 * prints as the number that was read, else DOUBLE, and counters always DOUBLE.
 * A bucket's start is not the time its value could be known.
 */

import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { assert, type JsonObject } from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import { counted } from "../../counted.ts";
import { ABOVE_ONE, type ValueRange } from "../metric/infer.ts";
import { quoted } from "../duck.ts";
import { compareNames, type HistoryWriter } from "../write.ts";
import { noValue, refuseUnusedScale } from "./evidence.ts";
import { MERGED, type Findings } from "./findings.ts";
import { placesOf, relationProblem, requireColumns, textOf, type Relation } from "./relation.ts";
import { repeatedIn, timeProblem, withTimes } from "./times.ts";
import { SampleColumn } from "./sampleColumn.ts";

export interface MetricsOptions {
  /** What a bucketed time marks: its start adds the series' step to the known time. */
  readonly timestamp: "start" | "end";
  /** Whether a metric's values are counters. */
  readonly isCounter: (metric: string) => boolean;
  /** Metric to factor, from a mapping. */
  readonly scale: ReadonlyMap<string, number>;
}

export interface ImportedMetrics {
  readonly rows: number;
  readonly services: ReadonlySet<string>;
  readonly metrics: ReadonlySet<string>;
  /** By metric, over all of its series; none of one without a finite value. */
  readonly values: ReadonlyMap<string, ValueRange>;
}

interface Name {
  readonly service: string;
  readonly metric: string;
  readonly version: string | null;
}

export const REQUIRED = ["service", "metric", "ts", "value"];
/** What a query answered (`AnswerKind`), beside the value; only an import of queries has it. */
export const ANSWER = "answer";

/**
 * Imports the samples of `relation`.
 *
 * @throws Problem for a missing column or a time that cannot be read.
 */
export async function importMetrics(
  connection: DuckDBConnection,
  relation: Relation,
  writer: HistoryWriter,
  findings: Findings,
  options: MetricsOptions,
): Promise<ImportedMetrics> {
  requireColumns(relation, REQUIRED);
  const staged = await stage(connection, relation, writer.scratchDirectory, options.scale);
  const rows = await checkStaged(connection, relation, staged, findings);
  const names = await readNames(connection, staged);
  if (names.length === 0) {
    const empty = rows === 0 ? await relation.whyEmpty?.() : null;
    if (empty != null) throw empty;
    throw new Problem("there is no sample in it that can be read", {
      file: relation.file,
      cure:
        noneBecause(findings) ?? "A history needs samples: service,metric,ts,value, a line each.",
    });
  }
  const metrics = new Set(names.map(({ name }) => name.metric));
  const values = rangesOf(names);
  const hasAnswers = relation.columns.has(ANSWER);
  // Answers of queries tell something without a number as well.
  if (!hasAnswers && values.size === 0) throw noValue(relation);
  refuseUnusedScale(relation, options.scale, metrics);
  await registerNames(
    connection,
    names.map((entry) => entry.name),
  );
  const merged: number[] = [];
  const conflicts: number[] = [];
  let missing = 0;
  const counts = { merged: 0, conflicts: 0 };

  let series = -1;
  const column = new SampleColumn();
  const finishSeries = async (): Promise<void> => {
    if (series < 0) return;
    const { name, fitsFloat } = names[series]!;
    const kept = column.settle();
    counts.merged += kept.merged;
    counts.conflicts += kept.conflicts;
    if (merged.length < 3) merged.push(...kept.mergedRows.slice(0, 3 - merged.length));
    if (conflicts.length < 3) conflicts.push(...kept.conflictRows.slice(0, 3 - conflicts.length));
    missing += kept.missing;
    // An incumbent compares an answer with a bound that it may be equal to.
    const isExact = hasAnswers || options.isCounter(name.metric);
    const storage = fitsFloat && !isExact ? "float" : "double";
    const index = writer.addSeries(name, storage);
    const delayMs = options.timestamp === "start" ? medianSpacing(kept.atMs) : 0;
    const answers = hasAnswers ? kept.answers : undefined;
    await writer.appendIrregular(index, kept.atMs, kept.values, delayMs, answers);
    column.clear();
  };
  for await (const sorted of sortedSamples(connection, staged, hasAnswers)) {
    for (let i = 0; i < sorted.series.length; i++) {
      if (sorted.series[i] !== series) {
        await finishSeries();
        series = sorted.series[i]!;
      }
      const answer = sorted.answers?.[i] ?? 0;
      column.push(sorted.atMs[i]!, sorted.values[i]!, sorted.ordinals[i]!, answer);
    }
  }
  await finishSeries();

  const places = await placesOf(connection, relation, [...merged, ...conflicts]);
  findings.drop("metrics", MERGED, counts.merged, places.rows.slice(0, merged.length));
  findings.drop(
    "metrics",
    "conflicting duplicate: same series and time, other value",
    counts.conflicts,
    places.rows.slice(merged.length),
  );
  if (missing > 0) {
    findings.warn(
      `${counted(missing, "sample")} NaN, infinite or empty: stored as missing scrapes`,
    );
  }
  return {
    rows,
    services: new Set(names.map(({ name }) => name.service)),
    metrics,
    values,
  };
}

const MISSING_WORDS =
  "('nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity', " +
  "'null', 'none', 'na', 'n/a', '-')";

/** Writes the rows as one Parquet file with parsed times and values; returns its path. */
async function stage(
  connection: DuckDBConnection,
  relation: Relation,
  scratch: string,
  scale: ReadonlyMap<string, number>,
): Promise<string> {
  const path = join(scratch, "metrics.parquet");
  const text = (column: string): string => textOf(relation, column);
  const version = relation.columns.has("version")
    ? `nullif(${text("version")}, '')`
    : "NULL::VARCHAR";
  const factor = [...scale]
    .map(([metric, by]) => `WHEN ${text("metric")} = ${quoted(metric)} THEN ${by}::DOUBLE`)
    .join(" ");
  const number = 'TRY_CAST("value" AS DOUBLE)';
  try {
    await connection.run(
      `COPY (SELECT hindsight_row AS n, ${text("service")} AS service, ${text("metric")} AS metric,
           ${version} AS version, hindsight_at_ms AS parsed_at_ms,
           hindsight_is_repeated AS is_repeated,
           CASE WHEN hindsight_at_ms IS NULL AND NOT hindsight_is_repeated
             THEN coalesce(${text("ts")}, '') END AS bad_time,
           ${factor === "" ? number : `${number} * (CASE ${factor} ELSE 1.0 END)`} AS number,
           CASE WHEN ${number} IS NULL AND "value" IS NOT NULL
             AND lower(trim(${text("value")})) NOT IN ${MISSING_WORDS}
             THEN ${text("value")} END AS bad_value
           ${relation.columns.has(ANSWER) ? `, ${ANSWER}` : ""}
         FROM ${withTimes(relation, "ts")})
       TO ${quoted(path)} (FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE 100000)`,
    );
  } catch (error) {
    throw relationProblem(error, relation.file);
  }
  return path;
}

/** Rows that have a name, a time and a value that can be understood. */
const USABLE =
  "service IS NOT NULL AND metric IS NOT NULL AND parsed_at_ms IS NOT NULL AND bad_value IS NULL";

/** Refuses unreadable times, counts unreadable lines and values; returns the rows read. */
async function checkStaged(
  connection: DuckDBConnection,
  relation: Relation,
  staged: string,
  findings: Findings,
): Promise<number> {
  const file = quoted(staged);
  const read = async (sql: string): Promise<JsonObject[]> =>
    (await connection.runAndReadAll(sql)).getRowObjectsJS();
  const [badTime] = await read(
    `SELECT n::DOUBLE AS n, bad_time FROM ${file} WHERE bad_time IS NOT NULL ORDER BY n LIMIT 1`,
  );
  if (badTime !== undefined) {
    const { rows } = await placesOf(connection, relation, [badTime.n as number]);
    throw timeProblem(String(badTime.bad_time), "ts", { place: rows[0]!, zone: relation.zone });
  }
  const unreadable = [
    ["no service or metric", "service IS NULL OR metric IS NULL"],
    ["the value is not a number", "bad_value IS NOT NULL"],
    ...(relation.zone === null
      ? []
      : [[`ts: ${repeatedIn(relation.zone)}`, "is_repeated"] as const]),
  ] as const;
  for (const [reason, condition] of unreadable) {
    const [count] = await read(`SELECT count(*)::DOUBLE AS rows FROM ${file} WHERE ${condition}`);
    const rows = count!.rows as number;
    if (rows === 0) continue;
    const first = await read(
      `SELECT n::DOUBLE AS n FROM ${file} WHERE ${condition} ORDER BY n LIMIT 3`,
    );
    const places = await placesOf(
      connection,
      relation,
      first.map(({ n }) => n as number),
    );
    findings.drop("metrics", `unreadable line: ${reason}`, rows, places.rows);
  }
  await dropRejected(connection, relation, "metrics", findings);
  const [total] = await read(`SELECT count(*)::DOUBLE AS rows FROM ${file}`);
  return total!.rows as number;
}

/** What spoilt the first of them, where anything was there. */
function noneBecause(findings: Findings): string | null {
  const loss = findings.losses.find(({ table }) => table === "metrics");
  if (loss === undefined) return null;
  const [place] = loss.examples;
  const where = place === undefined ? "" : `, such as ${place}`;
  const what = `Left out: ${counted(loss.rows, "line")}${where}.`;
  return `${what} It must be UTF-8: service,metric,ts,value.`;
}

/** Counts the lines DuckDB could not read as CSV at all. */
export async function dropRejected(
  connection: DuckDBConnection,
  relation: Relation,
  table: string,
  findings: Findings,
): Promise<void> {
  const { rejected } = await placesOf(connection, relation, []);
  findings.drop(
    table,
    relation.unreadable === undefined
      ? "unreadable line: wrong number of columns or broken quotes"
      : "unreadable line",
    rejected.length,
    rejected.map(({ place, why }) => `${place} (${why})`),
  );
}

/** What the values of one series look like; null where none is finite. */
interface Seen {
  readonly finite: number;
  readonly least: number | null;
  readonly most: number | null;
  readonly mean: number | null;
  readonly above: number;
}

interface Named {
  readonly name: Name;
  readonly fitsFloat: boolean;
  readonly seen: Seen;
}

/** The ranges of metrics from those of their series. */
function rangesOf(names: readonly Named[]): ReadonlyMap<string, ValueRange> {
  const found = new Map<string, ValueRange & { readonly count: number }>();
  for (const { name, seen } of names) {
    const { finite, least, most, mean, above } = seen;
    if (least === null || most === null || mean === null) continue;
    const before = found.get(name.metric);
    const count = finite + (before?.count ?? 0);
    const share = finite / count;
    found.set(name.metric, {
      count,
      least: Math.min(least, before?.least ?? least),
      most: Math.max(most, before?.most ?? most),
      mean: share * mean + (1 - share) * (before?.mean ?? 0),
      aboveOne: share * (above / finite) + (1 - share) * (before?.aboveOne ?? 0),
    });
  }
  return found;
}

async function readNames(connection: DuckDBConnection, staged: string): Promise<readonly Named[]> {
  const reader = await connection.runAndReadAll(
    `SELECT service, metric, version, coalesce(bool_and(number IS NULL OR NOT isfinite(number)
         OR coalesce(TRY_CAST(CAST(TRY_CAST(number AS FLOAT) AS VARCHAR) AS DOUBLE) = number,
           false)), true) AS fits_float,
         count(number) FILTER (isfinite(number))::DOUBLE AS finite,
         min(number) FILTER (isfinite(number)) AS least,
         max(number) FILTER (isfinite(number)) AS most,
         -- tidy-ok: a rough size; seconds and milliseconds differ by a thousand.
         avg(number) FILTER (isfinite(number)) AS mean,
         count(*) FILTER (isfinite(number) AND number > ${ABOVE_ONE})::DOUBLE AS above
       FROM ${quoted(staged)} WHERE ${USABLE} GROUP BY ALL`,
  );
  return (reader.getRowObjectsJS() as unknown as (Name & Seen & { fits_float: boolean })[])
    .map(({ service, metric, version, fits_float, finite, least, most, mean, above }) => ({
      name: { service, metric, version },
      fitsFloat: fits_float,
      seen: { finite, least, most, mean, above },
    }))
    .sort((a, b) => compareNames(a.name, b.name));
}

async function registerNames(connection: DuckDBConnection, names: readonly Name[]): Promise<void> {
  await connection.run(
    "CREATE OR REPLACE TABLE series_names " +
      "(service VARCHAR, metric VARCHAR, version VARCHAR, series INTEGER)",
  );
  const appender = await connection.createAppender("series_names");
  for (const [series, { service, metric, version }] of names.entries()) {
    appender.appendVarchar(service);
    appender.appendVarchar(metric);
    if (version === null) appender.appendNull();
    else appender.appendVarchar(version);
    appender.appendInteger(series);
    appender.endRow();
  }
  appender.closeSync();
}

interface SortedSamples {
  readonly series: Int32Array;
  readonly atMs: Float64Array;
  readonly values: Float64Array;
  readonly ordinals: Float64Array;
  readonly answers: Float64Array | null;
}

async function* sortedSamples(
  connection: DuckDBConnection,
  staged: string,
  hasAnswers: boolean,
): AsyncGenerator<SortedSamples> {
  const result = await connection.stream(
    `SELECT series, parsed_at_ms::DOUBLE AS at_ms, coalesce(number, 'NaN'::DOUBLE) AS "value",
         n::DOUBLE AS n ${hasAnswers ? `, ${ANSWER}::DOUBLE` : ""}
       FROM (SELECT * FROM ${quoted(staged)} WHERE ${USABLE}) s
       JOIN series_names t ON s.service = t.service AND s.metric = t.metric
         AND s.version IS NOT DISTINCT FROM t.version
      ORDER BY series, at_ms, n`,
  );
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    const places = hasAnswers ? [0, 1, 2, 3, 4] : [0, 1, 2, 3];
    const [series, atMs, values, ordinals, answers] = places.map(
      (column) => (chunk.getColumnVector(column) as unknown as { items: unknown }).items,
    );
    assert(series instanceof Int32Array && atMs instanceof Float64Array, "typed columns");
    assert(values instanceof Float64Array && ordinals instanceof Float64Array, "typed columns");
    yield {
      series,
      atMs,
      values,
      ordinals,
      answers: answers instanceof Float64Array ? answers : null,
    };
  }
}

/** The lower median of the distances between neighbours, in ms; 0 for a lone sample. */
export function medianSpacing(atMs: Float64Array): number {
  if (atMs.length < 2) return 0;
  const spacings = new Float64Array(atMs.length - 1);
  for (let i = 1; i < atMs.length; i++) spacings[i - 1] = atMs[i]! - atMs[i - 1]!;
  return Math.min(spacings.sort()[(spacings.length - 1) >> 1]!, 2 ** 31 - 1);
}
