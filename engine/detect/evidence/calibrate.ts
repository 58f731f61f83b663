/**
 * Placebo watches: the same detector at times in the past when nothing was deployed.
 *
 * Pure functions a host calls on past samples. `placeboWatches` runs a signal once over a
 * whole series, at a fixed grid of times that no deployment moves; `calibrate` then picks,
 * for one deployment, the watches that were over and known when it started. So a
 * history's placebos are made once, and no deployment sees further than its own start.
 *
 * A placebo is judged without tags, modes, control peers or a borrowed scale. Without
 * control its peaks are if anything higher, and the limit more careful than it need be.
 */

import { seriesKey, type Deployment, type SampleColumn, type SeasonProfile } from "../../event.ts";
import type { Policy, SignalPolicy } from "../../policy/policy.ts";
import { part } from "../baseline/columns.ts";
import { limitOf } from "../detectors/detector.ts";
import { familySpread } from "../baseline/familyScale.ts";
import { isLogarithm, withLimit, type CalibratedLimit } from "./limit.ts";
import { placeboLimit } from "./placebo.ts";
import { BASELINE_FOR_HEALTH, BASELINE_REACH_MS } from "../baseline/residual.ts";
import { DAY_MS, prepareSeason, SEASON_DAYS, SEASON_MARGIN_MS } from "../baseline/season.ts";
import { startWatch, takeColumns, withContext } from "../watch.ts";

/** A placebo with a smaller share of its samples would look quieter than a watch is. */
const COVERAGE_AT_LEAST = 0.8;
/** A deployment or an incident spoils what comes within this time after it. */
export const SETTLES_MS = 7_200_000;
/** A limit that no statistic reaches; small enough that the e-process can hold its inverse. */
const NO_LIMIT = 600;

/** One watch of nothing. It was over, and all of it known, at `endedAtMs`. */
export interface PlaceboWatch {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** From when it is known that something happened then; Infinity when nothing did. */
  readonly spoiltAtMs: number;
  /** The largest statistic, and the spread it was measured in. */
  readonly peak: number;
  readonly spread: number;
}

/** A time in which a service was not left alone, and from when that was known. */
export interface Disturbance {
  readonly fromMs: number;
  readonly toMs: number;
  readonly knownAtMs: number;
}

/**
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
  const backMs = Math.max(signal.detector.baselineMs, BASELINE_REACH_MS);
  const watches: PlaceboWatch[] = [];
  for (const startedAtMs of timesMs) {
    const endedAtMs = startedAtMs + policy.watchMs;
    const near = cut(column, startedAtMs - backMs, endedAtMs);
    if (near.atMs.length === 0) continue;
    const fresh = startWatch(quiet, placeboDeployment(column.series.service, startedAtMs), []);
    const key = seriesKey(column.series);
    const season = signal.detector.season ? seasonFor(column, startedAtMs, policy, signal) : null;
    const seasons = season === null ? {} : { [key]: season };
    const taken = takeColumns(quiet, withContext(fresh, { seasons, digest: "" }), [near]);
    const track = taken.signals[signal.name]!.tracks[key];
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

/** The watches that began at `fromMs` or later, and were over and not known spoilt by `byMs`. */
function usable(
  watches: readonly PlaceboWatch[],
  fromMs: number,
  byMs: number,
): readonly PlaceboWatch[] {
  return watches.filter(
    (one) => one.startedAtMs >= fromMs && one.endedAtMs <= byMs && one.spoiltAtMs > byMs,
  );
}

/** When it became known that something happened between the baseline and the end. */
function spoiltAt(disturbances: readonly Disturbance[], fromMs: number, toMs: number): number {
  let knownAtMs = Number.POSITIVE_INFINITY;
  for (const one of disturbances) {
    if (one.fromMs < toMs && one.toMs > fromMs) knownAtMs = Math.min(knownAtMs, one.knownAtMs);
  }
  return knownAtMs;
}

/** What a watch that began then would have known of the days before. */
function seasonFor(
  column: SampleColumn,
  startedAtMs: number,
  policy: Policy,
  signal: SignalPolicy,
): SeasonProfile | null {
  const fromMs = startedAtMs - signal.detector.baselineMs;
  const toMs = startedAtMs + policy.watchMs;
  // Only the stretches a profile looks at, each day's, oldest first, no sample twice.
  const atMs: number[] = [];
  const values: number[] = [];
  let next = 0;
  for (let day = SEASON_DAYS; day >= 1; day--) {
    const shiftMs = day * DAY_MS;
    const from = firstFrom(column.atMs, fromMs - shiftMs - SEASON_MARGIN_MS);
    const to = firstFrom(column.atMs, Math.min(startedAtMs, toMs - shiftMs + SEASON_MARGIN_MS));
    for (next = Math.max(next, from); next < to; next++) {
      if (column.knownAtMs[next]! > startedAtMs) continue;
      atMs.push(column.atMs[next]!);
      values.push(column.values[next]!);
    }
  }
  return prepareSeason({ atMs, values }, fromMs, toMs);
}

/** The samples with `fromMs` <= at < `toMs`, and those that stand between them. */
function cut(column: SampleColumn, fromMs: number, toMs: number): SampleColumn {
  const from = firstFrom(column.atMs, fromMs);
  const to = firstFrom(column.atMs, toMs);
  return {
    series: column.series,
    atMs: part(column.atMs, from, to),
    knownAtMs: part(column.knownAtMs, from, to),
    values: part(column.values, from, to),
  };
}

function firstFrom(times: ArrayLike<number>, atMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
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
