/**
 * How long what looks bad though nothing is wrong goes on looking so: excursions of one series,
 * the chance that the next sample is the last of one, and how fast one fades.
 *
 * An excursion begins with a sample three standard deviations off the level of the past. It ends
 * in one of two ways. It stops: two samples in a row lie below half of the last three in it. Or it
 * fades, until those three can no longer be told from noise. Stopping is learned from others;
 * that one faded, or that its recording ended, is no evidence of when it would have stopped
 * (competing risks: Prentice et al., Biometrics 34, 1978). Fading is learned from its own trend.
 *
 * Bias: where history rolled back whatever looked bad for long, nothing is known of long ones, and
 * what is left to learn from is taken to be like what was cut short. A drop of a series that is
 * noise to half of it counts as a stop.
 */

import { exponentialQuantile, normalQuantile } from "../random.ts";

/** Lengths and places in samples. */
export interface Excursion {
  /** Where it begins, and the last sample in it that was seen. */
  readonly first: number;
  readonly last: number;
  /** `open`: it was seen to its last sample, and not to its end. */
  readonly end: "stopped" | "faded" | "open";
}

/** What was seen of how excursions stop. */
export interface Stopping {
  /** So many were seen to. */
  readonly seen: number;
  /** The chance to stop of one that has lasted so many samples; one is at place 0. */
  readonly chances: readonly number[];
}

/** By metric. */
export type Passing = Readonly<Record<string, Stopping>>;

/** Where nothing was seen, half of what looks bad is over after so many samples. */
export const HALF_LIFE_SAMPLES = 10;

const BEGINS_AT = 3;
const STOPS_BELOW = 0.5;
/** One quiet sample may be noise on something that goes on. */
const STOPS_AFTER = 2;
const RECENT = 3;
const FADED_AT = BEGINS_AT / 2;

/** Half of the fixed rule is stopping and half is fading, as nobody knows which it is. */
const PRIOR_RATE = Math.LN2 / HALF_LIFE_SAMPLES / 2;
/** The rule counts as much as one excursion: the unit information of Kass and Wasserman 1995. */
const PRIOR_WEIGHT = 1;

/**
 * @param effects how far finite samples since a deployment's start are off the level before it
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
 * The chance of stopping after so many samples, of those that lasted as long: Kaplan and Meier's
 * (1958), with a beta process as its prior (Hjort, Annals of Statistics 18, 1990): that many
 * stopped of that many at risk, and the fixed rule as one more of them.
 */
export function stoppingOf(excursions: readonly Excursion[]): Stopping {
  const stopped: number[] = [];
  const atRisk: number[] = [];
  for (const { first, last, end } of excursions) {
    const length = last - first + 1;
    // Whether it would have stopped after its last sample only one that stopped can say.
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
 * How many more samples one of `age` samples lasts, unless it fades.
 *
 * @param stopping undefined where nobody looked
 */
export function stopsAfter(stopping: Stopping | undefined, age: number, uniform: number): number {
  let going = 1;
  for (let more = 0; ; more++) {
    going *= 1 - (stopping?.chances[age + more - 1] ?? PRIOR_STOPS);
    if (going <= uniform) return more;
  }
}

/** How an excursion has moved so far: by least squares, and how sure that is. */
export interface Trend {
  readonly samples: number;
  readonly effect: number;
  readonly slope: number;
  /** The standard error of the slope were there only noise. */
  readonly slopeError: number;
}

/** Two points lie on a line whatever they are. */
const TREND_FROM = 3;
/** Beyond so many standard deviations a normal tail is an exponential (Robert 1995). */
const TAIL_AT = 4;

/**
 * By which share an excursion fades from sample to sample, drawn from what its own trend says of
 * it: the rate is exponential with the fixed rule's as its mean before anything is seen, its
 * estimate is normal, and so it is normal after that, cut at zero: nothing grows here.
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

/** The chance of more than `z`: Abramowitz and Stegun 26.2.17, to 1e-7. */
function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const sum =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

/** A standard deviation that bursts do not widen: 1.4826 median distances, else the plain one. */
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
