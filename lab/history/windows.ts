/**
 * Windows of time cut out of streamed blocks: what a watch, a baseline or a chart
 * asks for. A block is read once however many windows share it.
 */

import { answersAt, type SeriesAnswers } from "./answerRuns.ts";
import type { Block } from "./blocks.ts";
import type { History, Past } from "./open.ts";
import type { ReadMemory } from "./readMemory.ts";
import { streamBlockLists } from "./stream.ts";

/** Samples of one series in time order; the two arrays of times may be one. */
export interface SampleWindow {
  readonly atMs: Float64Array;
  readonly knownAtMs: Float64Array;
  /** NaN is a missing scrape. */
  readonly values: Float64Array;
  /** What each evaluation of a query answered; absent where that is not kept (answerRuns.ts). */
  readonly answers?: Uint8Array;
}

/** Samples of `series` with `fromMs` <= at < `toMs`; `id` comes back with them. */
export interface WindowRequest {
  readonly id: number;
  readonly series: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The deployment it is wanted for; a world shows each what its own rollback did not end. */
  readonly about?: string;
}

/** Part of a block: samples `from` to `to`, exclusive. */
interface Slice {
  readonly block: Block;
  readonly from: number;
  readonly to: number;
}

/**
 * A window as it lies in its blocks: 4 bytes a sample where an assembled one takes 24,
 * and windows that overlap share them. `assemble` it when its samples are wanted.
 */
export interface StoredWindow {
  readonly slices: readonly Slice[];
  readonly length: number;
  readonly answers?: SeriesAnswers;
}

/** When sample `i` of a block was taken. */
export function sampleAtMs(block: Block, i: number): number {
  return block.startMs + (block.stepMs === null ? block.offsetsMs![i]! : i * block.stepMs);
}

/** The first sample of a block at or after `atMs`; the block's length when there is none. */
export function firstSampleFrom(block: Block, atMs: number): number {
  const length = block.values.length;
  if (atMs <= block.startMs) return 0;
  if (block.stepMs !== null) {
    return Math.min(length, Math.ceil((atMs - block.startMs) / block.stepMs));
  }
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (block.startMs + block.offsetsMs![middle]! < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The samples of stored windows. Times are written once where they can be: a window
 * whose samples were known at once has one array for both times, and neighbours on the
 * same times, as metrics of one scrape are, share theirs.
 */
export function assemble(windows: readonly StoredWindow[]): SampleWindow[] {
  const assembled: SampleWindow[] = [];
  windows.forEach((window, at) => {
    const before = at > 0 && isOnTimesOf(windows[at - 1]!, window) ? assembled[at - 1]! : null;
    const { atMs, knownAtMs } = before ?? timesOf(window);
    const values = copied(window.slices, new Float64Array(window.length));
    const answers = answersAt(window.answers, atMs, values);
    assembled.push({ atMs, knownAtMs, values, ...(answers === null ? {} : { answers }) });
  });
  return assembled;
}

/** Are both evenly spaced, and alike? Uneven ones are not compared. */
function isOnTimesOf(one: StoredWindow, other: StoredWindow): boolean {
  const [spaced, alike] = [spacingOf(one), spacingOf(other)];
  return (
    spaced !== null &&
    alike !== null &&
    one.length === other.length &&
    spaced.startMs === alike.startMs &&
    spaced.stepMs === alike.stepMs &&
    spaced.delayMs === alike.delayMs
  );
}

function copied<Values extends Float32Array | Float64Array>(
  slices: readonly Slice[],
  into: Values,
): Values {
  let at = 0;
  for (const { block, from, to } of slices) {
    into.set(block.values.subarray(from, to), at);
    at += to - from;
  }
  return into;
}

function timesOf({ slices, length }: StoredWindow): Pick<SampleWindow, "atMs" | "knownAtMs"> {
  const atMs = new Float64Array(length);
  let into = 0;
  for (const slice of slices) into = writeTimes(slice, atMs, into);
  if (slices.every(({ block }) => block.knownDelayMs === 0)) return { atMs, knownAtMs: atMs };
  const knownAtMs = atMs.slice();
  into = 0;
  for (const slice of slices) into = addDelays(slice, knownAtMs, into);
  return { atMs, knownAtMs };
}

function writeTimes({ block, from, to }: Slice, atMs: Float64Array, into: number): number {
  const { startMs, stepMs, offsetsMs } = block;
  if (stepMs === null) {
    for (let i = from; i < to; i++) atMs[into++] = startMs + offsetsMs![i]!;
  } else {
    for (let i = from; i < to; i++) atMs[into++] = startMs + i * stepMs;
  }
  return into;
}

function addDelays({ block, from, to }: Slice, times: Float64Array, into: number): number {
  const { knownDelayMs } = block;
  if (typeof knownDelayMs === "number") {
    for (let i = from; i < to; i++) times[into++]! += knownDelayMs;
  } else {
    for (let i = from; i < to; i++) times[into++]! += knownDelayMs[i]!;
  }
  return into;
}

/** Of samples that come evenly in time, each known after one delay. */
interface Spacing {
  readonly startMs: number;
  readonly stepMs: number;
  readonly delayMs: number;
}

/** The samples of a window that are evenly spaced in time; see `evenly`. */
interface EvenWindow extends Spacing {
  readonly values: Float32Array | Float64Array;
}

/** Null where samples are not evenly spaced and known after one delay. */
function spacingOf({ slices }: StoredWindow): Spacing | null {
  const first = slices[0];
  if (first === undefined) return null;
  const { startMs, stepMs, knownDelayMs } = first.block;
  if (stepMs === null || typeof knownDelayMs !== "number") return null;
  const fromMs = startMs + first.from * stepMs;
  let count = first.to - first.from;
  for (let i = 1; i < slices.length; i++) {
    const { block, from, to } = slices[i]!;
    if (block.stepMs !== stepMs || block.knownDelayMs !== knownDelayMs) return null;
    if (block.startMs + from * stepMs !== fromMs + count * stepMs) return null;
    count += to - from;
  }
  return { startMs: fromMs, stepMs, delayMs: knownDelayMs };
}

/**
 * A window as it lies in memory, without a copy where its blocks are neighbours there; null
 * where its samples are not evenly spaced and known after one delay.
 */
export function evenly(window: StoredWindow): EvenWindow | null {
  const spacing = spacingOf(window);
  if (spacing === null) return null;
  const { startMs, stepMs, delayMs } = spacing;
  return { startMs, stepMs, delayMs, values: inOnePiece(window) };
}

function inOnePiece({ slices, length }: StoredWindow): Float32Array | Float64Array {
  const { block, from, to } = slices[0]!;
  if (slices.length === 1) return block.values.subarray(from, to);
  const { buffer, BYTES_PER_ELEMENT: bytes } = block.values;
  const begin = block.values.byteOffset + from * bytes;
  let end = begin;
  for (const {
    block: { values },
    from: first,
    to: last,
  } of slices) {
    if (values.buffer !== buffer || values.byteOffset + first * bytes !== end) {
      // Of the same kind: what is compiled for one would be thrown away at the first of another.
      return copied(slices, bytes === 4 ? new Float32Array(length) : new Float64Array(length));
    }
    end += (last - first) * bytes;
  }
  return bytes === 4
    ? new Float32Array(buffer, begin, length)
    : new Float64Array(buffer, begin, length);
}

/** A window that is complete, and whose it is. */
export interface FoundWindow {
  readonly id: number;
  readonly window: StoredWindow;
}

/** One that more blocks may be added to. */
interface OpenWindow extends FoundWindow {
  readonly request: WindowRequest;
  readonly window: { slices: Slice[]; length: number; answers?: SeriesAnswers };
}

/**
 * Streams the windows asked for, each once, as soon as it is complete: by series,
 * then roughly by end. A window without samples comes too, with nothing in it. They come in
 * lists, so that whoever takes many waits seldom.
 *
 * @param memory where their samples lie until it is reset; none: for as long as they are kept
 */
export async function* streamStoredWindows(
  history: History,
  requests: readonly WindowRequest[],
  memory?: ReadMemory,
): AsyncGenerator<readonly FoundWindow[]> {
  const waiting = [...requests].sort(
    (a, b) => a.series - b.series || a.fromMs - b.fromMs || a.toMs - b.toMs || a.id - b.id,
  );
  let next = 0;
  // Changed in place: an array made for every block V8 soon took for lasting, and in old memory
  // each kept its windows and their blocks from the collector.
  const open: OpenWindow[] = [];
  let found: FoundWindow[] = [];
  const take = (block: Block): void => {
    const endMs = sampleAtMs(block, block.values.length - 1);
    // Whatever ended before this block, or belongs to a series before it, is complete.
    let still = 0;
    for (const one of open) {
      const { series, toMs } = one.request;
      if (series === block.series && toMs > block.startMs) open[still++] = one;
      else found.push(one);
    }
    while (open.length > still) open.pop();
    for (; next < waiting.length; next++) {
      const request = waiting[next]!;
      if (request.series > block.series) break;
      if (request.series === block.series && request.fromMs > endMs) break;
      const opened = begun(request, history.answers);
      if (request.series === block.series && request.toMs > block.startMs) open.push(opened);
      else found.push(opened);
    }
    for (const { request, window } of open) {
      const from = firstSampleFrom(block, request.fromMs);
      const to = firstSampleFrom(block, request.toMs);
      if (from >= to) continue;
      const slice = { block, from, to };
      // Most are of one block or two; one that is pushed to takes room for seventeen.
      if (window.slices.length < 2) window.slices = [...window.slices, slice];
      else window.slices.push(slice);
      window.length += to - from;
    }
  };
  const options = { areJoined: true, ...(memory === undefined ? {} : { memory }) };
  for await (const blocks of streamBlockLists(history, waiting, options)) {
    for (const block of blocks) {
      take(block);
      if (found.length < FOUND_AT_ONCE) continue;
      yield found;
      found = [];
    }
  }
  found.push(...open);
  for (; next < waiting.length; next++) found.push(begun(waiting[next]!, history.answers));
  if (found.length > 0) yield found;
}

/** What is found is not kept from whoever waits for it. */
const FOUND_AT_ONCE = 64;

const NO_SLICES: Slice[] = [];

function begun(request: WindowRequest, answers: ReadonlyMap<number, SeriesAnswers>): OpenWindow {
  const own = answers.get(request.series);
  const window = { slices: NO_SLICES, length: 0, ...(own === undefined ? {} : { answers: own }) };
  return { id: request.id, window, request };
}

/** The same windows, assembled one by one; whoever keeps many at once keeps them stored. */
export async function* streamWindows(
  history: Past,
  requests: readonly WindowRequest[],
): AsyncGenerator<{ id: number; window: SampleWindow }> {
  for await (const found of history.windows(requests)) {
    for (const { id, window } of found) yield { id, window: assemble([window])[0]! };
  }
}
