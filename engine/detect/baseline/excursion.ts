/**
 * An incident that was over before the deployment. What it did is no measure of what the
 * series does anyway: +60 % for a quarter of the baseline makes a scale four times as wide
 * and neighbours nine tenths alike, and then a deployment that brings +30 % is not found.
 *
 * A baseline is cut into forty blocks (or its samples, where it has fewer than eighty), and
 * of their medians that stretch is sought for which squares about the means inside and
 * outside of it sum to least: the scan for an epidemic change (Levin and Kline 1985), as
 * circular binary segmentation does it (Olshen et al. 2004), once and without its test. The
 * stretch is left out of the scale where
 *
 *   - nine tenths of its blocks lie three spreads of the rest or more to one side of it,
 *   - it is 5 to 45 % of the baseline, and six samples or more: fewer may be spikes,
 *   - it ended 5 % of the baseline ago or earlier. A level that still stands when the
 *     deployment starts is what the deployment will be blamed or praised for changing.
 *
 * One stretch, and only one. A series that does the same twice does it in the rest as well,
 * and its scale stays wide; so does that of spikes, and of most that wander (an AR(1) noise
 * with φ = .95 loses a stretch in 5 of 100 hours, and is flagged as seldom as before). The
 * level stays the median of everything: half of the baseline cannot break it, 27 minutes of
 * an hour move it by 1.3 spreads.
 *
 * Why no scale that breaks later in the place of all this: CUSUM with its defaults flags, in
 * % of watches without a recorded incident, as `scale without this / with it / median absolute
 * deviation alone / median of what six blocks are wide`: nezha latencies 0.90 / 0.93 / 10.2 /
 * 1.8 (of 3240), petshop latencies 0.30 / 0.36 / 5.6 / 2.2 (of 11928), nab-aws 1.4 / 1.6 /
 * 6.4 / 5.0 (of 6740; recordings as in lab/detectBench, tolerance 10 %, up).
 *
 * Bias: a burst seen once is taken for an incident, and flagged when it comes again. Of hours
 * with bursts of +60 %, 3 minutes long and some 20 apart, every 10 s, 38 % are flagged in the
 * place of 16; of hours with a quarter of +60 % each, 78 % in the place of none, and none
 * where a season knows of it. Only an hour before the baseline could tell such a burst from an
 * incident, and neither a live host nor a replay keeps one: earlier days, for the season, are all
 * that is read beyond it. Whoever has such a series gives it a season or a longer `baseline`.
 */

import { medianInPlace } from "./orderStatistics.ts";

/** An incident leaves neighbours alike: below this autocorrelation there is none to look for. */
export const LEANS = 0.5;
/** Into so many blocks a baseline is cut, or into its samples where it has fewer. */
const BLOCKS = 40;
/** Of the baseline. */
const SHARE_AT_LEAST = 0.05;
const SHARE_AT_MOST = 0.45;
const SAMPLES_AT_LEAST = 6;
/** It ended so long ago, as a share of the baseline. */
const OVER_FOR = 0.05;
/** So many spreads of the rest from its level. */
const APART = 3;
/** So many standard deviations of the blocks outside, for a first look. */
const FAR = 2;
/** This share of its blocks may be nearer. */
const NEARER = 0.1;

/** A stretch of the baseline, `residuals[from..to)`, and the medians of its blocks. */
export interface Excursion {
  readonly from: number;
  readonly to: number;
  readonly blocks: Float64Array;
}

/**
 * The stretch that may have been an incident; null where it was not over, or too long. The
 * caller measures the rest, then asks `standsApart`.
 */
export function excursionIn(residuals: Float64Array, scratch: Float64Array): Excursion | null {
  const count = residuals.length;
  const size = Math.max(1, Math.floor(count / BLOCKS));
  const blocks = blockMedians(residuals, scratch, size);
  const atLeast = Math.ceil(Math.max(SHARE_AT_LEAST * blocks.length, SAMPLES_AT_LEAST / size));
  const { start, end } = likeliest(blocks, atLeast, Math.floor(SHARE_AT_MOST * blocks.length));
  if (end === 0 || blocks.length - end < OVER_FOR * blocks.length) return null;
  if (!isFar(blocks, start, end)) return null;
  // Its edges lie somewhere in the blocks beside it.
  const from = Math.max(0, start - 1) * size;
  const to = Math.min(blocks.length - 1, end + 1) * size;
  if (to - from > count / 2) return null;
  return { from, to, blocks: blocks.subarray(start, end) };
}

/** Does it lie clearly on one side of the rest? */
export function standsApart({ blocks }: Excursion, level: number, spread: number): boolean {
  let above = 0;
  let below = 0;
  for (let at = 0; at < blocks.length; at++) {
    if (blocks[at]! - level >= APART * spread) above++;
    if (level - blocks[at]! >= APART * spread) below++;
  }
  return Math.max(above, below) >= (1 - NEARER) * blocks.length;
}

/** Spares most callers the measuring of the rest: are the means apart, as the blocks vary? */
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

/** The last block takes what is left over. */
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
 * Where squares about the means inside and outside sum to least: where the sum inside, of n
 * blocks about the mean of all m, is furthest from zero for its length, by n·(m − n)/m.
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
