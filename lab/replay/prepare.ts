/**
 * The context that is prepared for a deployment's watch, from past samples and by the engine's own
 * pure functions, as a live host does it. Only samples from before the deployment are in it.
 */

import {
  canonicalJson,
  DAY_MS,
  forgetSlots,
  recallDay,
  seasonMarginMs,
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
  type SeasonShape,
  type SlotMemory,
} from "../../engine/index.ts";
import { assemble, evenly, type StoredWindow } from "../history/windows.ts";
import { sha256 } from "../policy/load.ts";
import { controlsFor } from "./peers.ts";
import { placebosFor, type PlaceboHistory } from "./placebos.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

/** All that was read of one deployment. */
export interface GatheredDeployment {
  /** By series: the samples of baseline and watch. */
  readonly watch: Map<number, StoredWindow>;
  /** By series: the same hours of earlier days, reduced to the medians of a season. */
  readonly days: Map<number, SeasonDays>;
  /** What glances saw. Series that were quiet at a glance are in neither of the maps above. */
  readonly glimpses: Glimpses;
}

/**
 * The context of one deployment; null where no policy asks for any.
 *
 * @param history what placebos are made from; null where no policy calibrates
 * @param columns its own samples
 * @param peers those of its peers
 */
export function prepareContext(
  plan: Plan,
  planned: PlannedDeployment,
  gathered: GatheredDeployment,
  history: PlaceboHistory | null,
  columns: readonly SampleColumn[],
  peers: readonly SampleColumn[],
): PreparedContext | null {
  const seasons = plan.season
    ? seasonsOf(planned, gathered.days)
    : new Map<string, SeasonProfile>();
  const placebos = history === null ? null : placebosFor(history, planned);
  const controls =
    plan.controlled.length === 0 ? null : controlsFor(plan, planned, columns, peers, seasons);
  if (placebos === null && controls === null) {
    if (seasons.size === 0) return null;
    return { seasons, digest: sha256(canonicalJson(seasons)) };
  }
  const prepared = {
    seasons,
    ...(placebos === null ? {} : { placebos }),
    ...(controls === null ? {} : { controls }),
  };
  return { ...prepared, digest: sha256(canonicalJson(prepared)) };
}

/**
 * What deployments share of the earlier days: the medians of slots that were computed for another
 * deployment, and memory that is no longer needed and can be used again.
 */
export class EarlierDays {
  readonly #memory = slotMemory();
  readonly #spent: SeasonDays[] = [];
  #series = -1;
  #caseId: string | null = null;

  /** A season under way for a deployment that started then. */
  start({ slotMs, backMs }: SeasonShape, lookAheadMs: number, startedAtMs: number): SeasonDays {
    const fromMs = startedAtMs - backMs;
    return startSeason(fromMs, startedAtMs + lookAheadMs, this.#spent.pop(), slotMs);
  }

  /** Gives the memory of a season back. */
  spend(days: SeasonDays): void {
    this.#spent.push(days);
  }

  /**
   * The remembered slots of a series. They are emptied when another series begins, as windows come
   * one series after the other. Null where a watch is so long that a window may lack some of a
   * day's samples: such medians must not be shared.
   */
  slotsOf(
    { lookAheadMs }: Pick<Plan, "lookAheadMs">,
    { slotMs }: SeasonShape,
    series: number,
    caseId: string | null,
  ): SlotMemory | null {
    if (lookAheadMs + seasonMarginMs(slotMs) > DAY_MS) return null;
    if (series !== this.#series || caseId !== this.#caseId) forgetSlots(this.#memory);
    this.#series = series;
    this.#caseId = caseId;
    return this.#memory;
  }
}

/** Reduces the samples of an earlier day to what the season of a deployment's series needs. */
export function takeEarlier(
  plan: Pick<Plan, "lookAheadMs">,
  { deployment: { startedAtMs }, caseId, series: planned }: PlannedDeployment,
  days: GatheredDeployment["days"],
  series: number,
  day: number,
  window: StoredWindow,
  earlier: EarlierDays,
): void {
  const shape = planned.find(({ index }) => index === series)!.season!;
  let season = days.get(series);
  if (season === undefined) {
    season = earlier.start(shape, plan.lookAheadMs, startedAtMs);
    days.set(series, season);
  }
  const slots = earlier.slotsOf(plan, shape, series, caseId);
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
  const seasons = new Map<string, SeasonProfile>();
  for (const { index, name } of series) {
    const taken = days.get(index);
    const season = taken === undefined ? null : seasonOf(taken);
    if (season !== null) seasons.set(seriesKey(name), season);
  }
  return seasons;
}
