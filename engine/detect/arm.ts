/**
 * One arm of a track, with its tags or without any: what the detector has gathered, what
 * of it is held as a breach, and which levels of evidence stand.
 */

import type { SignalPolicy } from "../policy/policy.ts";
import { startAccumulator, type AccumulatorState } from "./detectors/detector.ts";
import { logEOf } from "./evidence/eValue.ts";
import { interruptHold, startHold, type HoldState } from "./hold.ts";
import { holdLevels, levelsReached, noLevels, type LevelState } from "./evidence/levels.ts";

export interface Arm {
  accumulator: AccumulatorState;
  hold: HoldState;
  /** Null unless evidence is fused: nobody else reads it. */
  levels: LevelState | null;
}

export function startArm(signal: SignalPolicy, fusesEvidence: boolean): Arm {
  return {
    accumulator: startAccumulator(signal.detector),
    hold: startHold(),
    levels: fusesEvidence ? noLevels : null,
  };
}

export function cloneArm({ accumulator, hold, levels }: Arm): Arm {
  return { accumulator: { ...accumulator }, hold: { ...hold }, levels };
}

/** Data stopped: what was being counted no longer counts, and no evidence stands. */
export function interrupt(arm: Arm): void {
  interruptHold(arm.hold);
  if (arm.levels !== null) arm.levels = noLevels;
}

/** Nothing is being counted. */
export function isIdle({ hold, levels }: Arm): boolean {
  if (hold.verdict !== "watching" || hold.beyondSinceMs !== null) return false;
  return levels === null || levels.reachedSinceMs.length === 0;
}

/** This path gives nothing to count: no sample beyond, and no level of evidence reached. */
export function isQuiet(
  { detector }: SignalPolicy,
  { levels }: Arm,
  path: { readonly quiet: boolean; readonly peak: number | null },
): boolean {
  const { quiet, peak } = path;
  if (!quiet || levels === null || peak === null) return quiet;
  return levelsReached(logEOf(detector, peak, 1) ?? 0) === 0;
}

/** Folds one sample's evidence into the levels; returns whether what stands changed. */
export function grade(
  signal: SignalPolicy,
  arm: Arm,
  statistic: number,
  atMs: number,
  valid: number,
): boolean {
  const { levels } = arm;
  if (levels === null) return false;
  const logE = logEOf(signal.detector, statistic, valid) ?? 0;
  arm.levels = holdLevels(levels, logE, atMs, signal.holdMs, signal.clearMs);
  return arm.levels.standing !== levels.standing;
}
