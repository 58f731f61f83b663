/**
 * Packed blocks into Parquet part files, a typed array at a time.
 *
 * A list value built from JavaScript elements costs about 100 ns a sample; here
 * the flat child of a list vector is filled by one copy of a typed array, which
 * costs about 2. DuckDB's bindings offer that copy only at their low level, so
 * this is the one file that uses them.
 *
 * Values are stored as they are, 4 bytes a sample and 8 of a DOUBLE: then only the blocks
 * that are wanted are read, straight from the file (plainPart.ts). With ZSTD a noisy sample
 * takes 2.75 bytes and costs a decoding of everything beside it. Values that repeat become a
 * dictionary, which is smaller than either, and DuckDB reads it.
 */

import { join } from "node:path";
import duckdb from "@duckdb/node-bindings";
import {
  DOUBLE,
  DuckDBDataChunk,
  FLOAT,
  INTEGER,
  LIST,
  TIMESTAMP,
  type DuckDBAppender,
  type DuckDBConnection,
} from "@duckdb/node-api";
import { BLOCK_SAMPLES } from "./blocks.ts";
import { quoted } from "./duck.ts";

export type Storage = "float" | "double";

/** Blocks handed to DuckDB at once. */
const CHUNK_BLOCKS = 256;
/** Blocks in one file: one row group, 8 MB of FLOAT before compression. */
const PART_BLOCKS = 2048;
const CHUNK_SAMPLES = CHUNK_BLOCKS * BLOCK_SAMPLES;

/** Where a file of one kind of storage lies: `part-00003-float.parquet`. */
function partName(part: number, storage: Storage): string {
  return `part-${String(part).padStart(5, "0")}-${storage}.parquet`;
}

/** A list column under construction: entries point into one flat child. */
interface ListColumn {
  readonly entries: BigUint64Array;
  readonly validity: Uint8Array;
  readonly child: Int32Array | Float32Array | Float64Array;
  length: number;
}

function listColumn(child: ListColumn["child"]): ListColumn {
  return {
    entries: new BigUint64Array(CHUNK_BLOCKS * 2),
    validity: new Uint8Array(CHUNK_BLOCKS / 8),
    child,
    length: 0,
  };
}

function setValid(validity: Uint8Array, row: number, valid: boolean): void {
  const bit = 1 << (row & 7);
  validity[row >> 3] = valid ? validity[row >> 3]! | bit : validity[row >> 3]! & ~bit;
}

/**
 * Collects blocks of one kind of storage, in (series, start) order, and writes
 * them as part files of `PART_BLOCKS` blocks. Memory stays that of one part.
 */
export class PartFiles {
  #appender: DuckDBAppender | null = null;
  #part = 0;
  #partBlocks = 0;
  #rows = 0;
  readonly #table: string;
  readonly #series = new Int32Array(CHUNK_BLOCKS);
  readonly #startAt = new BigInt64Array(CHUNK_BLOCKS);
  readonly #step = new Int32Array(CHUNK_BLOCKS);
  readonly #stepValidity = new Uint8Array(CHUNK_BLOCKS / 8);
  readonly #delay = new Int32Array(CHUNK_BLOCKS);
  readonly #delayValidity = new Uint8Array(CHUNK_BLOCKS / 8);
  readonly #offsets = listColumn(new Int32Array(CHUNK_SAMPLES));
  readonly #delays = listColumn(new Int32Array(CHUNK_SAMPLES));
  readonly #values: ListColumn;
  readonly #crc = new Int32Array(CHUNK_BLOCKS);
  readonly #types;

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly directory: string,
    private readonly storage: Storage,
  ) {
    this.#table = `part_${storage}`;
    this.#values = listColumn(
      storage === "float" ? new Float32Array(CHUNK_SAMPLES) : new Float64Array(CHUNK_SAMPLES),
    );
    const list = LIST(INTEGER);
    const values = LIST(storage === "float" ? FLOAT : DOUBLE);
    this.#types = [INTEGER, TIMESTAMP, INTEGER, list, values, INTEGER, list, INTEGER].map(
      (type) => type.toLogicalType().logical_type,
    );
  }

  /** Adds one block; null `stepMs` goes with offsets, null `delayMs` with delays. */
  async add(block: {
    series: number;
    startMs: number;
    stepMs: number | null;
    offsetsMs: Int32Array | null;
    values: Float32Array | Float64Array;
    delayMs: number | null;
    delaysMs: Int32Array | null;
    crc: number;
  }): Promise<void> {
    const row = this.#rows++;
    this.#series[row] = block.series;
    this.#startAt[row] = BigInt(block.startMs) * 1000n;
    this.#step[row] = block.stepMs ?? 0;
    setValid(this.#stepValidity, row, block.stepMs !== null);
    this.#delay[row] = block.delayMs ?? 0;
    setValid(this.#delayValidity, row, block.delayMs !== null);
    this.#append(this.#offsets, row, block.offsetsMs);
    this.#append(this.#values, row, block.values);
    this.#append(this.#delays, row, block.delaysMs);
    this.#crc[row] = block.crc;
    if (this.#rows === CHUNK_BLOCKS) await this.#handOver();
  }

  /** Writes what is left. */
  async finish(): Promise<void> {
    if (this.#rows > 0) await this.#handOver();
    if (this.#partBlocks > 0) await this.#writePart();
  }

  #append(column: ListColumn, row: number, items: ListColumn["child"] | null): void {
    setValid(column.validity, row, items !== null);
    column.entries[row * 2] = BigInt(column.length);
    column.entries[row * 2 + 1] = BigInt(items?.length ?? 0);
    if (items === null) return;
    column.child.set(items, column.length);
    column.length += items.length;
  }

  async #handOver(): Promise<void> {
    const rows = this.#rows;
    const chunk = new DuckDBDataChunk(duckdb.create_data_chunk(this.#types));
    chunk.rowCount = rows;
    const vector = (column: number): duckdb.Vector =>
      duckdb.data_chunk_get_vector(chunk.chunk, column);
    copy(vector(0), this.#series, rows);
    copy(vector(1), this.#startAt, rows);
    copy(vector(2), this.#step, rows);
    copyValidity(vector(2), this.#stepValidity);
    copyList(vector(3), this.#offsets, rows);
    copyList(vector(4), this.#values, rows);
    copy(vector(5), this.#delay, rows);
    copyValidity(vector(5), this.#delayValidity);
    copyList(vector(6), this.#delays, rows);
    copy(vector(7), this.#crc, rows);

    this.#appender ??= await this.#openPart();
    this.#appender.appendDataChunk(chunk);
    this.#partBlocks += rows;
    this.#rows = 0;
    for (const column of [this.#offsets, this.#values, this.#delays]) column.length = 0;
    if (this.#partBlocks >= PART_BLOCKS) await this.#writePart();
  }

  async #openPart(): Promise<DuckDBAppender> {
    await this.connection.run(
      `CREATE OR REPLACE TABLE ${this.#table} (series INTEGER, start_at TIMESTAMP,
         step_ms INTEGER, offsets_ms INTEGER[], "values" ${this.storage.toUpperCase()}[],
         known_delay_ms INTEGER, known_delays_ms INTEGER[], crc INTEGER)`,
    );
    return this.connection.createAppender(this.#table);
  }

  async #writePart(): Promise<void> {
    this.#appender?.closeSync();
    this.#appender = null;
    const file = join(this.directory, partName(this.#part++, this.storage));
    await this.connection.run(
      `COPY ${this.#table} TO ${quoted(file)}
         (FORMAT parquet, PARQUET_VERSION V1, COMPRESSION uncompressed,
          ROW_GROUP_SIZE ${PART_BLOCKS})`,
    );
    await this.connection.run(`DROP TABLE ${this.#table}`);
    this.#partBlocks = 0;
  }
}

function copy(
  vector: duckdb.Vector,
  items: Int32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array,
  length: number,
): void {
  duckdb.copy_data_to_vector(
    vector,
    0,
    items.buffer as ArrayBuffer,
    items.byteOffset,
    length * items.BYTES_PER_ELEMENT,
  );
}

function copyValidity(vector: duckdb.Vector, validity: Uint8Array): void {
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(
    vector,
    0,
    validity.buffer as ArrayBuffer,
    validity.byteOffset,
    validity.byteLength,
  );
}

function copyList(vector: duckdb.Vector, column: ListColumn, rows: number): void {
  duckdb.list_vector_reserve(vector, column.length);
  duckdb.list_vector_set_size(vector, column.length);
  copy(vector, column.entries, rows * 2);
  copyValidity(vector, column.validity);
  if (column.length === 0) return;
  copy(duckdb.list_vector_get_child(vector), column.child, column.length);
}
