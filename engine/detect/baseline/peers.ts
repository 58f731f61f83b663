/**
 * Peers: services that a deployment does not touch, as a control for what happens to all.
 *
 * What happens to the whole fleet at once is not the deployment's doing. Peers are other services
 * with the same metric. Where there are three in the same time zone only those are taken, because
 * the zone is all that a history says about where a service runs. Not among them is any service
 * that calls the deployed one or is called by it, at any distance, because a control that feels
 * the change would hide it; nor any that was deployed since the baseline began. A peer that is
 * deployed later is one no more from then on.
 *
 * For each series the host prepares, from samples known before the deployment, the level and
 * spread of each peer, and whether the series moved with them. It did where their median residual
 * c explains R² ≥ 0.3 of its own residual r over the baseline. Then
 *
 *     β = clip(cov(r, c) / var(c), 0, 1)          (CUPED: Deng, Xu, Kohavi and Walker 2013)
 *
 * and else β = 0. Biases: a deployment that hurts most of the fleet at once is found late, because
 * it looks like a shock. So is one whose effect reaches peers by ways that no catalog shows. No
 * season is subtracted from peers.
 */

import { seriesKey, type Deployment, type SampleColumn, type SeasonProfile } from "../../event.ts";
import type { SignalPolicy } from "../../policy/policy.ts";
import { firstAfter, firstFrom, inOrder, part } from "./columns.ts";
import { isCounter } from "./counter.ts";
import { medianInPlace } from "./orderStatistics.ts";
import {
  BASELINE_FOR_HEALTH,
  baselineReachMs,
  baselineStart,
  lengthKey,
} from "./baselineLength.ts";
import {
  observeBaseline,
  timesOfFinite,
  transformed,
  type Baseline,
  type Transform,
} from "./residual.ts";

/** With fewer peers a single one could move their median. */
export const PEERS_AT_LEAST = 3;
const PEERS_AT_MOST = 12;
/** The least R² for which a series is taken to move with its peers. */
const EXPLAINED_AT_LEAST = 0.3;
/** Residuals are clipped at so many spreads, so that one outlier makes no correlation. */
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
  /** The spread of the series itself, before anything is subtracted. */
  readonly spread: number;
  /** How far the series moves when its peers move by one; 0 where it did not move with them. */
  readonly beta: number;
  /** Standard deviation of the peers' median residual before the deployment; 0 where beta is 0. */
  readonly wander: number;
  /** That median at the series' own samples; empty where beta is 0. */
  readonly before: { readonly atMs: readonly number[]; readonly medians: readonly number[] };
}

/** What a control depends on: signals with equal keys share one. */
export function controlKey(series: string, signal: SignalPolicy): string {
  const { detector } = signal;
  return `${series} ${scaleKey(signal)} ${lengthKey(detector)} ${detector.season ? 1 : 0}`;
}

/** What residuals are in: signals with equal keys have the same, on the same samples. */
export function scaleKey(signal: SignalPolicy): string {
  const { kind, atLeast } = signal.tolerance;
  const linear = transformOf(signal) === "share" ? " share" : "";
  return `${kind}${linear}${atLeast === undefined ? "" : ` ${atLeast}`}`;
}

/**
 * Residuals are differences of values in percentage points. Relative changes are differences of
 * logarithms, or of shares of the level where large changes are looked for (see residual.ts).
 */
export function transformOf({ tolerance, detector }: SignalPolicy): Transform {
  if (tolerance.kind === "points") return "identity";
  return detector.kind === "outlier" ? "share" : "log";
}

/** What the catalog says about a service that may be a peer. */
export interface PeerCandidate {
  readonly service: string;
  readonly timezone: string | null;
}

/**
 * The services that may be peers for this deployment, at most twelve. They are taken by name,
 * beginning after the deployed service's own name, so that not always the same few are peers.
 *
 * @param exposed services that the deployed one calls, directly or not; its callers are known
 * @param changed services that were deployed since the baseline began
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
 * The control of one series; null where it cannot have one (a raw counter). Only samples known
 * before the deployment count, whatever else the columns hold.
 *
 * @param own the column of the series itself
 * @param candidates columns of the same metric of services that may be peers
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
  const baseline = baselineOf(past, signal, followed);
  const stepMs = baseline.stepMs;
  if (baseline.problem !== null || stepMs === null) return { peers: [], spread: 0, ...UNMOVED };
  const peers: Peer[] = [];
  const columns: SampleColumn[] = [];
  for (const column of candidates) {
    if (isCounter(signal, column.series)) continue;
    const before = pastOf(column, signal, startedAtMs, null);
    const { problem, samples, level, spread, offset, ...rest } = baselineOf(before, signal, null);
    const isSeldom = rest.stepMs === null || rest.stepMs > 2 * stepMs;
    const isOther = rest.transform !== baseline.transform;
    if (problem !== null || isSeldom || isOther || samples < BASELINE_FOR_HEALTH) continue;
    peers.push({ series: seriesKey(column.series), level, spread, offset });
    columns.push(before);
  }
  return { peers, spread: baseline.spread, ...movedWith(past, baseline, peers, columns) };
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
  const { detector } = signal;
  const first = firstFrom(ordered.atMs, startedAtMs - baselineReachMs(detector), 0);
  const began = firstFrom(ordered.atMs, startedAtMs, first);
  const end = Math.min(began, firstAfter(ordered.knownAtMs, startedAtMs, first));
  const atMs = part(ordered.atMs, first, end);
  const from = first + baselineStart(atMs, startedAtMs, detector, season);
  return {
    series,
    atMs: part(ordered.atMs, from, end),
    knownAtMs: part(ordered.knownAtMs, from, end),
    values: part(ordered.values, from, end),
  };
}

function baselineOf(past: SampleColumn, signal: SignalPolicy, season: SeasonProfile | null) {
  const { atMs, values, series } = past;
  const { atLeast = null } = signal.tolerance;
  const points = series.percentagePoint;
  return observeBaseline(atMs, values, transformOf(signal), points, season, null, atLeast);
}

/** Whether the series moved with its peers before the deployment, and how far. */
function movedWith(
  past: SampleColumn,
  baseline: Baseline,
  peers: readonly Peer[],
  columns: readonly SampleColumn[],
): Pick<PeerControl, "beta" | "wander" | "before"> {
  if (peers.length < PEERS_AT_LEAST || baseline.samples < BASELINE_FOR_HEALTH) return UNMOVED;
  const atMs = Array.from(timesOfFinite(past.atMs, past.values, baseline.samples));
  const look = lookAt(peers, columns, baseline.transform, 2 * baseline.stepMs!);
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
 * A function that says what the peers show at one moment. It must be asked for moments that
 * ascend in both times, because it walks over each peer's column once. A peer counts with the
 * newest valid sample that was known then and is less than `reachMs` old.
 *
 * @param isOut is this peer, by its index, no longer one at that moment?
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
