/**
 * The season: what a series did at the same time of day on the days before a deployment.
 *
 * A host calls these pure functions on past samples, and the result enters the engine as a
 * `contextPrepared` event. Only samples from before the deployment may be in it: the youngest day
 * ends 24 hours before the watch does.
 */

import type { SeasonProfile } from "../../event.ts";
import { firstFrom } from "./columns.ts";
import { BASELINE_FOR_HEALTH, BASELINE_SAMPLES, type BaselineLength } from "./baselineLength.ts";
import { medianOfFew } from "./orderStatistics.ts";

export const DAY_MS = 86_400_000;
/** How many days back a profile looks. */
export const SEASON_DAYS = 7;
/** With fewer days there is no profile, because a single odd day could decide. */
export const SEASON_DAYS_AT_LEAST = 3;
/**
 * Each day is cut into slots of this length, centred on whole multiples of it since 1970. Slots
 * do not depend on when a deployment starts, so all deployments of a service share their medians.
 * A series that has no sample in most of them has longer ones, of which a day holds a whole number.
 */
const SLOT_MS = 300_000;
const LONGER_SLOTS_MS = [600_000, 900_000, 1_200_000, 1_800_000, 3_600_000];
/** A spacing that is so much longer than a slot still has a sample in nearly every slot. */
const STEP_ROOM = 1.02;
/**
 * A profile begins at least so many slots before the stretch it is wanted for. A baseline may
 * reach that far back where its newest samples are not known yet when it is frozen.
 */
const SLOTS_BEFORE = 1;
/** How long before and after a stretch samples belong to its slots. */
export function seasonMarginMs(slotMs: number): number {
  return (SLOTS_BEFORE + 1.5) * slotMs;
}

/** The slots of a series' season, and how far back it is wanted. */
export interface SeasonShape {
  readonly slotMs: number;
  readonly backMs: number;
}

/**
 * The season that a baseline of this length needs on a series of this spacing. A baseline reaches
 * back to sixty samples, and so must the season of a series so coarse that the stretch in time
 * holds too few of them for a verdict.
 *
 * @param stepMs null where it is not known: then as for samples that come often
 */
export function seasonShape(stepMs: number | null, length: BaselineLength): SeasonShape {
  const { baselineMs, baselineSamples } = length;
  const longest = LONGER_SLOTS_MS[LONGER_SLOTS_MS.length - 1]!;
  const isUsable = stepMs !== null && stepMs <= STEP_ROOM * longest;
  const fine = { slotMs: SLOT_MS, backMs: baselineMs };
  if (!isUsable) return fine;
  const isFine = stepMs <= STEP_ROOM * SLOT_MS;
  const slotMs = isFine ? SLOT_MS : LONGER_SLOTS_MS.find((slot) => stepMs <= STEP_ROOM * slot)!;
  if (baselineSamples !== undefined) return { slotMs, backMs: baselineSamples * stepMs };
  const isEnough = BASELINE_FOR_HEALTH * stepMs <= baselineMs;
  return { slotMs, backMs: isEnough ? baselineMs : BASELINE_SAMPLES * stepMs };
}

/** Samples of earlier days, in time order. */
export interface PastSamples {
  readonly atMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** Samples of earlier days that are evenly spaced, so that no array of times is needed. */
export interface EvenSamples {
  readonly startMs: number;
  readonly stepMs: number;
  readonly values: ArrayLike<number>;
}

/** A profile under way: days are reduced to medians one by one as they are read. */
export interface SeasonDays {
  /** The middle of the first slot. */
  readonly fromMs: number;
  readonly slotMs: number;
  readonly slots: number;
  /** The median of each slot, the youngest day first; NaN where a slot has no sample. */
  readonly medians: Float64Array;
  /** Room for the samples of a slot, one piece of memory with the medians. */
  readonly scratch: Float64Array;
  /** How many days were taken. */
  taken: number;
}

/** A slot with more samples than this needs more room than `SeasonDays.scratch` has. */
const USUAL_SAMPLES = 32;

/**
 * A profile of which no day is taken yet.
 *
 * @param wantedFromMs, toMs the stretch the profile is wanted for: baseline and watch
 * @param spent one that nobody needs any more: its memory is used again
 */
export function startSeason(
  wantedFromMs: number,
  toMs: number,
  spent?: SeasonDays,
  slotMs = SLOT_MS,
): SeasonDays {
  const fromMs = (Math.floor(wantedFromMs / slotMs) - SLOTS_BEFORE) * slotMs;
  const slots = Math.ceil((toMs - fromMs) / slotMs) + 1;
  if (spent !== undefined && spent.slots === slots) {
    const { medians, scratch } = spent;
    return { fromMs, slotMs, slots, medians: medians.fill(Number.NaN), scratch, taken: 0 };
  }
  const memory = new Float64Array(slots * SEASON_DAYS + 3 * USUAL_SAMPLES);
  const medians = memory.subarray(0, slots * SEASON_DAYS).fill(Number.NaN);
  return { fromMs, slotMs, slots, medians, scratch: memory.subarray(medians.length), taken: 0 };
}

/** How many slots are remembered: those of a week, and of one more day that watches reach into. */
const REMEMBERED_SLOTS = 2_304;

/**
 * Medians of slots that were computed before. Deployments of a service need mostly the same
 * earlier days, so each slot's median is computed once. A ring: a slot stands at its number modulo
 * `REMEMBERED_SLOTS`.
 */
export interface SlotMemory {
  /** The number of the slot in each place, counted from 1970; −1 where there is none. */
  readonly slots: Int32Array;
  readonly medians: Float64Array;
}

/** A memory that holds no slot. */
export function slotMemory(): SlotMemory {
  return {
    slots: new Int32Array(REMEMBERED_SLOTS).fill(-1),
    medians: new Float64Array(REMEMBERED_SLOTS),
  };
}

/** Empties the memory, which must be done before it is used for another series or recording. */
export function forgetSlots(memory: SlotMemory): void {
  memory.slots.fill(-1);
}

/** Takes a day from memory. Returns false, and the day is not taken, where a slot is missing. */
export function recallDay(days: SeasonDays, day: number, memory: SlotMemory): boolean {
  const { fromMs, slotMs, slots, medians } = days;
  const first = (fromMs - day * DAY_MS) / slotMs;
  for (let slot = 0; slot < slots; slot++) {
    const kept = (first + slot) % REMEMBERED_SLOTS;
    if (memory.slots[kept] !== first + slot) return false;
    medians[(day - 1) * slots + slot] = memory.medians[kept]!;
  }
  days.taken++;
  return true;
}

/**
 * Reduces one day to the medians of its slots.
 *
 * @param day how many days before the stretch, at least one
 * @param past samples of that day; samples of other days are ignored
 * @param memory of this series; null where `past` may lack samples of the day's slots
 */
export function takeDay(
  days: SeasonDays,
  day: number,
  past: PastSamples | EvenSamples,
  memory: SlotMemory | null = null,
): void {
  const { fromMs, slotMs, slots, medians } = days;
  const { values } = past;
  const startMs = fromMs - day * DAY_MS - slotMs / 2;
  const first = (fromMs - day * DAY_MS) / slotMs;
  let { scratch } = days;
  let end = -1;
  for (let slot = 0; slot < slots; slot++) {
    const place = (day - 1) * slots + slot;
    const kept = (first + slot) % REMEMBERED_SLOTS;
    if (memory !== null && memory.slots[kept] === first + slot) {
      medians[place] = memory.medians[kept]!;
      end = -1;
      continue;
    }
    let cursor = end < 0 ? endBefore(past, startMs + slot * slotMs, 0) : end;
    end = endBefore(past, startMs + (slot + 1) * slotMs, cursor);
    if (3 * (end - cursor) > scratch.length) scratch = new Float64Array(6 * (end - cursor));
    let count = 0;
    for (; cursor < end; cursor++) {
      const value = values[cursor]!;
      if (Number.isFinite(value)) scratch[count++] = value;
    }
    const median = medianOfFew(scratch, count);
    medians[place] = median;
    if (memory === null) continue;
    memory.slots[kept] = first + slot;
    memory.medians[kept] = median;
  }
  days.taken++;
}

/** How many samples lie before a time, `from` at the least. */
function endBefore(past: PastSamples | EvenSamples, beforeMs: number, from: number): number {
  if (!("stepMs" in past)) return firstFrom(past.atMs, beforeMs, from);
  const { startMs, stepMs, values } = past;
  let end = Math.ceil((beforeMs - startMs) / stepMs);
  // The division may round the wrong way where times have fractions of a millisecond.
  while (startMs + (end - 1) * stepMs >= beforeMs) end--;
  while (startMs + end * stepMs < beforeMs) end++;
  return Math.max(from, Math.min(values.length, end));
}

/**
 * The profile: for each slot the median over the days of their medians. The same weekday, seven
 * days ago, counts twice. Null with fewer than three days that have half of their slots.
 */
export function seasonOf(given: SeasonDays): SeasonProfile | null {
  const { fromMs, slotMs, slots, medians, scratch } = given;
  let days = 0;
  for (let day = 0; day < SEASON_DAYS; day++) {
    let filled = 0;
    for (let slot = 0; slot < slots; slot++) {
      if (Number.isFinite(medians[day * slots + slot]!)) filled++;
    }
    if (filled * 2 >= slots) days++;
  }
  if (days < SEASON_DAYS_AT_LEAST) return null;
  const values = new Array<number>(slots);
  for (let slot = 0; slot < slots; slot++) {
    let count = 0;
    for (let day = 0; day < SEASON_DAYS; day++) {
      const value = medians[day * slots + slot]!;
      if (!Number.isFinite(value)) continue;
      scratch[count++] = value;
      if (day === SEASON_DAYS - 1) scratch[count++] = value;
    }
    values[slot] = medianOfFew(scratch, count);
  }
  return { startMs: fromMs, stepMs: slotMs, values, days };
}

/**
 * The profile of a stretch, from all samples of the days before it at once.
 *
 * @param past samples of any earlier days
 */
export function prepareSeason(
  past: PastSamples,
  fromMs: number,
  toMs: number,
  slotMs = SLOT_MS,
): SeasonProfile | null {
  const days = startSeason(fromMs, toMs, undefined, slotMs);
  for (let day = SEASON_DAYS; day >= 1; day--) takeDay(days, day, past);
  return seasonOf(days);
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
