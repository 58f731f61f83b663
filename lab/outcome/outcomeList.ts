/**
 * The outcomes of one policy as a list. Deployments to which nothing happened differ only in their
 * names, and nine in ten are such: one outcome is kept for all of them, and one with the right name
 * is made of it whenever it is asked for.
 */

import { assert, type Deployment } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import { listed, type Listed } from "../history/listed.ts";
import type { Plan } from "../replay/plan.ts";
import type { Outcome } from "./outcome.ts";

/** The outcomes of deployments that are decided alone, by place in the plan. */
export class AloneOutcomes {
  readonly #kept: Outcome[] = [];
  /** By place: n, if its own outcome is the n-th that is kept, or −n if the n-th stands for it. */
  readonly #which: Int32Array;
  readonly #stands = new Map<Outcome, number>();
  /** The last outcome that was added as standing, and its number: mostly it is the next as well. */
  #last: Outcome | null = null;
  #lastNth = 0;

  constructor(deployments: number) {
    this.#which = new Int32Array(deployments);
  }

  /** Adds a deployment's own outcome. */
  add(place: number, outcome: Outcome): void {
    this.#which[place] = this.#kept.push(outcome);
  }

  /** Adds an outcome that stands for a deployment's own: it differs only in the name. */
  addStanding(place: number, outcome: Outcome): void {
    if (outcome !== this.#last) {
      this.#lastNth = getOrMake(this.#stands, outcome, () => this.#kept.push(outcome));
      this.#last = outcome;
    }
    this.#which[place] = -this.#lastNth;
  }

  /** Is the outcome at this place one that stands for the deployment's own? */
  isStanding(place: number): boolean {
    return this.#which[place]! < 0;
  }

  /** The outcome at this place, its own or one that stands for it; undefined without any. */
  at(place: number): Outcome | undefined {
    return this.#kept[Math.abs(this.#which[place]!) - 1];
  }
}

/** For each list of outcomes: the same list without names put right. */
const STANDING = new WeakMap<Listed<Outcome>, Listed<Outcome>>();

/**
 * The outcomes of all deployments of a plan.
 *
 * @param alone the outcomes of deployments that are decided alone; policies may share it
 * @param others those of all others, by place
 */
export function listOutcomes(
  { deployments }: Pick<Plan, "deployments">,
  alone: AloneOutcomes,
  others: ReadonlyMap<number, Outcome>,
): Listed<Outcome> {
  const { length } = deployments;
  // Asked in this order because most are decided alone, and that lookup is the faster one.
  const standingAt = (place: number): Outcome => {
    const outcome = alone.at(place) ?? others.get(place);
    assert(outcome !== undefined, "whoever is not decided alone has an outcome of its own");
    return outcome;
  };
  const outcomes = listed(length, (place): Outcome => {
    const outcome = standingAt(place);
    return alone.isStanding(place) ? renamed(outcome, deployments.at(place)!.deployment) : outcome;
  });
  const standing = listed(length, standingAt);
  STANDING.set(outcomes, standing);
  return outcomes;
}

/** The same outcomes with names that may be another deployment's: faster, as nothing is made. */
export function standingFor(outcomes: Listed<Outcome>): Listed<Outcome> {
  return STANDING.get(outcomes) ?? outcomes;
}

/** The outcome with the names of this deployment. */
export function renamed(
  outcome: Outcome,
  { deploymentId, service, team, startedAtMs }: Deployment,
): Outcome {
  return { ...outcome, deploymentId, service, team, startedAtMs };
}
