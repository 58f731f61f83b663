/**
 * The outcomes of one policy. Where nothing happened at all, only who it was tells one
 * deployment from another: one outcome is kept for all of these, and each has its own made of
 * that when it is asked for. Nine in ten are such.
 */

import { assert, type Deployment } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import { listed, type Listed } from "../history/listed.ts";
import type { Plan } from "../replay/plan.ts";
import type { Outcome } from "./outcome.ts";

/** The outcomes of those that are decided alone, by place in a plan. */
export class AloneOutcomes {
  readonly #kept: Outcome[] = [];
  /** By place: whose own is the n-th that was kept says n, whom it stands for says -n. */
  readonly #which: Int32Array;
  readonly #stands = new Map<Outcome, number>();
  /** The newest that stood for one, and its number: mostly the next one's too. */
  #last: Outcome | null = null;
  #lastNth = 0;

  constructor(deployments: number) {
    this.#which = new Int32Array(deployments);
  }

  add(place: number, outcome: Outcome): void {
    this.#which[place] = this.#kept.push(outcome);
  }

  /** @param outcome that differs from its own in nothing but whose it is */
  addStanding(place: number, outcome: Outcome): void {
    if (outcome !== this.#last) {
      this.#lastNth = getOrMake(this.#stands, outcome, () => this.#kept.push(outcome));
      this.#last = outcome;
    }
    this.#which[place] = -this.#lastNth;
  }

  /** Does another's stand for it? */
  isStanding(place: number): boolean {
    return this.#which[place]! < 0;
  }

  /** Its own, or what stands for it; undefined of one that is decided with others. */
  at(place: number): Outcome | undefined {
    return this.#kept[Math.abs(this.#which[place]!) - 1];
  }
}

/** By list: what stands for each of it. */
const STANDING = new WeakMap<Listed<Outcome>, Listed<Outcome>>();

/**
 * @param alone of those that are decided alone; policies may share it
 * @param others by place
 */
export function listOutcomes(
  { deployments }: Pick<Plan, "deployments">,
  alone: AloneOutcomes,
  others: ReadonlyMap<number, Outcome>,
): Listed<Outcome> {
  const { length } = deployments;
  // Most are decided alone, and looking for the others takes longer.
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

/** The same for whoever does not ask whose they are: nothing is made. */
export function standingFor(outcomes: Listed<Outcome>): Listed<Outcome> {
  return STANDING.get(outcomes) ?? outcomes;
}

export function renamed(
  outcome: Outcome,
  { deploymentId, service, team, startedAtMs }: Deployment,
): Outcome {
  return { ...outcome, deploymentId, service, team, startedAtMs };
}
