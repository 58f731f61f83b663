/**
 * Streams stored samples out of DuckDB as typed arrays: whole blocks, or windows
 * of time cut out of them.
 *
 * Laws: order is (series, start), whatever the threads do; memory is that of two
 * part files and the open windows; nothing in the loop looks at a row object.
 *
 * The next part files are read while one is used, as far as they make one. Most are read as
 * they lie (plainPart.ts); any other is one query, which costs twice DuckDB's bare scan and
 * avoids several fetches in flight on one result, which crashed processes.
 */

import {
  DuckDBFloatVector,
  DuckDBIntegerVector,
  DuckDBListVector,
  type DuckDBConnection,
  type DuckDBDataChunk,
} from "@duckdb/node-api";
import { assert } from "../../engine/index.ts";
import { planParts, type PartIndex, type PartPlan } from "./blockIndex.ts";
import type { Block, BlockRange } from "./blocks.ts";
import { itemsOf, microsToMs, quoted } from "./duck.ts";
import { readingFile, type History } from "./open.ts";
import { readPlainBlocks, type BlockOptions } from "./plainPart.ts";

export interface StreamOptions extends BlockOptions {
  /** Only these series; with ranges, both must hold. */
  readonly seriesIn?: readonly number[];
}

/**
 * Streams blocks in (series, start) order. With ranges, every block that holds a
 * sample of one comes once, and now and then a neighbour that holds none.
 *
 * @throws Problem naming the part file when one is damaged.
 */
export async function* streamBlocks(
  history: History,
  ranges: readonly BlockRange[] | "all",
  options: StreamOptions = {},
): AsyncGenerator<Block> {
  for await (const blocks of streamBlockLists(history, ranges, options)) yield* blocks;
}

/** The same in lists, mostly all that is wanted of a part file: fewer hops. */
export async function* streamBlockLists(
  history: History,
  ranges: readonly BlockRange[] | "all",
  options: StreamOptions = {},
): AsyncGenerator<readonly Block[]> {
  const plans = planParts(await history.blockIndex(), ranges, options.seriesIn);
  const queueOf = (storage: PartIndex["storage"]): PartQueue =>
    new PartQueue(
      history,
      plans.filter(({ part }) => part.storage === storage),
      options,
    );
  const queues = [queueOf("float"), queueOf("double")] as const;
  try {
    // A series is stored in one kind only, so the two queues never tie.
    for (;;) {
      const [float, double] = queues;
      const left = await float.head();
      const right = await double.head();
      if (left === null && right === null) return;
      const useLeft = right === null || (left !== null && left.series < right.series);
      yield useLeft ? float.takeBefore(right) : double.takeBefore(left);
    }
  } finally {
    await Promise.all(queues.map((queue) => queue.close()));
  }
}

const BLOCK_COLUMNS =
  'series, start_at, step_ms, offsets_ms, "values", known_delay_ms, known_delays_ms';

/** So many are read ahead, as many as a whole part file has, and of so many files. */
const AHEAD_BLOCKS = 2048;
const AHEAD_PARTS = 4;

/** Blocks of the part files of one kind of storage, in order, the next files read ahead. */
class PartQueue {
  #blocks: Block[] = [];
  #at = 0;
  #nextPlan = 0;
  readonly #ahead: { readonly rows: number; readonly blocks: Promise<Block[]> }[] = [];

  constructor(
    private readonly history: History,
    private readonly plans: readonly PartPlan[],
    private readonly options: StreamOptions,
  ) {}

  async head(): Promise<Block | null> {
    while (this.#at === this.#blocks.length) {
      this.#readAhead();
      const current = this.#ahead.shift();
      if (current === undefined) return null;
      this.#blocks = [];
      this.#at = 0;
      const blocks = await current.blocks;
      this.#readAhead();
      this.#blocks = blocks;
    }
    return this.#blocks[this.#at]!;
  }

  /** From the block `head` spoke of on, as far as they are read: of series before another's. */
  takeBefore(other: Block | null): readonly Block[] {
    const from = this.#at;
    while (this.#at < this.#blocks.length) {
      if (other !== null && this.#blocks[this.#at]!.series >= other.series) break;
      this.#at++;
    }
    return from === 0 && this.#at === this.#blocks.length
      ? this.#blocks
      : this.#blocks.slice(from, this.#at);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#ahead.map(({ blocks }) => blocks));
  }

  /** The next one whatever its size, and those after it while there is room. */
  #readAhead(): void {
    let room = this.#ahead.reduce((left, { rows }) => left - rows, AHEAD_BLOCKS);
    while (this.#nextPlan < this.plans.length && this.#ahead.length < AHEAD_PARTS) {
      const plan = this.plans[this.#nextPlan]!;
      room -= plan.rows.length;
      if (room < 0 && this.#ahead.length > 0) return;
      this.#nextPlan++;
      const blocks = readingFile(plan.part.path, () => this.#read(plan));
      // Its failure is reported when the file's turn comes, not before.
      blocks.catch(() => undefined);
      this.#ahead.push({ rows: plan.rows.length, blocks });
    }
  }

  async #read(plan: PartPlan): Promise<Block[]> {
    const { part, rows } = plan;
    let connection: DuckDBConnection | null = null;
    const connect = async (): Promise<DuckDBConnection> =>
      (connection = await this.history.connect());
    try {
      const values = part.values();
      if (values !== null) return await readPlainBlocks(part, values, rows, connect, this.options);
      return await readPlan(await connect(), plan);
    } finally {
      (connection as DuckDBConnection | null)?.closeSync();
    }
  }
}

async function readPlan(connection: DuckDBConnection, { part, rows }: PartPlan): Promise<Block[]> {
  const isWhole = rows.length === part.series.length;
  const result = await connection.run(
    `SELECT ${BLOCK_COLUMNS}
       FROM read_parquet(${quoted(part.path)}, file_row_number = ${!isWhole})` +
      (isWhole ? "" : ` WHERE file_row_number IN (SELECT unnest([${rows.join(",")}]))`),
  );
  const blocks: Block[] = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    unpack(chunk, blocks);
  }
  assert(blocks.length === rows.length, `every block asked for came: ${part.path}`);
  if (!blocks.every((block, i) => i === 0 || compareBlocks(blocks[i - 1]!, block) < 0)) {
    blocks.sort(compareBlocks);
  }
  return blocks;
}

function compareBlocks(a: Block, b: Block): number {
  return a.series - b.series || a.startMs - b.startMs;
}

/** Appends the blocks of a chunk; their arrays are views of the chunk's one copy. */
function unpack(chunk: DuckDBDataChunk, blocks: Block[]): void {
  const series = chunk.getColumnVector(0);
  const startAt = chunk.getColumnVector(1);
  const step = chunk.getColumnVector(2);
  const offsets = chunk.getColumnVector(3);
  const values = chunk.getColumnVector(4);
  const delay = chunk.getColumnVector(5);
  const delays = chunk.getColumnVector(6);
  assert(
    step instanceof DuckDBIntegerVector &&
      offsets instanceof DuckDBListVector &&
      values instanceof DuckDBListVector &&
      delay instanceof DuckDBIntegerVector &&
      delays instanceof DuckDBListVector,
    "blocks have the columns of the layout",
  );
  const seriesItems = itemsOf(series, Int32Array);
  const startItems = itemsOf(startAt, BigInt64Array);
  const offsetItems = itemsOf(offsets.childVector, Int32Array);
  const delayItems = itemsOf(delays.childVector, Int32Array);
  const isFloat = values.childVector instanceof DuckDBFloatVector;
  const numbers = isFloat
    ? itemsOf(values.childVector, Float32Array)
    : itemsOf(values.childVector, Float64Array);
  for (let row = 0; row < chunk.rowCount; row++) {
    const stepMs = step.getItem(row);
    const delayMs = delay.getItem(row);
    blocks.push({
      series: seriesItems[row]!,
      startMs: microsToMs(startItems[row]!),
      stepMs,
      offsetsMs: stepMs === null ? cut(offsets, row, offsetItems) : null,
      values: cut(values, row, numbers),
      knownDelayMs: delayMs ?? cut(delays, row, delayItems),
    });
  }
}

function cut<T extends Int32Array | Float32Array | Float64Array>(
  list: DuckDBListVector,
  row: number,
  items: T,
): T {
  const offset = list.getEntryOffset(row);
  return items.subarray(offset, offset + list.getEntryLength(row)) as T;
}
