/** Picks the samples that are new out of those that a poll returned. */

import { seriesKey, type ControllerState, type SampleColumn } from "../../engine/index.ts";
import type { TakenColumn } from "./contract.ts";

/** A sample further ahead of the host's time than this comes from a wrong clock. */
const FUTURE_MS = 5000;
/** A late sample is compared with this many of the newest samples of its series. */
const LATE_AMONG = 64;

export interface Sifted {
  /** The new samples, all with the given `knownAtMs`. */
  readonly columns: (knownAtMs: number) => readonly SampleColumn[];
  readonly samples: number;
  readonly repeated: number;
  /** How many lie too far in the future to be believed. */
  readonly future: number;
  readonly newestAtMs: number | null;
}

/**
 * Rounds times to whole milliseconds. A sample that is slightly ahead of the host's time is left
 * for the next poll, so that no sample is known before it was measured.
 */
export function sift(
  taken: readonly TakenColumn[],
  recent: ControllerState["recent"],
  nowMs: number,
): Sifted {
  const room = taken.reduce((sum, column) => sum + column.atMs.length, 0);
  // One allocation for all columns: there are thousands, and most have one sample.
  const [times, numbers] = [new Float64Array(room), new Float64Array(room)];
  const kept: { series: TakenColumn["series"]; from: number; to: number }[] = [];
  let [samples, repeated, future] = [0, 0, 0];
  let newestAtMs = Number.NEGATIVE_INFINITY;
  for (const { series, atMs, values } of taken) {
    const known = recent.get(seriesKey(series));
    const from = samples;
    let lastMs = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < atMs.length; index++) {
      const ms = Math.round(atMs[index]!);
      if (ms > nowMs) {
        if (ms > nowMs + FUTURE_MS) future++;
      } else if (ms <= lastMs || has(known, ms)) {
        repeated++;
      } else {
        lastMs = ms;
        times[samples] = ms;
        numbers[samples] = Number.isFinite(values[index]) ? values[index]! : Number.NaN;
        samples++;
      }
    }
    if (samples === from) continue;
    kept.push({ series, from, to: samples });
    newestAtMs = Math.max(newestAtMs, lastMs);
  }
  const columns = (knownAtMs: number): SampleColumn[] => {
    const known = new Float64Array(samples).fill(knownAtMs);
    return kept.map(({ series, from, to }) => ({
      series,
      atMs: times.subarray(from, to),
      knownAtMs: known.subarray(from, to),
      values: numbers.subarray(from, to),
    }));
  };
  return {
    ...{ columns, samples, repeated, future },
    newestAtMs: samples === 0 ? null : newestAtMs,
  };
}

/** Searches backwards: samples are stored in order of arrival, so a late one may be anywhere. */
function has(known: SampleColumn | undefined, ms: number): boolean {
  if (known === undefined) return false;
  const { atMs } = known;
  const first = Math.max(0, atMs.length - LATE_AMONG);
  for (let index = atMs.length - 1; index >= first; index--) {
    if (atMs[index]! === ms) return true;
  }
  // Older than all that were compared: already taken, or too late to matter.
  return first > 0 && ms < atMs[first]!;
}

/** @returns `atMs` of the newest sample of any series; null where there is none */
export function newestSample(recent: ControllerState["recent"]): number | null {
  let newest: number | null = null;
  for (const { atMs } of recent.values()) {
    const last = atMs[atMs.length - 1];
    if (last !== undefined) newest = Math.max(newest ?? last, last);
  }
  return newest;
}
