/**
 * What a series would have gone on to show, had history not rolled back: effect-hold
 * imputation (method 3.4). The mean effect between onset and rollback is kept, and noise
 * is put on it by a moving-block bootstrap (Künsch 1989) of the residuals from before the
 * deployment, in blocks of eight samples so that autocorrelation survives within them.
 *
 * Every policy meets the same future: it depends on the history, the seed, the deployment and
 * the draw alone (so the past it learns from is one length, whatever baselines are asked for),
 * and all series of a deployment take the same blocks, so that what moves together goes on
 * doing so. What is a counter to a policy goes on by its rates, added up again.
 *
 * What clearly grew goes on growing (a leak held at the mean of what it was would never be
 * seen again): a slope of three standard errors, by the past's own noise and autocorrelation.
 *
 * What is known to have been nobody's fault passes (`pass`): an excursion that stands when history
 * rolls back stops as others of that metric did in this history, and fades by its own trend until
 * then. Where nothing stands out, what is left of the last samples is half gone after ten.
 *
 * Biases. History acts when a few samples look bad, so their mean is a little too bad.
 * An effect that grew too little to be told is held too low, one that would have passed too
 * high: `decay` and `grow` are the other two answers. A daily season is flat for the hour.
 *
 * `grow` believes a slope of one standard error, of what is an effect (two standard errors off
 * the past) and leads away from the past: the trend of mere noise is nobody's harm, and over an
 * hour it would come to a multiple of the level.
 */

import { ratesOf, type SampleColumn, type SeriesName } from "../../engine/index.ts";
import { randomStream, uniform } from "../random.ts";
import {
  excursionsOf,
  fadesBy,
  HALF_LIFE_SAMPLES,
  noiseOf,
  stopsAfter,
  type Passing,
  type Stopping,
} from "./excursions.ts";

export const EFFECT_RULES = ["hold", "decay", "grow"] as const;
export type EffectRule = (typeof EFFECT_RULES)[number];

/** What is known of a deployment's effect without looking at its samples. */
export interface Effect {
  /** From here the effect counts; null takes the last eight samples before the rollback. */
  readonly onsetAtMs: number | null;
  readonly rule: EffectRule | "pass";
}

/** How all that history cut short may have gone on. */
export interface Futures {
  readonly draws: number;
  readonly seed: number;
  readonly effectOf: (deploymentId: string) => Effect;
  /** What this history says of how good deployments' effects pass. */
  readonly passing: Passing;
}

interface Future extends Effect {
  readonly passing: Passing;
  /** Counters go on by their rates: what is put on a running total would be a reset, or a flood. */
  readonly isCounter: (series: SeriesName) => boolean;
  /** What is older than this says nothing of how a series goes on. */
  readonly noiseFromMs: (series: SeriesName) => number;
  readonly startedAtMs: number;
  readonly rolledBackAtMs: number;
  readonly untilMs: number;
}

const BLOCK = 8;
/** With less than two blocks of past there is no noise to draw from. */
const PAST_AT_LEAST = 2 * BLOCK;

/** So many standard errors of a slope that noise alone would have: an effect that still grows. */
const GROWS_AT = 3;
/** Under `grow` so many are believed, of an effect that is so many standard errors off the past. */
const MAY_GROW_AT = 1;
const EFFECT_AT = 2;
/** Fewer say nothing of a slope: the first sample after an onset saw it only in part. */
const SLOPE_FROM = 6;
/** What multiplies stops here: more is no worse, and would end as infinity, which is no sample. */
const TIMES_AT_MOST = 1e9;

/** What one series did: in logarithms where all of it is positive, else as it is. */
interface Shape {
  readonly isLog: boolean;
  readonly level: number;
  readonly residuals: Float64Array;
  readonly effect: number;
  /** The effect at its last sample by the slope, and its change from sample to sample. */
  readonly lastEffect: number;
  readonly slope: number;
  /** Was it clearly growing when history rolled back, and may it have been? */
  readonly isGrowing: boolean;
  readonly mayGrow: boolean;
  /** The standard error of the slope were there only noise. */
  readonly slopeError: number;
  /** So many of its last samples it is told from. */
  readonly samples: number;
  /** Of an excursion that is to pass: its samples so far. Null where none stands. */
  readonly age: number | null;
  readonly stepMs: number;
  readonly delayMs: number;
  readonly lastAtMs: number;
  /** Nothing below this was seen to happen: zero, where no sample was negative. */
  readonly floor: number;
}

/**
 * The columns with `draw`'s future put on them; null where not one series shows an effect
 * to hold, because history acted before the onset or there is too little past.
 *
 * @param columns what was known when history rolled back, ascending in time
 */
export function spliceColumns(
  columns: readonly SampleColumn[],
  future: Future,
  ...key: readonly (string | number)[]
): SampleColumn[] | null {
  const shapes = columns.map((column) => shapeOf(column, future));
  if (shapes.every((shape) => shape === null)) return null;
  return columns.map((column, index) => {
    const shape = shapes[index]!;
    return shape === null ? column : continued(column, shape, future, key);
  });
}

function shapeOf(column: SampleColumn, future: Future): Shape | null {
  const shown = recent(column, future.noiseFromMs(column.series));
  const { atMs, knownAtMs } = shown;
  const values = future.isCounter(column.series)
    ? ratesOf(shown, future.startedAtMs)
    : shown.values;
  const past: number[] = [];
  const since: number[] = [];
  const onsetAtMs = future.onsetAtMs ?? future.startedAtMs;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!Number.isFinite(value)) continue;
    if (atMs[index]! < future.startedAtMs) past.push(value);
    else if (atMs[index]! >= onsetAtMs && atMs[index]! < future.rolledBackAtMs) since.push(value);
  }
  const passes = future.rule === "pass";
  const effects = future.onsetAtMs === null && !passes ? since.slice(-BLOCK) : since;
  if (past.length < PAST_AT_LEAST || effects.length === 0) return null;
  const isLog = past.every(isPositive) && effects.every(isPositive);
  const scaled = isLog ? past.map(Math.log) : past;
  const level = meanOf(scaled);
  const residuals = Float64Array.from(scaled, (value) => value - level);
  const off = effects.map((value) => (isLog ? Math.log(value) : value) - level);
  const standing = passes ? standingIn(off, residuals) : null;
  const shifted = passes ? off.slice(standing ?? 0).slice(-BLOCK) : off;
  const effect = meanOf(shifted);
  const slope = slopeOf(shifted);
  const { slopeError, meanError } = errorsOf(residuals, shifted.length);
  const growth =
    shifted.length >= SLOPE_FROM && slope * effect > 0 ? Math.abs(slope) / slopeError : 0;
  const last = atMs.length - 1;
  return {
    isLog,
    level,
    residuals,
    effect,
    lastEffect: effect + (slope * (shifted.length - 1)) / 2,
    slope,
    isGrowing: growth > GROWS_AT,
    mayGrow: growth > MAY_GROW_AT && Math.abs(effect) > EFFECT_AT * meanError,
    slopeError,
    samples: shifted.length,
    age: standing === null ? null : off.length - standing,
    stepMs: stepOf(atMs),
    delayMs: knownAtMs[last]! - atMs[last]!,
    lastAtMs: atMs[last]!,
    floor: Array.prototype.every.call(values, isNotNegative) ? 0 : Number.NEGATIVE_INFINITY,
  };
}

/** Where the excursion begins that stands at the end; null where none does. */
function standingIn(effects: readonly number[], residuals: Float64Array): number | null {
  const newest = excursionsOf(effects, noiseOf(residuals)).at(-1);
  return newest?.end === "open" ? newest.first : null;
}

function continued(
  column: SampleColumn,
  shape: Shape,
  { rolledBackAtMs, untilMs, rule, passing, isCounter }: Future,
  key: readonly (string | number)[],
): SampleColumn {
  const { metric, counter = false } = column.series;
  const counts = isCounter(column.series);
  // Learned of the series as the catalog takes it: who takes it otherwise learns nothing from it.
  const effectAt = effectBy(shape, rule, counts === counter ? passing[metric] : undefined, key);
  const random = randomStream("splice", ...key);
  const blocks = shape.residuals.length - BLOCK + 1;
  const at: number[] = [];
  const values: number[] = [];
  let from = 0;
  for (let count = 1; ; count++) {
    const within = (count - 1) % BLOCK;
    if (within === 0) from = Math.floor(random.next() * blocks);
    const atMs = shape.lastAtMs + count * shape.stepMs;
    if (atMs + shape.delayMs > untilMs) break;
    // What was missing while history could still see it stays missing.
    if (atMs + shape.delayMs <= rolledBackAtMs) continue;
    const value = shape.level + effectAt(count) + shape.residuals[from + within]!;
    at.push(atMs);
    const most = shape.level + Math.log(TIMES_AT_MOST);
    values.push(shape.isLog ? Math.exp(Math.min(value, most)) : value);
  }
  const bounded = values.map((value) => Math.max(shape.floor, value));
  return {
    series: column.series,
    atMs: joined(column.atMs, at),
    knownAtMs: joined(
      column.knownAtMs,
      at.map((ms) => ms + shape.delayMs),
    ),
    values: joined(column.values, counts ? addedUp(column, at, bounded) : bounded),
  };
}

/** The effect so many samples after the last one that was seen. */
function effectBy(
  shape: Shape,
  rule: Effect["rule"],
  stopping: Stopping | undefined,
  key: readonly (string | number)[],
): (count: number) => number {
  const { effect, lastEffect, slope, samples, isGrowing, mayGrow, age } = shape;
  const grown = (count: number): number => lastEffect + slope * count;
  const halved = (count: number): number => effect * 0.5 ** (count / HALF_LIFE_SAMPLES);
  switch (rule) {
    case "hold":
      return isGrowing ? grown : () => effect;
    case "grow":
      return isGrowing || mayGrow ? grown : () => effect;
    case "decay":
      return halved;
    case "pass": {
      if (age === null) return halved;
      // All series of a deployment by the same luck: what moves together passes together.
      const lasts = stopsAfter(stopping, age, uniform("stops", ...key));
      const rate = fadesBy(shape, uniform("fades", ...key));
      const middle = (samples - 1) / 2;
      return (count) => (count > lasts ? 0 : effect * Math.exp(-rate * (middle + count)));
    }
  }
}

function isPositive(value: number): boolean {
  return value > 0;
}

function isNotNegative(value: number): boolean {
  return !(value < 0);
}

function meanOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** By least squares; a single sample has none. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = meanOf(values);
  let over = 0;
  let under = 0;
  values.forEach((value, index) => {
    over += (index - middle) * (value - mean);
    under += (index - middle) ** 2;
  });
  return under === 0 ? 0 : over / under;
}

/** The standard errors over `n` samples of such noise, whose neighbours are alike. */
function errorsOf(
  residuals: Float64Array,
  n: number,
): { readonly slopeError: number; readonly meanError: number } {
  let squares = 0;
  let products = 0;
  for (let at = 0; at < residuals.length; at++) {
    squares += residuals[at]! ** 2;
    if (at > 0) products += residuals[at]! * residuals[at - 1]!;
  }
  const alike = Math.min(0.9, Math.max(0, squares === 0 ? 0 : products / squares));
  const variance = (squares / residuals.length) * ((1 + alike) / (1 - alike));
  return {
    slopeError: Math.sqrt(variance / ((n * (n * n - 1)) / 12)),
    meanError: Math.sqrt(variance / n),
  };
}

/** Where a counter stands at each of these times, at these rates a second from its last value. */
function addedUp(
  { atMs, values }: SampleColumn,
  at: readonly number[],
  rates: readonly number[],
): number[] {
  let last = values.length - 1;
  while (!Number.isFinite(values[last]!)) last--;
  let total = values[last]!;
  let beforeMs = atMs[last]!;
  return rates.map((rate, index) => {
    total += (rate * (at[index]! - beforeMs)) / 1000;
    beforeMs = at[index]!;
    return total;
  });
}

/** The samples taken at `fromMs` or later. */
function recent(column: SampleColumn, fromMs: number): SampleColumn {
  const { series, atMs, knownAtMs, values } = column;
  let first = 0;
  while (first < atMs.length && atMs[first]! < fromMs) first++;
  if (first === 0) return column;
  const rest = (all: ArrayLike<number>): Float64Array => Float64Array.from(all).subarray(first);
  return { series, atMs: rest(atMs), knownAtMs: rest(knownAtMs), values: rest(values) };
}

/** The middle spacing of the last samples: one gap does not stretch it. */
function stepOf(atMs: ArrayLike<number>): number {
  const gaps: number[] = [];
  for (let index = Math.max(1, atMs.length - 60); index < atMs.length; index++) {
    gaps.push(atMs[index]! - atMs[index - 1]!);
  }
  gaps.sort((a, b) => a - b);
  return Math.max(1, gaps[gaps.length >> 1]!);
}

function joined(before: ArrayLike<number>, after: readonly number[]): Float64Array {
  const all = new Float64Array(before.length + after.length);
  all.set(before);
  all.set(after, before.length);
  return all;
}
