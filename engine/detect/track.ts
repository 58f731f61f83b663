/**
 * One series of one signal around one deployment: its baseline, and what was made of the samples
 * since. A signal has a track for each series that it matches.
 *
 * Samples known before the deployment make the baseline, which is frozen when the first sample
 * from after the deployment comes. A sample from before the deployment that becomes known after
 * its start belongs to neither side. Samples are taken in the order they became known; one that
 * is older than one already taken is dropped.
 */

import type { SampleColumn } from "../event.ts";
import type { SignalPolicy } from "../policy/policy.ts";
import { grade, interrupt, isIdle, isQuiet, type ArmState } from "./arm.ts";
import { controlledAt } from "./baseline/control.ts";
import type { Control } from "./baseline/oldVersion.ts";
import { gapAt, type Gap } from "./baseline/counted.ts";
import { counterAfter, isCounter } from "./baseline/counter.ts";
import { NOTHING_BEHIND, type Behind } from "./baseline/exposure.ts";
import type { PreparedBaseline } from "./baseline/familyScale.ts";
import { smoothAt, type Readings } from "./baseline/readings.ts";
import type { Baseline } from "./baseline/residual.ts";
import { observePast, readingKey, readSamples } from "./baseline/series.ts";
import { MISSING } from "./detectors/contract.ts";
import { readsBaseline } from "./detectors/detector.ts";
import {
  guardPath,
  guardSpeaks,
  holdGuard,
  interruptGuard,
  isGuardIdle,
  startGuard,
  type GuardPath,
} from "./hardGuard.ts";
import { holdRule, holdSample, isMoot, type HeldVerdict } from "./hold.ts";
import { foldOnce, pathKeyOf, type Path } from "./path.ts";
import type { Share } from "./share.ts";
import { toleratedAt, type Tolerances } from "./tolerance.ts";
import type { Extreme, TrackChange, TrackState } from "./trackState.ts";

/** The spacing that is assumed where fewer than two samples came before the deployment. */
const UNKNOWN_STEP_MS = 300_000;
/**
 * A series is silent when no valid sample came for this long, or for three of its steps if that
 * is longer. The five minutes that dashboards use would be too long: an override window of two
 * minutes could act on a breach whose samples stopped when the question was asked.
 */
export const STALE_AFTER_MS = 60_000;

const NONE = new Float64Array(0);

/** After how long without a valid sample the series is silent. */
export function staleAfterMs(baseline: Baseline): number {
  return Math.max(STALE_AFTER_MS, 3 * (baseline.stepMs ?? UNKNOWN_STEP_MS));
}

/** Makes the baseline from the past samples taken so far, unless the track has one already. */
export function freezeBaseline(
  track: TrackState,
  signal: SignalPolicy,
  startedAtMs: number,
  { season, familySpread, control }: PreparedBaseline,
  share: Share,
): Baseline {
  if (track.baseline !== null) return track.baseline;
  const borrowed = familySpread === null ? "" : ` ${familySpread}`;
  const baseline = share.once(`baseline ${readingKey(signal, track.series)}${borrowed}`, () =>
    observePast(track, signal, startedAtMs, { season, familySpread, control }),
  );
  track.baseline = { ...baseline, residuals: residualsFor(signal, baseline) };
  if (isCounter(signal, track.series)) {
    track.counter = counterAfter(null, track.pastAtMs, track.pastValues, false);
  }
  // Nothing reads these any more, and a host would keep them for thousands of series.
  track.pastAtMs = [];
  track.pastValues = [];
  track.pastBehind = NOTHING_BEHIND;
  return track.baseline;
}

/** The residuals that the detector reads: an incident that lasts is none of the noise. */
function residualsFor({ detector }: SignalPolicy, { residuals, ongoing }: Baseline): Float64Array {
  if (!readsBaseline(detector)) return NONE;
  if (ongoing === undefined || detector.kind === "novelty") return residuals;
  return residuals.slice(0, -ongoing.samples);
}

/**
 * Takes samples from after the deployment, in the order they became known.
 *
 * @param track is changed in place; its baseline must be frozen
 * @param behind what stands behind the samples of a signal that counts (see baseline/exposure.ts)
 * @returns where its verdict changed
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
  const silenceMs = staleAfterMs(baseline);
  const nothingHappens =
    quiet &&
    !track.stale &&
    readings.longestSilenceMs <= silenceMs &&
    isIdle(track.tagged) &&
    isIdle(track.untagged) &&
    isGuardIdle(track.guard);
  const judged: Judged = { column, readings, tagged, untagged, guard, tolerances };
  let changes: readonly TrackChange[] = [];
  if (nothingHappens) {
    track.valid += readings.valid;
    const { lastValid } = readings;
    if (lastValid >= 0) track.lastKnownAtMs = column.knownAtMs[lastValid]!;
  } else {
    changes = holdSamples(track, signal, judged, silenceMs);
  }
  moveOn(track, signal, judged);
  return changes;
}

/** Samples of one series, and what was made of them in both arms before anything is held. */
interface Judged {
  readonly column: SampleColumn;
  readonly readings: Readings;
  readonly tagged: Path;
  readonly untagged: Path;
  readonly guard: GuardPath | null;
  readonly tolerances: Tolerances;
}

/** Holds sample after sample against hold and clear; returns where the verdict changed. */
function holdSamples(
  track: TrackState,
  signal: SignalPolicy,
  { column, readings, tagged, untagged, guard, tolerances }: Judged,
  silenceMs: number,
): readonly TrackChange[] {
  const { atMs, knownAtMs, values } = column;
  const changes: TrackChange[] = [];
  let lastValid = -1;
  const rule = holdRule(signal);
  const { hold } = track.tagged;
  const shadowHold = track.untagged.hold;
  const isGraded = track.tagged.levels !== null || track.untagged.levels !== null;
  // Without evidence, guard and silence a sample can only change what is held, and within a run
  // of equal flags that change nothing (`isMoot`) only the first needs to be looked at.
  const canSkip =
    !isGraded && guard === null && !track.stale && readings.longestSilenceMs <= silenceMs;
  for (let index = 0; index < values.length; index++) {
    const flag = tagged.flags[index]!;
    const shadowFlag = untagged.flags[index]!;
    const isStill = canSkip && flag !== MISSING && isMoot(hold, flag);
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
    const time = { atMs: at, count: track.valid };
    const moved = holdSample(hold, flag, time, rule);
    const shadow = holdSample(shadowHold, shadowFlag, time, rule);
    const rose = isGraded && grade(signal, track.tagged, tagged.statistics[index]!, time, rule);
    const shadowRose =
      isGraded && grade(signal, track.untagged, untagged.statistics[index]!, time, rule);
    const guarded = guard !== null && holdGuard(track.guard!, guard.flags[index]!, time, rule);
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
  return changes;
}

/** Leaves the track where the samples ended, so that the next ones go on from there. */
function moveOn(
  track: TrackState,
  signal: SignalPolicy,
  { column, readings, tagged, untagged, guard, tolerances }: Judged,
): void {
  const { atMs, values } = column;
  if (tagged.peak !== null) track.peak = Math.max(track.peak ?? tagged.peak, tagged.peak);
  // A path may be shared by several tracks, so its accumulator is copied.
  track.tagged.accumulator = { ...tagged.accumulator };
  track.untagged.accumulator = { ...untagged.accumulator };
  if (guard !== null) track.guard!.recent = guard.recent;
  if (isCounter(signal, track.series)) {
    track.counter = counterAfter(track.counter, atMs, values, true);
  }
  if (readings.counted !== null) track.traffic = readings.counted.traffic;
  if (readings.beside !== null) track.beside = readings.beside;
  if (readings.ongoing !== null) track.back = readings.ongoing.back;
  if (atMs.length > 0) track.gap = gapOf(readings, atMs.length - 1);
  const { highestAt, lowestAt, controlled, lastValid } = readings;
  if (lastValid >= 0) {
    track.smooth = readings.smooth[lastValid]!;
    track.control = controlledAt(controlled, lastValid);
  }
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
}

/** What both arms hold, the hard guard included: while it speaks both are in breach. */
export function heldVerdicts(
  track: TrackState,
): Pick<TrackChange, "tagged" | "untagged" | "guarded"> {
  const guarded = guardSpeaks(track);
  const held = ({ hold: { verdict } }: ArmState): HeldVerdict =>
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

/** The series fell silent at `atMs`: everything held starts anew when its samples come back. */
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
