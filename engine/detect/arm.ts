/**
 * The state of one arm of a track (see `Arm`): what its detector has accumulated, whether that
 * is held as a breach, and which levels of evidence stand.
 */

import type { SignalPolicy } from "../policy/policy.ts";
import { startAccumulator, type AccumulatorState } from "./detectors/detector.ts";
import { logEOf } from "./evidence/eValue.ts";
import {
  interruptHold,
  startHold,
  type HoldRule,
  type HoldState,
  type SampleTime,
} from "./hold.ts";
import { holdLevels, levelsReached, noLevels, type LevelState } from "./evidence/levels.ts";

export interface ArmState {
  accumulator: AccumulatorState;
  hold: HoldState;
  /** Null unless the policy says `fusion: evidence`: no other fusion reads it. */
  levels: LevelState | null;
}

/** An arm that has seen no sample. */
export function startArm(signal: SignalPolicy, fusesEvidence: boolean): ArmState {
  return {
    accumulator: startAccumulator(signal.detector),
    hold: startHold(),
    levels: fusesEvidence ? noLevels : null,
  };
}

/** A copy that can be changed without changing the original. */
export function cloneArm({ accumulator, hold, levels }: ArmState): ArmState {
  return { accumulator: { ...accumulator }, hold: { ...hold }, levels };
}

/** The samples stopped: whatever was being held starts anew, and no evidence stands any more. */
export function interrupt(arm: ArmState): void {
  interruptHold(arm.hold);
  if (arm.levels !== null) arm.levels = noLevels;
}

/** Is neither a breach nor a level of evidence held, or on its way to be? */
export function isIdle({ hold, levels }: ArmState): boolean {
  if (hold.verdict !== "watching" || hold.beyondSinceMs !== null) return false;
  return levels === null || levels.reachedSinceMs.length === 0;
}

/** Does this path give nothing to hold: no sample beyond, and no level of evidence reached? */
export function isQuiet(
  { detector }: SignalPolicy,
  { levels }: ArmState,
  path: { readonly quiet: boolean; readonly peak: number | null },
): boolean {
  const { quiet, peak } = path;
  if (!quiet || levels === null || peak === null) return quiet;
  return levelsReached(logEOf(detector, peak, 1) ?? 0) === 0;
}

/** Folds one sample's evidence into the levels; returns whether what stands changed. */
export function grade(
  signal: SignalPolicy,
  arm: ArmState,
  statistic: number,
  time: SampleTime,
  rule: HoldRule,
): boolean {
  const { levels } = arm;
  if (levels === null) return false;
  const logE = logEOf(signal.detector, statistic, time.count) ?? 0;
  arm.levels = holdLevels(levels, logE, time, rule);
  return arm.levels.standing !== levels.standing;
}
