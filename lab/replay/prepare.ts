/**
 * What a deployment's watch is given beside its samples: made from past samples by the
 * engine's own pure functions, as a live host would. Only samples from before the
 * deployment are in it.
 */

import {
  canonicalJson,
  prepareSeason,
  seriesKey,
  type Glimpses,
  type PreparedContext,
  type SampleColumn,
  type SeasonProfile,
} from "../../engine/index.ts";
import { assemble, type SampleWindow, type StoredWindow } from "../history/windows.ts";
import { sha256 } from "../policy/load.ts";
import { controlsFor } from "./peers.ts";
import { placebosFor, type PlaceboHistory } from "./placebos.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

export interface GatheredDeployment {
  readonly watch: Map<number, StoredWindow>;
  readonly days: Map<number, { day: number; window: StoredWindow }[]>;
  /** What glances saw of the watch, where any was taken: what they spared is not kept. */
  readonly glimpses: Glimpses;
}

/** What the engine's pure functions make of the past; null when no policy asks for any of it. */
export function prepareContext(
  plan: Plan,
  planned: PlannedDeployment,
  gathered: GatheredDeployment,
  history: PlaceboHistory | null,
  columns: readonly SampleColumn[],
  peers: readonly SampleColumn[],
): PreparedContext | null {
  const seasons = plan.season ? seasonsOf(plan, planned, gathered) : {};
  const placebos = history === null ? null : placebosFor(history, planned);
  const controls =
    plan.controlled.length === 0 ? null : controlsFor(plan, planned, columns, peers, seasons);
  if (placebos === null && controls === null) {
    if (Object.keys(seasons).length === 0) return null;
    return { seasons, digest: sha256(canonicalJson(seasons)) };
  }
  const prepared = {
    seasons,
    ...(placebos === null ? {} : { placebos }),
    ...(controls === null ? {} : { controls }),
  };
  return { ...prepared, digest: sha256(canonicalJson(prepared)) };
}

/** The season of every watched series that has enough days. */
export function seasonsOf(
  plan: Plan,
  planned: PlannedDeployment,
  gathered: Pick<GatheredDeployment, "days">,
): PreparedContext["seasons"] {
  const fromMs = planned.deployment.startedAtMs - plan.seasonBackMs;
  const toMs = planned.deployment.startedAtMs + plan.lookAheadMs;
  const seasons: Record<string, SeasonProfile> = {};
  for (const series of planned.series) {
    const days = gathered.days.get(series.index);
    if (days === undefined) continue;
    // Stretches of neighbouring days overlap when a watch is long: each sample once.
    const stored = days.sort((a, b) => b.day - a.day).map(({ window }) => window);
    const past = joinDays(assemble(stored));
    const knownBeforeMs = planned.deployment.startedAtMs;
    if (past.atMs.length > 0 && past.atMs[past.atMs.length - 1]! > knownBeforeMs) {
      throw new Error(`season of ${seriesKey(series.name)} would look past the deployment`);
    }
    const season = prepareSeason(past, fromMs, toMs);
    if (season !== null) seasons[seriesKey(series.name)] = season;
  }
  return seasons;
}

type Stretch = Pick<SampleWindow, "atMs" | "values">;

/** Stretches of several days, the oldest first, as one; what two of them have counts once. */
export function joinDays(windows: readonly Stretch[]): Stretch {
  const total = windows.reduce((sum, { atMs }) => sum + atMs.length, 0);
  const atMs = new Float64Array(total);
  const values = new Float64Array(total);
  let count = 0;
  for (const window of windows) {
    let from = 0;
    const newest = count === 0 ? Number.NEGATIVE_INFINITY : atMs[count - 1]!;
    while (from < window.atMs.length && window.atMs[from]! <= newest) from++;
    atMs.set(window.atMs.subarray(from), count);
    values.set(window.values.subarray(from), count);
    count += window.atMs.length - from;
  }
  return { atMs: atMs.subarray(0, count), values: values.subarray(0, count) };
}
