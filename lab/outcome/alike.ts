/**
 * Outcomes that the policies of one replay share: a deployment that is decided alone has the same
 * outcome under all policies that judge it alike.
 */

import { isQuietWatch, type WatchJudged } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Label } from "../history/tables.ts";
import type { Outcome } from "./outcome.ts";
import type { AloneOutcomes } from "./outcomeList.ts";

/** By everything in a policy, besides its judgements, that the outcome of a quiet one rests on. */
export type AlikeOutcomes = Map<string, SharedOutcomes>;

class SharedOutcomes {
  readonly #alone = new Map<WatchJudged, Outcome>();
  /** Many deployments share the judgement of a glance, so these are also by place in the plan. */
  readonly #quiet = new Map<WatchJudged, Map<number, Outcome>>();
  /** Where nothing else is known of a deployment one outcome serves all that have its label. */
  readonly #plain = new Map<WatchJudged, Map<Label, Outcome>>();
  /** Of whole plans, by which of their deployments are decided alone (`PolicyReplay.alone`). */
  readonly #plans = new WeakMap<Uint8Array, AloneOutcomes>();

  /** The outcome of deployments with this judgement and label, if nothing else is known of them. */
  plainOf(judged: WatchJudged, label: Label, make: () => Outcome): Outcome {
    return getOrMake(
      getOrMake(this.#plain, judged, () => new Map<Label, Outcome>()),
      label,
      make,
    );
  }

  /** The outcome of the deployment at a place of the plan. */
  ownOf(judged: WatchJudged, place: number, make: () => Outcome): Outcome {
    if (!isQuietWatch(judged)) return getOrMake(this.#alone, judged, make);
    return getOrMake(
      getOrMake(this.#quiet, judged, () => new Map<number, Outcome>()),
      place,
      make,
    );
  }

  /** The outcomes of all deployments that are decided alone. */
  ofPlan(alone: Uint8Array, make: () => AloneOutcomes): AloneOutcomes {
    let known = this.#plans.get(alone);
    if (known === undefined) this.#plans.set(alone, (known = make()));
    return known;
  }
}

/** What policies share that agree on `counts`. */
export function sharedBy(alike: AlikeOutcomes, counts: string): SharedOutcomes {
  return getOrMake(alike, counts, () => new SharedOutcomes());
}
