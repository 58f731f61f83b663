/**
 * An incident in the baseline that was over before the deployment. It must not count as noise:
 * +60 % for a quarter of the baseline makes the scale four times as wide and the autocorrelation
 * .9, and then a deployment that brings +30 % is not found.
 *
 * The baseline is cut into forty blocks (or into its samples, where it has fewer than eighty) and
 * each becomes its median. Of all stretches of blocks that one is taken for which the squares
 * about the mean inside it and about the mean outside it have the smallest sum. That is the scan
 * for an epidemic change (Levin and Kline 1985), done as in circular binary segmentation (Olshen
 * et al. 2004), once and without its test. The stretch is left out of the scale where
 *
 *   - nine tenths of its blocks are at least three spreads of the rest away, all on one side,
 *   - it is 5 to 45 % of the baseline and has six samples or more (fewer may be spikes),
 *   - it ended at least 5 % of the baseline before the deployment. An incident that is not over is
 *     left out by ongoing.ts.
 *
 * Only one stretch is left out. A series that does the same twice keeps one of the two in the
 * rest, so its scale stays wide. So does the scale of series with spikes, and of most that wander
 * (AR(1) noise with φ = .95 loses a stretch in 5 of 100 hours, and is flagged as seldom as
 * before). The level stays the median of the whole baseline: an incident of less than half of it
 * cannot break the median, and 27 minutes of an hour move it by 1.3 spreads.
 *
 * Why not just a more robust scale? CUSUM with its defaults flags, in % of watches without a
 * recorded incident, as `scale without this / with it / median absolute deviation alone / median
 * of the widths of six blocks`: nezha latencies 0.90 / 0.93 / 10.2 / 1.8 (of 3240), petshop
 * latencies 0.30 / 0.36 / 5.6 / 2.2 (of 11928), nab-aws 1.4 / 1.6 / 6.4 / 5.0 (of 6740;
 * recordings as in lab/detectBench, tolerance 10 %, up).
 *
 * Bias: a burst that was seen once is taken for an incident, and is flagged when it comes again.
 * Of hours with bursts of +60 %, 3 minutes long and about 20 minutes apart, a sample every 10 s,
 * 38 % are flagged instead of 16. Of hours that each have +60 % for a quarter of an hour, 78 %
 * are flagged instead of none, but none where a season knows of it. Only the hour before the
 * baseline could tell such a burst from an incident, and no host keeps it: beyond the baseline
 * only earlier days are read, for the season. A series like that needs a season or a longer
 * `baseline`.
 */

import { medianInPlace } from "./orderStatistics.ts";

/** An incident makes neighbours alike: below this autocorrelation no incident is looked for. */
export const LEANS = 0.5;
/** How many blocks a baseline is cut into; each sample is one where there are fewer. */
const BLOCKS = 40;
/** How long the stretch may be, as a share of the baseline. */
const SHARE_AT_LEAST = 0.05;
const SHARE_AT_MOST = 0.45;
const SAMPLES_AT_LEAST = 6;
/** How long before the deployment it must have ended, as a share of the baseline. */
const OVER_FOR = 0.05;
/** How far its blocks must be from the level of the rest, in spreads of the rest. */
const APART = 3;
/** The share of its blocks that may be nearer than that. */
const NEARER = 0.1;
/** How far apart the means must be for `isFar`, in standard deviations of the blocks outside. */
const FAR = 2;

/** A stretch of the baseline, `residuals[from..to)`, and the medians of its blocks. */
export interface Excursion {
  readonly from: number;
  readonly to: number;
  readonly blocks: Float64Array;
}

/**
 * The stretch that may have been an incident; null where none is far enough from the rest, or it
 * is too long or was not over. The caller measures the rest and then asks `standsApart`.
 *
 * @param scratch as long as `residuals`; its content is lost
 */
export function excursionIn(residuals: Float64Array, scratch: Float64Array): Excursion | null {
  const count = residuals.length;
  const size = Math.max(1, Math.floor(count / BLOCKS));
  const blocks = blockMedians(residuals, scratch, size);
  const atLeast = Math.ceil(Math.max(SHARE_AT_LEAST * blocks.length, SAMPLES_AT_LEAST / size));
  const { start, end } = likeliest(blocks, atLeast, Math.floor(SHARE_AT_MOST * blocks.length));
  if (end === 0 || blocks.length - end < OVER_FOR * blocks.length) return null;
  if (!isFar(blocks, start, end)) return null;
  // The incident began and ended somewhere within the blocks beside it: they are left out too.
  const from = Math.max(0, start - 1) * size;
  const to = Math.min(blocks.length - 1, end + 1) * size;
  if (to - from > count / 2) return null;
  return { from, to, blocks: blocks.subarray(start, end) };
}

/** Is the stretch clearly on one side of the rest? `level` and `spread` are those of the rest. */
export function standsApart({ blocks }: Excursion, level: number, spread: number): boolean {
  let above = 0;
  let below = 0;
  for (let at = 0; at < blocks.length; at++) {
    if (blocks[at]! - level >= APART * spread) above++;
    if (level - blocks[at]! >= APART * spread) below++;
  }
  return Math.max(above, below) >= (1 - NEARER) * blocks.length;
}

/** A quick first test that spares most callers measuring the rest: are the means far apart? */
function isFar(blocks: Float64Array, start: number, end: number): boolean {
  let [inside, outside, squares] = [0, 0, 0];
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at]!;
    if (at >= start && at < end) inside += block;
    else {
      outside += block;
      squares += block * block;
    }
  }
  const rest = blocks.length - (end - start);
  const mean = outside / rest;
  const variance = Math.max(0, squares / rest - mean * mean);
  const apart = inside / (end - start) - mean;
  return apart * apart >= FAR * FAR * variance;
}

/** The median of each block of `size` samples; the last block also takes what is left over. */
function blockMedians(residuals: Float64Array, scratch: Float64Array, size: number): Float64Array {
  const medians = new Float64Array(Math.floor(residuals.length / size));
  if (size === 1) {
    medians.set(residuals);
    return medians;
  }
  scratch.set(residuals);
  for (let block = 0; block < medians.length; block++) {
    const to = block === medians.length - 1 ? residuals.length : (block + 1) * size;
    medians[block] = medianInPlace(scratch.subarray(block * size, to), to - block * size);
  }
  return medians;
}

/**
 * The stretch for which the squares about the means inside and outside have the smallest sum.
 * That is where S²·m / (n·(m − n)) is largest, with S the sum of its n blocks, each less the mean
 * of all m.
 */
function likeliest(
  blocks: Float64Array,
  atLeast: number,
  atMost: number,
): { readonly start: number; readonly end: number } {
  const count = blocks.length;
  let total = 0;
  for (let at = 0; at < count; at++) total += blocks[at]!;
  const mean = total / count;
  const sums = new Float64Array(count + 1);
  for (let at = 0; at < count; at++) sums[at + 1] = sums[at]! + (blocks[at]! - mean);
  let best = Number.NEGATIVE_INFINITY;
  let [start, end] = [0, 0];
  for (let length = atLeast; length <= atMost; length++) {
    const weight = count / (length * (count - length));
    for (let to = length; to <= count; to++) {
      const inside = sums[to]! - sums[to - length]!;
      const explained = inside * inside * weight;
      if (explained > best) [best, start, end] = [explained, to - length, to];
    }
  }
  return { start, end };
}
