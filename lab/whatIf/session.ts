/**
 * A what-if that answers while one drags a slider: runs a changed policy through the same engine,
 * on material that was read once. It uses only the first draw of people's luck and of what history
 * hid, and computes no intervals; `compare` has all draws and intervals.
 */

import type { Policy } from "../../engine/index.ts";
import { flipsOf, type Flip } from "../compare/compare.ts";
import { isWithin, scoredWeeks, type Within } from "../compare/within.ts";
import type { History } from "../history/open.ts";
import type { AlikeOutcomes } from "../outcome/alike.ts";
import type { Listed } from "../history/listed.ts";
import { outcomesOf, type Outcome } from "../outcome/outcome.ts";
import { recoveryOf, type Recovery } from "../outcome/recovery.ts";
import { choosePeople, type PeopleChoice } from "../people/choose.ts";
import type { Responder } from "../people/recorded.ts";
import { quietMemory } from "../replay/beginning.ts";
import { decisionsOf } from "../replay/decide.ts";
import { pricedFor, type Costs } from "../score/costs.ts";
import { scoreValues, type ScoreOptions, type Scorecard } from "../score/scorecard.ts";
import { Judgements } from "./judgements.ts";
import { materialKey, type Material } from "./material.ts";

export interface SessionOptions {
  readonly people: PeopleChoice;
  readonly costs: Costs;
  readonly seed: number;
}

export interface Valued {
  readonly policy: Policy;
  readonly outcomes: Listed<Outcome>;
  readonly scorecard: Scorecard;
  /** By field name; NaN where this history cannot say it. */
  readonly values: ReadonlyMap<string, number>;
}

/** Policies whose outcomes are kept. */
const KEPT = 24;

export class WhatIfSession {
  readonly judgements: Judgements;
  readonly #key: string;
  readonly #people: Responder;
  readonly #recovery: Recovery;
  readonly #scoring: Omit<ScoreOptions, "bootstraps" | "weeks">;
  readonly #quiet = quietMemory(true);
  /** By policy and scored range of time. */
  readonly #valued = new Map<string, Valued>();
  /** By policy: outcomes of all deployments. */
  readonly #outcomes = new Map<string, Listed<Outcome>>();
  /** A cache of outcomes that indistinguishable deployments share. */
  #alike: AlikeOutcomes = new Map();

  /** @param policy that the material was gathered for */
  constructor(
    readonly history: History,
    readonly policy: Policy,
    readonly material: Material,
    { people, costs, seed }: SessionOptions,
  ) {
    this.judgements = new Judgements(material);
    this.#key = materialKey(policy);
    this.#people = choosePeople(history, people, seed).responder(0);
    this.#recovery = recoveryOf(history.tables, seed);
    const { tables } = history;
    const zones = new Map(tables.services.map(({ service, timezone }) => [service, timezone]));
    this.#scoring = {
      costs: pricedFor(tables.services, costs),
      timezoneOf: (service) => zones.get(service) ?? null,
      seed,
    };
  }

  /** Can the policy be judged on what was read? */
  serves(policy: Policy): boolean {
    return materialKey(policy) === this.#key && policy.watchMs <= this.policy.watchMs;
  }

  /**
   * @param base the policy that was changed; the policy itself if there is none
   * @param within scores only deployments that start in it; default: all
   */
  value(policy: Policy, base: Policy, within?: Within): Valued {
    const key = `${policy.digest} ${within?.fromMs} ${within?.toMs}`;
    return kept(this.#valued, key, () => {
      const all = kept(this.#outcomes, policy.digest, () => this.#decide(policy, base));
      const outcomes =
        within === undefined ? all : all.filter((one) => isWithin(within, one.startedAtMs));
      const weeks = scoredWeeks(this.history.manifest, within);
      const { scorecard, values } = scoreValues([outcomes], { ...this.#scoring, weeks });
      return { policy, outcomes, scorecard, values };
    });
  }

  #decide(policy: Policy, base: Policy): Listed<Outcome> {
    const { plan } = this.material;
    const { judgements, imagined } = this.judgements.of(policy, base);
    const platform = this.#recovery;
    const decided = decisionsOf(plan, policy, judgements, this.#people, platform, this.#quiet);
    // Drop the cache when it is large: most entries serve only one policy.
    if (this.#alike.size > ALIKE_AT_MOST) this.#alike = new Map();
    return outcomesOf(
      this.history,
      { plan, imagined },
      decided,
      this.#people,
      this.#recovery,
      this.#alike,
    );
  }

  flips(base: Valued, changed: Valued): readonly Flip[] {
    return flipsOf(base.outcomes, changed.outcomes, changed.policy.policy);
  }
}

const ALIKE_AT_MOST = 60_000;

/** The cached value of the key, or a new one; drops the least recently used values. */
function kept<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  const value = known.get(key) ?? make();
  known.delete(key);
  known.set(key, value);
  if (known.size > KEPT) known.delete(known.keys().next().value!);
  return value;
}
