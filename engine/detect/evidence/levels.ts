/**
 * The evidence of one series, rounded down to a fixed grid of levels. Each level is held and
 * cleared as a breach is: it stands once every sample for `hold` was at or above it, and is lost
 * once every sample for `clear` was below it. Both are measured from sample to sample.
 *
 * Why levels: only a change of what stands makes a judgement. So a watch has about ten judgements
 * and not one for each sample, and policies that ask for different confidence share one
 * detection.
 *
 * Bias: what stands is up to `STEP` below what was reached. For up to `clear` after the evidence
 * fell it is above it: then it is the best of that time, and an e-process makes no promise about
 * the best of several looks. Silence takes all levels away.
 */

import type { HoldRule, SampleTime } from "../hold.ts";
import { LOG_E_AT_MOST } from "./eValue.ts";

/** The lowest level, as ln E. Less counts as none: every third healthy watch reaches e = 2.7. */
const FIRST = 1;
/** From one level to the next, as ln E. */
const STEP = 0.25;
const LEVELS = Math.floor((LOG_E_AT_MOST - FIRST) / STEP) + 1;

export interface LevelState {
  /** How many levels stand. */
  readonly standing: number;
  /** Since when each level has been reached, the lowest first; counts where hold is in samples. */
  readonly reachedSinceMs: readonly number[];
  /** Since when each standing level has no longer been reached; null while it is. */
  readonly missedSinceMs: readonly (number | null)[];
}

export const noLevels: LevelState = { standing: 0, reachedSinceMs: [], missedSinceMs: [] };

/** The natural logarithm of the evidence that a number of standing levels is worth. */
export function logEAt(standing: number): number {
  return standing === 0 ? 0 : FIRST + STEP * (standing - 1);
}

/** How many levels a natural logarithm reaches. */
export function levelsReached(logE: number): number {
  if (!(logE >= FIRST)) return 0;
  return Math.min(LEVELS, Math.floor((logE - FIRST) / STEP) + 1);
}

/** Folds one valid sample's evidence. Returns the same state where no level is or was reached. */
export function holdLevels(
  state: LevelState,
  logE: number,
  { atMs, count }: SampleTime,
  { hold, clear, holdsSamples, clearsSamples }: HoldRule,
): LevelState {
  const [held, cleared] = [holdsSamples ? count : atMs, clearsSamples ? count : atMs];
  const reached = levelsReached(logE);
  if (reached === 0 && state.standing === 0 && state.reachedSinceMs.length === 0) return state;
  // A standing level keeps its beginning until it is lost, as a breach does until it is cleared.
  const reachedSinceMs = state.reachedSinceMs.slice(0, Math.max(reached, state.standing));
  while (reachedSinceMs.length < reached) reachedSinceMs.push(held);
  let { standing } = state;
  while (standing < reached && held - reachedSinceMs[standing]! >= hold) standing++;
  const missedSinceMs = Array.from({ length: standing }, (_, level) =>
    level < reached ? null : (state.missedSinceMs[level] ?? cleared),
  );
  while (standing > reached && cleared - missedSinceMs[standing - 1]! >= clear) standing--;
  return {
    standing,
    reachedSinceMs: reachedSinceMs.slice(0, Math.max(reached, standing)),
    missedSinceMs: missedSinceMs.slice(0, standing),
  };
}
