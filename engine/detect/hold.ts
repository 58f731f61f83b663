/**
 * Hold and clear: samples must be beyond the limit for `hold` before that is a breach, and within
 * it for `clear` before the breach is over. Both durations are measured from sample to sample, so
 * a time without samples neither confirms a breach nor ends one. Where they are given in samples,
 * the place of a sample among the valid ones stands for its time (`SampleTime`).
 */

import type { SignalPolicy } from "../policy/policy.ts";
import { BEYOND, MISSING } from "./detectors/contract.ts";

export type HeldVerdict = "watching" | "breach" | "cleared";

/** How long a breach must last and be gone, each with the times it is measured by. */
export interface HoldRule {
  readonly hold: number;
  readonly clear: number;
  /** Is it measured in samples, and not in milliseconds? */
  readonly holdsSamples: boolean;
  readonly clearsSamples: boolean;
}

/** What a signal says of hold and clear. From the first sample to the third it is two steps. */
export function holdRule(signal: SignalPolicy): HoldRule {
  const { holdMs, clearMs, holdSamples, clearSamples } = signal;
  return {
    hold: holdSamples === undefined ? holdMs : holdSamples - 1,
    clear: clearSamples === undefined ? clearMs : clearSamples - 1,
    holdsSamples: holdSamples !== undefined,
    clearsSamples: clearSamples !== undefined,
  };
}

/** The time of a sample, by which holds and clears are measured. */
export interface SampleTime {
  readonly atMs: number;
  /** How many valid samples there were, this one included. */
  readonly count: number;
}

export interface HoldState {
  verdict: HeldVerdict;
  /** When the current run of samples beyond the limit began; a count where hold is in samples. */
  beyondSinceMs: number | null;
  /** When, during a breach, the current run of samples within the limit began; as above. */
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
  { atMs, count }: SampleTime,
  { hold, clear, holdsSamples, clearsSamples }: HoldRule,
): boolean {
  if (flag === MISSING) return false;
  const before = state.verdict;
  if (flag === BEYOND) {
    const now = holdsSamples ? count : atMs;
    state.withinSinceMs = null;
    state.beyondSinceMs ??= now;
    if (before !== "breach" && now - state.beyondSinceMs >= hold) state.verdict = "breach";
  } else if (before === "breach") {
    const now = clearsSamples ? count : atMs;
    state.withinSinceMs ??= now;
    if (now - state.withinSinceMs >= clear) {
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
