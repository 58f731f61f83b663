/**
 * How far a series moved after a deployment, measured by its own noise before it. It rests on no
 * policy and no detector, so it can say what a signal had to see and did not.
 *
 * A series has moved where its smoothed value goes `MOVED_TIMES` standard deviations beyond the
 * level of the past. Bias: a level that drifts by the hour looks like a move, because no season is
 * subtracted.
 */

import { noiseOf } from "../replay/excursions.ts";

/** So many standard deviations of its smoothed noise are a move. */
const MOVED_TIMES = 5;

/** With fewer samples before the deployment its noise is not known. */
const PAST_AT_LEAST = 16;
/** Weight of the newest sample in the smoothed value. */
const SMOOTHING = 0.4;
/** What is left of a move is the median of so many last samples, */
const LAST = 5;
/** and it stays where that is at least this share of its peak. */
const STAYS_ABOVE = 0.5;
const CORRELATION_AT_MOST = 0.9;

export interface Movement {
  /** The furthest smoothed value in the direction that is worse, in its standard deviations. */
  readonly times: number;
  /** The same of the time before the deployment: a series that goes no further has not moved. */
  readonly timesBefore: number;
  /** The largest change, as a share of the level before, and in the metric's own unit. */
  readonly relative: number;
  readonly absolute: number;
  /** Is it still there at the end? Null where too few samples follow. */
  readonly stays: boolean | null;
}

export interface Samples {
  /** The hour before the deployment, which tells level and noise. */
  readonly past: readonly number[];
  /** A longer time before it, where what was normal is the range of that; null: of the hour. */
  readonly range: readonly number[] | null;
  /** From the onset, or the deployment, to the moment that is asked about. */
  readonly since: readonly number[];
  /** From then to the end of the watch. */
  readonly after: readonly number[];
}

/** Did it leave what was normal before the deployment? */
export function hasMoved({ times, timesBefore }: Movement): boolean {
  return times >= MOVED_TIMES && times > timesBefore;
}

/** How a series moved in the direction that is worse; null where its noise is not known. */
export function movementOf(samples: Samples, worse: "up" | "down" | "both"): Movement | null {
  if (samples.past.length < PAST_AT_LEAST || samples.since.length === 0) return null;
  if (worse !== "both") return movedTo(samples, worse === "up" ? 1 : -1);
  const [up, down] = [movedTo(samples, 1), movedTo(samples, -1)];
  return down.times > up.times ? down : up;
}

function movedTo({ past, range, since, after }: Samples, sign: 1 | -1): Movement {
  const isLog = [...past, ...(range ?? []), ...since, ...after].every((value) => value > 0);
  const scaled = (values: readonly number[]): number[] =>
    isLog ? values.map(Math.log) : [...values];
  const level = medianOf(scaled(past));
  const off = (values: readonly number[]): number[] =>
    scaled(values).map((value) => sign * (value - level));
  const [before, now, then] = [off(past), off(since), off(after)];
  const spread = noiseOf(Float64Array.from(before));
  const smoothed = smooth(now);
  const peak = Math.max(...smoothed);
  // A short move is over before the smoothed value is where it goes: two samples in a row say it.
  const pairs = now.slice(1).map((value, at) => Math.min(value, now[at]!));
  const size = Math.max(0, peak, ...pairs);
  const moved = isLog ? Math.exp(level + sign * size) - Math.exp(level) : sign * size;
  const from = isLog ? Math.exp(level) : Math.abs(level);
  const deviation = spread * smoothedBy(before);
  return {
    times: timesOf(peak, deviation),
    timesBefore: timesOf(Math.max(...smooth(range === null ? before : off(range))), deviation),
    relative: from === 0 ? Number.POSITIVE_INFINITY : Math.abs(moved) / from,
    absolute: Math.abs(moved),
    stays: then.length < LAST ? null : medianOf(then.slice(-LAST)) >= STAYS_ABOVE * peak,
  };
}

function timesOf(size: number, deviation: number): number {
  if (size <= 0) return 0;
  return deviation === 0 ? Number.POSITIVE_INFINITY : size / deviation;
}

/** The smoothed values, which begin at the level of the past. */
function smooth(values: readonly number[]): number[] {
  let last = 0;
  return values.map((value) => (last += SMOOTHING * (value - last)));
}

/** The standard deviation of the smoothed noise, as a share of that of the noise. */
function smoothedBy(residuals: readonly number[]): number {
  let [product, square] = [0, 0];
  residuals.forEach((value, at) => {
    square += value * value;
    if (at > 0) product += value * residuals[at - 1]!;
  });
  const correlation = square === 0 ? 0 : product / square;
  const kept = (1 - SMOOTHING) * Math.min(CORRELATION_AT_MOST, Math.max(0, correlation));
  return Math.sqrt((SMOOTHING / (2 - SMOOTHING)) * ((1 + kept) / (1 - kept)));
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
