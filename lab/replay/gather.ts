/**
 * Gathers the windows of each deployment until all of them are there and it can be judged. Windows
 * arrive series by series, so some deployments wait for their last one. A window on which a glance
 * finds everything quiet is not kept while they wait.
 */

import type { Glimpses, SeriesName } from "../../engine/index.ts";
import type { StoredWindow } from "../history/windows.ts";
import { areQuiet, glanceAt, loneAmong, type Family, type Lone } from "./families.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";
import type { PlannedWindow } from "./plannedWindows.ts";
import { EarlierDays, takeEarlier, type GatheredDeployment } from "./prepare.ts";

/** How many series of a deployment can be remembered as quiet: the bits of a number. */
const REMEMBERED = 32;

export class Gathering {
  /** How many windows of each deployment are still to come. */
  readonly #missing: Int32Array;
  /** What is kept of deployments that wait. */
  readonly #pending = new Map<number, GatheredDeployment>();
  /** For each deployment, a bit for each of its series that is quiet. */
  readonly #quiet: Uint32Array;
  readonly #isLone: Lone;
  readonly #earlier = new EarlierDays();
  /** For a list of series: if all of them are quiet, are all signals of all policies quiet? */
  readonly #areQuiet = new WeakMap<PlannedDeployment["series"], boolean>();

  constructor(
    private readonly plan: Plan,
    private readonly families: readonly Family[],
    private readonly takesGlances: boolean,
  ) {
    const { length } = plan.deployments;
    this.#missing = new Int32Array(length);
    this.#quiet = new Uint32Array(takesGlances ? length : 0);
    this.#isLone = loneAmong(families);
  }

  /** Counts the windows that will come. */
  expect(asked: readonly PlannedWindow[]): void {
    for (const { deployment } of asked) this.#missing[deployment]!++;
  }

  /** Is a window of this deployment still to come? */
  isWaiting(deployment: number): boolean {
    return this.#missing[deployment]! > 0;
  }

  /**
   * Takes a window.
   *
   * @returns null while others of its deployment are still to come; then all that was gathered, or
   *   "quiet" where a glance proved that no signal of any policy went beyond its tolerance
   */
  take(asked: PlannedWindow, window: StoredWindow): GatheredDeployment | "quiet" | null {
    const { deployment } = asked;
    this.#add(asked, window);
    if (--this.#missing[deployment]! > 0) return null;
    const pending = this.#pending.get(deployment);
    if (pending === undefined && this.#isQuiet(deployment)) return "quiet";
    const gathered = pending ?? nothingGathered();
    this.#pending.delete(deployment);
    if (this.takesGlances) gathered.glimpses.spared.push(...this.#quietOf(deployment));
    return gathered;
  }

  #add({ deployment, series, day }: PlannedWindow, window: StoredWindow): void {
    const about = this.plan.deployments.at(deployment)!;
    if (day > 0) {
      const { days } = this.#gathered(deployment);
      takeEarlier(this.plan, about, days, series, day, window, this.#earlier);
      return;
    }
    const at =
      this.takesGlances && window.length > 0 && mayGlance(about)
        ? about.series.findIndex(({ index }) => index === series)
        : -1;
    const days = this.#pending.get(deployment)?.days.get(series);
    const seen = at < 0 ? null : glanceAt(about, at, window, this.families, this.#isLone, days);
    if (seen === "quiet" && at < REMEMBERED) {
      this.#quiet[deployment]! |= 1 << at;
      this.#forget(deployment, series);
      return;
    }
    const { watch, glimpses } = this.#gathered(deployment);
    watch.set(series, window);
    if (seen === "uneven") glimpses.uneven.push(about.series[at]!.name);
    else if (seen !== null && seen !== "quiet") glimpses.glanced.push(seen);
  }

  /** Drops what was kept of a series that is quiet. */
  #forget(deployment: number, series: number): void {
    const gathered = this.#pending.get(deployment);
    if (gathered === undefined) return;
    const days = gathered.days.get(series);
    if (days !== undefined) this.#earlier.spend(days);
    gathered.days.delete(series);
    if (gathered.days.size === 0 && gathered.watch.size === 0) this.#pending.delete(deployment);
  }

  #gathered(deployment: number): GatheredDeployment {
    const known = this.#pending.get(deployment);
    if (known !== undefined) return known;
    const fresh = nothingGathered();
    this.#pending.set(deployment, fresh);
    return fresh;
  }

  #isQuiet(deployment: number): boolean {
    const planned = this.plan.deployments.at(deployment)!;
    const { series } = planned;
    const all = 2 ** series.length - 1;
    if (!this.takesGlances || this.#quiet[deployment] !== all) return false;
    // It depends on the series alone, and deployments of a service share one list of them.
    let is = this.#areQuiet.get(series);
    if (is === undefined) this.#areQuiet.set(series, (is = areQuiet(planned, this.families)));
    return is;
  }

  #quietOf(deployment: number): SeriesName[] {
    const bits = this.#quiet[deployment]!;
    return this.plan.deployments
      .at(deployment)!
      .series.flatMap(({ name }, at) =>
        at < REMEMBERED && (bits & (1 << at)) !== 0 ? [name] : [],
      );
  }
}

/** A glance is only for deployments that were known from their start and not cut short. */
function mayGlance({ deployment, knownAtMs, rolledBackAtMs }: PlannedDeployment): boolean {
  return rolledBackAtMs === null && knownAtMs <= deployment.startedAtMs;
}

/** What is gathered of a deployment before its first window. */
export function nothingGathered(): GatheredDeployment {
  const glimpses: Glimpses = { glanced: [], spared: [], uneven: [] };
  return { watch: new Map(), days: new Map(), glimpses };
}
