/** How long a baseline is: a stretch of time or of samples, and where it begins. */

import type { SeasonProfile } from "../../event.ts";
import { WAIT_AT_MOST_MS } from "../../policy/limits.ts";
import type { BaselineSettings } from "../../policy/policy.ts";
import { firstFrom, part } from "./columns.ts";
import { medianInPlace } from "./orderStatistics.ts";

/** Below this many a breach can be found but health cannot: the scale is too uncertain. */
export const BASELINE_FOR_HEALTH = 20;

/** Where the baseline's time holds fewer samples than this it reaches further back, */
export const BASELINE_SAMPLES = 60;
/** but never further than this. */
export const BASELINE_REACH_MS = 7 * 86_400_000;
/** A series of which samples are missing reaches back so far, or so many times what it needs. */
const GAPS_REACH_MS = 86_400_000;
export const GAPS_TIMES = 1.5;

/** How long a baseline is, as a policy says it. */
export type BaselineLength = Pick<BaselineSettings, "baselineMs" | "baselineSamples">;

/** Equal for equal lengths. */
export function lengthKey({ baselineMs, baselineSamples }: BaselineLength): string {
  return baselineSamples === undefined ? String(baselineMs) : `${baselineSamples} samples`;
}

/** How far back any sample of such a baseline may lie. */
export function baselineReachMs({ baselineMs, baselineSamples }: BaselineLength): number {
  return baselineSamples === undefined ? Math.max(baselineMs, BASELINE_REACH_MS) : WAIT_AT_MOST_MS;
}

/**
 * The index at which the baseline begins in the past samples: `baselineMs` before the deployment,
 * or earlier where sampling is so coarse that there are fewer than `BASELINE_SAMPLES` since, or at
 * the newest `baselineSamples`. It does not begin before its season if enough samples are left:
 * sixty samples of which some have no season say less than twenty that all have one.
 */
export function baselineStart(
  pastAtMs: ArrayLike<number>,
  startedAtMs: number,
  { baselineMs, baselineSamples }: BaselineLength,
  season: SeasonProfile | null,
): number {
  const { length } = pastAtMs;
  const wanted = baselineSamples ?? BASELINE_SAMPLES;
  const fromMs = baselineSamples === undefined ? startedAtMs - baselineMs : startedAtMs;
  let from = length;
  while (from > 0 && (pastAtMs[from - 1]! >= fromMs || length - from < wanted)) from--;
  if (length - from >= 2 && pastAtMs[from]! < Math.min(fromMs, startedAtMs - GAPS_REACH_MS)) {
    // Samples from before a long gap are of another time; those of a coarse series are not.
    const at = part(pastAtMs, from, length);
    const reachMs = Math.max(GAPS_REACH_MS, GAPS_TIMES * wanted * medianStep(at, length - from));
    from = firstFrom(pastAtMs, Math.min(fromMs, startedAtMs - reachMs), from);
  }
  if (season === null || season.startMs > fromMs) return from;
  const within = firstFrom(pastAtMs, season.startMs, from);
  return length - within < BASELINE_FOR_HEALTH ? from : within;
}

/** Median spacing of `atMs[0..count)`; most series are even, and then no median is needed. */
export function medianStep(atMs: ArrayLike<number>, count: number): number {
  const first = atMs[1]! - atMs[0]!;
  let even = 1;
  while (even < count && atMs[even]! - atMs[even - 1]! === first) even++;
  if (even === count) return first;
  const steps = new Float64Array(count - 1);
  for (let index = 1; index < count; index++) steps[index - 1] = atMs[index]! - atMs[index - 1]!;
  return medianInPlace(steps, count - 1);
}
