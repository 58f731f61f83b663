/**
 * A glance at whole watches, for whoever replays many and wants to know which of them need a
 * closer look. It proves from few passes over plain samples that no signal goes beyond its
 * tolerance, so that the watch ends healthy and says nothing before; whatever it cannot prove
 * is left to `takeColumns`. It decides nothing of its own: every bound errs to the side of a
 * closer look, and test/engine/glance.test.ts holds it against the whole watch.
 *
 * What it leaves out are the numbers of evidence (effect, scale, statistic): those need every
 * residual. So it is for scores, not for records that somebody reads.
 *
 * How: a residual grows with its sample, so the largest sample has the largest residual. The
 * level is a median, and a median is at least Y when more than half of the samples are: one
 * count in the place of an order statistic. The offset that keeps logarithms of zero finite
 * only draws residuals towards zero, so leaving it out is safe where all samples are positive.
 * A smaller spread and a sum that is never drained only make more of what is beyond. A season
 * takes from the tolerance as far as it may move what is expected (sway.ts).
 */

import type { Deployment, SeasonProfile, SeriesName, SignalEvidence } from "../../event.ts";
import { matchesGlob, servicesOf, type Policy, type SignalPolicy } from "../../policy/policy.ts";
import { isCounter } from "../baseline/counter.ts";
import { limitOf } from "../detectors/detector.ts";
import { toleranceText } from "../evidence/evidence.ts";
import {
  isAsWide,
  logSpreadOf,
  offsetAtMost,
  ROOM,
  viewOf,
  type EvenColumn,
  type SeenView,
  type View,
} from "./glimpse.ts";
import { LOG_SCALE_FLOOR, NINE_TENTHS_TO_SD, POINT_SCALE_FLOOR } from "../baseline/scale.ts";
import { NO_SWAY, swayOf, type Sway } from "./sway.ts";
import { boundsFor } from "../tolerance.ts";
import type { QuietWatch } from "../watchJudged.ts";

/** One signal as a glance sees it. */
interface Watched {
  readonly signal: SignalPolicy;
  /** The metric is a name and no glob. */
  readonly isPlain: boolean;
  readonly isOwn: boolean;
  /** Can a glance prove anything of it? Others are looked at closer, and they alone. */
  readonly isGlanced: boolean;
  /** The least that any mode, stage or tag leaves of the tolerance. */
  readonly amount: number;
}

/** A policy that can be glanced with, and what it says of every watch that is quiet. */
export interface Glance {
  readonly policy: Policy;
  readonly watched: readonly Watched[];
  readonly quiet: QuietWatch;
}

/** Null for a policy that has to look at every residual of every signal. */
export function glanceWith(policy: Policy): Glance | null {
  if (policy.fusion === "evidence") return null;
  const watched: Watched[] = [];
  for (const signal of policy.signals) {
    const { detector, control, calibrate, metric, of } = signal;
    if (control !== undefined || calibrate !== undefined || signal.counter === true) return null;
    watched.push({
      signal,
      isPlain: !/[*|]/.test(metric),
      isOwn: of.length === 1 && of[0] === "own",
      isGlanced: detector.kind === "threshold" || detector.kind === "cusum",
      amount: leastTolerated(policy, signal),
    });
  }
  if (!watched.some(({ isGlanced }) => isGlanced)) return null;
  const evidence = watched.map(({ signal }) => quietEvidence(signal));
  return { policy, watched, quiet: { watchMs: policy.watchMs, evidence } };
}

/** Tags only add to a tolerance; modes and stages may take from it. */
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
  const reason = `${signal.metric} within tolerance, ${toleranceText(signal, amount, [])}`;
  return {
    signal: signal.name,
    verdict: "healthy",
    reason,
    series: signal.metric,
    effect: null,
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

/** One series around one deployment, to be glanced at by one policy after the other. */
export interface Glanced {
  readonly column: EvenColumn;
  /** What was prepared for it. */
  readonly season: SeasonProfile | null;
  readonly views: SeenView[];
}

/** All series around one deployment, by what a glance made of them. */
export interface Glimpses {
  readonly glanced: Glanced[];
  /** Those on which all is known to be quiet, and those no glance can be taken at. */
  readonly spared: SeriesName[];
  readonly uneven: SeriesName[];
}

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
 * Of which signals, by their place in the policy, is it proved that they end healthy and are
 * silent until then?
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
  const isMetric = isPlain
    ? signal.metric === series.metric
    : matchesGlob(signal.metric, series.metric);
  if (!isMetric) return false;
  if (isOwn) return series.service === deployment.service;
  return servicesOf(signal, deployment).has(series.service);
}

function isQuietOn({ signal, amount }: Watched, view: View): boolean {
  const { detector } = signal;
  const { series } = view.column;
  if (isCounter(signal, series)) return false;
  const relative = signal.tolerance.kind === "relative";
  const sway = view.season === null ? NO_SWAY : swayOf(view, relative);
  if (sway === null || !isFarFromGuard(signal, view, relative, sway)) return false;
  // The offset may be left out only where every logarithm is that of a positive number,
  if (relative && !(view.lowest > 0 && view.medianAtLeast > 0)) return false;
  const bounds = boundsFor(signal, series, amount);
  const up = bounds.up - sway.up;
  const down = bounds.down - sway.down;
  if (detector.kind === "threshold") {
    // and only while no bound lies on the side towards which it draws.
    if (up < 0 || down < 0) return false;
    const far = farFrom(relative, view, up, down);
    if (isBetween(view, far)) return true;
    return neverSoMany(view, far, detector.breaches, detector.of);
  }
  if (detector.kind !== "cusum") return false;
  const floor = relative ? LOG_SCALE_FLOOR : POINT_SCALE_FLOOR * series.percentagePoint;
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

function isBetween({ highest, lowest }: View, { above, below }: Reach): boolean {
  return highest <= above && lowest >= below;
}

/** No sample is so large or so small that the hard guard would count it. */
function isFarFromGuard(
  { hardGuard, worse }: SignalPolicy,
  view: View,
  relative: boolean,
  sway: Sway,
): boolean {
  if (hardGuard === undefined) return true;
  const { times } = hardGuard;
  const expected = expectedIn(view, relative, sway);
  if (expected === null || !(expected.least > 0) || !(view.lowest > 0)) return false;
  const isMuch = worse !== "down" && view.highest > times * expected.least * (1 - ROOM);
  const isLittle = worse !== "up" && view.lowest * times < expected.most * (1 + ROOM);
  return !isMuch && !isLittle;
}

/** Between what lies what is expected, in the series' unit; null where it is not known. */
function expectedIn(
  view: View,
  relative: boolean,
  { up, down }: Sway,
): { readonly least: number; readonly most: number } | null {
  const { medianAtLeast, medianAtMost } = view;
  if (!relative) return { least: medianAtLeast - up, most: medianAtMost + down };
  if (up === 0 && down === 0) return { least: medianAtLeast, most: medianAtMost };
  const offset = offsetAtMost(view);
  if (offset === null) return null;
  return {
    least: (medianAtLeast + offset) * Math.exp(-up) - offset,
    most: (medianAtMost + offset) * Math.exp(down) - offset,
  };
}

interface Reach {
  readonly above: number;
  readonly below: number;
}

/** Samples between these are surely within `up` and `down`, given in the residual's unit. */
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

/** Are never so many of the last `of` samples out of reach? */
function neverSoMany(
  { values, from, to }: View,
  { above, below }: Reach,
  breaches: number,
  of: number,
): boolean {
  // Where the last ones were: the count is reached when the oldest of so many is near.
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
 * All that a sum could gain upwards, nothing drained: with the inflation at its least, and
 * the spread at its least, where a sample beyond counts most.
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
