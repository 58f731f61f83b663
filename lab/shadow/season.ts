/**
 * Computes the season of a deployment's series from the same hours of the days before, exactly as
 * a replay of the same samples does (lab/replay/prepare.ts). The host must know it before the
 * deployment's start, because a baseline that was frozen without a season never gets one.
 */

import {
  canonicalJson,
  DAY_MS,
  readsSeries,
  SEASON_DAYS,
  SEASON_MARGIN_MS,
  seasonOf,
  seriesKey,
  servicesOf,
  startSeason,
  takeDay,
  type Deployment,
  type Policy,
  type PreparedContext,
  type SeasonDays,
  type SeasonProfile,
} from "../../engine/index.ts";
import { sha256 } from "../policy/load.ts";
import type { MetricsSource } from "./contract.ts";

export interface PreparedSeason {
  /** Null: no series has samples of enough days. */
  readonly context: PreparedContext | null;
  readonly problems: readonly string[];
}

export function asksForSeason(policy: Policy): boolean {
  return policy.signals.some(({ detector }) => detector.season);
}

/** @param deployment completed from the catalog (callers and dependants) */
export async function seasonFor(
  policy: Policy,
  deployment: Deployment,
  source: Pick<MetricsSource, "takeOf">,
  signal: AbortSignal,
): Promise<PreparedSeason> {
  const { startedAtMs } = deployment;
  const seasonal = policy.signals.filter(({ detector }) => detector.season);
  const backMs = Math.max(...seasonal.map(({ detector }) => detector.baselineMs));
  const fromMs = startedAtMs - backMs;
  const toMs = startedAtMs + policy.watchMs;
  const services = new Set(policy.signals.flatMap((signal) => [...servicesOf(signal, deployment)]));
  const problems = new Set<string>();
  const days = new Map<string, SeasonDays>();
  for (let day = SEASON_DAYS; day >= 1 && !signal.aborted; day--) {
    const earlierMs = day * DAY_MS;
    // `takeOf` excludes its `fromMs`; one millisecond earlier includes the first sample.
    const dayFromMs = fromMs - SEASON_MARGIN_MS - earlierMs - 1;
    const dayToMs = Math.min(toMs + SEASON_MARGIN_MS - earlierMs, startedAtMs) - 1;
    const taken = await source.takeOf([...services], dayFromMs, dayToMs, signal);
    taken.problems.forEach((problem) => problems.add(problem));
    for (const { series, atMs, values } of taken.columns) {
      if (!seasonal.some((signal) => readsSeries(signal, series))) continue;
      const key = seriesKey(series);
      const known = days.get(key) ?? startSeason(fromMs, toMs);
      takeDay(known, day, { atMs, values });
      days.set(key, known);
    }
  }
  const seasons = new Map<string, SeasonProfile>();
  for (const [key, known] of days) {
    const season = seasonOf(known);
    if (season !== null) seasons.set(key, season);
  }
  const digest = sha256(canonicalJson(seasons));
  return { context: seasons.size === 0 ? null : { seasons, digest }, problems: [...problems] };
}
