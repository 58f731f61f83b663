/**
 * What of a history can be watched, and why the rest cannot: metrics are put into groups that one
 * signal can watch, with their step, their noise and their season.
 */

import { worseOf, type Role } from "../../engine/index.ts";
import { inferMetric, SURE_AT_LEAST, withRole } from "../history/metric/infer.ts";
import { namedMetric } from "../history/metric/seriesName.ts";
import type { History } from "../history/open.ts";
import { SHORT_SERIES, type SeriesQuality } from "../history/quality.ts";
import { streamWindows } from "../history/windows.ts";

/** Metrics that one signal watches. */
export interface Group {
  /** The name of the signal. */
  readonly name: string;
  readonly role: Role;
  readonly metrics: readonly string[];
  /** Does the role alone select these and no others? */
  readonly byRole: boolean;
  /** The role is a guess: then only the name selects. */
  readonly isGuess: boolean;
  readonly worse: "up" | "down";
  readonly isRatio: boolean;
  readonly stepMs: number;
  /** Median over the series: the size of a usual value, and of the noise from sample to sample. */
  readonly level: number;
  readonly noise: number;
  readonly unit: string;
  /** The share of the variance that the hour of the day explains; null: too short to tell. */
  readonly season: number | null;
}

export interface Unwatched {
  readonly metric: string;
  readonly why: string;
}

export interface Looked {
  readonly groups: readonly Group[];
  readonly unwatched: readonly Unwatched[];
}

/** Series of a metric that are looked at closely; more would say the same and take longer. */
const LOOKED_AT = 12;
const DAY_MS = 86_400_000;
const LOOKED_MS = 14 * DAY_MS;
const SEASON_DAYS_AT_LEAST = 3;

/** What one metric is, with the series that say how it moves. */
interface Metric {
  readonly metric: string;
  readonly role: Role;
  readonly isGuess: boolean;
  readonly worse: "up" | "down";
  readonly isRatio: boolean;
  readonly stepMs: number;
  readonly unit: string;
  readonly series: readonly SeriesQuality[];
}

interface Movement {
  readonly level: number;
  readonly noise: number;
  readonly season: number | null;
}

/** @param measured every series, as `inspect` measures it */
export async function lookAt(
  history: History,
  measured: readonly SeriesQuality[],
): Promise<Looked> {
  const unwatched: Unwatched[] = [];
  const found = metricsOf(history, measured, unwatched);
  const moves = new Map<string, Movement>();
  for (const one of found) moves.set(one.metric, await movementOf(history, one.series));
  const byKey = new Map<string, Metric[]>();
  for (const one of found) {
    const { role, isGuess, worse, isRatio, stepMs, metric } = one;
    const key = JSON.stringify([role, worse, isRatio, stepMs, isGuess ? metric : ""]);
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  const names = new Set<string>();
  const groups = [...byKey.values()].map((alike): Group => {
    const { role, isGuess, worse, isRatio, stepMs, unit } = alike[0]!;
    const own = alike.map(({ metric }) => moves.get(metric)!);
    // A role takes every metric of its direction; of percentage points only ratios.
    const others = found.filter(
      (other) =>
        !alike.includes(other) &&
        other.role === role &&
        other.worse === worse &&
        (!isRatio || other.isRatio),
    );
    const seasons = own.flatMap(({ season }) => season ?? []);
    return {
      name: nameFor(role, worse, names),
      role,
      metrics: alike.map(({ metric }) => metric),
      byRole: !isGuess && others.length === 0,
      isGuess,
      worse,
      isRatio,
      stepMs,
      unit,
      level: medianOf(own.map(({ level }) => level)),
      noise: medianOf(own.map(({ noise }) => noise)),
      season: seasons.length === 0 ? null : medianOf(seasons),
    };
  });
  return { groups, unwatched };
}

/** `latency`, and for another group of that role `latency_2`; names of metrics are hostile. */
function nameFor(role: Role, worse: "up" | "down", taken: Set<string>): string {
  const base = worse === worseOf(role) ? role : `${role}_${worse}`;
  let name: string = base;
  for (let at = 2; taken.has(name); at++) name = `${base}_${at}`;
  taken.add(name);
  return name;
}

function metricsOf(
  { tables, series }: History,
  measured: readonly SeriesQuality[],
  unwatched: Unwatched[],
): Metric[] {
  const catalog = new Map(tables.metricCatalog.map((row) => [row.metric, row]));
  const deployed = new Set(tables.deployments.map(({ service }) => service));
  const byMetric = new Map<string, SeriesQuality[]>();
  for (const quality of measured) {
    const { metric } = series[quality.series]!;
    byMetric.set(metric, [...(byMetric.get(metric) ?? []), quality]);
  }
  const found: Metric[] = [];
  for (const [metric, all] of [...byMetric].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const row = withRole(catalog.get(metric) ?? inferMetric(metric));
    const skip = (why: string): void => void unwatched.push({ metric, why });
    const { role = "none", confidence } = row;
    const useful = all.filter((one) => !one.isConstant && one.stored >= SHORT_SERIES);
    const steps = useful.flatMap(({ stepMs }) => stepMs ?? []);
    if (role === "none") skip("no role is known: name it in metric_catalog.csv");
    else if (row.worse === "both") skip("no direction is worse: say which in metric_catalog.csv");
    else if (/[*|]/.test(metric) || metric.trim() !== metric)
      skip("a signal cannot name it: it has a *, a | or a space at its end");
    else if (useful.length === 0) skip(whyNone(all));
    else if (deployed.size > 0 && !useful.some((one) => deployed.has(series[one.series]!.service)))
      skip("no service that has it is ever deployed");
    else {
      const own = useful.filter((one) => deployed.has(series[one.series]!.service));
      const isGuess = confidence !== undefined && confidence < SURE_AT_LEAST;
      const isRatio = namedMetric(metric, row).ratio === true && asPoints(role);
      const { worse, unit } = row;
      const told = own.length === 0 ? useful : own;
      const stepMs = medianOf(steps);
      found.push({ metric, role, isGuess, worse, isRatio, stepMs, unit, series: told });
    }
  }
  return found;
}

/**
 * Shares that are near 0 or 1 are tolerated in percentage points; how full something is, is not.
 */
function asPoints(role: Role): boolean {
  return role === "errors" || role === "availability";
}

function whyNone(all: readonly SeriesQuality[]): string {
  if (all.every(({ isConstant }) => isConstant)) return "it never changes";
  return `no series has the ${SHORT_SERIES} samples of a baseline, or none that changes`;
}

/** How the values of a metric move, from the newest fortnight of some of its series. */
async function movementOf(history: History, series: readonly SeriesQuality[]): Promise<Movement> {
  const stride = Math.max(1, Math.ceil(series.length / LOOKED_AT));
  const requests = series
    .filter((_, at) => at % stride === 0)
    .map(({ series: index, lastMs }, id) => {
      return { id, series: index, fromMs: lastMs - LOOKED_MS, toMs: lastMs + 1 };
    });
  const levels: number[] = [];
  const noises: number[] = [];
  const seasons: number[] = [];
  for await (const { window } of streamWindows(history, requests)) {
    const at: number[] = [];
    const values: number[] = [];
    window.values.forEach((value, index) => {
      if (Number.isNaN(value)) return;
      values.push(value);
      at.push(window.atMs[index]!);
    });
    if (values.length < SHORT_SERIES) continue;
    levels.push(Math.abs(medianOf(values)));
    const steps = values.slice(1).map((value, index) => Math.abs(value - values[index]!));
    // The difference of two samples is √2 times as wide as one; 1.4826 from MAD to deviation.
    noises.push((1.4826 / Math.SQRT2) * medianOf(steps));
    const season = seasonIn(at, values);
    if (season !== null) seasons.push(season);
  }
  return {
    level: levels.length === 0 ? 0 : medianOf(levels),
    noise: noises.length === 0 ? 0 : medianOf(noises),
    season: seasons.length === 0 ? null : medianOf(seasons),
  };
}

/** The share of the variance of hourly means that the hour of the day explains. */
function seasonIn(atMs: readonly number[], values: readonly number[]): number | null {
  const hours = new Map<number, { sum: number; count: number }>();
  atMs.forEach((at, index) => {
    const hour = Math.floor(at / 3_600_000);
    const known = hours.get(hour) ?? { sum: 0, count: 0 };
    hours.set(hour, { sum: known.sum + values[index]!, count: known.count + 1 });
  });
  if (hours.size < SEASON_DAYS_AT_LEAST * 24) return null;
  const means = [...hours].map(([hour, { sum, count }]) => [hour % 24, sum / count] as const);
  const all = means.reduce((sum, [, mean]) => sum + mean, 0) / means.length;
  const total = means.reduce((sum, [, mean]) => sum + (mean - all) ** 2, 0);
  if (total === 0) return 0;
  const byHour = Array.from({ length: 24 }, (_, hour) =>
    means.flatMap(([own, mean]) => (own === hour ? mean : [])),
  );
  const within = byHour.reduce((sum, own) => {
    if (own.length === 0) return sum;
    const usual = own.reduce((a, b) => a + b, 0) / own.length;
    return sum + own.reduce((a, b) => a + (b - usual) ** 2, 0);
  }, 0);
  return Math.max(0, 1 - within / total);
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
