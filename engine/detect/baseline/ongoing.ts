/**
 * An incident that began before the deployment and was not over when it started. The deployment did
 * not cause it, so while it lasts what is tolerated counts from the level that it had reached: only
 * what grows beyond that is the deployment's. It must not count as noise either.
 *
 * Of all ends of the baseline that one is taken for which the squares about the mean inside it and
 * about the mean outside it have the smallest sum: the estimate of a single change point. It is an
 * incident where
 *
 *   - it is three samples and 2.5 % of the baseline or more (a deployment may be recorded a little
 *     after its effect begins), and at most 45 % (half of the baseline and more is the level),
 *   - each of the last three samples is at least three spreads of the rest away, on one side,
 *   - so are nine tenths of all of its samples.
 *
 * It is over once samples were nearer to the level before it than to its own for as long as 5 % of
 * the baseline takes, three samples at least. From then on all counts from the level before it
 * again. A signal is inconclusive, and not healthy, where the incident lasts to the end of its
 * watch: nothing shows that the deployment does no harm behind it.
 *
 * Bias: harm behind an incident is found only where it comes on top of it, or stays after it. A
 * deployment whose start is recorded three samples late or more is taken for an incident.
 */

import { medianInPlace } from "./orderStatistics.ts";
import type { Transform } from "./residual.ts";
import { centre, floorOf, MAD_TO_SD, scaleOf, usualOf, type Scale } from "./scale.ts";

/** A change that comes fewer samples before the deployment may be its own. */
export const SAMPLES_AT_LEAST = 3;
/** Or that comes by a smaller part of the baseline before it. */
const SHARE_AT_LEAST = 0.025;
/** The largest part of the baseline that is an incident and not its level. */
const SHARE_AT_MOST = 0.45;
/** How far its samples must be from the level of the rest, in spreads of the rest. */
export const APART = 3;
/** The share of its samples that may be nearer than that. */
const NEARER = 0.1;
/** For how long samples must be back until it is over, as a share of the baseline. */
const OVER_FOR = 0.05;

/** An incident that lasts when the deployment starts. */
export interface Ongoing {
  /** How far the series was from its level, as a residual. */
  readonly residual: number;
  /** When its first sample was taken. */
  readonly sinceMs: number;
  /** How many samples of the baseline are its own. */
  readonly samples: number;
}

/**
 * The index of the residual with which an incident begins that lasts to the end; null without one.
 *
 * @param residuals about their median
 * @param scratch as long as `residuals`; its content is lost
 * @param atLeast the least spread of the rest by which the incident is told apart
 */
export function ongoingFrom(
  residuals: Float64Array,
  scratch: Float64Array,
  atLeast: number,
): number | null {
  const count = residuals.length;
  if (!mayLast(residuals, count, APART * atLeast)) return null;
  const from = changeIn(residuals);
  const rest = scratch.subarray(0, from);
  rest.set(residuals.subarray(0, from));
  const level = medianInPlace(rest, from);
  const settled = residuals.slice(0, from);
  const mad = centre(settled, rest, level);
  const apart = APART * Math.max(MAD_TO_SD * mad, usualOf(settled, rest), atLeast);
  const sign = Math.sign(residuals[count - 1]!);
  // Both from its own median, which a glance knows, and from the level without the incident.
  const isApart = (residual: number): boolean =>
    sign * residual >= apart && sign * (residual - level) >= apart;
  let near = 0;
  for (let index = from; index < count; index++) {
    if (isApart(residuals[index]!)) continue;
    near++;
    if (index >= count - SAMPLES_AT_LEAST) return null;
  }
  return near <= NEARER * (count - from) ? from : null;
}

/** The scale of residuals, without an incident that lasts to their end; and that incident. */
export function scaleBefore(
  residuals: Float64Array,
  atMs: ArrayLike<number>,
  mad: number,
  scratch: Float64Array,
  transform: Transform,
  percentagePoint: number,
): Scale & { readonly ongoing: Ongoing | null } {
  const from = ongoingFrom(residuals, scratch, floorOf(transform, percentagePoint));
  if (from === null) {
    const { spread, autocorrelation } = scaleOf(
      residuals,
      mad,
      scratch,
      transform,
      percentagePoint,
    );
    return { spread, autocorrelation, ongoing: null };
  }
  const rest = residuals.slice(0, from);
  const space = scratch.subarray(0, from);
  space.set(rest);
  const settled = centre(rest, space, medianInPlace(space, from));
  const { spread, autocorrelation } = scaleOf(rest, settled, space, transform, percentagePoint);
  const incident = residuals.subarray(from);
  const ongoing = {
    residual: reachedBy(incident),
    sinceMs: atMs[from]!,
    samples: incident.length,
  };
  return { spread, autocorrelation, ongoing };
}

/** A quick first test, which most baselines fail: are the last samples far out on one side? */
function mayLast(residuals: Float64Array, count: number, apart: number): boolean {
  const last = residuals[count - 1]!;
  if (Math.floor(SHARE_AT_MOST * count) < SAMPLES_AT_LEAST) return false;
  for (let index = count - SAMPLES_AT_LEAST; index < count; index++) {
    const residual = residuals[index]!;
    if (!(Math.abs(residual) >= apart) || residual > 0 !== last > 0) return false;
  }
  return true;
}

/** The index from which on the mean differs most from the mean before: see the header. */
function changeIn(residuals: Float64Array): number {
  const count = residuals.length;
  let total = 0;
  for (let index = 0; index < count; index++) total += residuals[index]!;
  const mean = total / count;
  const atMost = Math.floor(SHARE_AT_MOST * count);
  const atLeast = Math.max(SAMPLES_AT_LEAST, Math.ceil(SHARE_AT_LEAST * count));
  let best = Number.NEGATIVE_INFINITY;
  let from = count - atLeast;
  let inside = 0;
  for (let length = 1; length <= atMost; length++) {
    inside += residuals[count - length]! - mean;
    if (length < atLeast) continue;
    const explained = (inside * inside) / (length * (count - length));
    if (explained > best) [best, from] = [explained, count - length];
  }
  return from;
}

/** How far out an incident was: its median, or that of its last samples where it still grew. */
export function reachedBy(incident: Float64Array): number {
  const whole = medianInPlace(incident.slice(), incident.length);
  const last = medianInPlace(incident.slice(-SAMPLES_AT_LEAST), SAMPLES_AT_LEAST);
  return Math.abs(last) > Math.abs(whole) ? last : whole;
}

/** How far a residual is beyond an incident: 0 from the level before it to the level it reached. */
export function beyondOngoing(residual: number, { residual: reached }: Ongoing): number {
  const [low, high] = reached > 0 ? [0, reached] : [reached, 0];
  return residual > high ? residual - high : residual < low ? residual - low : 0 * residual;
}

/** How many samples must be back until the incident is over. */
function backAtLeast(baselineSamples: number): number {
  return Math.max(SAMPLES_AT_LEAST, Math.ceil(OVER_FOR * baselineSamples));
}

/** Is it over, after so many samples in a row that were back? */
export function isOver(baselineSamples: number, back: number): boolean {
  return back >= backAtLeast(baselineSamples);
}

/** Along a column: before which sample it was over, and how many in a row are back at the end. */
export interface OngoingPath {
  /** The number of samples where it is not over yet. */
  readonly until: number;
  readonly back: number;
}

/**
 * Follows the incident through samples from after the deployment.
 *
 * @param back how many samples in a row were back before these
 */
export function followOngoing(
  { residual: reached }: Ongoing,
  baselineSamples: number,
  residuals: Float64Array,
  back: number,
): OngoingPath {
  const enough = backAtLeast(baselineSamples);
  const sign = Math.sign(reached);
  let now = back;
  for (let index = 0; index < residuals.length; index++) {
    if (now >= enough) return { until: index, back: now };
    const residual = residuals[index]!;
    if (Number.isNaN(residual)) continue;
    now = sign * residual < Math.abs(reached) / 2 ? now + 1 : 0;
  }
  return { until: residuals.length, back: now };
}
