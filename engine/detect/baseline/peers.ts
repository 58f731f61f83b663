/**
 * Services that a deployment does not touch, as a control for what happens to all of them.
 *
 * A shock common to the fleet is not the deployment's doing. Peers are other services with
 * the same metric, of the same time zone where three of them are, which is all that a
 * history says about where a service runs. Not among them: whoever calls the deployed
 * service or is called by it, at any distance (a control that feels the change would hide
 * it), and whoever was deployed since the baseline began. A peer deployed later leaves then.
 *
 * What peers mean for one series is prepared from samples known before the deployment:
 * each one's level and spread, and whether the series moved with them. It did when their
 * median residual c explains R² ≥ 0.3 of its own residual r over the baseline; then
 *
 *     β = clip(cov(r, c) / var(c), 0, 1)          (CUPED: Deng, Xu, Kohavi and Walker 2013)
 *
 * Biases: a deployment that hurts most of the fleet at once is seen late, as a shock. So is
 * one whose effect travels on ways that no catalog shows. Peers have no season of their own.
 */

import { seriesKey, type Deployment, type SampleColumn, type SeasonProfile } from "../../event.ts";
import type { SignalPolicy } from "../../policy/policy.ts";
import { firstAfter, firstFrom, inOrder, part } from "./columns.ts";
import { isCounter } from "./counter.ts";
import { medianInPlace } from "./orderStatistics.ts";
import {
  BASELINE_FOR_HEALTH,
  BASELINE_REACH_MS,
  baselineStart,
  observeBaseline,
  timesOfFinite,
  transformed,
  type Baseline,
  type Transform,
} from "./residual.ts";

/** A median of fewer is one service's own doing. */
export const PEERS_AT_LEAST = 3;
const PEERS_AT_MOST = 12;
const EXPLAINED_AT_LEAST = 0.3;
/** One outlier must not make a correlation. */
const CLIP = 6;

/** One peer's series as it was before the deployment. */
export interface Peer {
  /** Its `seriesKey`. */
  readonly series: string;
  readonly level: number;
  readonly spread: number;
  /** Added before the logarithm, as in its baseline. */
  readonly offset: number;
}

export interface PeerControl {
  readonly peers: readonly Peer[];
  /** Of the series itself, before anything is subtracted. */
  readonly spread: number;
  /** How far the series moved when they did; 0 where it did not move with them. */
  readonly beta: number;
  /** Standard deviation of their median residual before the deployment; 0 where beta is. */
  readonly wander: number;
  /** That median at the series' own samples; empty where beta is 0. */
  readonly before: { readonly atMs: readonly number[]; readonly medians: readonly number[] };
}

/** Signals with equal keys are controlled alike. */
export function controlKey(series: string, signal: SignalPolicy): string {
  const { baselineMs, season } = signal.detector;
  return `${series} ${signal.tolerance.kind} ${baselineMs} ${season ? 1 : 0}`;
}

export function transformOf(signal: SignalPolicy): Transform {
  return signal.tolerance.kind === "relative" ? "log" : "identity";
}

/** What the catalog says about a service that may be a peer. */
export interface PeerCandidate {
  readonly service: string;
  readonly timezone: string | null;
}

/**
 * The services whose series may control this deployment, at most twelve: by name, from the
 * deployed one's own on, so that no few services are everybody's peers.
 *
 * @param exposed who is called by the service, directly or not; callers it says itself
 * @param changed who was deployed since the baseline began
 */
export function peerServices(
  deployment: Deployment,
  candidates: readonly PeerCandidate[],
  exposed: readonly string[],
  changed: ReadonlySet<string>,
): readonly string[] {
  const { service, callers = [], dependants = [], timezone } = deployment;
  const near = new Set([service, ...callers, ...dependants, ...exposed]);
  const unexposed = candidates.filter((one) => !near.has(one.service) && !changed.has(one.service));
  const there = unexposed.filter((one) => one.timezone === (timezone ?? null));
  const names = (there.length >= PEERS_AT_LEAST ? there : unexposed).map((one) => one.service);
  names.sort();
  const next = names.findIndex((name) => name > service);
  const from = next < 0 ? 0 : next;
  return [...names.slice(from), ...names.slice(0, from)].slice(0, PEERS_AT_MOST);
}

/**
 * What the peers mean for one series; null where it cannot have any (a raw counter). Only
 * samples known before the deployment count, whatever else the columns hold.
 *
 * @param season of the series itself, where one was prepared
 */
export function selectPeers(
  signal: SignalPolicy,
  startedAtMs: number,
  own: SampleColumn,
  candidates: readonly SampleColumn[],
  season: SeasonProfile | null,
): PeerControl | null {
  if (isCounter(signal, own.series)) return null;
  const followed = signal.detector.season ? season : null;
  const past = pastOf(own, signal, startedAtMs, followed);
  const baseline = observePast(past, signal, followed);
  const stepMs = baseline.stepMs;
  if (baseline.problem !== null || stepMs === null) return { peers: [], spread: 0, ...UNMOVED };
  const peers: Peer[] = [];
  const columns: SampleColumn[] = [];
  for (const column of candidates) {
    if (isCounter(signal, column.series)) continue;
    const before = pastOf(column, signal, startedAtMs, null);
    const { problem, samples, level, spread, offset, ...rest } = observePast(before, signal, null);
    const isSeldom = rest.stepMs === null || rest.stepMs > 2 * stepMs;
    if (problem !== null || isSeldom || samples < BASELINE_FOR_HEALTH) continue;
    peers.push({ series: seriesKey(column.series), level, spread, offset });
    columns.push(before);
  }
  return { peers, spread: baseline.spread, ...movedWith(signal, past, baseline, peers, columns) };
}

const UNMOVED = { beta: 0, wander: 0, before: { atMs: [], medians: [] } } as const;

/** The samples that a baseline is made of. */
function pastOf(
  column: SampleColumn,
  signal: SignalPolicy,
  startedAtMs: number,
  season: SeasonProfile | null,
): SampleColumn {
  const { series, ...ordered } = inOrder(column, Number.NEGATIVE_INFINITY);
  const { baselineMs } = signal.detector;
  const reach = startedAtMs - Math.max(baselineMs, BASELINE_REACH_MS);
  const first = firstFrom(ordered.atMs, reach, 0);
  const began = firstFrom(ordered.atMs, startedAtMs, first);
  const end = Math.min(began, firstAfter(ordered.knownAtMs, startedAtMs, first));
  const atMs = part(ordered.atMs, first, end);
  const from = first + baselineStart(atMs, startedAtMs - baselineMs, season);
  return {
    series,
    atMs: part(ordered.atMs, from, end),
    knownAtMs: part(ordered.knownAtMs, from, end),
    values: part(ordered.values, from, end),
  };
}

function observePast(past: SampleColumn, signal: SignalPolicy, season: SeasonProfile | null) {
  const { atMs, values, series } = past;
  return observeBaseline(atMs, values, transformOf(signal), series.percentagePoint, season);
}

/** Did the series move with its peers, and how far? */
function movedWith(
  signal: SignalPolicy,
  past: SampleColumn,
  baseline: Baseline,
  peers: readonly Peer[],
  columns: readonly SampleColumn[],
): Pick<PeerControl, "beta" | "wander" | "before"> {
  if (peers.length < PEERS_AT_LEAST || baseline.samples < BASELINE_FOR_HEALTH) return UNMOVED;
  const atMs = Array.from(timesOfFinite(past.atMs, past.values, baseline.samples));
  const look = lookAt(peers, columns, transformOf(signal), 2 * baseline.stepMs!);
  const pairs: [number, number][] = [];
  const medians = atMs.map((at, index) => {
    const { count, shift } = look(at, Number.POSITIVE_INFINITY);
    if (count < PEERS_AT_LEAST) return 0;
    const clip = CLIP * baseline.spread;
    pairs.push([Math.max(-clip, Math.min(clip, baseline.residuals[index]!)), shift]);
    return shift;
  });
  const count = pairs.length;
  if (count < BASELINE_FOR_HEALTH) return UNMOVED;
  const meanOwn = pairs.reduce((sum, [own]) => sum + own, 0) / count;
  const meanPeers = pairs.reduce((sum, [, peer]) => sum + peer, 0) / count;
  let ownVariance = 0;
  let variance = 0;
  let covariance = 0;
  for (const [own, peer] of pairs) {
    ownVariance += (own - meanOwn) ** 2;
    variance += (peer - meanPeers) ** 2;
    covariance += (own - meanOwn) * (peer - meanPeers);
  }
  if (covariance <= 0) return UNMOVED;
  if (covariance ** 2 < EXPLAINED_AT_LEAST * ownVariance * variance) return UNMOVED;
  const beta = Math.min(1, covariance / variance);
  return { beta, wander: Math.sqrt(variance / count), before: { atMs, medians } };
}

/** What the peers show at one moment. */
export interface PeerLook {
  readonly count: number;
  /** Median of their residuals, and of these in each one's own spreads. */
  readonly shift: number;
  readonly spreads: number;
}

/**
 * Looks at peers' columns, in order and ascending, at moments that ascend in both times. A
 * peer counts with its newest valid sample of (atMs − reachMs, atMs] that was known.
 */
export function lookAt(
  peers: readonly Peer[],
  columns: readonly (SampleColumn | undefined)[],
  transform: Transform,
  reachMs: number,
  isOut: (peer: number, atMs: number, knownAtMs: number) => boolean = () => false,
): (atMs: number, knownAtMs: number) => PeerLook {
  const next = new Int32Array(peers.length);
  const shifts = new Float64Array(peers.length);
  const spreads = new Float64Array(peers.length);
  return (atMs, knownAtMs) => {
    let count = 0;
    for (let at = 0; at < peers.length; at++) {
      const column = columns[at];
      if (column === undefined) continue;
      const { length } = column.atMs;
      let end = next[at]!;
      while (end < length && column.atMs[end]! <= atMs && column.knownAtMs[end]! <= knownAtMs)
        end++;
      next[at] = end;
      if (isOut(at, atMs, knownAtMs)) continue;
      let newest = end - 1;
      const isIn = (): boolean => newest >= 0 && column.atMs[newest]! > atMs - reachMs;
      while (isIn() && !Number.isFinite(column.values[newest]!)) newest--;
      if (!isIn()) continue;
      const { level, spread, offset } = peers[at]!;
      const residual = transformed(column.values[newest]!, transform, offset) - level;
      shifts[count] = residual;
      spreads[count++] = residual / spread;
    }
    const shift = medianInPlace(shifts, count);
    return { count, shift, spreads: medianInPlace(spreads, count) };
  };
}
