/**
 * Signals that count: how many events in how many requests, before a deployment and after.
 *
 * A sample without a request, or with an unknown number of requests, counts as missing, and the
 * reason names why. Where the metric is a ratio, the rarer side is counted: of a success rate near
 * one the failures, because their number is nearly Poisson and that of the successes is not.
 * Tolerances stay those of the metric.
 */

import type { SampleColumn, SeriesName } from "../../event.ts";
import type { CountSettings, SignalPolicy } from "../../policy/policy.ts";
import type { Counts, EventRate } from "../detectors/contract.ts";
import type { Behind } from "./exposure.ts";
import { gammaQuantile } from "./gamma.ts";
import { BASELINE_FOR_HEALTH, medianStep } from "./baselineLength.ts";
import { type Baseline } from "./residual.ts";
import { LEANS, standsApart } from "./excursion.ts";
import { APART, ongoingFrom, reachedBy } from "./ongoing.ts";
import { lagOneAutocorrelation, settledIn } from "./scale.ts";

/** The confidence of each bound of the baseline's rate. */
const RATE_CONFIDENCE = 0.995;
/** A dispersion above this comes from an incident in the baseline, not from how errors come. */
const DISPERSION_AT_MOST = 20;
/** The least dispersion that is assumed where the history is too short to measure it. */
const SHORT_DISPERSION = 3;
/** The effect in a record is smoothed over about as many samples as hold so many events. */
const EVENTS_IN_EFFECT = 10;
const SMOOTHING = { atMost: 0.4, atLeast: 0.02 };

/** Why a sample is missing: not taken, no request behind it, or an unknown number of them. */
export type Gap = "missing" | "noTraffic" | "noExposure";
const GAPS: readonly Gap[] = ["missing", "noTraffic", "noExposure"];

/** What a signal that counts has seen since the deployment. */
export interface Traffic {
  readonly requests: number;
  readonly noTraffic: number;
  readonly noExposure: number;
  /** Smoothed events and requests of a sample. */
  readonly smoothEvents: number;
  readonly smoothRequests: number;
}

/** One column read as counts. */
export interface CountedColumn {
  readonly residuals: Float64Array;
  readonly smooth: Float64Array;
  readonly counts: Counts;
  readonly traffic: Traffic;
  /** Why a sample says nothing, as an index into `GAPS`; 255 where it says something. */
  readonly gaps: Uint8Array;
}

const NO_GAP = 255;

/** Why the sample of this index is missing; null where it is valid. */
export function gapAt({ gaps }: CountedColumn, index: number): Gap | null {
  return GAPS[gaps[index]!] ?? null;
}

/** How a signal turns samples of one series into counts. */
interface Reading {
  readonly settings: CountSettings;
  readonly counter: boolean;
  readonly whole: number;
  readonly stepMs: number;
  readonly opposite: boolean;
}

function countColumn(
  { settings, counter, whole, stepMs, opposite }: Reading,
  values: ArrayLike<number>,
  { requests: behind, perMs }: Behind,
): { readonly counts: Counts; readonly gaps: Uint8Array } {
  const events = new Float64Array(values.length);
  const requests = new Float64Array(values.length);
  const gaps = new Uint8Array(values.length).fill(NO_GAP);
  for (let index = 0; index < events.length; index++) {
    const value = values[index]!;
    const exposed = perMs === null ? behind[index]! : (behind[index]! * stepMs) / perMs;
    const gap: Gap | null =
      exposed <= 0
        ? "noTraffic"
        : !(Number.isFinite(value) && value >= 0)
          ? "missing"
          : Number.isNaN(exposed)
            ? "noExposure"
            : null;
    if (gap !== null) {
      gaps[index] = GAPS.indexOf(gap);
      events[index] = requests[index] = Number.NaN;
      continue;
    }
    requests[index] = exposed;
    if (counter) events[index] = (value * stepMs) / 1000;
    else if (settings.reads === "count") events[index] = value;
    else {
      const ratio = Math.min(1, value / whole);
      events[index] = (opposite ? 1 - ratio : ratio) * exposed;
    }
  }
  return { counts: { events, requests }, gaps };
}

/**
 * The baseline of a signal that counts: the rate of its events before the deployment.
 *
 * @param counter is the series a raw counter? Then `values` are its rates per second
 * @param behind the requests behind each sample
 */
export function observeRate(
  signal: SignalPolicy,
  settings: CountSettings,
  series: SeriesName,
  counter: boolean,
  atMs: ArrayLike<number>,
  values: ArrayLike<number>,
  behind: Behind,
): Baseline {
  const relative = signal.tolerance.kind === "relative";
  const whole = 100 * series.percentagePoint;
  const stepMs = atMs.length < 2 ? null : medianStep(atMs, atMs.length);
  const reading = { settings, counter, whole, stepMs: stepMs ?? 0 };
  const isRatio = !counter && settings.reads === "ratio";
  let { counts, gaps } = countColumn({ ...reading, opposite: false }, values, behind);
  let sums = sumsOf(counts);
  const opposite = isRatio && sums.events > sums.requests / 2;
  if (opposite) {
    ({ counts, gaps } = countColumn({ ...reading, opposite }, values, behind));
    sums = sumsOf(counts);
  }
  const lasting = ongoingOf(counts, sums);
  const incident = lasting === null ? null : sumsOf(lasting.incident);
  counts = lasting === null ? counts : lasting.rest;
  sums = lasting === null ? sums : sumsOf(counts);
  counts = withoutIncident(counts, sums);
  sums = sumsOf(counts);
  const { samples } = sums;
  const transform = relative ? "log" : "identity";
  const noSeason = { season: null, seasonLeftOut: null, seasonLevel: 0 } as const;
  const plain = { transform, offset: 0, samples, stepMs, ...noSeason } as const;
  if (samples === 0) {
    return {
      ...{ ...plain, level: 0, spread: 1, scale: 1, autocorrelation: 0 },
      ...{ residuals: new Float64Array(0), problem: problemOf(signal, gaps) },
    };
  }
  const counted = rateOf(sums);
  const { dispersion, autocorrelation } = dispersionOf(counts, sums);
  const rate: EventRate = {
    ...{ events: sums.events, requests: sums.requests, dispersion, opposite, relative, whole },
    low: boundOf(1 - RATE_CONFIDENCE, sums.events / dispersion, sums.requests / dispersion),
    high: boundOf(RATE_CONFIDENCE, sums.events / dispersion + 1, sums.requests / dispersion),
  };
  const level = (opposite ? Math.max(0, 1 - counted) : counted) * whole;
  const each = sums.requests / samples;
  const deviation = whole * Math.sqrt((counted * dispersion) / each);
  const spread = relative ? deviation / Math.max(level, Number.MIN_VALUE) : deviation;
  const baseline: Baseline = {
    ...{ ...plain, level: relative ? Math.log(level) : level, spread, scale: spread },
    ...{ autocorrelation, residuals: new Float64Array(0), problem: null, rate },
  };
  if (incident === null) return baseline;
  const residual = effectOf(baseline, rate, rateOf(incident));
  const sinceMs = atMs[lasting!.from]!;
  return { ...baseline, ongoing: { residual, sinceMs, samples: incident.samples } };
}

/** The bound of a rate by a gamma quantile (see gamma.ts): `shape` events in so many requests. */
function boundOf(probability: number, shape: number, requests: number): number {
  return gammaQuantile(probability, shape) / requests;
}

interface Sums {
  readonly events: number;
  readonly requests: number;
  readonly samples: number;
}

/** The rate with half an event added, because nothing changes relative to a rate of zero. */
function rateOf({ events, requests }: Sums): number {
  return (events + 0.5) / requests;
}

function sumsOf(counts: Counts): Sums {
  let events = 0;
  let requests = 0;
  let samples = 0;
  for (let index = 0; index < counts.events.length; index++) {
    if (Number.isNaN(counts.events[index]!)) continue;
    events += counts.events[index]!;
    requests += counts.requests[index]!;
    samples++;
  }
  return { events, requests, samples };
}

/**
 * The counts without those of an incident that was over before the deployment (excursion.ts). A
 * rate is a mean, and one bad minute in four would make most of it.
 */
function withoutIncident(counts: Counts, sums: Sums): Counts {
  if (sums.samples < BASELINE_FOR_HEALTH) return counts;
  const { residuals, autocorrelation } = pearsonOf(counts, sums);
  if (autocorrelation < LEANS) return counts;
  const settled = settledIn(residuals, residuals.slice(), 0);
  if (settled === null) return counts;
  const { from, to } = settled.excursion;
  const events = counts.events.slice();
  let valid = 0;
  for (let index = 0; index < events.length; index++) {
    if (Number.isNaN(events[index]!)) continue;
    if (valid >= from && valid < to) events[index] = Number.NaN;
    valid++;
  }
  const rest = { ...counts, events };
  const restSums = sumsOf(rest);
  // The residuals are in deviations of a Poisson count at the rate of all samples. At the lower
  // rate without the incident a deviation is smaller by this factor.
  const poisson = Math.sqrt(rateOf(restSums) / rateOf(sums));
  const isApart = standsApart(settled.excursion, settled.level, poisson);
  return isApart && restSums.samples >= BASELINE_FOR_HEALTH ? rest : counts;
}

/** The counts of an incident that lasts to the end of the baseline (ongoing.ts), and the rest. */
interface LastingCounts {
  readonly rest: Counts;
  readonly incident: Counts;
  /** The index of its first sample. */
  readonly from: number;
}

/** The counts in two, where an incident lasts to their end; null where none does. */
function ongoingOf(counts: Counts, sums: Sums): LastingCounts | null {
  if (sums.samples < BASELINE_FOR_HEALTH) return null;
  const { residuals } = pearsonOf(counts, sums);
  const begins = ongoingFrom(residuals, residuals.slice(), 0);
  if (begins === null) return null;
  let from = 0;
  for (let valid = 0; Number.isNaN(counts.events[from]!) || valid < begins; from++) {
    if (!Number.isNaN(counts.events[from]!)) valid++;
  }
  const { events, requests } = counts;
  const rest = { events: events.subarray(0, from), requests: requests.subarray(0, from) };
  const incident = { events: events.subarray(from), requests: requests.subarray(from) };
  const restSums = sumsOf(rest);
  if (restSums.samples < BASELINE_FOR_HEALTH) return null;
  // As in `withoutIncident`: in deviations of a Poisson count at the rate without the incident.
  const poisson = Math.sqrt(rateOf(restSums) / rateOf(sums));
  const level = (rateOf(restSums) / rateOf(sums) - 1) * Math.sqrt(sums.events / sums.samples);
  const reached = reachedBy(residuals.subarray(begins));
  return Math.abs(reached - level) >= APART * poisson ? { rest, incident, from } : null;
}

interface Pearson {
  /** Of every sample that says something, in standard deviations of a Poisson count. */
  readonly residuals: Float64Array;
  /** Their mean square, over its degrees of freedom. */
  readonly statistic: number;
  readonly autocorrelation: number;
}

/** Pearson residuals of the counts, which allow for samples with unequal numbers of requests. */
function pearsonOf(counts: Counts, { events, requests, samples }: Sums): Pearson {
  const rate = events / requests;
  const residuals = new Float64Array(samples);
  let squares = 0;
  let next = 0;
  for (let index = 0; index < counts.events.length; index++) {
    const seen = counts.events[index]!;
    if (Number.isNaN(seen)) continue;
    const expected = rate * counts.requests[index]!;
    const residual = expected === 0 ? 0 : (seen - expected) / Math.sqrt(expected);
    residuals[next++] = residual;
    squares += residual * residual;
  }
  const statistic = samples < 2 ? 1 : squares / (samples - 1);
  const isShort = samples < BASELINE_FOR_HEALTH;
  const autocorrelation = isShort ? 0 : lagOneAutocorrelation(residuals, Math.sqrt(statistic));
  return { residuals, statistic, autocorrelation };
}

/**
 * Pearson's statistic times (1+φ)/(1−φ), with φ the autocorrelation of the residuals: bursts
 * that last for several samples make counts vary more.
 */
function dispersionOf(
  counts: Counts,
  sums: Sums,
): { readonly dispersion: number; readonly autocorrelation: number } {
  const { statistic, autocorrelation } = pearsonOf(counts, sums);
  const inflated = (statistic * (1 + autocorrelation)) / (1 - autocorrelation);
  const least = sums.samples < BASELINE_FOR_HEALTH ? SHORT_DISPERSION : 1;
  return {
    dispersion: Math.min(DISPERSION_AT_MOST, Math.max(least, inflated)),
    autocorrelation,
  };
}

/** Why there is no rate before the deployment. */
function problemOf(signal: SignalPolicy, gaps: Uint8Array): string {
  const has = (gap: Gap): boolean => gaps.includes(GAPS.indexOf(gap));
  if (has("noTraffic")) return "no request before the deployment: no rate";
  if (has("noExposure")) return `no sample of ${exposureName(signal)} before the deployment`;
  return "no sample before the deployment";
}

/** What a reason calls the exposure of a signal. */
export function exposureName({ exposure }: SignalPolicy): string {
  return exposure?.kind === "metric" ? exposure.metric : "its exposure";
}

/** The events and requests of a column of another version, counted as the baseline counts. */
export function countsBeside(
  settings: CountSettings,
  baseline: Baseline,
  column: SampleColumn,
  behind: Behind,
): Counts {
  const { rate, stepMs } = baseline;
  const whole = rate?.whole ?? 100 * column.series.percentagePoint;
  const reading = { settings, counter: false, whole, stepMs: stepMs ?? 0 };
  return countColumn({ ...reading, opposite: rate?.opposite ?? false }, column.values, behind)
    .counts;
}

/**
 * The samples of a watch as counts, going on from the state `before` them.
 *
 * @param times how many times as much each request counts; null where once
 */
export function readCounts(
  settings: CountSettings,
  before: Traffic | null,
  baseline: Baseline,
  counter: boolean,
  column: SampleColumn,
  behind: Behind,
  times: ArrayLike<number> | null,
): CountedColumn {
  const { rate, stepMs } = baseline;
  const whole = rate?.whole ?? 100 * column.series.percentagePoint;
  const opposite = rate?.opposite ?? false;
  const reading = { settings, counter, whole, stepMs: stepMs ?? 0, opposite };
  const { counts, gaps } = countColumn(reading, column.values, behind);
  if (times !== null) {
    for (let index = 0; index < gaps.length; index++) counts.requests[index]! *= times[index]!;
  }
  const residuals = new Float64Array(gaps.length);
  const smooth = new Float64Array(gaps.length);
  const traffic = before === null ? startTraffic(rate, baseline.samples) : { ...before };
  let effect = Number.NaN;
  for (let index = 0; index < gaps.length; index++) {
    const gap = GAPS[gaps[index]!] ?? null;
    if (gap !== null) {
      residuals[index] = Number.NaN;
      smooth[index] = effect;
      if (gap !== "missing") traffic[gap]++;
      continue;
    }
    const requests = counts.requests[index]!;
    traffic.requests += requests;
    if (rate !== undefined) {
      const expected = ((rate.events + 0.5) / rate.requests) * requests;
      const weight = Math.min(
        SMOOTHING.atMost,
        Math.max(SMOOTHING.atLeast, expected / EVENTS_IN_EFFECT),
      );
      traffic.smoothEvents += weight * (counts.events[index]! - traffic.smoothEvents);
      traffic.smoothRequests += weight * (requests - traffic.smoothRequests);
      residuals[index] = effectOf(baseline, rate, counts.events[index]! / requests);
      effect = effectOf(baseline, rate, traffic.smoothEvents / traffic.smoothRequests);
    } else effect = 0;
    smooth[index] = effect;
  }
  return { residuals, smooth, counts, traffic, gaps };
}

/** The smoothed effect begins at what was expected, so a first sample alone does not set it. */
function startTraffic(
  rate: EventRate | undefined,
  samples: number,
): { -readonly [Field in keyof Traffic]: Traffic[Field] } {
  return {
    ...{ requests: 0, noTraffic: 0, noExposure: 0 },
    smoothEvents: rate === undefined ? 0 : (rate.events + 0.5) / samples,
    smoothRequests: rate === undefined ? 0 : rate.requests / samples,
  };
}

/** A rate of the counted events as a residual of the metric. */
function effectOf(baseline: Baseline, rate: EventRate, counted: number): number {
  const value = Math.max(0, rate.opposite ? 1 - counted : counted) * rate.whole;
  if (!rate.relative) return value - baseline.level;
  // Zero has no logarithm, so a thousandth of the level is added to both sides.
  return Math.log(value / Math.exp(baseline.level) + 0.001) - Math.log(1.001);
}
