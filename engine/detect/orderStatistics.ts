/** Medians and quantiles by selection: they need no more order than their own place. */

/** Median of `values[0..count)`, which it reorders. NaN when empty; NaN may not be in it. */
export function medianInPlace(values: Float64Array, count: number): number {
  if (count === 0) return Number.NaN;
  const middle = count >> 1;
  select(values, count, middle);
  const upper = values[middle]!;
  if (count % 2 === 1) return upper;
  let lower = values[0]!;
  for (let index = 1; index < middle; index++) {
    if (values[index]! > lower) lower = values[index]!;
  }
  return (lower + upper) / 2;
}

/** Rounds after which a selection gives up on unlucky pivots and sorts. */
const SELECT_ROUNDS_AT_MOST = 64;

/**
 * Moves the value of rank `rank` to its place, nothing larger before it and nothing
 * smaller behind (Hoare 1961). A median needs no more order than that, and baselines
 * need four medians each: sorting was the dearest part of detection.
 */
function select(values: Float64Array, count: number, rank: number): void {
  let from = 0;
  let to = count - 1;
  for (let round = 0; from < to; round++) {
    if (round === SELECT_ROUNDS_AT_MOST) {
      values.subarray(from, to + 1).sort();
      return;
    }
    const pivot = middleOf(values[from]!, values[(from + to) >> 1]!, values[to]!);
    let left = from;
    let right = to;
    while (left <= right) {
      while (values[left]! < pivot) left++;
      while (values[right]! > pivot) right--;
      if (left > right) break;
      const value = values[left]!;
      values[left++] = values[right]!;
      values[right--] = value;
    }
    if (rank <= right) to = right;
    else if (rank >= left) from = left;
    else return;
  }
}

function middleOf(a: number, b: number, c: number): number {
  if (a < b) return b < c ? b : a < c ? c : a;
  return a < c ? a : b < c ? c : b;
}

/** The value below which `share` of the values lie; reorders them. */
export function rankedAt(values: Float64Array, share: number): number {
  const rank = Math.round(share * (values.length - 1));
  select(values, values.length, rank);
  return values[rank]!;
}
