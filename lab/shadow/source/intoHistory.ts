/**
 * Reads the past of a metrics API for `import prometheus`. It uses the queries and the reader of
 * the live host, so that a replay sees what the host would have seen.
 *
 * Laws: samples go piece by piece into Parquet files in the scratch directory, never all into
 * memory; a piece that cannot be read fails the import, because a gap would look like an outage.
 */

import { join } from "node:path";
import { DOUBLE, DuckDBDataChunk, INTEGER, type DuckDBConnection } from "@duckdb/node-api";
import { formatDuration } from "../../../engine/index.ts";
import { quoted, iso, type Duck } from "../../history/duck.ts";
import { Findings } from "../../history/import/findings.ts";
import type { SampleSource } from "../../history/import/importHistory.ts";
import { parquetRelation } from "../../history/import/relation.ts";
import { Zone } from "../../history/import/zone.ts";
import { Problem } from "../../problem.ts";
import type { Clock, TakenColumn } from "../contract.ts";
import { metricsApi, type MetricsApi } from "./api.ts";
import { pieceReader, type Failure, type PieceReader } from "./pieces.ts";
import type { MetricQuery, MetricsSettings, SecretOf } from "./settings.ts";

export interface PastRequest {
  readonly settings: MetricsSettings;
  readonly secretOf: SecretOf;
  readonly clock: Clock;
  /** Included, like `toMs`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Both numbers are ms of time read, added up over all queries. */
  readonly onProgress: (doneMs: number, totalMs: number, metric: string) => void;
}

/** Rows in a Parquet file before the next one is begun: about 100 MB of memory. */
const ROWS_IN_FILE = 4_000_000;
/** Bytes. Less than a live host allows: pieces can be smaller, and parsing takes six times this. */
const BODY_LIMIT = 24 * 1024 * 1024;
/** The size of DuckDB's vectors. */
const CHUNK_ROWS = 2048;
const TRIES = 6;
const NEVER = new AbortController().signal;

/** @throws Problem when the API cannot be read, or has no sample of any query */
export async function readPast(
  request: PastRequest,
  { connection }: Duck,
  scratch: string,
): Promise<SampleSource> {
  const { settings, clock, fromMs, toMs } = request;
  const api = metricsApi(settings, request.secretOf, clock, BODY_LIMIT);
  const pieces = pieceReader(api, settings, ["tooLarge", "tooSlow"]);
  const rows = new SampleRows(connection, scratch);
  const findings = new Findings();
  const stretchMs = toMs - fromMs;
  const empty: string[] = [];
  for (const [index, query] of settings.queries.entries()) {
    let samples = 0;
    for await (const piece of piecesWithRetries(api, pieces, query, request)) {
      for (const column of piece.columns) {
        await rows.add(column);
        samples += column.atMs.length;
      }
      for (const { reason, samples: lost, example } of piece.leftOut) {
        const where = example === null ? query.metric : `${query.metric} of ${example}`;
        findings.drop("metrics", reason, lost, [where]);
      }
      const doneMs = index * stretchMs + piece.toMs - fromMs;
      request.onProgress(doneMs, settings.queries.length * stretchMs, query.metric);
    }
    if (samples === 0) empty.push(query.metric);
  }
  if (empty.length > 0 && empty.length < settings.queries.length) {
    findings.warn(`no sample at all of ${empty.join(", ")}: check the query and the time`);
  }
  const paths = await rows.finish();
  if (paths.length === 0) {
    const [lost] = findings.dropped;
    if (lost !== undefined) {
      throw new Problem(`nothing that ${settings.url} answered can be used: ${lost.reason}`, {
        cure: "Mend the query, or the label that `service` names.",
      });
    }
    throw new Problem(`${settings.url} has no sample of any query`, {
      cure: `Look at the queries and at the time: ${iso(fromMs)} to ${iso(toMs)}.`,
    });
  }
  return {
    metrics: await parquetRelation(connection, paths, settings.url, new Zone("UTC")),
    dropped: findings.dropped,
    warnings: findings.warnings,
  };
}

/** The pieces of one query, with retries. @throws Problem for a lasting fault, or after `TRIES` */
async function* piecesWithRetries(
  api: MetricsApi,
  pieces: PieceReader,
  query: MetricQuery,
  { settings, clock, fromMs, toMs }: PastRequest,
) {
  let doneMs = fromMs - 1; // Pieces exclude their start, and `fromMs` is included.
  let tries = 0;
  while (doneMs < toMs) {
    let failure: Failure["failed"] | null = null;
    for await (const piece of pieces({ query, services: null, fromMs: doneMs, toMs }, NEVER)) {
      if (piece.failed !== null) {
        failure = piece.failed;
        break;
      }
      tries = 0;
      doneMs = piece.toMs;
      yield piece;
    }
    if (failure === null) return;
    if (!failure.passing || ++tries === TRIES) {
      const after = tries < 2 ? "" : ` (${tries} times, with longer and longer pauses)`;
      throw new Problem(`${query.metric}: the metrics API ${failure.words}${after}`, {
        file: settings.url,
        cure:
          `It was asked for what comes after ${iso(doneMs)}. ` +
          `Nothing was kept; timeout is ${formatDuration(settings.timeoutMs)}.`,
      });
    }
    await clock.wait(Math.max(api.restMs(), 500 * 2 ** tries), NEVER);
  }
}

/** Writes samples into Parquet files, one chunk of typed rows at a time. */
class SampleRows {
  readonly #paths: string[] = [];
  #names: { service: string; metric: string; version: string | null }[] = [];
  #rows = 0;
  #series: number[] = [];
  #atMs: number[] = [];
  #values: number[] = [];
  #appender: Awaited<ReturnType<DuckDBConnection["createAppender"]>> | null = null;

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly scratch: string,
  ) {}

  async add({ series, atMs, values }: TakenColumn): Promise<void> {
    const { service, metric, version } = series;
    const index = this.#names.push({ service, metric, version }) - 1;
    for (let i = 0; i < atMs.length; i++) {
      this.#series.push(index);
      this.#atMs.push(atMs[i]!);
      this.#values.push(values[i]!);
      if (this.#series.length === CHUNK_ROWS) await this.#handOver();
    }
    if (this.#rows >= ROWS_IN_FILE) await this.#write();
  }

  /** @returns the files, in the order in which they were written */
  async finish(): Promise<readonly string[]> {
    await this.#write();
    return this.#paths;
  }

  async #handOver(): Promise<void> {
    const chunk = DuckDBDataChunk.create([INTEGER, DOUBLE, DOUBLE], this.#series.length);
    chunk.setColumns([this.#series, this.#atMs, this.#values]);
    if (this.#appender === null) {
      await this.connection.run(
        "CREATE OR REPLACE TABLE past_samples (series INTEGER, at_ms DOUBLE, number DOUBLE)",
      );
      this.#appender = await this.connection.createAppender("past_samples");
    }
    this.#appender.appendDataChunk(chunk);
    this.#rows += this.#series.length;
    [this.#series, this.#atMs, this.#values] = [[], [], []];
  }

  async #write(): Promise<void> {
    if (this.#series.length > 0) await this.#handOver();
    if (this.#appender === null) return;
    this.#appender.closeSync();
    this.#appender = null;
    await this.#writeNames();
    const path = join(this.scratch, `past-${this.#paths.length}.parquet`);
    await this.connection.run(
      `COPY (SELECT service, metric, version, make_timestamp_ms(at_ms::BIGINT) AS ts,
           number AS "value"
         FROM past_samples JOIN past_names USING (series))
       TO ${quoted(path)} (FORMAT parquet, COMPRESSION lz4)`,
    );
    await this.connection.run("DROP TABLE past_samples; DROP TABLE past_names");
    this.#paths.push(path);
    this.#names = [];
    this.#rows = 0;
  }

  async #writeNames(): Promise<void> {
    await this.connection.run(
      "CREATE OR REPLACE TABLE past_names " +
        "(series INTEGER, service VARCHAR, metric VARCHAR, version VARCHAR)",
    );
    const appender = await this.connection.createAppender("past_names");
    for (const [series, { service, metric, version }] of this.#names.entries()) {
      appender.appendInteger(series);
      appender.appendVarchar(service);
      appender.appendVarchar(metric);
      if (version === null) appender.appendNull();
      else appender.appendVarchar(version);
      appender.endRow();
    }
    appender.closeSync();
  }
}
