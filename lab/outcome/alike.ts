/**
 * Outcomes that policies of one replay share: a deployment that is decided alone ends alike
 * under all that judge it alike.
 */

import { isQuietWatch, type WatchJudged } from "../../engine/index.ts";
import type { Outcome } from "./outcome.ts";

/** By what else counts for an outcome. */
export type AlikeOutcomes = Map<string, SharedOutcomes>;

export class SharedOutcomes {
  readonly #alone = new Map<WatchJudged, Outcome>();
  /** What a glance says of one is said of many: these by place in the plan. */
  readonly #quiet = new Map<WatchJudged, Outcome[]>();
  /** Of a whole plan, by which of its deployments are decided alone; see `PolicyReplay`. */
  readonly #plans = new WeakMap<Uint8Array, readonly Outcome[]>();

  find(judged: WatchJudged, place: number): Outcome | null {
    const known = isQuietWatch(judged) ? this.#quiet.get(judged)?.[place] : this.#alone.get(judged);
    return known ?? null;
  }

  keep(judged: WatchJudged, place: number, outcome: Outcome): void {
    if (!isQuietWatch(judged)) {
      this.#alone.set(judged, outcome);
      return;
    }
    let places = this.#quiet.get(judged);
    if (places === undefined) this.#quiet.set(judged, (places = []));
    places[place] = outcome;
  }

  /** All outcomes of some policy, to be changed: those that are not alone are its own. */
  copyOfPlan(alone: Uint8Array): Outcome[] | null {
    return this.#plans.get(alone)?.slice() ?? null;
  }

  keepPlan(alone: Uint8Array, outcomes: readonly Outcome[]): void {
    this.#plans.set(alone, outcomes);
  }
}

export function sharedBy(alike: AlikeOutcomes, counts: string): SharedOutcomes {
  let shared = alike.get(counts);
  if (shared === undefined) alike.set(counts, (shared = new SharedOutcomes()));
  return shared;
}
