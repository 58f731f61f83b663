/**
 * Outcomes that policies of one replay share: a deployment that is decided alone ends alike
 * under all that judge it alike.
 */

import { isQuietWatch, type WatchJudged } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Label } from "../history/tables.ts";
import type { Outcome } from "./outcome.ts";
import type { AloneOutcomes } from "./outcomeList.ts";

/** By what else counts for an outcome. */
export type AlikeOutcomes = Map<string, SharedOutcomes>;

class SharedOutcomes {
  readonly #alone = new Map<WatchJudged, Outcome>();
  /** What a glance says of one is said of many: these by place in the plan. */
  readonly #quiet = new Map<WatchJudged, Map<number, Outcome>>();
  /** Of those of whom nothing else is known: one stands for all of a label. */
  readonly #plain = new Map<WatchJudged, Map<Label, Outcome>>();
  /** Of a whole plan, by which of its deployments are decided alone; see `PolicyReplay`. */
  readonly #plans = new WeakMap<Uint8Array, AloneOutcomes>();

  /** What stands for a quiet one of a label; made where there is none yet. */
  plainOf(judged: WatchJudged, label: Label, make: () => Outcome): Outcome {
    return getOrMake(
      getOrMake(this.#plain, judged, () => new Map<Label, Outcome>()),
      label,
      make,
    );
  }

  /** That of one deployment; made where it is not known yet. */
  ownOf(judged: WatchJudged, place: number, make: () => Outcome): Outcome {
    if (!isQuietWatch(judged)) return getOrMake(this.#alone, judged, make);
    return getOrMake(
      getOrMake(this.#quiet, judged, () => new Map<number, Outcome>()),
      place,
      make,
    );
  }

  /** Of all that are decided alone. */
  ofPlan(alone: Uint8Array, make: () => AloneOutcomes): AloneOutcomes {
    let known = this.#plans.get(alone);
    if (known === undefined) this.#plans.set(alone, (known = make()));
    return known;
  }
}

export function sharedBy(alike: AlikeOutcomes, counts: string): SharedOutcomes {
  let shared = alike.get(counts);
  if (shared === undefined) alike.set(counts, (shared = new SharedOutcomes()));
  return shared;
}
