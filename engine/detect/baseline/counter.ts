/**
 * Raw counters as rates per second.
 *
 *     rate = (v_t − v_before) / seconds between,   v_t / seconds after a reset
 *
 * `before` is the last sample that is not missing, so after missing scrapes the rate is the
 * average over the gap. A value below the one before is a reset: the counter began again at zero
 * and has grown by at least what it shows, and what it grew by before the restart is lost. That
 * is what Prometheus' `increase` assumes too, without its extrapolation to the ends of a window.
 *
 * A deployment restarts what it replaces, so a reset within two samples of it is expected and
 * says nothing: those samples count as missing. Bias: a rolling restart resets some counters
 * later, which counts as a reset like any other and gives a rate that is too low.
 */

import type { SampleColumn, SeriesName } from "../../event.ts";
import type { SignalPolicy } from "../../policy/policy.ts";
import { firstFrom } from "./columns.ts";

/** Resets this many samples before and after a deployment's start are expected. */
const RESETS_EXPECTED_WITHIN = 2;

/** Why a baseline without a rate says nothing. */
export const NO_RATE_BEFORE = "fewer than two samples of a counter before the deployment: no rate";

/** Where a counter stands: its newest sample, and how many were seen since the deployment. */
export interface CounterState {
  readonly atMs: number;
  readonly value: number;
  readonly taken: number;
}

/** Is the series a raw counter? The signal says so, or else the metric catalog. */
export function isCounter(signal: SignalPolicy, series: SeriesName): boolean {
  return signal.counter ?? series.counter ?? false;
}

/**
 * Rates of the samples from before a deployment; NaN where there is none, as of the first sample.
 *
 * @param atMs ascending
 */
export function ratesBefore(atMs: ArrayLike<number>, values: ArrayLike<number>): Float64Array {
  const rates = new Float64Array(values.length);
  let excusedFrom = values.length;
  for (let left = RESETS_EXPECTED_WITHIN; left > 0 && excusedFrom > 0;) {
    if (Number.isFinite(values[--excusedFrom]!)) left--;
  }
  let before: CounterState | null = null;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    rates[index] = rateOf(before, atMs[index]!, value, index >= excusedFrom);
    if (Number.isFinite(value)) before = { atMs: atMs[index]!, value, taken: 0 };
  }
  return rates;
}

/** Rates of the samples from after a deployment, going on from the state `before` them. */
export function ratesAfter(
  before: CounterState | null,
  atMs: ArrayLike<number>,
  values: ArrayLike<number>,
): Float64Array {
  const rates = new Float64Array(values.length);
  let last = before;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    const taken = last?.taken ?? 0;
    rates[index] = rateOf(last, atMs[index]!, value, taken < RESETS_EXPECTED_WITHIN);
    if (Number.isFinite(value)) last = { atMs: atMs[index]!, value, taken: taken + 1 };
  }
  return rates;
}

/** Rates of samples from before and after a deployment, with its own restart excused. */
export function ratesOf(
  { atMs, values }: Pick<SampleColumn, "atMs" | "values">,
  startedAtMs: number,
): Float64Array {
  const at = Float64Array.from(atMs);
  const all = Float64Array.from(values);
  const cut = firstFrom(at, startedAtMs, 0);
  const [atBefore, before] = [at.subarray(0, cut), all.subarray(0, cut)];
  const rates = new Float64Array(at.length);
  rates.set(ratesBefore(atBefore, before));
  const state = counterAfter(null, atBefore, before, false);
  rates.set(ratesAfter(state, at.subarray(cut), all.subarray(cut)), cut);
  return rates;
}

/** The counter's state after these samples; `since`: are they from after the deployment? */
export function counterAfter(
  before: CounterState | null,
  atMs: ArrayLike<number>,
  values: ArrayLike<number>,
  since: boolean,
): CounterState | null {
  let last = before;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!Number.isFinite(value)) continue;
    last = { atMs: atMs[index]!, value, taken: (last?.taken ?? 0) + (since ? 1 : 0) };
  }
  return last;
}

function rateOf(
  before: CounterState | null,
  atMs: number,
  value: number,
  resetIsExpected: boolean,
): number {
  if (before === null || !Number.isFinite(value)) return Number.NaN;
  const seconds = (atMs - before.atMs) / 1000;
  if (value >= before.value) return (value - before.value) / seconds;
  return resetIsExpected ? Number.NaN : value / seconds;
}
