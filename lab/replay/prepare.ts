/**
 * What a deployment's watch is given beside its samples: made from past samples by the
 * engine's own pure functions, as a live host would. Only samples from before the
 * deployment are in it.
 */

import {
  canonicalJson,
  DAY_MS,
  forgetSlots,
  recallDay,
  SEASON_MARGIN_MS,
  seasonOf,
  seriesKey,
  slotMemory,
  startSeason,
  takeDay,
  type Glimpses,
  type PreparedContext,
  type SampleColumn,
  type SeasonDays,
  type SeasonProfile,
  type SlotMemory,
} from "../../engine/index.ts";
import { assemble, evenly, type StoredWindow } from "../history/windows.ts";
import { sha256 } from "../policy/load.ts";
import { controlsFor } from "./peers.ts";
import { placebosFor, type PlaceboHistory } from "./placebos.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

export interface GatheredDeployment {
  readonly watch: Map<number, StoredWindow>;
  /** By series: the same hours of earlier days, unless a glance spared it. */
  readonly days: Map<number, SeasonDays>;
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
  const seasons = plan.season ? seasonsOf(planned, gathered.days) : {};
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

/** What deployments have in common of their earlier days, and the room for it. */
export class EarlierDays {
  readonly #memory = slotMemory();
  readonly #spent: SeasonDays[] = [];
  #series = -1;
  #caseId: string | null = null;

  start(plan: Pick<Plan, "seasonBackMs" | "lookAheadMs">, startedAtMs: number): SeasonDays {
    const fromMs = startedAtMs - plan.seasonBackMs;
    return startSeason(fromMs, startedAtMs + plan.lookAheadMs, this.#spent.pop());
  }

  /** Nobody looks at these any more. */
  spend(days: SeasonDays): void {
    this.#spent.push(days);
  }

  /**
   * The slots of a series: windows come one series after the other. Null where a watch reaches
   * so far that a day's samples are not all there.
   */
  slotsOf(
    { lookAheadMs }: Pick<Plan, "lookAheadMs">,
    series: number,
    caseId: string | null,
  ): SlotMemory | null {
    if (lookAheadMs + SEASON_MARGIN_MS > DAY_MS) return null;
    if (series !== this.#series || caseId !== this.#caseId) forgetSlots(this.#memory);
    this.#series = series;
    this.#caseId = caseId;
    return this.#memory;
  }
}

/** Reduces the samples of an earlier day to what the season of a deployment's series needs. */
export function takeEarlier(
  plan: Pick<Plan, "seasonBackMs" | "lookAheadMs">,
  { deployment: { startedAtMs }, caseId }: PlannedDeployment,
  days: GatheredDeployment["days"],
  series: number,
  day: number,
  window: StoredWindow,
  earlier: EarlierDays,
): void {
  let season = days.get(series);
  if (season === undefined) {
    season = earlier.start(plan, startedAtMs);
    days.set(series, season);
  }
  const slots = earlier.slotsOf(plan, series, caseId);
  if (slots !== null && recallDay(season, day, slots)) return;
  const past = evenly(window) ?? assemble([window])[0]!;
  const last = past.values.length - 1;
  const lastAtMs = "stepMs" in past ? past.startMs + last * past.stepMs : past.atMs[last]!;
  if (lastAtMs > startedAtMs) throw new Error("a season would look past its deployment");
  takeDay(season, day, past, slots);
}

/** The season of every watched series that has enough days. */
export function seasonsOf(
  { series }: PlannedDeployment,
  days: GatheredDeployment["days"],
): PreparedContext["seasons"] {
  const seasons: Record<string, SeasonProfile> = {};
  for (const { index, name } of series) {
    const taken = days.get(index);
    const season = taken === undefined ? null : seasonOf(taken);
    if (season !== null) seasons[seriesKey(name)] = season;
  }
  return seasons;
}
