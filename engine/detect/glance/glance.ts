/**
 * A glance: a quick proof that nothing happened in a watch, for replays of many watches. In a few
 * passes over the plain samples it proves of most watches that no signal goes beyond its
 * tolerance, so that the watch is silent and ends healthy. Every watch of which it cannot prove
 * that is left to `takeColumns`. It decides nothing of its own: each bound errs on the side of a
 * closer look, and test/engine/glance.test.ts compares it with the whole detection.
 *
 * It leaves out the numbers of evidence (effect, scale, statistic), because those need every
 * residual. So it serves scores, and not records that somebody reads.
 *
 * Why the proof is quick:
 *
 *   - A residual grows with its sample, so the largest sample has the largest residual.
 *   - The level is a median, and a median is at least Y when more than half of the samples are:
 *     counting is enough, and nothing has to be sorted.
 *   - The offset that keeps the logarithm of zero finite only draws residuals towards zero, so it
 *     may be left out where all samples are positive.
 *   - With a smaller spread, and a sum that never falls, what is beyond only looks larger.
 *   - A season may move what is expected by so much at most (sway.ts): the tolerance is lowered by
 *     that much.
 */

import type { Deployment, SeasonProfile, SeriesName, SignalEvidence } from "../../event.ts";
import { servicesOf, type Policy, type SignalPolicy } from "../../policy/policy.ts";
import { selectionText, watches } from "../../policy/role.ts";
import { isCounter } from "../baseline/counter.ts";
import { limitOf } from "../detectors/detector.ts";
import { toleranceText } from "../evidence/evidence.ts";
import { isFarFromGuard, isNeverManyTimes, isSettled } from "./far.ts";
import {
  isAsWide,
  logSpreadOf,
  ROOM,
  viewOf,
  type EvenColumn,
  type SeenView,
  type View,
} from "./glimpse.ts";
import { LOG_SCALE_FLOOR, NINE_TENTHS_TO_SD, POINT_SCALE_FLOOR } from "../baseline/scale.ts";
import { NO_SWAY, swayOf } from "./sway.ts";
import { boundsFor } from "../tolerance.ts";
import type { QuietWatch } from "../watchJudged.ts";

/** One signal of a policy, with what a glance asks about it over and over. */
interface Watched {
  readonly signal: SignalPolicy;
  /** The metric is a plain name, not a glob. */
  readonly isPlain: boolean;
  /** Only series of the deployed service itself are watched. */
  readonly isOwn: boolean;
  /** Can a glance prove anything about it? Every other signal always needs the whole detection. */
  readonly isGlanced: boolean;
  /** The least that any mode, stage or tag leaves of the tolerance. */
  readonly amount: number;
}

/** A policy that a glance can prove something for, and its judgement of every quiet watch. */
export interface Glance {
  readonly policy: Policy;
  readonly watched: readonly Watched[];
  readonly quiet: QuietWatch;
}

/** What a glance needs of a policy; null where every signal always needs the whole detection. */
export function glanceWith(policy: Policy): Glance | null {
  if (policy.fusion === "evidence" || policy.incumbent !== undefined) return null;
  // Who was heard of when takes every sample.
  if (policy.silenceMs !== undefined) return null;
  const watched: Watched[] = [];
  for (const signal of policy.signals) {
    const { control, calibrate, metric, of } = signal;
    if (control !== undefined || calibrate !== undefined || signal.counter === true) return null;
    watched.push({
      signal,
      isPlain: signal.role === undefined && !/[*|]/.test(metric),
      isOwn: of.length === 1 && of[0] === "own",
      isGlanced: isGlanced(signal),
      amount: leastTolerated(policy, signal),
    });
  }
  if (!watched.some(({ isGlanced }) => isGlanced)) return null;
  const evidence = watched.map(({ signal }) => quietEvidence(signal));
  return { policy, watched, quiet: { watchMs: policy.watchMs, evidence } };
}

/** A glance looks at one stretch of time, the same for all signals, after a baseline in time. */
function isGlanced({ detector, watchMs, watchSamples }: SignalPolicy): boolean {
  if (detector.kind !== "threshold" && detector.kind !== "cusum") return false;
  if (detector.baselineSamples !== undefined) return false;
  return watchMs === undefined && watchSamples === undefined;
}

/** The least that is ever tolerated. Tags only add to it; modes and stages may lower it. */
function leastTolerated(policy: Policy, { name, tolerance }: SignalPolicy): number {
  let own = tolerance.amount;
  for (const { signals } of policy.stages ?? []) {
    for (const stage of signals)
      if (stage.name === name) own = Math.min(own, (stage.tolerance ?? tolerance).amount);
  }
  return own * Math.min(1, ...policy.modes.map(({ toleranceTimes }) => toleranceTimes));
}

function quietEvidence(signal: SignalPolicy): SignalEvidence {
  const { amount } = signal.tolerance;
  const watched = selectionText(signal);
  const reason = `${watched} within tolerance, ${toleranceText(signal, amount, [])}`;
  return {
    signal: signal.name,
    verdict: "healthy",
    reason,
    series: watched,
    effect: null,
    interval: null,
    expected: null,
    scale: null,
    tolerance: amount,
    baseTolerance: amount,
    statistic: null,
    limit: limitOf(signal.detector),
    logE: null,
    breaching: [],
    standing: null,
    samples: 0,
    baselineSamples: 0,
    missing: null,
    tags: [],
    untagged: "healthy",
    untaggedReason: `without tags: ${reason}`,
    placebo: null,
    control: null,
    season: null,
  };
}

/** One series around one deployment, with the views that policies have taken of it so far. */
export interface Glanced {
  readonly column: EvenColumn;
  /** The season that was prepared for it. */
  readonly season: SeasonProfile | null;
  readonly views: SeenView[];
}

/** All series around one deployment. */
export interface Glimpses {
  readonly glanced: Glanced[];
  /** Those on which every signal is known to be quiet. */
  readonly spared: SeriesName[];
  /** Those that are unevenly spaced: no glance can be taken at them. */
  readonly uneven: SeriesName[];
}

/** A series of which no view is taken yet. */
export function toGlanceAt(column: EvenColumn, season: SeasonProfile | null): Glanced {
  return { column, season, views: [] };
}

/** Is every signal that watches this series quiet on it? False where none does. */
export function isQuietOnAll(
  { policy, watched }: Glance,
  deployment: Deployment,
  on: Glanced,
): boolean {
  let found = false;
  let quiet = true;
  for (const one of watched) {
    if (!isWatched(one, deployment, on.column.series)) continue;
    found = true;
    const view = one.isGlanced ? viewOn(one, policy, deployment, on) : null;
    quiet &&= view !== null && isQuietOn(one, view);
  }
  return found && quiet;
}

function viewOn(
  { signal: { detector } }: Watched,
  { watchMs }: Policy,
  { startedAtMs }: Deployment,
  { column, season, views }: Glanced,
): View | null {
  const subtracted = detector.season ? season : null;
  return viewOf(views, column, startedAtMs, detector.baselineMs, watchMs, subtracted);
}

/**
 * For each signal, in the order of the policy: is it proved that it is silent and ends healthy?
 */
export function quietAtAGlance(
  { policy, watched }: Glance,
  deployment: Deployment,
  { glanced, spared, uneven }: Glimpses,
): readonly boolean[] {
  return watched.map((one) => {
    if (!one.isGlanced) return false;
    if (uneven.some((series) => isWatched(one, deployment, series))) return false;
    let found = spared.some((series) => isWatched(one, deployment, series));
    for (const on of glanced) {
      if (!isWatched(one, deployment, on.column.series)) continue;
      found = true;
      const view = viewOn(one, policy, deployment, on);
      if (view === null || !isQuietOn(one, view)) return false;
    }
    return found;
  });
}

function isWatched(
  { signal, isPlain, isOwn }: Watched,
  deployment: Deployment,
  series: SeriesName,
): boolean {
  const isMetric = isPlain ? signal.metric === series.metric : watches(signal, series);
  if (!isMetric) return false;
  if (isOwn) return series.service === deployment.service;
  return servicesOf(signal, deployment).has(series.service);
}

/** Is it proved that the signal is quiet on this series? */
function isQuietOn({ signal, amount }: Watched, view: View): boolean {
  const { detector } = signal;
  const { series } = view.column;
  if (isCounter(signal, series)) return false;
  const relative = signal.tolerance.kind === "relative";
  const sway = view.season === null ? NO_SWAY : swayOf(view, relative);
  if (sway === null || !isFarFromGuard(signal, view, relative, sway)) return false;
  // The offset may be left out only where all samples are positive,
  if (relative && !(view.lowest > 0 && view.medianAtLeast > 0)) return false;
  // and relative changes of a series that was below zero are on another scale.
  if (relative && (view.isBelowZero || !isNeverManyTimes(view, sway))) return false;
  const floor = relative ? LOG_SCALE_FLOOR : POINT_SCALE_FLOOR * series.percentagePoint;
  if (!isSettled(view, relative, floor, sway)) return false;
  // Without what is tolerated at any level: with it the bounds would be wider.
  const bounds = boundsFor(signal, series, amount, null);
  const up = bounds.up - sway.up;
  const down = bounds.down - sway.down;
  if (detector.kind === "threshold") {
    // and where the bounds are on the far sides of zero, because it draws residuals towards zero.
    if (up < 0 || down < 0) return false;
    const far = farFrom(relative, view, up, down);
    if (isBetween(view, far)) return true;
    return neverSoMany(view, far, detector.breaches, detector.of);
  }
  if (detector.kind !== "cusum") return false;
  if (up + floor < 0 || down + floor < 0) return false;
  if (isBetween(view, farFrom(relative, view, up + floor, down + floor))) return true;
  if (staysBelow(relative, view, up, down, floor, detector.limit)) return true;
  if (!relative) return false;
  const spread = logSpreadOf(view) - sway.narrower / NINE_TENTHS_TO_SD;
  return (
    spread > floor &&
    staysBelow(relative, view, up, down, spread, detector.limit) &&
    isAsWide(view, spread)
  );
}

/** Does a CUSUM with this spread, in both directions, stay below its limit even undrained? */
function staysBelow(
  relative: boolean,
  view: View,
  up: number,
  down: number,
  spread: number,
  limit: number,
): boolean {
  const { above, below } = farFrom(relative, view, up + spread, down + spread);
  return (
    excessAbove(relative, view, up, spread, above) < limit &&
    excessBelow(relative, view, down, spread, below) < limit
  );
}

/** Do all samples lie within reach? */
function isBetween({ highest, lowest }: View, { above, below }: Reach): boolean {
  return highest <= above && lowest >= below;
}

/** In the series' unit. */
interface Reach {
  readonly above: number;
  readonly below: number;
}

/**
 * The values between which a sample is certainly within the bounds `up` and `down`, which are in
 * the residual's unit.
 */
function farFrom(
  relative: boolean,
  { medianAtLeast, medianAtMost }: View,
  up: number,
  down: number,
): Reach {
  if (relative) {
    return {
      above: medianAtLeast * Math.exp(up) * (1 - ROOM),
      below: medianAtMost * Math.exp(-down) * (1 + ROOM),
    };
  }
  const room = ROOM * (Math.abs(medianAtLeast) + Math.abs(medianAtMost) + ROOM);
  return { above: medianAtLeast + up - room, below: medianAtMost - down + room };
}

/** Are there never `breaches` of `of` samples in a row out of reach? */
function neverSoMany(
  { values, from, to }: View,
  { above, below }: Reach,
  breaches: number,
  of: number,
): boolean {
  // The places of the last `breaches` samples out of reach, as a ring: there are too many in a row
  // when the oldest of them is less than `of` samples ago.
  let newest = 0;
  const recent = new Int32Array(breaches).fill(-of - 1);
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    if (value <= above && value >= below) continue;
    recent[newest] = index;
    newest = newest + 1 === breaches ? 0 : newest + 1;
    if (index - recent[newest]! < of) return false;
  }
  return true;
}

/**
 * The most that the upward sum of a CUSUM could be: the sum of all that is beyond, with no step
 * that makes it smaller, and with inflation and spread at their least, where each step is largest.
 */
function excessAbove(
  relative: boolean,
  { values, from, to, medianAtLeast }: View,
  bound: number,
  spread: number,
  above: number,
): number {
  if (bound === Number.POSITIVE_INFINITY) return 0;
  let sum = 0;
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    if (value <= above) continue;
    const residual = relative ? Math.log(value / medianAtLeast) : value - medianAtLeast;
    sum += (residual - bound) / spread - 1;
  }
  return sum;
}

/** As `excessAbove`, for the downward sum. */
function excessBelow(
  relative: boolean,
  { values, from, to, medianAtMost }: View,
  bound: number,
  spread: number,
  below: number,
): number {
  if (bound === Number.POSITIVE_INFINITY) return 0;
  let sum = 0;
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    if (value >= below) continue;
    const residual = relative ? Math.log(medianAtMost / value) : medianAtMost - value;
    sum += (residual - bound) / spread - 1;
  }
  return sum;
}
