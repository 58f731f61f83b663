/**
 * Windows of time cut out of streamed blocks: what a watch, a baseline or a chart
 * asks for. A block is read once however many windows share it.
 */

import type { Block } from "./blocks.ts";
import type { History } from "./open.ts";
import { streamBlocks } from "./stream.ts";

/** Samples of one series in time order; the arrays are the receiver's own. */
export interface SampleWindow {
  readonly atMs: Float64Array;
  readonly knownAtMs: Float64Array;
  /** NaN is a missing scrape. */
  readonly values: Float64Array;
}

/** Samples of `series` with `fromMs` <= at < `toMs`; `id` comes back with them. */
export interface WindowRequest {
  readonly id: number;
  readonly series: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Part of a block: samples `from` to `to`, exclusive. */
interface Slice {
  readonly block: Block;
  readonly from: number;
  readonly to: number;
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

/** Cuts [`fromMs`, `toMs`) out of consecutive blocks of one series. */
export function sliceWindow(blocks: readonly Block[], fromMs: number, toMs: number): SampleWindow {
  return assemble(
    blocks
      .map((block) => ({
        block,
        from: firstSampleFrom(block, fromMs),
        to: firstSampleFrom(block, toMs),
      }))
      .filter(({ from, to }) => from < to),
  );
}

function assemble(slices: readonly Slice[]): SampleWindow {
  let length = 0;
  for (const { from, to } of slices) length += to - from;
  const window = {
    atMs: new Float64Array(length),
    knownAtMs: new Float64Array(length),
    values: new Float64Array(length),
  };
  let at = 0;
  for (const slice of slices) at = copySlice(slice, window, at);
  return window;
}

function copySlice({ block, from, to }: Slice, window: SampleWindow, into: number): number {
  const { atMs, knownAtMs } = window;
  const { startMs, stepMs, offsetsMs, knownDelayMs } = block;
  const values = block.values;
  window.values.set(from === 0 && to === values.length ? values : values.subarray(from, to), into);
  let at = into;
  if (stepMs !== null && typeof knownDelayMs === "number") {
    for (let i = from; i < to; i++, at++) {
      const time = startMs + i * stepMs;
      atMs[at] = time;
      knownAtMs[at] = time + knownDelayMs;
    }
    return at;
  }
  for (let i = from; i < to; i++, at++) {
    const time = startMs + (stepMs === null ? offsetsMs![i]! : i * stepMs);
    atMs[at] = time;
    knownAtMs[at] = time + (typeof knownDelayMs === "number" ? knownDelayMs : knownDelayMs[i]!);
  }
  return at;
}

interface OpenWindow {
  readonly request: WindowRequest;
  readonly slices: Slice[];
}

/**
 * Streams the windows asked for, each once, as soon as it is complete: by series,
 * then roughly by end. A window without samples comes too, with empty arrays.
 */
export async function* streamWindows(
  history: History,
  requests: readonly WindowRequest[],
): AsyncGenerator<{ id: number; window: SampleWindow }> {
  const waiting = [...requests].sort(
    (a, b) => a.series - b.series || a.fromMs - b.fromMs || a.toMs - b.toMs || a.id - b.id,
  );
  let next = 0;
  let open: OpenWindow[] = [];
  for await (const block of streamBlocks(history, requests)) {
    const endMs = sampleAtMs(block, block.values.length - 1);
    // Whatever ended before this block, or belongs to a series before it, is complete.
    const still: OpenWindow[] = [];
    for (const window of open) {
      const { series, toMs } = window.request;
      if (series === block.series && toMs > block.startMs) still.push(window);
      else yield close(window);
    }
    open = still;
    for (; next < waiting.length; next++) {
      const request = waiting[next]!;
      if (request.series > block.series) break;
      if (request.series === block.series && request.fromMs > endMs) break;
      const opened = { request, slices: [] };
      if (request.series === block.series && request.toMs > block.startMs) open.push(opened);
      else yield close(opened);
    }
    for (const { request, slices } of open) {
      const from = firstSampleFrom(block, request.fromMs);
      const to = firstSampleFrom(block, request.toMs);
      if (from < to) slices.push({ block, from, to });
    }
  }
  for (const window of open) yield close(window);
  for (; next < waiting.length; next++) yield close({ request: waiting[next]!, slices: [] });
}

function close({ request, slices }: OpenWindow): { id: number; window: SampleWindow } {
  return { id: request.id, window: assemble(slices) };
}
