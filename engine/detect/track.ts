/**
 * One series of one signal around one deployment: its baseline, its evidence and
 * what has been published of it.
 *
 * The samples before the deployment make the baseline, which is frozen at the first
 * sample after it. A sample that began before the deployment but was only known
 * after it belongs to neither. Within a series samples count in the order they
 * became known; one that is older than one already taken is dropped.
 */

import type { SampleColumn, SeriesName } from "../event.ts";
import type { SignalPolicy } from "../policy/policy.ts";
import { cloneArm, grade, interrupt, isIdle, isQuiet, startArm, type Arm } from "./arm.ts";
import { MISSING } from "./detectors/contract.ts";
import { controlledAt, type Control, type ControlledAt } from "./baseline/control.ts";
import { gapAt, type Gap, type Traffic } from "./baseline/counted.ts";
import { counterAfter, isCounter, type CounterState } from "./baseline/counter.ts";
import { holdSample, isMoot, type HeldVerdict } from "./hold.ts";
import { NOTHING_BEHIND, type Behind } from "./baseline/exposure.ts";
import type { PreparedBaseline } from "./baseline/familyScale.ts";
import {
  cloneGuard,
  guardPath,
  guardSpeaks,
  holdGuard,
  interruptGuard,
  isGuardIdle,
  startGuard,
  type GuardState,
} from "./hardGuard.ts";
import { foldOnce, pathKeyOf, type Path } from "./path.ts";
import { smoothAt, type Readings } from "./baseline/readings.ts";
import type { Baseline } from "./baseline/residual.ts";
import { observePast, readingKey, readSamples } from "./baseline/series.ts";
import { toleratedAt, type Tolerances } from "./tolerance.ts";

/** With fewer than two samples before the deployment nobody knows how often they come. */
const UNKNOWN_STEP_MS = 300_000;
/**
 * A series without a valid sample for this long, or three of its steps, has no data.
 * Five minutes, as dashboards have it, would let a two-minute window act on a breach
 * whose samples stopped when it was proposed.
 */
export const STALE_AFTER_MS = 60_000;

/** The furthest the smoothed residual went, and what was tolerated at that moment. */
export interface Extreme {
  readonly residual: number;
  readonly tolerance: number;
  readonly untaggedTolerance: number;
  readonly tags: readonly string[];
  readonly control: ControlledAt | null;
}

export interface TrackState {
  readonly series: SeriesName;
  /** When the series was first known of, the deployment's start at the earliest. */
  readonly firstKnownAtMs: number;
  /** What was tolerated without any tag at the newest sample; modes change it. */
  untaggedTolerance: number;
  pastAtMs: ArrayLike<number>;
  pastValues: ArrayLike<number>;
  baseline: Baseline | null;
  /** Where a raw counter stands once the baseline is frozen; null for other series. */
  counter: CounterState | null;
  /** Of signals that count: what stands behind the past samples, and what was counted since. */
  pastBehind: Behind;
  traffic: Traffic | null;
  /** Why the newest sample said nothing; null when it did or the signal does not count. */
  gap: Gap | null;
  /** Newest sample taken, valid or not. */
  lastAtMs: number;
  /** When the newest valid sample became known; `firstKnownAtMs` before there is one. */
  lastKnownAtMs: number;
  /** Valid samples since the deployment. */
  valid: number;
  /** Smoothed residual, and its extremes since the deployment. */
  smooth: number | null;
  /** What peers explained of it; null where none are asked. */
  control: ControlledAt | null;
  highest: Extreme;
  lowest: Extreme;
  /** The largest statistic since the deployment, under the tolerance with its tags. */
  peak: number | null;
  stale: boolean;
  /** Was any sample beyond the tolerance, with or without tags? */
  beyond: boolean;
  tagged: Arm;
  untagged: Arm;
  /** Null where the policy has no hard guard for the signal. */
  guard: GuardState | null;
}

/** A track's verdict changed; the numbers are those of that moment. */
export interface TrackChange {
  readonly series: SeriesName;
  readonly atMs: number;
  readonly knownAtMs: number;
  readonly stale: boolean;
  readonly gap: Gap | null;
  readonly tagged: HeldVerdict;
  readonly untagged: HeldVerdict;
  /** The hard guard speaks: then both arms are in breach. */
  readonly guarded: boolean;
  /** Levels of evidence that stand; 0 unless evidence is fused. */
  readonly levels: number;
  readonly untaggedLevels: number;
  readonly smooth: number | null;
  readonly control: ControlledAt | null;
  readonly statistic: number | null;
  readonly tolerance: number;
  readonly untaggedTolerance: number;
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
  fusesEvidence: boolean,
): TrackState {
  const nothing = { tolerance: untaggedTolerance, untaggedTolerance, tags: [], control: null };
  return {
    series,
    firstKnownAtMs,
    untaggedTolerance,
    pastAtMs: [],
    pastValues: [],
    baseline: null,
    counter: null,
    pastBehind: NOTHING_BEHIND,
    traffic: null,
    gap: null,
    lastAtMs: Number.NEGATIVE_INFINITY,
    lastKnownAtMs: firstKnownAtMs,
    valid: 0,
    smooth: null,
    control: null,
    highest: { residual: Number.NEGATIVE_INFINITY, ...nothing },
    lowest: { residual: Number.POSITIVE_INFINITY, ...nothing },
    peak: null,
    stale: false,
    beyond: false,
    tagged: startArm(signal, fusesEvidence),
    untagged: startArm(signal, fusesEvidence),
    guard: startGuard(signal),
  };
}

/** A copy that can be changed without changing the original. */
export function cloneTrack(track: TrackState): TrackState {
  const clone = { ...track };
  clone.tagged = cloneArm(track.tagged);
  clone.untagged = cloneArm(track.untagged);
  clone.guard = cloneGuard(track.guard);
  return clone;
}

export function staleAfterMs(baseline: Baseline): number {
  return Math.max(STALE_AFTER_MS, 3 * (baseline.stepMs ?? UNKNOWN_STEP_MS));
}

/** Freezes the baseline from the past samples taken so far. */
export function freezeBaseline(
  track: TrackState,
  signal: SignalPolicy,
  startedAtMs: number,
  { season, familySpread, control }: PreparedBaseline,
  share: Share,
): Baseline {
  if (track.baseline !== null) return track.baseline;
  const borrowed = familySpread === null ? "" : ` ${familySpread}`;
  track.baseline = share.once(`baseline ${readingKey(signal, track.series)}${borrowed}`, () =>
    observePast(track, signal, startedAtMs, { season, familySpread, control }),
  );
  if (isCounter(signal, track.series)) {
    track.counter = counterAfter(null, track.pastAtMs, track.pastValues, false);
  }
  return track.baseline;
}

/**
 * Takes samples from after the deployment, in known order, and returns what changed.
 * `track` is changed in place; its baseline must be frozen.
 */
export function takeSamples(
  track: TrackState,
  signal: SignalPolicy,
  column: SampleColumn,
  behind: Behind,
  control: Control | null,
  tolerances: Tolerances,
  share: Share,
): readonly TrackChange[] {
  const baseline = track.baseline!;
  const { atMs, knownAtMs, values } = column;
  const silenceMs = staleAfterMs(baseline);
  const readings = share.once(`readings ${readingKey(signal, track.series)}`, () =>
    readSamples(track, signal, baseline, column, behind, control),
  );
  const pathKey = pathKeyOf(signal, track.series);
  const fold = (arm: keyof Tolerances): Path =>
    foldOnce(track, signal, baseline, readings, arm, tolerances[arm], share, pathKey);
  const untagged = fold("untagged");
  const tagged = fold("tagged");

  // A policy that came into force since may have a guard where there was none.
  track.guard ??= startGuard(signal);
  const guard = guardPath(track, signal, baseline, column, readings);
  const quiet =
    (guard === null || guard.quiet) &&
    isQuiet(signal, track.tagged, tagged) &&
    isQuiet(signal, track.untagged, untagged);
  if (!quiet) track.beyond = true;
  const changes: TrackChange[] = [];
  const nothingHappens =
    quiet &&
    !track.stale &&
    readings.longestSilenceMs <= silenceMs &&
    isIdle(track.tagged) &&
    isIdle(track.untagged) &&
    isGuardIdle(track.guard);
  if (nothingHappens) {
    track.valid += readings.valid;
    if (readings.lastValid >= 0) track.lastKnownAtMs = knownAtMs[readings.lastValid]!;
  } else {
    let lastValid = -1;
    const { holdMs, clearMs } = signal;
    const { hold } = track.tagged;
    const shadowHold = track.untagged.hold;
    const isGraded = track.tagged.levels !== null || track.untagged.levels !== null;
    // Then most samples change nothing, and none of a run needs to be looked at but the first.
    const isSteady =
      !isGraded && guard === null && !track.stale && readings.longestSilenceMs <= silenceMs;
    for (let index = 0; index < values.length; index++) {
      const flag = tagged.flags[index]!;
      const shadowFlag = untagged.flags[index]!;
      const isStill = isSteady && flag !== MISSING && isMoot(hold, flag);
      if (isStill && isMoot(shadowHold, shadowFlag)) {
        const next = Math.min(tagged.until[index]!, untagged.until[index]!);
        track.valid += next - index;
        lastValid = next - 1;
        index = lastValid;
        continue;
      }
      if (lastValid >= 0) track.lastKnownAtMs = knownAtMs[lastValid]!;
      const known = knownAtMs[index]!;
      const deadlineMs = track.lastKnownAtMs + silenceMs;
      if (!track.stale && known > deadlineMs) {
        if (index > 0) {
          track.gap = gapOf(readings, index - 1);
          track.smooth = smoothAt(readings, index - 1);
          track.control = controlledAt(readings.controlled, index - 1);
          track.untaggedTolerance = tolerances.untagged.amountAt(index - 1);
        }
        changes.push(goStale(track, deadlineMs));
      }
      if (flag === MISSING) continue;
      track.valid++;
      lastValid = index;
      const at = atMs[index]!;
      const back = track.stale;
      track.stale = false;
      const moved = holdSample(hold, flag, at, holdMs, clearMs);
      const shadow = holdSample(shadowHold, shadowFlag, at, holdMs, clearMs);
      const rose =
        isGraded && grade(signal, track.tagged, tagged.statistics[index]!, at, track.valid);
      const shadowRose =
        isGraded && grade(signal, track.untagged, untagged.statistics[index]!, at, track.valid);
      const guarded = guard !== null && holdGuard(track.guard!, guard.flags[index]!, at, clearMs);
      if (!moved && !shadow && !back && !rose && !shadowRose && !guarded) continue;
      const verdicts = heldVerdicts(track);
      const { tolerance, untaggedTolerance, tags } = toleratedAt(tolerances, index);
      changes.push({
        series: track.series,
        atMs: at,
        knownAtMs: known,
        stale: false,
        gap: null,
        tagged: verdicts.tagged,
        untagged: verdicts.untagged,
        guarded: verdicts.guarded,
        levels: track.tagged.levels?.standing ?? 0,
        untaggedLevels: track.untagged.levels?.standing ?? 0,
        smooth: readings.smooth[index]!,
        control: controlledAt(readings.controlled, index),
        statistic: tagged.statistics[index]!,
        tolerance,
        untaggedTolerance,
        tags,
        valid: track.valid,
      });
    }
    if (lastValid >= 0) track.lastKnownAtMs = knownAtMs[lastValid]!;
  }
  if (tagged.peak !== null) track.peak = Math.max(track.peak ?? tagged.peak, tagged.peak);
  track.tagged.accumulator = { ...tagged.accumulator };
  track.untagged.accumulator = { ...untagged.accumulator };
  if (guard !== null) track.guard!.recent = guard.recent;
  if (isCounter(signal, track.series)) {
    track.counter = counterAfter(track.counter, atMs, values, true);
  }
  if (readings.counted !== null) track.traffic = readings.counted.traffic;
  if (atMs.length > 0) track.gap = gapOf(readings, atMs.length - 1);
  if (readings.lastValid >= 0) track.smooth = readings.smooth[readings.lastValid]!;
  const { highestAt, lowestAt, controlled, lastValid } = readings;
  if (lastValid >= 0) track.control = controlledAt(controlled, lastValid);
  if (highestAt >= 0 && readings.smooth[highestAt]! > track.highest.residual) {
    track.highest = extremeAt(readings, tolerances, highestAt);
  }
  if (lowestAt >= 0 && readings.smooth[lowestAt]! < track.lowest.residual) {
    track.lowest = extremeAt(readings, tolerances, lowestAt);
  }
  if (atMs.length > 0) {
    track.lastAtMs = atMs[atMs.length - 1]!;
    track.untaggedTolerance = tolerances.untagged.amountAt(atMs.length - 1);
  }
  return changes;
}

/** What is held in both arms: a hard guard that speaks is a breach in either. */
export function heldVerdicts(
  track: TrackState,
): Pick<TrackChange, "tagged" | "untagged" | "guarded"> {
  const guarded = guardSpeaks(track);
  const held = ({ hold: { verdict } }: Arm): HeldVerdict =>
    guarded ? "breach" : verdict === "watching" ? (track.guard?.hold.verdict ?? verdict) : verdict;
  return { tagged: held(track.tagged), untagged: held(track.untagged), guarded };
}

function gapOf({ counted }: Readings, index: number): Gap | null {
  return counted === null ? null : gapAt(counted, index);
}

function extremeAt(readings: Readings, tolerances: Tolerances, index: number): Extreme {
  const control = controlledAt(readings.controlled, index);
  return { residual: readings.smooth[index]!, ...toleratedAt(tolerances, index), control };
}

/** Data stopped at `atMs`; both holds start over when it comes back. */
export function goStale(track: TrackState, atMs: number): TrackChange {
  track.stale = true;
  interrupt(track.tagged);
  interrupt(track.untagged);
  interruptGuard(track.guard);
  return {
    series: track.series,
    atMs,
    knownAtMs: atMs,
    stale: true,
    gap: track.gap,
    ...heldVerdicts(track),
    levels: 0,
    untaggedLevels: 0,
    smooth: track.smooth,
    control: track.control,
    statistic: null,
    tolerance: track.untaggedTolerance,
    untaggedTolerance: track.untaggedTolerance,
    tags: [],
    valid: track.valid,
  };
}
