/**
 * The season of a deployment's series, from the same hours of the days before, as a replay of the
 * same samples prepares it (lab/replay/prepare.ts). It must be there before the deployment is:
 * a baseline that is frozen without it stays without.
 */

import {
  canonicalJson,
  DAY_MS,
  readsMetric,
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
  /** Null: no series has days enough, or none came. */
  readonly context: PreparedContext | null;
  readonly problems: readonly string[];
}

export function asksForSeason(policy: Policy): boolean {
  return policy.signals.some(({ detector }) => detector.season);
}

/** @param deployment with what the catalog says of its callers */
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
  const services = new Set(policy.signals.flatMap((one) => [...servicesOf(one, deployment)]));
  const problems = new Set<string>();
  const days = new Map<string, SeasonDays>();
  for (let day = SEASON_DAYS; day >= 1 && !signal.aborted; day--) {
    const earlierMs = day * DAY_MS;
    // What was sampled at the very beginning belongs to it.
    const dayFromMs = fromMs - SEASON_MARGIN_MS - earlierMs - 1;
    const dayToMs = Math.min(toMs + SEASON_MARGIN_MS - earlierMs, startedAtMs) - 1;
    const taken = await source.takeOf([...services], dayFromMs, dayToMs, signal);
    taken.problems.forEach((problem) => problems.add(problem));
    for (const { series, atMs, values } of taken.columns) {
      if (!seasonal.some((one) => readsMetric(one, series.metric))) continue;
      const key = seriesKey(series);
      const known = days.get(key) ?? startSeason(fromMs, toMs);
      takeDay(known, day, { atMs, values });
      days.set(key, known);
    }
  }
  const seasons: Record<string, SeasonProfile> = {};
  for (const [key, known] of days) {
    const season = seasonOf(known);
    if (season !== null) seasons[key] = season;
  }
  const isNone = Object.keys(seasons).length === 0;
  const digest = sha256(canonicalJson(seasons));
  return { context: isNone ? null : { seasons, digest }, problems: [...problems] };
}
