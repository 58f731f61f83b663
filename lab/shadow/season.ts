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
  seasonMarginMs,
  medianStep,
  seasonOf,
  seasonShape,
  seriesKey,
  servicesOf,
  startSeason,
  takeDay,
  type Deployment,
  type Policy,
  type PreparedContext,
  type SeasonDays,
  type SeasonProfile,
  type SeasonShape,
} from "../../engine/index.ts";
import { sha256 } from "../policy/load.ts";
import type { MetricsSource, TakenColumn } from "./contract.ts";

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
  const toMs = startedAtMs + policy.watchMs;
  const services = [
    ...new Set(policy.signals.flatMap((signal) => [...servicesOf(signal, deployment)])),
  ];
  const problems = new Set<string>();
  const days = new Map<string, SeasonDays>();

  /** Takes the same hours of the days before, of the series that have a shape. */
  const takeDays = async (
    widest: SeasonShape,
    shapeOf: (column: TakenColumn) => SeasonShape | null,
    metrics?: ReadonlySet<string>,
  ): Promise<void> => {
    const marginMs = seasonMarginMs(widest.slotMs);
    for (let day = SEASON_DAYS; day >= 1 && !signal.aborted; day--) {
      const earlierMs = day * DAY_MS;
      // `takeOf` excludes its `fromMs`; one millisecond earlier includes the first sample.
      const dayFromMs = startedAtMs - widest.backMs - marginMs - earlierMs - 1;
      const dayToMs = Math.min(toMs + marginMs - earlierMs, startedAtMs) - 1;
      const taken = await source.takeOf(services, dayFromMs, dayToMs, signal, metrics);
      taken.problems.forEach((problem) => problems.add(problem));
      for (const column of taken.columns) {
        if (!seasonal.some((signal) => readsSeries(signal, column.series))) continue;
        const shape = shapeOf(column);
        if (shape === null) continue;
        const key = seriesKey(column.series);
        const { backMs, slotMs } = shape;
        const known = days.get(key) ?? startSeason(startedAtMs - backMs, toMs, undefined, slotMs);
        takeDay(known, day, column);
        days.set(key, known);
      }
    }
  };

  const fine = widestOf(seasonal.map(({ detector }) => seasonShape(null, detector)));
  const coarse = new Map<string, SeasonShape>();
  const metrics = new Set<string>();
  const measured = new Set<string>();
  await takeDays(fine, ({ series, atMs }) => {
    if (atMs.length >= 2 && !measured.has(seriesKey(series))) {
      measured.add(seriesKey(series));
      const reading = seasonal.filter((signal) => readsSeries(signal, series));
      const stepMs = medianStep(atMs, atMs.length);
      const shapes = reading.map(({ detector }) => seasonShape(stepMs, detector));
      const shape = widestOf([...shapes, { ...fine, slotMs: shapes[0]!.slotMs }]);
      if (shape.slotMs !== fine.slotMs || shape.backMs !== fine.backMs) {
        coarse.set(seriesKey(series), shape);
        metrics.add(series.metric);
      }
    }
    return fine;
  });
  // A coarse series has a longer baseline: its earlier days are read again, and more of them.
  for (const key of coarse.keys()) days.delete(key);
  if (coarse.size > 0) {
    const shapeOf = ({ series }: TakenColumn) => coarse.get(seriesKey(series)) ?? null;
    await takeDays(widestOf([...coarse.values()]), shapeOf, metrics);
  }

  const seasons = new Map<string, SeasonProfile>();
  for (const [key, known] of days) {
    const season = seasonOf(known);
    if (season !== null) seasons.set(key, season);
  }
  const digest = sha256(canonicalJson(seasons));
  return { context: seasons.size === 0 ? null : { seasons, digest }, problems: [...problems] };
}

function widestOf(shapes: readonly SeasonShape[]): SeasonShape {
  return {
    slotMs: Math.max(...shapes.map(({ slotMs }) => slotMs)),
    backMs: Math.max(...shapes.map(({ backMs }) => backMs)),
  };
}
