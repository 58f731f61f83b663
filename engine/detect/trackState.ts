/**
 * The state of one series of one signal around one deployment, and a change of it. What moves it
 * is in track.ts.
 */

import type { SeriesName } from "../event.ts";
import type { SignalPolicy } from "../policy/policy.ts";
import { cloneArm, startArm, type ArmState } from "./arm.ts";
import type { ControlledAt } from "./baseline/control.ts";
import type { Beside } from "./baseline/versions.ts";
import type { Gap, Traffic } from "./baseline/counted.ts";
import type { CounterState } from "./baseline/counter.ts";
import { NOTHING_BEHIND, type Behind } from "./baseline/exposure.ts";
import type { Baseline } from "./baseline/residual.ts";
import { cloneGuard, startGuard, type GuardState } from "./hardGuard.ts";
import type { HeldVerdict } from "./hold.ts";

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
  /** The past below is that of the version before it; absent where it is its own. */
  borrowed?: true;
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
  /** How many samples are still to be judged; absent where the signal is judged by the clock. */
  left?: number;
  /** Smoothed residual, and its extremes since the deployment. */
  smooth: number | null;
  /** What peers or the old version explained of it; null where neither is asked. */
  control: ControlledAt | null;
  /** Where the comparison with the old version stands; absent before it has begun. */
  beside?: Beside;
  /**
   * With `control: versions`: valid samples with a partner, those left out without one, and whether
   * the newest is one of these. Then the series may be silent.
   */
  pairs?: number;
  alone?: number;
  isAlone?: boolean;
  /** How many samples in a row are back from an incident that began before the deployment. */
  back?: number;
  highest: Extreme;
  lowest: Extreme;
  /** The largest statistic since the deployment, under the tolerance with its tags. */
  peak: number | null;
  stale: boolean;
  /** Was any sample beyond the tolerance, with or without tags? */
  beyond: boolean;
  tagged: ArmState;
  untagged: ArmState;
  /** Null where the policy has no hard guard for the signal. */
  guard: GuardState | null;
}

/** The verdict of a track changed; the numbers are those of the sample that changed it. */
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

/** A track that has taken no sample. */
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
    ...(signal.watchSamples === undefined ? {} : { left: signal.watchSamples }),
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
