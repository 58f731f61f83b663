/** Columns of samples put in order, cut and joined. */

import type { SampleColumn } from "../../event.ts";

/** The column in the order it became known, without samples older than one already taken. */
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
    ...(column.answers === undefined
      ? {}
      : { answers: Uint8Array.from(kept, (index) => column.answers![index]!) }),
  };
}

/**
 * When each sample counts as known. A sample that came after the deployment but before anybody
 * knew of the deployment counts as known together with it: it is judged then, and not as of an
 * earlier moment at which nothing was watched.
 *
 * @param startedAtMs, knownAtMs of the deployment
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

/** `values[from..to)`, without a copy where that is possible. */
export function part(values: ArrayLike<number>, from: number, to: number): ArrayLike<number> {
  if (from === 0 && to === values.length) return values;
  if (ArrayBuffer.isView(values)) return (values as Float64Array).subarray(from, to);
  return Array.prototype.slice.call(values, from, to) as number[];
}

/** `before` followed by `values[from..to)`. */
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

/** The index, not below `from`, of the first of ascending times that is not before `atMs`. */
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

/** The index, not below `from`, of the first of ascending times that is after `atMs`. */
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
