/** Columns of samples put in order, cut and joined. */

import type { SampleColumn } from "../../event.ts";

/** Known order, without samples older than one already taken. */
export function inOrder(column: SampleColumn, newestAtMs: number): SampleColumn {
  const { atMs, knownAtMs } = column;
  let clean = true;
  let newest = newestAtMs;
  for (let index = 0; index < atMs.length && clean; index++) {
    clean = atMs[index]! > newest && (index === 0 || knownAtMs[index]! >= knownAtMs[index - 1]!);
    newest = atMs[index]!;
  }
  if (clean) return column;
  const order = Array.from({ length: atMs.length }, (_, index) => index).sort(
    (a, b) => knownAtMs[a]! - knownAtMs[b]! || atMs[a]! - atMs[b]!,
  );
  newest = newestAtMs;
  const kept = order.filter((index) => {
    if (atMs[index]! <= newest) return false;
    newest = atMs[index]!;
    return true;
  });
  return {
    series: column.series,
    atMs: Float64Array.from(kept, (index) => atMs[index]!),
    knownAtMs: Float64Array.from(kept, (index) => knownAtMs[index]!),
    values: Float64Array.from(kept, (index) => column.values[index]!),
  };
}

/**
 * Samples that came after the deployment but before anybody knew of it count as known with
 * it: they are judged then, and not as of a moment at which nothing was watched.
 */
export function knownFrom(
  known: ArrayLike<number>,
  startedAtMs: number,
  knownAtMs: number,
): ArrayLike<number> {
  if (knownAtMs <= startedAtMs) return known;
  const later = (ms: number): number => (ms > startedAtMs ? Math.max(ms, knownAtMs) : ms);
  return Float64Array.from(known, later);
}

export function part(values: ArrayLike<number>, from: number, to: number): ArrayLike<number> {
  if (from === 0 && to === values.length) return values;
  if (ArrayBuffer.isView(values)) return (values as Float64Array).subarray(from, to);
  return Array.prototype.slice.call(values, from, to) as number[];
}

export function append(
  before: ArrayLike<number>,
  values: ArrayLike<number>,
  from: number,
  to: number,
): ArrayLike<number> {
  if (before.length === 0) return part(values, from, to);
  const joined = new Float64Array(before.length + to - from);
  joined.set(before);
  for (let index = from; index < to; index++) joined[before.length + index - from] = values[index]!;
  return joined;
}

/** The first of the ascending times from `from` on that is not before `atMs`. */
export function firstFrom(times: ArrayLike<number>, atMs: number, from: number): number {
  let low = from;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first of the ascending times from `from` on that is after `atMs`. */
export function firstAfter(times: ArrayLike<number>, atMs: number, from: number): number {
  let low = from;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
