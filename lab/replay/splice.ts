/**
 * Continues a series as if history had not rolled the deployment back (effect-hold imputation,
 * method 3.4).
 *
 * `hold` keeps the mean effect between onset and rollback and adds noise: a moving-block bootstrap
 * (Künsch 1989) of the residuals from before the deployment, in blocks of eight samples so that
 * autocorrelation survives within them. An effect that clearly grew goes on growing, by a slope
 * of more than three standard errors (by the noise and autocorrelation of the past); else a leak
 * held at its mean so far would never be found.
 *
 * Every policy meets the same future. It depends only on the history, the seed, the deployment and
 * the draw, so the past it learns from has one length whatever baselines are asked for. All series
 * of a deployment take the same blocks, so what moved together goes on to. A series that a policy
 * takes for a counter is continued by its rates, which are then added up again.
 *
 * `pass` is for deployments that are known to have done no harm. An excursion that stands when
 * history rolls back stops as others of that metric did in this history, and until then it fades
 * by its own trend. Where no excursion stands, half of the last samples' effect is gone after ten.
 *
 * Biases. History acts when a few samples look bad, so their mean is a little too bad. An effect
 * that grew too little to be certain is held too low, and one that would have passed too high:
 * `decay`, `grow` and `burst` are other answers. A daily season does not move for the hour.
 *
 * `grow` believes a slope of one standard error, but only of an effect that is two standard errors
 * off the past and leads away from it: the trend of mere noise is no harm, and over an hour it
 * would come to a multiple of the level.
 */

import { ratesOf, own, type SampleColumn, type SeriesName } from "../../engine/index.ts";
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

export const EFFECT_RULES = ["hold", "decay", "grow", "burst"] as const;
export type EffectRule = (typeof EFFECT_RULES)[number];

/** How a deployment's effect is to be continued. */
export interface Effect {
  /** When the effect began; null: it is taken from the last eight samples before the rollback. */
  readonly onsetAtMs: number | null;
  readonly rule: EffectRule | "pass";
}

/** How everything that history cut short may have gone on. */
export interface Futures {
  readonly draws: number;
  readonly seed: number;
  readonly effectOf: (deploymentId: string) => Effect;
  /** What this history says of how good deployments' effects pass. */
  readonly passing: Passing;
  /** Only these are continued, by place in the plan; absent: all that history cut short. */
  readonly only?: ReadonlySet<number>;
}

interface Future extends Effect {
  readonly passing: Passing;
  /** Is it continued by its rates? An effect on a running total would be a reset, or a flood. */
  readonly isCounter: (series: SeriesName) => boolean;
  /** From when on the samples of a series count for its noise. */
  readonly noiseFromMs: (series: SeriesName) => number;
  readonly startedAtMs: number;
  readonly rolledBackAtMs: number;
  readonly untilMs: number;
}

const BLOCK = 8;
/** With fewer samples before the deployment than two blocks there is no noise to draw from. */
const PAST_AT_LEAST = 2 * BLOCK;

/** An effect is growing where its slope is more than so many standard errors. */
const GROWS_AT = 3;
/** Under `grow` a slope of so many standard errors is enough, */
const MAY_GROW_AT = 1;
/** if the effect itself is more than so many off the past. */
const EFFECT_AT = 2;
/** With fewer samples there is no slope: the first one after an onset shows it only in part. */
const SLOPE_FROM = 6;
/** A continued value is at most so many times the level: more is no worse, and may overflow. */
const TIMES_AT_MOST = 1e9;

/**
 * What one series did before history rolled back. All numbers are logarithms where all samples are
 * positive, else they are in the series' own unit.
 */
interface Shape {
  readonly isLog: boolean;
  /** The mean before the deployment, and the residuals about it. */
  readonly level: number;
  readonly residuals: Float64Array;
  /** The mean effect, above the level. */
  readonly effect: number;
  /** By a line through the effect: its value at the last sample, and its slope per sample. */
  readonly lastEffect: number;
  readonly slope: number;
  /** Was it clearly growing when history rolled back, and may it have been? */
  readonly isGrowing: boolean;
  readonly mayGrow: boolean;
  /** The standard error that the slope of mere noise has. */
  readonly slopeError: number;
  /** How many samples the effect is measured by. */
  readonly samples: number;
  /** Under `pass`: how many samples the excursion has lasted; null where none stands. */
  readonly age: number | null;
  readonly stepMs: number;
  /** How long after it was taken a sample becomes known. */
  readonly delayMs: number;
  readonly lastAtMs: number;
  /** Continued values are not below this: zero where no sample was negative, else −Infinity. */
  readonly floor: number;
}

/**
 * The columns, continued; null where none can be, because history acted before the onset or there
 * are too few samples before the deployment.
 *
 * @param columns what was known when history rolled back, ascending in time
 * @param key of the random numbers: the seed, the deployment and the draw
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

/** What a series did; null where there is nothing to continue it by. */
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

/** The index at which an excursion begins that stands at the end; null where none does. */
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
  // `passing` was learned from series as the catalog has them, so it says nothing where the policy
  // takes this one for a counter and the catalog does not, or the other way round.
  const effectAt = effectBy(
    shape,
    rule,
    counts === counter ? own(passing, metric) : undefined,
    key,
  );
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
    // A sample that was due before the rollback and is missing stays missing.
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

/** A function that gives the effect so many samples after the last one that was seen. */
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
    case "burst":
      return (count) => (isOn(count, key) ? 2 * effect : 0);
    case "pass": {
      if (age === null) return halved;
      // The same random numbers for all series of a deployment: what moved together passes so.
      const lasts = stopsAfter(stopping, age, uniform("stops", ...key));
      const rate = fadesBy(shape, uniform("fades", ...key));
      const middle = (samples - 1) / 2;
      return (count) => (count > lasts ? 0 : effect * Math.exp(-rate * (middle + count)));
    }
  }
}

/**
 * Is the effect on, so many samples after the last one that was seen? It comes and goes by blocks,
 * half of the time, so twice as strong it is as large on average as one that is held. All series of
 * a deployment are in breach together.
 */
function isOn(count: number, key: readonly (string | number)[]): boolean {
  return uniform("bursts", Math.floor((count - 1) / BLOCK), ...key) < 0.5;
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

/** The slope by least squares; 0 for a single sample. */
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

/** Standard errors of slope and mean over `n` samples of this noise, autocorrelation included. */
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

/** The values of a counter at these times, if it goes on from its last one by these rates. */
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

/** The median spacing of the last sixty samples, in milliseconds. */
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
