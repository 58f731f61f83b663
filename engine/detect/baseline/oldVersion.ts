/**
 * The version that served before a deployment: its samples, its past, and what it says about which
 * samples of the new version are judged. The comparison itself is in versions.ts.
 */

import { seriesKey, type Deployment, type SampleColumn, type SeriesName } from "../../event.ts";
import type { Policy, SignalPolicy } from "../../policy/policy.ts";
import type { TrackState } from "../trackState.ts";
import type { WatchState } from "../watch.ts";
import { append, firstAfter, firstFrom, inOrder, knownFrom, part } from "./columns.ts";
import { peersControlOf, type PeersControl } from "./control.ts";
import {
  EXPOSURE_REACH_MS,
  NOTHING_BEHIND,
  reachFrom,
  requestsBehind,
  type Behind,
  type Exposures,
} from "./exposure.ts";

/** By series: samples of the versions before the deployed one, from before and after its start. */
export type OldVersions = ReadonlyMap<string, SampleColumn>;

/** Is the series of the deployed service, but of another version? */
export function isOfOldVersion(
  { service, version }: SeriesName,
  deployment: Pick<Deployment, "service" | "version">,
): boolean {
  return (
    service === deployment.service &&
    version !== null &&
    deployment.version !== null &&
    version !== deployment.version
  );
}

/** The watch with the samples of old versions kept. */
export function keepOldVersions(
  policy: Policy,
  watch: WatchState,
  columns: readonly SampleColumn[],
): WatchState {
  const { deployment, endsAtMs } = watch;
  if (deployment.version === null) return watch;
  let kept = watch.oldVersions;
  const fromMs =
    Math.min(...policy.signals.map((signal) => reachFrom(signal, deployment.startedAtMs))) -
    EXPOSURE_REACH_MS;
  for (const column of columns) {
    if (!isOfOldVersion(column.series, deployment)) continue;
    const key = seriesKey(column.series);
    const before = kept.get(key);
    const newest = before?.atMs[before.atMs.length - 1] ?? Number.NEGATIVE_INFINITY;
    const ordered = inOrder(column, newest);
    const known = knownFrom(ordered.knownAtMs, deployment.startedAtMs, watch.knownAtMs);
    const from = firstFrom(ordered.atMs, fromMs, 0);
    const to = firstAfter(known, endsAtMs, from);
    if (from === to) continue;
    kept = new Map(kept).set(key, {
      series: column.series,
      atMs: append(before?.atMs ?? [], ordered.atMs, from, to),
      knownAtMs: append(before?.knownAtMs ?? [], known, from, to),
      values: append(before?.values ?? [], ordered.values, from, to),
    });
  }
  return kept === watch.oldVersions ? watch : { ...watch, oldVersions: kept };
}

/**
 * The version that served before the deployment: of the other versions of this series, the one
 * whose newest sample from before the start is the newest. Null where there is none.
 */
export function oldVersionOf(
  { deployment, oldVersions }: Pick<WatchState, "deployment" | "oldVersions">,
  series: SeriesName,
): SampleColumn | null {
  if (oldVersions.size === 0 || series.version === null) return null;
  if (series.version !== deployment.version || series.service !== deployment.service) return null;
  let found: { column: SampleColumn; atMs: number } | null = null;
  for (const column of oldVersions.values()) {
    if (column.series.metric !== series.metric) continue;
    const atMs = lastBefore(column, deployment.startedAtMs);
    if (atMs === null) continue;
    const isNewer =
      found === null ||
      atMs > found.atMs ||
      (atMs === found.atMs && column.series.version! < found.column.series.version!);
    if (isNewer) found = { column, atMs };
  }
  return found?.column ?? null;
}

/** When the newest valid sample that was known before a deployment was taken. */
function lastBefore({ atMs, knownAtMs, values }: SampleColumn, startedAtMs: number): number | null {
  for (let index = firstFrom(atMs, startedAtMs, 0) - 1; index >= 0; index--) {
    if (knownAtMs[index]! <= startedAtMs && Number.isFinite(values[index]!)) return atMs[index]!;
  }
  return null;
}

/** The old version of one series, with its samples so far and the requests behind them. */
export interface VersionsControl {
  readonly kind: "versions";
  readonly old: SampleColumn;
  readonly behind: Behind;
}

/** What a series is controlled by. */
export type Control = PeersControl | VersionsControl;

/** What a series is controlled by, with the samples of that so far; null where by nothing. */
export function controlOf(
  signal: SignalPolicy,
  watch: WatchState,
  { series, borrowed }: Pick<TrackState, "series" | "borrowed">,
  exposures: Exposures,
): Control | null {
  if (!comparesVersions(signal)) return peersControlOf(signal, watch, series);
  const old = borrowed === true ? oldVersionOf(watch, series) : null;
  if (old === null) return null;
  const counts = signal.detector.kind === "count";
  const { startedAtMs } = watch.deployment;
  const behind = counts ? requestsBehind(signal, old, exposures, startedAtMs) : NOTHING_BEHIND;
  return { kind: "versions", old, behind };
}

/** The samples of the old version that were known before the deployment, for a baseline. */
export function pastOfOld(
  signal: SignalPolicy,
  old: SampleColumn,
  exposures: Exposures,
  startedAtMs: number,
): {
  readonly atMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly behind: Behind;
} {
  const from = firstFrom(old.atMs, reachFrom(signal, startedAtMs), 0);
  const began = firstFrom(old.atMs, startedAtMs, from);
  const to = Math.min(began, firstAfter(old.knownAtMs, startedAtMs, from));
  const { requests, perMs } =
    signal.detector.kind === "count"
      ? requestsBehind(signal, old, exposures, startedAtMs)
      : NOTHING_BEHIND;
  return {
    atMs: part(old.atMs, from, to),
    values: part(old.values, from, to),
    behind: { requests: part(requests, from, Math.min(to, requests.length)), perMs },
  };
}

/** Detectors that compare with the past alone, sample by sample or as a whole. */
const OF_THE_PAST: readonly string[] = ["mannWhitney", "variance", "novelty", "outlier"];

/**
 * Does the signal compare versions where there are two? It does unless it asks for another control,
 * or cannot: the throughput of a version is its share of the traffic. `control: versions` says so
 * in the record where there is none to compare with.
 */
export function comparesVersions(signal: SignalPolicy): boolean {
  const { control, detector, counter, of, role } = signal;
  if (control !== undefined) return control === "versions";
  const isComparable = counter !== true && role !== "throughput";
  return isComparable && of.includes("own") && !OF_THE_PAST.includes(detector.kind);
}

/**
 * A function that finds the newest usable sample at one moment, or −1. It must be asked for
 * moments that ascend in both times.
 */
export function newestIn(
  { atMs, knownAtMs }: SampleColumn,
  reachMs: number,
  isUsable: (index: number) => boolean,
): (atMs: number, knownAtMs: number) => number {
  let end = 0;
  return (at, known) => {
    while (end < atMs.length && atMs[end]! <= at && knownAtMs[end]! <= known) end++;
    for (let index = end - 1; index >= 0 && atMs[index]! > at - reachMs; index--) {
      if (isUsable(index)) return index;
    }
    return -1;
  };
}

/** After so many pairs a sample without a partner is no longer judged. */
const PAIRS_FOR_A_COMPARISON = 10;

/** A run of samples that are judged, or that are left out because the old version is gone. */
export interface Run {
  readonly judged: boolean;
  readonly from: number;
  readonly to: number;
}

/**
 * Which samples of a column are judged: all of them, but with `control: versions` none without a
 * partner once there were enough pairs.
 *
 * @param pairs how many there were before
 */
export function runsOf(
  signal: SignalPolicy,
  control: Control | null,
  stepMs: number | null,
  { atMs, knownAtMs, values }: SampleColumn,
  pairs: number,
): { readonly runs: readonly Run[]; readonly pairs: number } {
  const { length } = atMs;
  if (signal.control !== "versions" || control?.kind !== "versions") {
    return { runs: [{ judged: true, from: 0, to: length }], pairs };
  }
  const { old } = control;
  const isValid = (at: number): boolean => Number.isFinite(old.values[at]!);
  const newest = newestIn(old, 2 * (stepMs ?? 0), isValid);
  const runs: Run[] = [];
  let count = pairs;
  let from = 0;
  let judged = true;
  for (let index = 0; index < length; index++) {
    const isPaired = newest(atMs[index]!, knownAtMs[index]!) >= 0;
    const next = isPaired || count < PAIRS_FOR_A_COMPARISON;
    if (isPaired && Number.isFinite(values[index]!)) count++;
    if (next === judged) continue;
    if (index > from) runs.push({ judged, from, to: index });
    from = index;
    judged = next;
  }
  if (length > from) runs.push({ judged, from, to: length });
  return { runs, pairs: count };
}
