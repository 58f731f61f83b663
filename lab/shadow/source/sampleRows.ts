/** Samples that were read from a metrics API, as Parquet files that the importer reads. */

import { join } from "node:path";
import {
  DOUBLE,
  DuckDBDataChunk,
  INTEGER,
  UTINYINT,
  type DuckDBConnection,
} from "@duckdb/node-api";
import { AnswerKind } from "../../../engine/index.ts";
import { quoted } from "../../history/duck.ts";

/** Rows in a Parquet file before the next one is begun: about 100 MB of memory. */
const ROWS_IN_FILE = 4_000_000;
/** The size of DuckDB's vectors. */
const CHUNK_ROWS = 2048;

export interface Added {
  readonly series: {
    readonly service: string;
    readonly metric: string;
    readonly version: string | null;
  };
  readonly atMs: readonly number[];
  readonly values: readonly number[];
}

/** Writes samples into Parquet files, one chunk of typed rows at a time. */
export class SampleRows {
  readonly #paths: string[] = [];
  #names: { service: string; metric: string; version: string | null }[] = [];
  #rows = 0;
  #series: number[] = [];
  #atMs: number[] = [];
  #values: number[] = [];
  #answers: number[] = [];
  #appender: Awaited<ReturnType<DuckDBConnection["createAppender"]>> | null = null;

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly scratch: string,
    /** Are answers written too? Without them the files are as they always were. */
    private readonly hasAnswers: boolean,
  ) {}

  /** @param answers what each evaluation answered; absent: a missing sample is no series */
  async add({ series, atMs, values }: Added, answers?: readonly number[]): Promise<void> {
    const { service, metric, version } = series;
    const index = this.#names.push({ service, metric, version }) - 1;
    for (let i = 0; i < atMs.length; i++) {
      this.#series.push(index);
      this.#atMs.push(atMs[i]!);
      this.#values.push(values[i]!);
      const { none, value } = AnswerKind;
      this.#answers.push(answers?.[i] ?? (Number.isNaN(values[i]!) ? none : value));
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
    const types = [INTEGER, DOUBLE, DOUBLE, UTINYINT];
    const chunk = DuckDBDataChunk.create(types, this.#series.length);
    chunk.setColumns([this.#series, this.#atMs, this.#values, this.#answers]);
    if (this.#appender === null) {
      await this.connection.run(
        "CREATE OR REPLACE TABLE past_samples " +
          "(series INTEGER, at_ms DOUBLE, number DOUBLE, answer UTINYINT)",
      );
      this.#appender = await this.connection.createAppender("past_samples");
    }
    this.#appender.appendDataChunk(chunk);
    this.#rows += this.#series.length;
    [this.#series, this.#atMs, this.#values, this.#answers] = [[], [], [], []];
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
           number AS "value" ${this.hasAnswers ? ", answer" : ""}
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
