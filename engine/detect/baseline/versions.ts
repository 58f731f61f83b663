/**
 * The old version of a service beside the new one, while a rollout lasts.
 *
 * A new version has no past, so its baseline is the past of the version that served before it, and
 * it is compared with that version at the same instants, because whatever happens to both is not
 * the deployment's doing:
 *
 *     d = r(new) − r(old)
 *
 * with both residuals about the old version's baseline. So the level of the old version cancels,
 * and with it the season, the traffic and every shock that both feel. Nothing is judged about the
 * old version itself: it loses its traffic stage by stage, and then it ends.
 *
 * How far d varies cannot be known before there are two versions. It is estimated while they serve
 * side by side, from the steps between successive differences, because a level that shifts makes
 * only one large step:
 *
 *     σ² = (n₀σ₀² + Σ step²/2/(1−φ)) / (n₀ + n),   times 1 + 5/(n₀+n)^1.3
 *
 * beginning from the old version's own spread σ₀ as if n₀ = 2 steps had shown it. The last factor
 * is what few degrees of freedom cost. The autocorrelation φ follows from steps over two samples,
 * whose squares are 1+φ times as large. Only steps before a sample count for it, and older ones are
 * forgotten after thirty, because the noise of a stage is that of its share of the traffic. The
 * largest tenth of the steps is left out: it holds the one with which harm begins.
 *
 * What comes after the old version is gone is no comparison. A signal with `control: versions` does
 * not judge it, once ten pairs were compared: it would be before and after across a stage of the
 * rollout. Every other signal goes on with the old version's past. To carry its last residuals on
 * made 42 false alarms of 34 (seeds 101 and 102 of the canary world, policy `default`). Biases:
 * harm that begins after the rollout is not seen by the first, and what then changes for everybody
 * is the new version's for the others. Harm that comes and goes from sample to sample widens σ, and
 * is found later.
 *
 * Counts of events are compared by their rates: the requests of the new version count for as many
 * more as the old one fails more often now than it did before the deployment, never for fewer.
 */

import type { SampleColumn } from "../../event.ts";
import type { Controlled, ControlledAt } from "./control.ts";
import { newestIn } from "./oldVersion.ts";
import { SMOOTHING } from "./readings.ts";
import type { SignalPolicy } from "../../policy/policy.ts";
import type { Counts } from "../detectors/contract.ts";
import { normalQuantile } from "../detectors/normal.ts";
import { observe, type Baseline } from "./residual.ts";

/** So many steps the old version's own spread counts for. */
const PRIOR_STEPS = 2;
/** So many steps are remembered. */
const STEPS_REMEMBERED = 30;
/** The share of the largest steps that is left out. */
const TRIMMED = 0.1;
/**
 * The autocorrelation of differences that is assumed at first, as if so many steps had shown it,
 */
export const BESIDE_PHI = 0.3;
const PHI_STEPS = 8;
/** and the most that is allowed for. */
const PHI_AT_MOST = 0.8;

/** Where the comparison of one series stands; plain data. */
export interface Beside {
  /** The newest differences, the oldest first. */
  readonly differences: readonly number[];
  /** Of counts: recent events and requests of the old version. */
  readonly events: number;
  readonly requests: number;
}

export const NOTHING_BESIDE: Beside = { differences: [], events: 0, requests: 0 };

/** What the old version explained of a column, and the spread of what is left of each sample. */
export interface Compared {
  readonly controlled: Controlled;
  /** How many times wider than the baseline's spread the residual is. */
  readonly widths: Float64Array;
  readonly beside: Beside;
}

/** By how much autocorrelation widens the variance of a mean of many. */
const inflation = (phi: number): number => (1 + phi) / (1 - phi);

/**
 * The spread of differences by those seen so far, in which an autocorrelation beyond the assumed
 * one is part of the spread.
 */
function spreadOf({ spread }: Baseline, { differences }: Beside): number {
  const single = stepsOver(differences, 1);
  const double = stepsOver(differences, 2);
  const assumed = PHI_STEPS * single.variance;
  const seen = double.steps * double.variance + (1 + BESIDE_PHI) * assumed;
  const ratio = seen / (double.steps * single.variance + assumed);
  const phi = Math.max(0, Math.min(PHI_AT_MOST, Number.isFinite(ratio) ? ratio - 1 : BESIDE_PHI));
  const known = PRIOR_STEPS + single.steps;
  const sum = PRIOR_STEPS * spread * spread + (single.steps * single.variance) / (1 - phi);
  const wider = Math.max(1, inflation(phi) / inflation(BESIDE_PHI));
  return Math.sqrt((sum / known) * wider) * (1 + 5 / Math.pow(known, 1.3));
}

/**
 * Half the mean square of steps over so many samples, without the largest tenth of them: a level
 * that shifts makes as many large ones as the step is long. What a normal distribution loses by
 * that is put back.
 */
function stepsOver(
  differences: readonly number[],
  apart: number,
): { readonly steps: number; readonly variance: number } {
  const squares = differences
    .slice(apart)
    .map((difference, index) => (difference - differences[index]!) ** 2 / 2)
    .sort((a, b) => a - b);
  const steps = squares.length - Math.max(apart, Math.ceil(TRIMMED * squares.length));
  if (steps <= 0) return { steps: 0, variance: 0 };
  const z = normalQuantile(1 - (1 - steps / squares.length) / 2);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const kept = 1 - (2 * z * density * squares.length) / steps;
  let sum = 0;
  for (let index = 0; index < steps; index++) sum += squares[index]!;
  return { steps, variance: sum / steps / kept };
}

/**
 * Subtracts the old version's residuals at the same instants from `residuals`, in place.
 *
 * @param least the least spread of a difference
 * @param before what was explained at the newest sample before these; null where there is none
 */
export function subtractOld(
  old: SampleColumn,
  baseline: Baseline,
  column: SampleColumn,
  residuals: Float64Array,
  least: number,
  before: ControlledAt | null,
  standing: Beside,
): Compared {
  const { length } = residuals;
  const controlled: Controlled = {
    peers: new Uint8Array(length),
    uncontrolled: new Float64Array(length),
    shift: new Float64Array(length),
    spreads: new Float64Array(length),
  };
  const widths = new Float64Array(length).fill(1);
  const partner = partnerOf(old, baseline);
  // Detectors allow for the autocorrelation of differences; that of the past may be higher.
  const more = inflation(baseline.autocorrelation) / inflation(BESIDE_PHI);
  const past = baseline.spread * Math.sqrt(Math.max(1, more));
  let beside = standing;
  let { peers, uncontrolled, shift, spreads } = before ?? NOTHING_YET;
  for (let index = 0; index < length; index++) {
    const residual = residuals[index]!;
    if (!Number.isNaN(residual)) {
      uncontrolled = Number.isNaN(uncontrolled)
        ? residual
        : uncontrolled + SMOOTHING * (residual - uncontrolled);
      const other = partner(column.atMs[index]!, column.knownAtMs[index]!);
      peers = other === null ? 0 : 1;
      const explained = other ?? 0;
      const left = residual - explained;
      const isBeside = other !== null;
      const spread = isBeside ? Math.max(least, spreadOf(baseline, beside)) : past;
      widths[index] = spread / baseline.spread;
      shift = explained;
      spreads = explained / spread;
      residuals[index] = left;
      if (isBeside) beside = withDifference(beside, left);
    }
    controlled.peers[index] = peers;
    controlled.uncontrolled[index] = uncontrolled;
    controlled.shift[index] = shift;
    controlled.spreads[index] = spreads;
  }
  return { controlled, widths, beside };
}

const NOTHING_YET: ControlledAt = {
  peers: 0,
  uncontrolled: Number.NaN,
  shift: Number.NaN,
  spreads: Number.NaN,
};

function withDifference(beside: Beside, difference: number): Beside {
  const differences = [...beside.differences.slice(-STEPS_REMEMBERED), difference];
  return { ...beside, differences };
}

/**
 * A function that gives the residual of the old version at one moment: its newest valid sample
 * that was known then and is less than two steps old. Null where it has none. It must be asked for
 * moments that ascend in both times.
 */
function partnerOf(
  old: SampleColumn,
  baseline: Baseline,
): (atMs: number, knownAtMs: number) => number | null {
  const residuals = observe(baseline, old.atMs, old.values);
  const newest = newestIn(old, 2 * (baseline.stepMs ?? 0), (at) => !Number.isNaN(residuals[at]!));
  return (atMs, knownAtMs) => {
    const at = newest(atMs, knownAtMs);
    return at < 0 ? null : residuals[at]!;
  };
}

/** So many events of the old version at its rate from before count as seen already. */
const PRIOR_EVENTS = 3;
/** What one sample adds is forgotten after about so many. */
const SAMPLES_REMEMBERED = 10;

/** A rate, as if a few events at the usual one had been seen as well. */
function shrunk(events: number, requests: number, usual: number): number {
  return (events + PRIOR_EVENTS) / (requests + PRIOR_EVENTS / usual);
}

/**
 * How many times as many events the old version has at each sample of the new one as it had before
 * the deployment, and at least once where more of them are harm. So it can excuse, never accuse.
 *
 * @param counts events and requests of the old version's samples
 */
export function timesOfOld(
  { worse }: SignalPolicy,
  old: SampleColumn,
  counts: Counts,
  baseline: Baseline,
  column: SampleColumn,
  standing: Beside,
): { readonly times: Float64Array; readonly beside: Beside; readonly paired: Uint8Array } {
  const { rate } = baseline;
  const paired = new Uint8Array(column.atMs.length);
  const times = new Float64Array(column.atMs.length).fill(1);
  if (rate === undefined) return { times, beside: standing, paired };
  const usual = (rate.events + 0.5) / rate.requests;
  const harm = worse === "both" ? "both" : (worse === "up") === rate.opposite ? "fewer" : "more";
  const isUsable = (at: number): boolean => !Number.isNaN(counts.events[at]!);
  const newest = newestIn(old, 2 * (baseline.stepMs ?? 0), isUsable);
  let { events: seen, requests: of } = standing;
  const kept = 1 - 1 / SAMPLES_REMEMBERED;
  for (let index = 0; index < times.length; index++) {
    const at = newest(column.atMs[index]!, column.knownAtMs[index]!);
    let newly = 1;
    if (at >= 0) {
      paired[index] = 1;
      seen = kept * seen + counts.events[at]!;
      of = kept * of + counts.requests[at]!;
      newly = shrunk(counts.events[at]!, counts.requests[at]!, usual) / usual;
    }
    const mean = shrunk(seen, of, usual) / usual;
    // The mean is late where both begin to fail at once, and one sample is little to go by.
    if (harm === "more") times[index] = Math.max(1, mean, newly);
    else times[index] = harm === "fewer" ? Math.min(1, mean, newly) : mean;
  }
  return { times, beside: { ...standing, events: seen, requests: of }, paired };
}
