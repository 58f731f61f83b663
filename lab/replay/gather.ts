/**
 * What came of each deployment so far. Windows arrive in the order of series, and a deployment
 * is judged when its last one is there: so what waits is what shares series with something
 * still to come, and what was quiet at a glance does not even do that.
 */

import type { Glimpses, SeriesName } from "../../engine/index.ts";
import type { StoredWindow } from "../history/windows.ts";
import { areQuiet, glanceAt, loneAmong, type Family, type Lone } from "./families.ts";
import type { Plan, PlannedDeployment, PlannedWindow } from "./plan.ts";
import { EarlierDays, takeEarlier, type GatheredDeployment } from "./prepare.ts";

/** Of so many series of a deployment it can be remembered that they were quiet. */
const REMEMBERED = 32;

export class Gathering {
  readonly #missing: Int32Array;
  readonly #pending = new Map<number, GatheredDeployment>();
  /** By deployment, a bit for each of its series. */
  readonly #quiet: Uint32Array;
  readonly #isLone: Lone;
  readonly #earlier = new EarlierDays();
  /** Where all series of a list are quiet, is there nothing to look closer at? */
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

  expect(asked: readonly PlannedWindow[]): void {
    for (const { deployment } of asked) this.#missing[deployment]!++;
  }

  /** Is some window of it still to come? */
  isWaiting(deployment: number): boolean {
    return this.#missing[deployment]! > 0;
  }

  /**
   * All that there is of its deployment, where this was the last window of it; "quiet" where
   * that is all there is to say, as of most.
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

  /** Nobody looks closer at this series, and mostly at no other either. */
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
    // Whose series they are decides it, and deployments of a service share the list.
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

/** A glance takes it that a deployment was known from its start and went on to its end. */
function mayGlance({ deployment, knownAtMs, rolledBackAtMs }: PlannedDeployment): boolean {
  return rolledBackAtMs === null && knownAtMs <= deployment.startedAtMs;
}

export function nothingGathered(): GatheredDeployment {
  const glimpses: Glimpses = { glanced: [], spared: [], uneven: [] };
  return { watch: new Map(), days: new Map(), glimpses };
}
