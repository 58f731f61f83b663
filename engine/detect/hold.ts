/**
 * Hold and clear: samples must be beyond the limit for `hold` before that is a breach, and within
 * it for `clear` before the breach is over. Both durations are measured from sample to sample, so
 * a time without samples neither confirms a breach nor ends one.
 */

import { BEYOND, MISSING } from "./detectors/contract.ts";

export type HeldVerdict = "watching" | "breach" | "cleared";

export interface HoldState {
  verdict: HeldVerdict;
  /** When the current run of samples beyond the limit began. */
  beyondSinceMs: number | null;
  /** When, during a breach, the current run of samples within the limit began. */
  withinSinceMs: number | null;
}

/** A hold that has seen no sample. */
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

/** Does a sample with this flag change nothing, whatever its time? That is so for most samples. */
export function isMoot(
  { verdict, beyondSinceMs, withinSinceMs }: HoldState,
  flag: number,
): boolean {
  if (flag === BEYOND) {
    return verdict === "breach" && beyondSinceMs !== null && withinSinceMs === null;
  }
  return verdict !== "breach" && beyondSinceMs === null;
}

/** The samples stopped: both runs start anew, and a breach is no longer held. */
export function interruptHold(state: HoldState): void {
  if (state.verdict === "breach") state.verdict = "watching";
  state.beyondSinceMs = null;
  state.withinSinceMs = null;
}
