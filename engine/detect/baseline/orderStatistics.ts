/** Medians and quantiles by selection, which is faster than sorting. */

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

/** So few values are sorted faster than they are partitioned. */
const FEW = 8;

/**
 * Median of `values[0..count)`, faster than `medianInPlace` for some tens of values: 11 ns a value
 * for 30 of them, where selection takes 20.
 *
 * Why: the processor cannot predict on which side of a pivot a value is, so a branch on that is
 * slow. Here each value is written to both sides, and only the counters depend on the comparison.
 *
 * @param values three times as long as `count`; all of it is changed
 */
export function medianOfFew(values: Float64Array, count: number): number {
  if (count === 0) return Number.NaN;
  let sum = 0;
  for (let index = 0; index < count; index++) sum += values[index]!;
  let pivot = sum / count;
  let [from, low, high] = [0, count, 2 * count];
  let left = count;
  let rank = count >> 1;
  // The largest of the values below those that are left: for an even count the lower middle one.
  let before = Number.NaN;
  while (left > FEW) {
    let lowTo = low;
    let highTo = high;
    for (let index = from; index < from + left; index++) {
      const value = values[index]!;
      values[lowTo] = value;
      values[highTo] = value;
      const isLow = Number(value < pivot);
      lowTo += isLow;
      highTo += 1 - isLow;
    }
    const lows = lowTo - low;
    if (lows === 0 || lows === left) break;
    if (rank < lows) {
      [from, low] = [low, from];
      left = lows;
    } else {
      if (rank === lows) before = largest(values, low, lowTo);
      [from, high] = [high, from];
      left -= lows;
      rank -= lows;
    }
    pivot = middleOf(values[from]!, values[from + (left >> 1)]!, values[from + left - 1]!);
  }
  sortFew(values, from, from + left);
  const upper = values[from + rank]!;
  if (count % 2 === 1) return upper;
  return ((rank > 0 ? values[from + rank - 1]! : before) + upper) / 2;
}

function largest(values: Float64Array, from: number, to: number): number {
  let most = values[from]!;
  for (let index = from + 1; index < to; index++) if (values[index]! > most) most = values[index]!;
  return most;
}

/** Sorts few values by insertion. Where many are equal there can be more: those are sorted. */
function sortFew(values: Float64Array, from: number, to: number): void {
  if (to - from > 4 * FEW) {
    values.subarray(from, to).sort();
    return;
  }
  for (let index = from + 1; index < to; index++) {
    const value = values[index]!;
    let place = index;
    for (; place > from && values[place - 1]! > value; place--) values[place] = values[place - 1]!;
    values[place] = value;
  }
}

/** Rounds after which a selection gives up on unlucky pivots and sorts. */
const SELECT_ROUNDS_AT_MOST = 64;

/**
 * Moves the value of rank `rank` to its place, with nothing larger before it and nothing smaller
 * behind it (quickselect, Hoare 1961). A median needs no more order than that. Each baseline
 * needs four medians, and sorting for them was the most expensive part of detection.
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

/** The value below which a share (0 to 1) of the values lie; reorders them. */
export function rankedAt(values: Float64Array, share: number): number {
  const rank = Math.round(share * (values.length - 1));
  select(values, values.length, rank);
  return values[rank]!;
}
