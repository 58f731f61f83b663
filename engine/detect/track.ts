/**
 * One series of one signal around one deployment: its baseline, its evidence and
 * what has been published of it.
 *
 * The samples before the deployment make the baseline, which is frozen at the first
 * sample after it. A sample that began before the deployment but was only known
 * after it belongs to neither. Within a series samples count in the order they
 * became known; one that is older than one already taken is dropped.
 */

import type { SampleColumn, SeasonProfile, SeriesName } from "../event.ts";
import type { SignalPolicy } from "../policy/policy.ts";
import {
  accumulate,
  BEYOND,
  MISSING,
  startAccumulator,
  type AccumulatorState,
  type Bounds,
} from "./detector.ts";
import { holdSample, interruptHold, startHold, type HeldVerdict, type HoldState } from "./hold.ts";
import { baselineStart, observe, observeBaseline, type Baseline } from "./residual.ts";
import type { TolerancePath } from "./tolerance.ts";

/** Weight of the newest residual in the smoothed effect that the record shows. */
const SMOOTHING = 0.4;
/** With fewer than two samples before the deployment nobody knows how often they come. */
const UNKNOWN_STEP_MS = 300_000;
/** A series without a valid sample for this long, or three of its steps, has no data. */
const STALE_AFTER_MS = 300_000;

interface Evidence {
  accumulator: AccumulatorState;
  hold: HoldState;
}

/** The furthest the smoothed residual went, and what was tolerated at that moment. */
export interface Extreme {
  readonly residual: number;
  readonly tolerance: number;
  readonly tags: readonly string[];
}

export interface TrackState {
  readonly series: SeriesName;
  /** When the series was first known of, the deployment's start at the earliest. */
  readonly firstKnownAtMs: number;
  /** What is tolerated when no tag counts. */
  readonly untaggedTolerance: number;
  pastAtMs: ArrayLike<number>;
  pastValues: ArrayLike<number>;
  baseline: Baseline | null;
  /** Newest sample taken, valid or not. */
  lastAtMs: number;
  /** When the newest valid sample became known; `firstKnownAtMs` before there is one. */
  lastKnownAtMs: number;
  /** Valid samples since the deployment. */
  valid: number;
  /** Smoothed residual, and its extremes since the deployment. */
  smooth: number | null;
  highest: Extreme;
  lowest: Extreme;
  /** The largest statistic since the deployment, under the tolerance with its tags. */
  peak: number | null;
  stale: boolean;
  tagged: Evidence;
  untagged: Evidence;
}

/** A track's verdict changed; the numbers are those of that moment. */
export interface TrackChange {
  readonly series: SeriesName;
  readonly atMs: number;
  readonly knownAtMs: number;
  readonly stale: boolean;
  readonly tagged: HeldVerdict;
  readonly untagged: HeldVerdict;
  readonly smooth: number | null;
  readonly statistic: number | null;
  readonly tolerance: number;
  readonly tags: readonly string[];
  readonly valid: number;
}

/** Answers a question once for everybody who asks it with the same key. */
export interface Share {
  once<Value>(key: string, make: () => Value): Value;
}

export const notShared: Share = { once: (_key, make) => make() };

export function startTrack(
  series: SeriesName,
  signal: SignalPolicy,
  firstKnownAtMs: number,
  untaggedTolerance: number,
): TrackState {
  const start = (): Evidence => ({
    accumulator: startAccumulator(signal.detector),
    hold: startHold(),
  });
  return {
    series,
    firstKnownAtMs,
    untaggedTolerance,
    pastAtMs: [],
    pastValues: [],
    baseline: null,
    lastAtMs: Number.NEGATIVE_INFINITY,
    lastKnownAtMs: firstKnownAtMs,
    valid: 0,
    smooth: null,
    highest: { residual: Number.NEGATIVE_INFINITY, tolerance: untaggedTolerance, tags: [] },
    lowest: { residual: Number.POSITIVE_INFINITY, tolerance: untaggedTolerance, tags: [] },
    peak: null,
    stale: false,
    tagged: start(),
    untagged: start(),
  };
}

/** A copy that can be changed without changing the original. */
export function cloneTrack(track: TrackState): TrackState {
  const clone = (evidence: Evidence): Evidence => ({
    accumulator: { ...evidence.accumulator },
    hold: { ...evidence.hold },
  });
  return { ...track, tagged: clone(track.tagged), untagged: clone(track.untagged) };
}

export function staleAfterMs(baseline: Baseline): number {
  return Math.max(STALE_AFTER_MS, 3 * (baseline.stepMs ?? UNKNOWN_STEP_MS));
}

function baselineKey(signal: SignalPolicy): string {
  const { baselineMs, season } = signal.detector;
  return `${signal.tolerance.kind} ${baselineMs} ${season ? 1 : 0}`;
}

/** Freezes the baseline from the past samples taken so far. */
export function freezeBaseline(
  track: TrackState,
  signal: SignalPolicy,
  startedAtMs: number,
  season: SeasonProfile | null,
  share: Share,
): Baseline {
  track.baseline ??= share.once(`baseline ${baselineKey(signal)}`, () => {
    const from = baselineStart(track.pastAtMs, startedAtMs - signal.detector.baselineMs);
    return observeBaseline(
      part(track.pastAtMs, from),
      part(track.pastValues, from),
      signal.tolerance.kind === "relative" ? "log" : "identity",
      track.series.percentagePoint,
      signal.detector.season ? season : null,
    );
  });
  return track.baseline;
}

function part(values: ArrayLike<number>, from: number): ArrayLike<number> {
  return from === 0 ? values : Array.prototype.slice.call(values, from);
}

/** Bounds in the residual's unit for a tolerance amount; see `Bounds`. */
export function boundsFor(signal: SignalPolicy, series: SeriesName, amount: number): Bounds {
  const relative = signal.tolerance.kind === "relative";
  const points = amount * 100 * series.percentagePoint;
  const up = relative ? Math.log1p(amount) : points;
  const down = relative ? (amount >= 1 ? Number.POSITIVE_INFINITY : -Math.log1p(-amount)) : points;
  return {
    up: signal.worse === "down" ? Number.POSITIVE_INFINITY : up,
    down: signal.worse === "up" ? Number.POSITIVE_INFINITY : down,
  };
}

interface Readings {
  readonly residuals: Float64Array;
  readonly smooth: Float64Array;
  readonly valid: number;
  /** Largest silence before a valid sample, from the track's last one. */
  readonly longestSilenceMs: number;
  readonly lastValid: number;
  /** Where the smoothed residual is highest and lowest; −1 without a valid sample. */
  readonly highestAt: number;
  readonly lowestAt: number;
}

interface Path {
  readonly flags: Uint8Array;
  readonly statistics: Float64Array;
  readonly accumulator: AccumulatorState;
  /** No sample was beyond: nothing can have changed. */
  readonly quiet: boolean;
  /** The largest statistic; null without a sample. */
  readonly peak: number | null;
}

/**
 * Takes samples from after the deployment, in known order, and returns what changed.
 * `track` is changed in place; its baseline must be frozen.
 */
export function takeSamples(
  track: TrackState,
  signal: SignalPolicy,
  column: SampleColumn,
  tolerances: TolerancePath,
  share: Share,
): readonly TrackChange[] {
  const baseline = track.baseline!;
  const { atMs, knownAtMs, values } = column;
  const silenceMs = staleAfterMs(baseline);
  const readings = share.once(`readings ${baselineKey(signal)}`, () =>
    readColumn(track, baseline, column),
  );
  const detectorKey = JSON.stringify(signal.detector) + signal.worse;
  const fold = (evidence: Evidence, key: string, amountAt: (index: number) => number): Path =>
    share.once(`path ${signal.tolerance.kind} ${detectorKey} ${key}`, () =>
      foldPath(signal, track.series, baseline, evidence.accumulator, readings, amountAt),
    );
  const base = track.untaggedTolerance;
  const untagged = fold(track.untagged, String(base), () => base);
  const tagged = tolerances.constant
    ? fold(track.tagged, String(tolerances.amountAt(0)), tolerances.amountAt)
    : fold(track.tagged, tolerances.key, tolerances.amountAt);

  const changes: TrackChange[] = [];
  const publish = (index: number): void => {
    changes.push({
      series: track.series,
      atMs: atMs[index]!,
      knownAtMs: knownAtMs[index]!,
      stale: false,
      tagged: track.tagged.hold.verdict,
      untagged: track.untagged.hold.verdict,
      smooth: readings.smooth[index]!,
      statistic: tagged.statistics[index]!,
      tolerance: tolerances.amountAt(index),
      tags: tolerances.tagsAt(index),
      valid: track.valid,
    });
  };
  const idle = (hold: HoldState): boolean =>
    hold.verdict === "watching" && hold.beyondSinceMs === null;
  const nothingHappens =
    tagged.quiet &&
    untagged.quiet &&
    !track.stale &&
    readings.longestSilenceMs <= silenceMs &&
    idle(track.tagged.hold) &&
    idle(track.untagged.hold);
  if (nothingHappens) {
    track.valid += readings.valid;
    if (readings.lastValid >= 0) track.lastKnownAtMs = knownAtMs[readings.lastValid]!;
  } else {
    for (let index = 0; index < values.length; index++) {
      const known = knownAtMs[index]!;
      const deadlineMs = track.lastKnownAtMs + silenceMs;
      if (!track.stale && known > deadlineMs) {
        if (index > 0) track.smooth = smoothAt(readings, index - 1);
        changes.push(goStale(track, deadlineMs));
      }
      if (tagged.flags[index] === MISSING) continue;
      track.valid++;
      track.lastKnownAtMs = known;
      const at = atMs[index]!;
      const back = track.stale;
      track.stale = false;
      const { holdMs, clearMs } = signal;
      const moved = holdSample(track.tagged.hold, tagged.flags[index]!, at, holdMs, clearMs);
      const shadow = holdSample(track.untagged.hold, untagged.flags[index]!, at, holdMs, clearMs);
      if (moved || shadow || back) publish(index);
    }
  }
  if (tagged.peak !== null) track.peak = Math.max(track.peak ?? tagged.peak, tagged.peak);
  track.tagged.accumulator = { ...tagged.accumulator };
  track.untagged.accumulator = { ...untagged.accumulator };
  if (readings.lastValid >= 0) track.smooth = readings.smooth[readings.lastValid]!;
  const extremeAt = (index: number): Extreme => ({
    residual: readings.smooth[index]!,
    tolerance: tolerances.amountAt(index),
    tags: tolerances.tagsAt(index),
  });
  const { highestAt, lowestAt } = readings;
  if (highestAt >= 0 && readings.smooth[highestAt]! > track.highest.residual) {
    track.highest = extremeAt(highestAt);
  }
  if (lowestAt >= 0 && readings.smooth[lowestAt]! < track.lowest.residual) {
    track.lowest = extremeAt(lowestAt);
  }
  if (atMs.length > 0) track.lastAtMs = atMs[atMs.length - 1]!;
  return changes;
}

/** Data stopped at `atMs`; both holds start over when it comes back. */
export function goStale(track: TrackState, atMs: number): TrackChange {
  track.stale = true;
  interruptHold(track.tagged.hold);
  interruptHold(track.untagged.hold);
  return {
    series: track.series,
    atMs,
    knownAtMs: atMs,
    stale: true,
    tagged: track.tagged.hold.verdict,
    untagged: track.untagged.hold.verdict,
    smooth: track.smooth,
    statistic: null,
    tolerance: track.untaggedTolerance,
    tags: [],
    valid: track.valid,
  };
}

function smoothAt(readings: Readings, index: number): number | null {
  const value = readings.smooth[index]!;
  return Number.isNaN(value) ? null : value;
}

function readColumn(track: TrackState, baseline: Baseline, column: SampleColumn): Readings {
  const residuals =
    baseline.problem === null
      ? observe(baseline, column.atMs, column.values)
      : Float64Array.from(column.values, (value) => (Number.isFinite(value) ? 0 : Number.NaN));
  const smooth = new Float64Array(residuals.length);
  let current = track.smooth;
  let valid = 0;
  let lastValid = -1;
  let highest = Number.NEGATIVE_INFINITY;
  let lowest = Number.POSITIVE_INFINITY;
  let highestAt = -1;
  let lowestAt = -1;
  let lastKnownAtMs = track.lastKnownAtMs;
  let longestSilenceMs = 0;
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    if (Number.isNaN(residual)) {
      smooth[index] = current ?? Number.NaN;
      continue;
    }
    const known = column.knownAtMs[index]!;
    if (known - lastKnownAtMs > longestSilenceMs) longestSilenceMs = known - lastKnownAtMs;
    lastKnownAtMs = known;
    current = current === null ? residual : current + SMOOTHING * (residual - current);
    smooth[index] = current;
    if (current > highest) {
      highest = current;
      highestAt = index;
    }
    if (current < lowest) {
      lowest = current;
      lowestAt = index;
    }
    valid++;
    lastValid = index;
  }
  return { residuals, smooth, valid, longestSilenceMs, lastValid, highestAt, lowestAt };
}

function foldPath(
  signal: SignalPolicy,
  series: SeriesName,
  baseline: Baseline,
  before: AccumulatorState,
  readings: Readings,
  amountAt: (index: number) => number,
): Path {
  const accumulator = { ...before };
  const flags = new Uint8Array(readings.residuals.length);
  const statistics = new Float64Array(readings.residuals.length);
  let amount = Number.NaN;
  let bounds: Bounds = { up: 0, down: 0 };
  const boundsOf = (index: number): Bounds => {
    const wanted = amountAt(index);
    if (wanted !== amount) {
      amount = wanted;
      bounds = boundsFor(signal, series, wanted);
    }
    return bounds;
  };
  accumulate(
    signal.detector,
    accumulator,
    readings.residuals,
    baseline,
    boundsOf,
    flags,
    statistics,
  );
  return {
    flags,
    statistics,
    accumulator,
    quiet: !flags.includes(BEYOND),
    peak: statistics.length === 0 ? null : statistics.reduce((a, b) => Math.max(a, b)),
  };
}
