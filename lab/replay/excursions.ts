/**
 * Excursions: times at which a series looks bad although nothing is wrong. How long does one last,
 * and how fast does it fade?
 *
 * An excursion begins with a sample that is three standard deviations off the level of the past.
 * It ends in one of two ways. It stops, when two samples in a row are below half of the mean of
 * its last three. Or it fades, when those three can no longer be told from noise. Stopping is
 * learned from other excursions; one that faded, or whose recording ended, is no evidence of when
 * it would have stopped (competing risks: Prentice et al., Biometrics 34, 1978). Fading is learned
 * from the excursion's own trend.
 *
 * Bias: where history rolled back everything that looked bad for long, nothing is known of long
 * excursions, and those that were seen are taken to be like those that were cut short. Where the
 * noise of a series is as large as half of its excursion, a low sample or two count as a stop.
 */

import type { JsonObject } from "../../engine/index.ts";
import { exponentialQuantile, normalQuantile, normalTail } from "../random.ts";

/** One excursion; `first` and `last` are indices of samples. */
export interface Excursion {
  /** Its first sample, and the last that was seen of it. */
  readonly first: number;
  readonly last: number;
  /** `open`: the samples ended before it did. */
  readonly end: "stopped" | "faded" | "open";
}

/** What was learned of how excursions stop. */
export interface Stopping {
  /** How many were seen to stop. */
  readonly seen: number;
  /** The chance to stop now, by how many samples it has lasted; the first entry is for one. */
  readonly chances: readonly number[];
}

/** How excursions stop, by metric. */
export type Passing = JsonObject<Stopping>;

/** The fixed rule, where nothing was learned: half of an effect is gone after so many samples. */
export const HALF_LIFE_SAMPLES = 10;

/** In standard deviations. */
const BEGINS_AT = 3;
/** As a share of the mean of its last `RECENT` samples. */
const STOPS_BELOW = 0.5;
const RECENT = 3;
/** How many low samples in a row end it: a single one may be noise. */
const STOPS_AFTER = 2;
const FADED_AT = BEGINS_AT / 2;

/** Half of the fixed rule's rate is stopping and half is fading: it is not known which it is. */
const PRIOR_RATE = Math.LN2 / HALF_LIFE_SAMPLES / 2;
/** The fixed rule counts as much as one excursion (unit information: Kass and Wasserman 1995). */
const PRIOR_WEIGHT = 1;

/**
 * The excursions in a run of samples.
 *
 * @param effects how far each sample since a deployment's start is off the level before it
 * @param scale the standard deviation of the noise
 */
export function excursionsOf(effects: readonly number[], scale: number): readonly Excursion[] {
  const found: Excursion[] = [];
  for (let at = 0; at < effects.length; at++) {
    if (!(Math.abs(effects[at]!) > BEGINS_AT * scale)) continue;
    const excursion = excursionAt(effects, scale, at);
    found.push(excursion);
    at = excursion.last;
  }
  return found;
}

function excursionAt(effects: readonly number[], scale: number, first: number): Excursion {
  const sign = Math.sign(effects[first]!);
  let recent = [sign * effects[first]!];
  let last = first;
  for (let at = first + 1; at < effects.length; at++) {
    const effect = sign * effects[at]!;
    if (effect < STOPS_BELOW * meanOf(recent)) {
      if (at - last === STOPS_AFTER) return { first, last, end: "stopped" };
      continue;
    }
    const since = effects.slice(last + 1, at + 1).map((value) => sign * value);
    recent = [...recent, ...since].slice(-RECENT);
    last = at;
    if (meanOf(recent) < FADED_AT * scale) return { first, last, end: "faded" };
  }
  return { first, last, end: "open" };
}

/**
 * Learns how excursions stop. For each length, the chance to stop is the share of those that
 * stopped among those that lasted as long (Kaplan and Meier 1958), with the fixed rule counted as
 * one more of them (a beta process as prior: Hjort, Annals of Statistics 18, 1990).
 */
export function stoppingOf(excursions: readonly Excursion[]): Stopping {
  const stopped: number[] = [];
  const atRisk: number[] = [];
  for (const { first, last, end } of excursions) {
    const length = last - first + 1;
    // Of one that did not stop it is not known whether it would have after its last sample.
    const seen = end === "stopped" ? length : length - 1;
    for (let age = 1; age <= seen; age++) atRisk[age - 1] = (atRisk[age - 1] ?? 0) + 1;
    if (end === "stopped") stopped[length - 1] = (stopped[length - 1] ?? 0) + 1;
  }
  const chances = atRisk.map(
    (count, at) => (PRIOR_WEIGHT * PRIOR_STOPS + (stopped[at] ?? 0)) / (PRIOR_WEIGHT + count),
  );
  return { seen: excursions.filter(({ end }) => end === "stopped").length, chances };
}
const PRIOR_STOPS = 1 - Math.exp(-PRIOR_RATE);

/**
 * How many more samples an excursion lasts that has lasted `age`, unless it fades.
 *
 * @param stopping undefined where nothing was learned
 * @param uniform a random number in [0, 1)
 */
export function stopsAfter(stopping: Stopping | undefined, age: number, uniform: number): number {
  let going = 1;
  for (let more = 0; ; more++) {
    going *= 1 - (stopping?.chances[age + more - 1] ?? PRIOR_STOPS);
    if (going <= uniform) return more;
  }
}

/** How an excursion has moved so far: a straight line by least squares, and its error. */
export interface Trend {
  readonly samples: number;
  readonly effect: number;
  readonly slope: number;
  /** The standard error that the slope of mere noise has. */
  readonly slopeError: number;
}

/** With fewer samples there is no trend: any two points lie on a line. */
const TREND_FROM = 3;
/** Beyond so many standard deviations a normal tail is an exponential (Robert 1995). */
const TAIL_AT = 4;

/**
 * The rate at which an excursion fades, per sample, drawn at random from what its own trend says.
 * The prior of the rate is exponential with the fixed rule's rate as its mean, and its estimate by
 * the trend is normal, so its posterior is normal and cut off at zero: no excursion grows.
 */
export function fadesBy({ samples, effect, slope, slopeError }: Trend, uniform: number): number {
  const error = slopeError / Math.abs(effect);
  if (samples < TREND_FROM || !(error > 0) || !Number.isFinite(error)) {
    return exponentialQuantile(uniform, PRIOR_RATE);
  }
  const middle = -slope / effect - error ** 2 / PRIOR_RATE;
  const cut = -middle / error;
  if (cut > TAIL_AT) return exponentialQuantile(uniform, error / cut);
  return Math.max(0, middle - error * normalQuantile((1 - uniform) * normalTail(cut)));
}

/** A robust standard deviation: 1.4826 times the median size; the plain one where that is 0. */
export function noiseOf(residuals: Float64Array): number {
  const sizes = residuals.map(Math.abs).sort();
  const middle = 1.4826 * sizes[sizes.length >> 1]!;
  return middle > 0 ? middle : Math.sqrt(meanOf(sizes.map((size) => size * size)));
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!;
  return sum / values.length;
}
