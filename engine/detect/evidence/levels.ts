/**
 * The evidence of one series on a fixed grid of levels, each held and cleared as a breach
 * is: a level stands once every sample for `hold` was at or above it, and is lost once
 * every sample for `clear` was below it. Both are measured from sample to sample.
 *
 * Only a change of what stands is worth a judgement, so policies that ask for different
 * confidence share one detection, and a watch has some ten judgements instead of one for
 * each sample. What stands is at most a quarter below what was reached; up to `clear`
 * after it fell it is above: the best of that time, which an e-process may be asked for
 * once, not at leisure. Silence takes all levels away.
 */

import { LOG_E_AT_MOST } from "./eValue.ts";

/** Below this evidence counts as none: e = 2.7 is reached by every third healthy watch. */
const FIRST = 1;
const STEP = 0.25;
const LEVELS = Math.floor((LOG_E_AT_MOST - FIRST) / STEP) + 1;

export interface LevelState {
  /** How many levels stand. */
  readonly standing: number;
  /** Since when each level that is reached has been, lowest first. */
  readonly reachedSinceMs: readonly number[];
  /** Since when each standing level has been missed; null while it is reached. */
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

/** Folds one valid sample's evidence. Returns the same state when nothing was or is reached. */
export function holdLevels(
  state: LevelState,
  logE: number,
  atMs: number,
  holdMs: number,
  clearMs: number,
): LevelState {
  const reached = levelsReached(logE);
  if (reached === 0 && state.standing === 0 && state.reachedSinceMs.length === 0) return state;
  // As a breach keeps its beginning until it is cleared, so does a standing level.
  const reachedSinceMs = state.reachedSinceMs.slice(0, Math.max(reached, state.standing));
  while (reachedSinceMs.length < reached) reachedSinceMs.push(atMs);
  let { standing } = state;
  while (standing < reached && atMs - reachedSinceMs[standing]! >= holdMs) standing++;
  const missedSinceMs = Array.from({ length: standing }, (_, level) =>
    level < reached ? null : (state.missedSinceMs[level] ?? atMs),
  );
  while (standing > reached && atMs - missedSinceMs[standing - 1]! >= clearMs) standing--;
  return {
    standing,
    reachedSinceMs: reachedSinceMs.slice(0, Math.max(reached, standing)),
    missedSinceMs: missedSinceMs.slice(0, standing),
  };
}
