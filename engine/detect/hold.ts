/**
 * Hold and clear: a breach must last `hold` before it counts and be gone `clear`
 * before it is over. Both are measured between samples, so silence neither
 * confirms a breach nor ends one.
 */

import { BEYOND, MISSING } from "./detectors/contract.ts";

export type HeldVerdict = "watching" | "breach" | "cleared";

export interface HoldState {
  verdict: HeldVerdict;
  /** When the current run of breaching samples began. */
  beyondSinceMs: number | null;
  /** When the run of samples within tolerance that may end a breach began. */
  withinSinceMs: number | null;
}

export function startHold(): HoldState {
  return { verdict: "watching", beyondSinceMs: null, withinSinceMs: null };
}

/** Folds one sample's flag, in place. Returns whether the verdict changed. */
export function holdSample(
  state: HoldState,
  flag: number,
  atMs: number,
  holdMs: number,
  clearMs: number,
): boolean {
  if (flag === MISSING) return false;
  const before = state.verdict;
  if (flag === BEYOND) {
    state.withinSinceMs = null;
    state.beyondSinceMs ??= atMs;
    if (before !== "breach" && atMs - state.beyondSinceMs >= holdMs) state.verdict = "breach";
  } else if (before === "breach") {
    state.withinSinceMs ??= atMs;
    if (atMs - state.withinSinceMs >= clearMs) {
      state.verdict = "cleared";
      state.beyondSinceMs = null;
      state.withinSinceMs = null;
    }
  } else {
    state.beyondSinceMs = null;
  }
  return state.verdict !== before;
}

/** Would this flag change nothing, whenever it came? So it is with most samples. */
export function isMoot(
  { verdict, beyondSinceMs, withinSinceMs }: HoldState,
  flag: number,
): boolean {
  if (flag === BEYOND) {
    return verdict === "breach" && beyondSinceMs !== null && withinSinceMs === null;
  }
  return verdict !== "breach" && beyondSinceMs === null;
}

/** Data stopped: what was being counted no longer counts. */
export function interruptHold(state: HoldState): void {
  if (state.verdict === "breach") state.verdict = "watching";
  state.beyondSinceMs = null;
  state.withinSinceMs = null;
}
