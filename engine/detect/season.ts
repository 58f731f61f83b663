/**
 * The profile of the same time of day, from the days before a deployment.
 *
 * One of the pure functions a host calls on past samples; the result enters the
 * engine as a `contextPrepared` event. Only samples from before the deployment may
 * be in it: the youngest day ends 24 hours before the watch does.
 */

import type { SeasonProfile } from "../event.ts";
import { medianInPlace } from "./orderStatistics.ts";

export const DAY_MS = 86_400_000;
/** How many days back a profile looks. */
export const SEASON_DAYS = 7;
/** With fewer days there is no profile: one odd day would be the rule. */
const DAYS_AT_LEAST = 3;
/** One entry of a profile is the median over this long a slot of each day. */
const SLOT_MS = 300_000;

export interface PastSamples {
  readonly atMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/**
 * The median over the last days of each slot's median; the same weekday counts
 * twice. Null with fewer than three days of samples.
 *
 * @param past samples of any earlier days, in time order
 * @param fromMs, toMs the stretch a profile is wanted for: baseline and watch
 */
export function prepareSeason(
  past: PastSamples,
  fromMs: number,
  toMs: number,
): SeasonProfile | null {
  const slots = Math.max(1, Math.ceil((toMs - fromMs) / SLOT_MS)) + 1;
  const byDay = new Float64Array(slots * SEASON_DAYS).fill(Number.NaN);
  const scratch = new Float64Array(past.values.length);
  let cursor = 0;
  // Days are walked oldest first, so that one cursor passes over the samples once.
  for (let day = SEASON_DAYS; day >= 1; day--) {
    const dayFromMs = fromMs - day * DAY_MS - SLOT_MS / 2;
    while (cursor < past.atMs.length && past.atMs[cursor]! < dayFromMs) cursor++;
    for (let slot = 0; slot < slots; slot++) {
      const slotToMs = dayFromMs + (slot + 1) * SLOT_MS;
      let count = 0;
      while (cursor < past.atMs.length && past.atMs[cursor]! < slotToMs) {
        const value = past.values[cursor++]!;
        if (Number.isFinite(value)) scratch[count++] = value;
      }
      byDay[(day - 1) * slots + slot] = medianInPlace(scratch, count);
    }
  }
  let days = 0;
  for (let day = 0; day < SEASON_DAYS; day++) {
    let filled = 0;
    for (let slot = 0; slot < slots; slot++) {
      if (Number.isFinite(byDay[day * slots + slot]!)) filled++;
    }
    if (filled * 2 >= slots) days++;
  }
  if (days < DAYS_AT_LEAST) return null;
  const values: number[] = [];
  const across = new Float64Array(SEASON_DAYS + 1);
  for (let slot = 0; slot < slots; slot++) {
    let count = 0;
    for (let day = 0; day < SEASON_DAYS; day++) {
      const value = byDay[day * slots + slot]!;
      if (!Number.isFinite(value)) continue;
      across[count++] = value;
      if (day === SEASON_DAYS - 1) across[count++] = value;
    }
    values.push(medianInPlace(across.subarray(0, count), count));
  }
  return { startMs: fromMs, stepMs: SLOT_MS, values, days };
}

/** The profile at a time, linear between slots; NaN outside it or where it has no value. */
export function seasonAt(season: SeasonProfile, atMs: number): number {
  const position = (atMs - season.startMs) / season.stepMs;
  const index = Math.floor(position);
  const left = season.values[index];
  if (left === undefined) return Number.NaN;
  const share = position - index;
  if (share === 0) return left;
  const right = season.values[index + 1];
  return right === undefined ? Number.NaN : left + (right - left) * share;
}
