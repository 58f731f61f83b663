/**
 * The newest samples of every series, as far back as a baseline may look.
 *
 * Every batch of a live host adds a sample to thousands of columns, so each column has room to
 * grow without a copy. States stay immutable all the same: only the newest state of a column
 * writes into that room, after everything that earlier states hold. A state that is not the newest
 * copies the column first (`room.used` tells which it is).
 */

import { lookBackOf } from "./detect/baseline/exposure.ts";
import { baselineReachMs, BASELINE_SAMPLES } from "./detect/baseline/baselineLength.ts";
import { seriesKey, type SampleColumn } from "./event.ts";
import type { Policy } from "./policy/policy.ts";

export interface RecentColumn extends SampleColumn {
  readonly atMs: Float64Array;
  readonly knownAtMs: Float64Array;
  readonly values: Float64Array;
  /** The newest `knownAtMs`, also of samples that were dropped since. */
  readonly newestMs: number;
  /** How many numbers of each of the three buffers some state holds. */
  readonly room: { used: number };
}

export type Recent = ReadonlyMap<string, RecentColumn>;

/** The fewest samples that are kept: twice what a baseline needs, as some may be too late. */
export const RECENT_AT_LEAST = 2 * BASELINE_SAMPLES;
/** Room for at least so many samples is made at once. */
const ROOM_AT_LEAST = 32;
const FEW = 16;

export interface RecentReach {
  /** How long samples are kept, */
  readonly keepMs: number;
  /** and where there are fewer than `atLeast` of them, */
  readonly atMostMs: number;
  readonly atLeast: number;
}

/** How many of the newest samples of a series are kept, and for how long. */
export function recentReach(policy: Policy): RecentReach {
  // A deployment may become known as late as its watch lasts.
  const backMs = Math.max(...policy.signals.map(lookBackOf));
  const reachMs = Math.max(...policy.signals.map(({ detector }) => baselineReachMs(detector)));
  const samples = policy.signals.map(({ detector }) => 2 * (detector.baselineSamples ?? 0));
  return {
    keepMs: backMs + policy.watchMs,
    atMostMs: Math.max(backMs, reachMs) + policy.watchMs,
    atLeast: Math.max(RECENT_AT_LEAST, ...samples),
  };
}

/** Appends samples to the recent ones, and drops those that no baseline can reach any more. */
export function remember(policy: Policy, recent: Recent, columns: readonly SampleColumn[]): Recent {
  const reach = recentReach(policy);
  const next = new Map(recent);
  for (const column of columns) {
    if (column.atMs.length === 0) continue;
    const key = seriesKey(column.series);
    next.set(key, forget(joined(next.get(key), column), reach));
  }
  return next;
}

/** The column with more samples, in the room of the old one where that is free. */
function joined(before: RecentColumn | undefined, column: SampleColumn): RecentColumn {
  const more = column.atMs.length;
  const had = before?.atMs.length ?? 0;
  let newestMs = before?.newestMs ?? Number.NEGATIVE_INFINITY;
  for (let index = 0; index < more; index++) {
    newestMs = Math.max(newestMs, column.knownAtMs[index]!);
  }
  const begins = (before?.atMs.byteOffset ?? 0) / Float64Array.BYTES_PER_ELEMENT;
  const length = had + more;
  const fits =
    before !== undefined &&
    before.room.used === begins + had &&
    begins + length <= before.atMs.buffer.byteLength / Float64Array.BYTES_PER_ELEMENT;
  const grow = (field: "atMs" | "knownAtMs" | "values"): Float64Array => {
    const old = before?.[field];
    const all = fits
      ? new Float64Array(old!.buffer, begins * Float64Array.BYTES_PER_ELEMENT, length)
      : new Float64Array(Math.max(ROOM_AT_LEAST, Math.ceil(1.25 * length))).subarray(0, length);
    if (!fits && old !== undefined) all.set(old);
    // A call of `set` costs more than a few samples.
    if (more > FEW) all.set(column[field], had);
    else for (let index = 0; index < more; index++) all[had + index] = column[field][index]!;
    return all;
  };
  const grown = { atMs: grow("atMs"), knownAtMs: grow("knownAtMs"), values: grow("values") };
  if (fits) before.room.used += more;
  const room = fits ? before.room : { used: length };
  return { series: column.series, ...grown, newestMs, room };
}

function forget(column: RecentColumn, { keepMs, atMostMs, atLeast }: RecentReach): RecentColumn {
  const { atMs, newestMs } = column;
  let from = 0;
  while (from < atMs.length - atLeast && atMs[from]! < newestMs - keepMs) from++;
  while (from < atMs.length && atMs[from]! < newestMs - atMostMs) from++;
  if (from === 0) return column;
  return {
    ...column,
    atMs: atMs.subarray(from),
    knownAtMs: column.knownAtMs.subarray(from),
    values: column.values.subarray(from),
  };
}
