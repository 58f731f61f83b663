/**
 * What unexposed peers explain of a series after a deployment (peers.ts says who the peers are),
 * and so is subtracted from its residuals. There are two cases.
 *
 * The series moved with its peers before the deployment (β > 0), and they move no further now
 * than they did then: β times their median residual is subtracted.
 *
 * In every other case only a shock is subtracted. There is one when the median of the n peers'
 * residuals, each in spreads of its own, is beyond 3.76/√n, three standard errors of a median.
 * The shock is measured in the residual's unit and in spreads, by the newest medians or their
 * smoothed mean, whichever is further. Of the two the smaller is subtracted, and at most as much
 * as the series itself has moved. So a shock can excuse a series and never accuse it.
 *
 * Biases: a service that feels a shock more than its peers keeps the rest of it, and during a
 * shock a real change must be about a third of a spread larger to be found as soon.
 */

import {
  seriesKey,
  type PreparedContext,
  type SampleColumn,
  type SeriesName,
} from "../../event.ts";
import type { Policy, SignalPolicy } from "../../policy/policy.ts";
import { append, firstAfter, firstFrom, inOrder, knownFrom } from "./columns.ts";
import { controlKey, lookAt, PEERS_AT_LEAST, type PeerControl, type PeerLook } from "./peers.ts";
import { SMOOTHING } from "./readings.ts";
import { withoutExplained, type Baseline } from "./residual.ts";
import type { WatchState } from "../watch.ts";

/** Three standard errors of a median of n, times √n: 3 × √(π/2). */
const SHOCK = 3.76;
/** Peers move as usual while their median is within so many of their own deviations, */
const WANDER = 3;
/** and its smoothed mean within so many. */
const WANDER_FOR_LONG = 1.5;

/**
 * A shock in spreads counts this much more than in the residual's unit, because each of the two
 * spreads it compares is estimated from an hour and may be off by a quarter.
 */
const SPREADS_DIFFER = 1.5;

/** Another service was deployed, and is no peer of anybody from then on. */
export interface Departure {
  readonly service: string;
  readonly atMs: number;
  readonly knownAtMs: number;
}

/** The peers of one series, with their samples since the deployment. */
export interface PeersControl {
  readonly kind: "peers";
  readonly prepared: PeerControl;
  readonly columns: readonly (SampleColumn | undefined)[];
  readonly departures: readonly Departure[];
}

/** What peers explained at one sample. */
export interface ControlledAt {
  /** How many peers counted. */
  readonly peers: number;
  /** The smoothed residual of the series, had nothing been subtracted. */
  readonly uncontrolled: number;
  /** The peers' median residual, in the residual's unit and in their spreads, smoothed. */
  readonly shift: number;
  readonly spreads: number;
}

/** What peers explained at every sample; see `ControlledAt`. */
export interface Controlled {
  readonly peers: Uint8Array;
  readonly uncontrolled: Float64Array;
  readonly shift: Float64Array;
  readonly spreads: Float64Array;
}

/** What peers explained at one sample; null where no peers are asked or no sample came yet. */
export function controlledAt(controlled: Controlled | null, index: number): ControlledAt | null {
  if (controlled === null || Number.isNaN(controlled.uncontrolled[index]!)) return null;
  return {
    peers: controlled.peers[index]!,
    uncontrolled: controlled.uncontrolled[index]!,
    shift: controlled.shift[index]!,
    spreads: controlled.spreads[index]!,
  };
}

/** The peers that the host prepared for a series; null where the policy does not ask for any. */
export function preparedControl(
  signal: SignalPolicy,
  context: PreparedContext | null,
  series: SeriesName,
): PeerControl | null {
  if (signal.control !== "peers") return null;
  return context?.controls?.get(controlKey(seriesKey(series), signal)) ?? null;
}

/** The peers of a series with their samples so far; null where it has none. */
export function peersControlOf(
  signal: SignalPolicy,
  { context, peers, departures }: WatchState,
  series: SeriesName,
): PeersControl | null {
  const prepared = preparedControl(signal, context, series);
  if (prepared === null) return null;
  const columns = prepared.peers.map((one) => peers.get(one.series));
  return { kind: "peers", prepared, columns, departures };
}

/** Does any signal ask for peers? */
export function asksForPeers({ signals }: Policy): boolean {
  return signals.some(({ control }) => control !== undefined);
}

/** The watch with those samples kept that are of prepared peers and from after the deployment. */
export function keepPeers(
  policy: Policy,
  watch: WatchState,
  columns: readonly SampleColumn[],
): WatchState {
  const controls = watch.context?.controls;
  if (controls === undefined || !asksForPeers(policy)) return watch;
  const wanted = new Set(
    [...controls.values()].flatMap(({ peers }) => peers.map(({ series }) => series)),
  );
  const { startedAtMs } = watch.deployment;
  const kept = new Map(watch.peers);
  for (const column of columns) {
    const key = seriesKey(column.series);
    if (!wanted.has(key)) continue;
    const before = kept.get(key);
    const newest = before?.atMs[before.atMs.length - 1] ?? Number.NEGATIVE_INFINITY;
    const ordered = inOrder(column, newest);
    const knownAtMs = knownFrom(ordered.knownAtMs, startedAtMs, watch.knownAtMs);
    const from = firstFrom(ordered.atMs, startedAtMs, 0);
    const end = firstAfter(knownAtMs, watch.endsAtMs, from);
    if (end === from) continue;
    kept.set(key, {
      series: column.series,
      atMs: append(before?.atMs ?? [], ordered.atMs, from, end),
      knownAtMs: append(before?.knownAtMs ?? [], knownAtMs, from, end),
      values: append(before?.values ?? [], ordered.values, from, end),
    });
  }
  return { ...watch, peers: kept };
}

/** The baseline of what is left when what moved with the peers is subtracted. */
export function controlledBaseline(
  baseline: Baseline,
  finiteAtMs: ArrayLike<number>,
  control: PeerControl | null,
  percentagePoint: number,
): Baseline {
  if (control === null || control.beta === 0 || baseline.problem !== null) return baseline;
  const { atMs, medians } = control.before;
  const explained = new Float64Array(finiteAtMs.length);
  let at = 0;
  for (let index = 0; index < explained.length; index++) {
    while (at < atMs.length && atMs[at]! < finiteAtMs[index]!) at++;
    if (atMs[at] === finiteAtMs[index]) explained[index] = control.beta * medians[at]!;
  }
  return withoutExplained(baseline, finiteAtMs, explained, percentagePoint);
}

/**
 * Subtracts what the peers explain from `residuals`, in place.
 *
 * @param before what peers explained at the newest sample before these; null where there is none
 */
export function subtractPeers(
  { prepared, columns, departures }: PeersControl,
  baseline: Baseline,
  column: SampleColumn,
  residuals: Float64Array,
  before: ControlledAt | null,
): Controlled {
  const { peers } = prepared;
  const left = peers.map(({ series }) =>
    departures.filter(({ service }) => series.startsWith(`${service}/`)),
  );
  const isOut = (peer: number, atMs: number, knownAtMs: number): boolean =>
    left[peer]!.some((one) => one.atMs <= atMs && one.knownAtMs <= knownAtMs);
  const look = lookAt(peers, columns, baseline.transform, 2 * (baseline.stepMs ?? 0), isOut);
  const found: Controlled = {
    peers: new Uint8Array(residuals.length),
    uncontrolled: new Float64Array(residuals.length),
    shift: new Float64Array(residuals.length),
    spreads: new Float64Array(residuals.length),
  };
  let { peers: count, uncontrolled, shift, spreads } = before ?? NOTHING_YET;
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    if (!Number.isNaN(residual)) {
      uncontrolled = smoothed(uncontrolled, residual, SMOOTHING);
      const seen = look(column.atMs[index]!, column.knownAtMs[index]!);
      count = seen.count;
      if (count >= PEERS_AT_LEAST) {
        shift = smoothed(shift, seen.shift, SMOOTHING);
        spreads = smoothed(spreads, seen.spreads, SMOOTHING);
        residuals[index] =
          residual - explainedBy(prepared, seen, { shift, spreads }, residual, uncontrolled);
      }
    }
    found.peers[index] = count;
    found.uncontrolled[index] = uncontrolled;
    found.shift[index] = shift;
    found.spreads[index] = spreads;
  }
  return found;
}

const NOTHING_YET: ControlledAt = {
  peers: 0,
  uncontrolled: Number.NaN,
  shift: Number.NaN,
  spreads: Number.NaN,
};

function smoothed(before: number, value: number, weight: number): number {
  return Number.isNaN(before) ? value : before + weight * (value - before);
}

/** The newest median is noisy and their mean is late: the further of the two, if of one sign. */
function further(value: number, mean: number): number {
  return Math.sign(value) * Math.max(Math.abs(value), Math.sign(value) * mean);
}

/** What peers explain of one residual: the two cases of the header. */
function explainedBy(
  { beta, wander, spread }: PeerControl,
  { count, ...seen }: PeerLook,
  mean: Omit<PeerLook, "count">,
  residual: number,
  smooth: number,
): number {
  const isUsual =
    Math.abs(seen.shift) <= WANDER * wander && Math.abs(mean.shift) <= WANDER_FOR_LONG * wander;
  if (beta > 0 && isUsual) return beta * seen.shift;
  // A series that moves along follows the newest medians: their mean would hold older moves.
  const shift = beta > 0 ? seen.shift : further(seen.shift, mean.shift);
  const spreads = beta > 0 ? seen.spreads : further(seen.spreads, mean.spreads);
  if (beta === 0 && Math.abs(spreads) <= SHOCK / Math.sqrt(count)) return 0;
  const sign = Math.sign(shift);
  const shock = Math.min(Math.abs(shift), SPREADS_DIFFER * Math.max(0, sign * spreads) * spread);
  const moved = Math.max(0, sign * residual, sign * smooth);
  return sign * Math.min(Math.max(beta * Math.abs(shift), shock), moved);
}
