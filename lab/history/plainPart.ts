/**
 * Part files whose values lie in them as they are: read straight from the file, only the
 * blocks that are wanted, with nothing in between.
 *
 * DuckDB decodes a row group whole, whatever rows are wanted of it, and hands it on by three
 * copies; that was most of what reading cost. Ours are written without compression, and where
 * a file holds one page of plain values (no dictionary, no missing list) their place follows
 * from its header. Anything else, older files among it, is read by DuckDB as before.
 *
 * The format is Parquet's own: a page header in Thrift's compact protocol, repetition and
 * definition levels run-length encoded, then the values (parquet-format 2.10, "Data Pages").
 */

import { closeSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import type { DuckDBConnection } from "@duckdb/node-api";
import { assert } from "../../engine/index.ts";
import type { Block } from "./blocks.ts";
import { checkBlock } from "./checksums.ts";
import { quoted } from "./duck.ts";
import type { AlikeColumn } from "./packed.ts";
import type { ReadMemory } from "./readMemory.ts";

/** Where the values of a part file lie. */
export interface PlainValues {
  /** Of the first value, in the file. */
  readonly at: number;
  readonly bytes: 4 | 8;
  /** By row: how many values there are up to its end. */
  readonly ends: Int32Array;
}

/** Longer than any page header of ours. */
const HEADER_BYTES = 256;

/**
 * Of a part file with one page of plain values; null where they do not lie plainly in it.
 * Waits for the file: a turn of the event loop would cost more than the few kilobytes.
 *
 * @param pageAt where the page begins in the file, with its header
 * @param count of its values, of so many bytes
 * @param rows of the file
 */
export function findPlainValues(
  path: string,
  pageAt: number,
  count: number,
  bytes: 4 | 8,
  rows: number,
): PlainValues | null {
  const file = openSync(path, "r");
  try {
    return readPage(file, pageAt, count, bytes, rows);
  } finally {
    closeSync(file);
  }
}

function readPage(
  file: number,
  pageAt: number,
  count: number,
  bytes: 4 | 8,
  rows: number,
): PlainValues | null {
  const header = readHeader(readNow(file, pageAt, HEADER_BYTES));
  if (header === null || header.values !== count || header.encoding !== 0) return null;
  const levelsBytes = header.pageBytes - count * bytes;
  if (levelsBytes < 8 || levelsBytes > header.pageBytes) return null;
  const levels = readNow(file, pageAt + header.bytes, levelsBytes);
  if (levels.length < levelsBytes) return null;
  const repeatedBytes = levels.readUInt32LE(0);
  if (repeatedBytes + 8 > levelsBytes) return null;
  // Both levels and nothing else lie before the values: then none of these is missing.
  if (4 + repeatedBytes + 4 + levels.readUInt32LE(4 + repeatedBytes) !== levelsBytes) return null;
  const ends = endsOf(levels.subarray(4, 4 + repeatedBytes), count, rows);
  return ends === null ? null : { at: pageAt + header.bytes + levelsBytes, bytes, ends };
}

interface PageHeader {
  /** Of the header itself. */
  readonly bytes: number;
  readonly pageBytes: number;
  readonly values: number;
  readonly encoding: number;
}

/** The header of a data page of version 1; null where it is something else. */
function readHeader(from: Uint8Array): PageHeader | null {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; at < from.length; shift *= 128) {
      const byte = from[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) break;
    }
    return value;
  };
  /** The integers of a struct by field; a struct in it as the place where it begins. */
  const integers = (): Map<number, number> | null => {
    const fields = new Map<number, number>();
    let field = 0;
    for (;;) {
      const head = from[at++];
      if (head === undefined || head === 0) return head === undefined ? null : fields;
      const [type, step] = [head & 15, head >> 4];
      if (step === 0) return null;
      field += step;
      if (type === THRIFT_STRUCT) {
        // The page's own header is the last that matters; what follows it ends with a zero.
        const inner = integers();
        if (inner === null) return null;
        if (field === DATA_PAGE_HEADER)
          for (const [key, value] of inner) fields.set(100 + key, value);
      } else if (type === THRIFT_I32) {
        const zigzag = varint();
        fields.set(field, zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
      } else return null;
    }
  };
  const fields = integers();
  if (fields === null || fields.get(1) !== 0) return null;
  const [uncompressed, pageBytes] = [fields.get(2), fields.get(3)];
  const [values, encoding] = [fields.get(101), fields.get(102)];
  if (pageBytes === undefined || pageBytes !== uncompressed) return null;
  if (values === undefined || encoding === undefined) return null;
  return { bytes: at, pageBytes, values, encoding };
}

const THRIFT_I32 = 5;
const THRIFT_STRUCT = 12;
const DATA_PAGE_HEADER = 5;

/** By row where it ends, from repetition levels of one bit: a row begins at every zero. */
function endsOf(levels: Uint8Array, count: number, rows: number): Int32Array | null {
  const ends = new Int32Array(rows);
  // Four bytes of levels each, as far as they go.
  const words = new Int32Array(levels.buffer, levels.byteOffset, levels.length >> 2);
  let row = -1;
  let value = 0;
  const beginAt = (first: number): void => {
    if (row >= 0 && row < rows) ends[row] = first;
    row++;
  };
  for (let at = 0; at < levels.length && value < count;) {
    let header = 0;
    for (let shift = 0; at < levels.length; shift += 7) {
      const byte = levels[at++]!;
      header |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    const length = header >>> 1;
    if ((header & 1) === 0) {
      // A run of the same level.
      const level = levels[at++]!;
      for (let i = 0; level === 0 && i < length; i++) beginAt(value++);
      if (level !== 0) value += length;
      continue;
    }
    // Groups of eight, a bit each; mostly all ones.
    for (const end = Math.min(at + length, levels.length); at < end; at++) {
      const next = pastOnes(levels, words, at, end);
      value += 8 * (next - at);
      at = next;
      if (at === end) break;
      const bits = levels[at]!;
      for (let bit = 0; bit < 8 && value + bit < count; bit++) {
        if ((bits & (1 << bit)) === 0) beginAt(value + bit);
      }
      value += 8;
    }
  }
  if (row !== rows - 1 || value < count) return null;
  ends[row] = count;
  return ends;
}

/** The first byte from `at` on that is not all ones, or `to`; sought by words where it can be. */
function pastOnes(bytes: Uint8Array, words: Int32Array, at: number, to: number): number {
  while (at < to && at % 4 !== 0) {
    if (bytes[at] !== 255) return at;
    at++;
  }
  while (at + 4 <= to && words[at >> 2] === -1) at += 4;
  while (at < to && bytes[at] === 255) at++;
  return at;
}

/** Blocks are read together where not more than this lies between them. */
const GAP_BYTES = 32_768;
/**
 * And not more than this at once: a block that is kept holds what it was read with, and what
 * is left of a part file is read beside it.
 */
const RUN_BYTES = 1_048_576;

/** In the place of a step or a delay where each sample has one of its own. */
export const LISTED = -1;

/** What a block has besides its values, by row of the file. */
export interface PlainPart {
  readonly path: string;
  readonly series: Int32Array;
  readonly startMs: Float64Array;
  readonly stepMs: AlikeColumn;
  readonly delayMs: AlikeColumn;
  /** Of the values (see checksums.ts); null in a history of before there were checksums. */
  readonly crc: Int32Array | null;
}

/** Spacings and delays of one block where each sample has its own. */
type Lists = Pick<Block, "offsetsMs"> & { readonly delaysMs: Int32Array | null };

export interface BlockOptions {
  /** Where blocks lie that are read: good until whoever lent it resets it; none: of their own. */
  readonly memory?: ReadMemory;
  /**
   * Those that continue each other may come as one, and with them what lies between: whoever
   * cuts windows out of them has a hundredth of the blocks to look at.
   */
  readonly areJoined?: boolean;
}

/**
 * Reads those rows of a file, ascending.
 *
 * @param connect for the lists of uneven blocks, where any of them is wanted
 */
export async function readPlainBlocks(
  part: PlainPart,
  values: PlainValues,
  rows: Int32Array,
  connect: () => Promise<DuckDBConnection>,
  { memory, areJoined = false }: BlockOptions,
): Promise<Block[]> {
  const isWanted = rows.some((row) => isListed(part, row));
  const lists = isWanted ? await readLists(await connect(), part.path) : null;
  const { at, bytes, ends } = values;
  const begins = (row: number): number => (row === 0 ? 0 : ends[row - 1]! * bytes);
  const runs = runsOf(rows, begins, (row) => ends[row]! * bytes);
  const read = await readAll(part.path, at, runs, memory ?? null);
  const blocks: Block[] = [];
  runs.forEach(({ first, next, begin }, run) => {
    const { buffer, byteOffset, length } = read[run]!;
    const column =
      bytes === 4
        ? new Float32Array(buffer, byteOffset, length / bytes)
        : new Float64Array(buffer, byteOffset, length / bytes);
    const last = rows[next - 1]!;
    for (let index = first; index < next;) {
      const row = rows[index]!;
      let to = row + 1;
      while (areJoined && to <= last && continues(part, ends, to)) to++;
      while (index < next && rows[index]! < to) index++;
      const from = (begins(row) - begin) / bytes;
      checkBlocks(part, column, begin / bytes, ends, row, to);
      const listed = isListed(part, row) ? lists!.get(row)! : null;
      blocks.push({
        series: part.series[row]!,
        startMs: part.startMs[row]!,
        stepMs: part.stepMs.at(row) === LISTED ? null : part.stepMs.at(row),
        offsetsMs: listed?.offsetsMs ?? null,
        values: column.subarray(from, from + ends[to - 1]! - begins(row) / bytes),
        knownDelayMs: listed?.delaysMs ?? part.delayMs.at(row),
      });
    }
  });
  assert(areJoined || blocks.length === rows.length, `every block asked for came: ${part.path}`);
  return blocks;
}

/**
 * Checks the rows from `from` to before `to`.
 *
 * @param column values of the file, the first of them the `first`th
 */
function checkBlocks(
  { path, crc, series, startMs }: PlainPart,
  column: Float32Array | Float64Array,
  first: number,
  ends: Int32Array,
  from: number,
  to: number,
): void {
  if (crc === null) return;
  for (let row = from; row < to; row++) {
    const begin = (row === 0 ? 0 : ends[row - 1]!) - first;
    const values = column.subarray(begin, ends[row]! - first);
    checkBlock(path, series[row]!, startMs[row]!, values, crc[row]!);
  }
}

function isListed({ stepMs, delayMs }: PlainPart, row: number): boolean {
  return stepMs.at(row) === LISTED || delayMs.at(row) === LISTED;
}

/** Does it go on, sample by sample, where the row before it ends? */
function continues(part: PlainPart, ends: Int32Array, row: number): boolean {
  const { series, startMs, stepMs, delayMs } = part;
  const before = row - 1;
  if (series[row] !== series[before] || isListed(part, row)) return false;
  if (stepMs.at(row) !== stepMs.at(before) || delayMs.at(row) !== delayMs.at(before)) return false;
  const count = ends[before]! - (before === 0 ? 0 : ends[before - 1]!);
  return startMs[row] === startMs[before]! + count * stepMs.at(before);
}

/** Rows that are read together: `rows[first..next)`, from byte `begin` to `end` of the values. */
interface Run {
  readonly first: number;
  readonly next: number;
  readonly begin: number;
  readonly end: number;
}

function runsOf(
  rows: Int32Array,
  begins: (row: number) => number,
  endsAt: (row: number) => number,
): Run[] {
  const runs: Run[] = [];
  for (let first = 0, next = 0; first < rows.length; first = next) {
    const begin = begins(rows[first]!);
    let end = begin;
    while (next < rows.length) {
      const row = rows[next]!;
      const isNear = begins(row) - end <= GAP_BYTES && endsAt(row) - begin <= RUN_BYTES;
      if (next > first && !isNear) break;
      end = endsAt(row);
      next++;
    }
    runs.push({ first, next, begin, end });
  }
  return runs;
}

/**
 * All runs are asked for at once: whoever works on the part before seldom comes back to the
 * event loop, and one read that waits for another would wait for that.
 */
async function readAll(
  path: string,
  at: number,
  runs: readonly Run[],
  memory: ReadMemory | null,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const into = runs.map(
    ({ begin, end }) => memory?.take(end - begin) ?? new Uint8Array(end - begin),
  );
  const file = openSync(path, "r");
  try {
    const reads = runs.map(({ begin }, run) => readAt(file, at + begin, into[run]!));
    // None may be under way when the file is closed.
    await Promise.allSettled(reads);
    const isWhole = (await Promise.all(reads)).every((read, run) => read === into[run]!.length);
    if (!isWhole) throw new Error("IO Error: the file ends within its values");
    return into;
  } finally {
    closeSync(file);
  }
}

/** The lists of uneven blocks, by row; there are few of them where samples come evenly. */
async function readLists(
  connection: DuckDBConnection,
  path: string,
): Promise<ReadonlyMap<number, Lists>> {
  const reader = await connection.runAndReadAll(
    `SELECT file_row_number, offsets_ms, known_delays_ms
       FROM read_parquet(${quoted(path)}, file_row_number = true)
      WHERE step_ms IS NULL OR known_delay_ms IS NULL`,
  );
  const column = (list: unknown): Int32Array | null =>
    list === null ? null : Int32Array.from(list as number[]);
  return new Map(
    reader.getRowsJS().map(([row, offsets, delays]) => {
      return [Number(row), { offsetsMs: column(offsets), delaysMs: column(delays) }];
    }),
  );
}

const readFrom = promisify(read);

/** How many bytes were there: fewer than wanted where the file ends. */
async function readAt(file: number, position: number, into: Uint8Array): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await readFrom(file, into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Fewer bytes than wanted where the file ends. */
function readNow(file: number, position: number, length: number): Buffer {
  const into = Buffer.allocUnsafe(length);
  return into.subarray(0, readSync(file, into, 0, length, position));
}
