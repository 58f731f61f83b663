/**
 * Placebo watches: the same detector at times in the past when nothing was deployed.
 *
 * A host calls these pure functions on past samples. `placeboWatches` runs a signal once over a
 * whole series, at a fixed grid of times that depends on no deployment. For each deployment
 * `calibrate` then picks the watches that were over and known when it started. So the placebos of
 * a history are made once, and none that is used looks beyond a deployment's start.
 *
 * A placebo is judged without tags, modes, control peers or a borrowed scale. Without a control
 * its peaks are higher, if anything, and so the limit is on the careful side.
 */

import { seriesKey, type Deployment, type SampleColumn, type SeasonProfile } from "../../event.ts";
import type { Policy, SignalPolicy } from "../../policy/policy.ts";
import { firstFrom, part } from "../baseline/columns.ts";
import { limitOf } from "../detectors/detector.ts";
import { familySpread } from "../baseline/familyScale.ts";
import { isLogarithm, withLimit, type CalibratedLimit } from "./limit.ts";
import { placeboLimit } from "./placebo.ts";
import { BASELINE_FOR_HEALTH, baselineReachMs, medianStep } from "../baseline/baselineLength.ts";
import {
  DAY_MS,
  prepareSeason,
  SEASON_DAYS,
  seasonMarginMs,
  seasonShape,
} from "../baseline/season.ts";
import { startWatch, takeColumns, withContext } from "../watch.ts";

/** A placebo with a smaller share of its samples is left out: it would look too quiet. */
const COVERAGE_AT_LEAST = 0.8;
/** For how long after a deployment or an incident no placebo counts. */
export const SETTLES_MS = 7_200_000;
/** A limit that no statistic reaches; small enough that exp(−limit) is not zero. */
const NO_LIMIT = 600;

/** One watch at a time when nothing was deployed. All of it was known at `endedAtMs`. */
export interface PlaceboWatch {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** When it became known that something happened during it; Infinity where nothing did. */
  readonly spoiltAtMs: number;
  /** The largest statistic, and the spread it was measured in. */
  readonly peak: number;
  readonly spread: number;
}

/** A time at which something happened to a service, and when that became known. */
export interface Disturbance {
  readonly fromMs: number;
  readonly toMs: number;
  readonly knownAtMs: number;
}

/**
 * The placebo watches of a signal on one series.
 *
 * @param column all samples of one series, in time order
 * @param timesMs when the placebos start, ascending
 * @param disturbances deployments and incidents of the series' service
 */
export function placeboWatches(
  policy: Policy,
  signal: SignalPolicy,
  column: SampleColumn,
  timesMs: readonly number[],
  disturbances: readonly Disturbance[],
): readonly PlaceboWatch[] {
  const detector = withLimit(signal.detector, NO_LIMIT);
  const alone: SignalPolicy = { ...signal, detector, of: [column.series.service] };
  const quiet: Policy = { ...policy, signals: [alone], modes: [], context: [] };
  const backMs = baselineReachMs(signal.detector);
  const watches: PlaceboWatch[] = [];
  for (const startedAtMs of timesMs) {
    const endedAtMs = startedAtMs + policy.watchMs;
    const near = cut(column, startedAtMs - backMs, endedAtMs);
    if (near.atMs.length === 0) continue;
    const fresh = startWatch(quiet, placeboDeployment(column.series.service, startedAtMs), []);
    const key = seriesKey(column.series);
    const season = signal.detector.season ? seasonFor(column, startedAtMs, policy, signal) : null;
    const seasons = new Map(season === null ? [] : [[key, season]]);
    const taken = takeColumns(quiet, withContext(fresh, { seasons, digest: "" }), [near]);
    const track = taken.signals.get(signal.name)!.tracks.get(key);
    const baseline = track?.baseline ?? null;
    if (track === undefined || baseline === null || baseline.problem !== null) continue;
    if (track.peak === null || baseline.samples < BASELINE_FOR_HEALTH) continue;
    const expected = policy.watchMs / (baseline.stepMs ?? policy.watchMs);
    if (track.valid < COVERAGE_AT_LEAST * Math.floor(expected)) continue;
    const baselineFromMs = startedAtMs - signal.detector.baselineMs;
    watches.push({
      startedAtMs,
      endedAtMs,
      spoiltAtMs: spoiltAt(disturbances, baselineFromMs, endedAtMs),
      peak: track.peak,
      spread: baseline.spread,
    });
  }
  return watches;
}

/**
 * The limit of a signal on one series for one deployment, from the placebo watches that
 * were over before it started.
 *
 * @param series the series' own watches
 * @param family those of the same metric over all services, its own among them
 * @param notBeforeMs where the recording begins that the deployment belongs to
 */
export function calibrate(
  signal: SignalPolicy,
  startedAtMs: number,
  series: readonly PlaceboWatch[],
  family: readonly (readonly PlaceboWatch[])[],
  notBeforeMs: number,
): CalibratedLimit {
  const { overMs, alpha } = signal.calibrate!;
  const fromMs = Math.max(notBeforeMs + signal.detector.baselineMs, startedAtMs - overMs);
  const peaksOf = (watches: readonly PlaceboWatch[]): number[] =>
    usable(watches, fromMs, startedAtMs).map(({ peak }) => peak);
  const ascending = (peaks: number[]): number[] => peaks.sort((a, b) => a - b);
  const calibration = {
    series: ascending(peaksOf(series)),
    family: ascending(family.flatMap(peaksOf)),
    isLogarithm: isLogarithm(signal.detector),
  };
  const limit = placeboLimit(calibration, alpha, limitOf(signal.detector));
  const spreads = family.map((watches) =>
    usable(watches, fromMs, startedAtMs).map(({ spread }) => spread),
  );
  return { ...calibration, limit, familySpread: familySpread(spreads) };
}

/** The watches from `fromMs` on that were over at `byMs` and not known to be spoilt then. */
function usable(
  watches: readonly PlaceboWatch[],
  fromMs: number,
  byMs: number,
): readonly PlaceboWatch[] {
  return watches.filter(
    (one) => one.startedAtMs >= fromMs && one.endedAtMs <= byMs && one.spoiltAtMs > byMs,
  );
}

/** When it first became known that something happened within this time; Infinity: never. */
function spoiltAt(disturbances: readonly Disturbance[], fromMs: number, toMs: number): number {
  let knownAtMs = Number.POSITIVE_INFINITY;
  for (const one of disturbances) {
    if (one.fromMs < toMs && one.toMs > fromMs) knownAtMs = Math.min(knownAtMs, one.knownAtMs);
  }
  return knownAtMs;
}

/** The season as a watch that began then would have known it. */
function seasonFor(
  column: SampleColumn,
  startedAtMs: number,
  policy: Policy,
  signal: SignalPolicy,
): SeasonProfile | null {
  const { length } = column.atMs;
  const stepMs = length < 2 ? null : medianStep(column.atMs, length);
  const { slotMs, backMs } = seasonShape(stepMs, signal.detector);
  const fromMs = startedAtMs - backMs;
  const toMs = startedAtMs + policy.watchMs;
  // Of each day, the oldest first, the stretch that a profile looks at; no sample twice.
  const atMs: number[] = [];
  const values: number[] = [];
  let next = 0;
  for (let day = SEASON_DAYS; day >= 1; day--) {
    const shiftMs = day * DAY_MS;
    const from = firstFrom(column.atMs, fromMs - shiftMs - seasonMarginMs(slotMs), 0);
    const toDayMs = Math.min(startedAtMs, toMs - shiftMs + seasonMarginMs(slotMs));
    const to = firstFrom(column.atMs, toDayMs, 0);
    for (next = Math.max(next, from); next < to; next++) {
      if (column.knownAtMs[next]! > startedAtMs) continue;
      atMs.push(column.atMs[next]!);
      values.push(column.values[next]!);
    }
  }
  return prepareSeason({ atMs, values }, fromMs, toMs, slotMs);
}

/** The samples with `fromMs` <= `atMs` < `toMs`. */
function cut(column: SampleColumn, fromMs: number, toMs: number): SampleColumn {
  const from = firstFrom(column.atMs, fromMs, 0);
  const to = firstFrom(column.atMs, toMs, 0);
  return {
    series: column.series,
    atMs: part(column.atMs, from, to),
    knownAtMs: part(column.knownAtMs, from, to),
    values: part(column.values, from, to),
  };
}

function placeboDeployment(service: string, startedAtMs: number): Deployment {
  return {
    deploymentId: "placebo",
    service,
    environment: "",
    kind: "code",
    startedAtMs,
    version: null,
    author: null,
    team: null,
    criticality: null,
  };
}
