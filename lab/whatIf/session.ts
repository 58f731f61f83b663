/**
 * A what-if that answers while one drags: a changed policy through the same engine, from
 * material that was read once. Everything is decided on the first draw of people's luck and of
 * what history hid, and no interval is made; `compare` has all draws and intervals.
 */

import type { Policy } from "../../engine/index.ts";
import { flipsOf, type Flip } from "../compare/compare.ts";
import type { History } from "../history/open.ts";
import type { AlikeOutcomes } from "../outcome/alike.ts";
import type { Listed } from "../history/listed.ts";
import { outcomesOf, type Outcome } from "../outcome/outcome.ts";
import { recoveryOf, type Recovery } from "../outcome/recovery.ts";
import { choosePeople, type PeopleChoice } from "../people/choose.ts";
import type { Responder } from "../people/recorded.ts";
import { quietMemory } from "../replay/beginning.ts";
import { decisionsOf } from "../replay/decide.ts";
import type { Costs } from "../score/costs.ts";
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
  /** By field name, NaN where this history cannot say it. */
  readonly values: ReadonlyMap<string, number>;
}

const WEEK_MS = 604_800_000;
/** Policies whose outcomes are kept. */
const KEPT = 24;

export class WhatIfSession {
  readonly judgements: Judgements;
  readonly #key: string;
  readonly #people: Responder;
  readonly #recovery: Recovery;
  readonly #scoring: Omit<ScoreOptions, "bootstraps">;
  readonly #quiet = quietMemory(true);
  readonly #valued = new Map<string, Valued>();
  /** By watch: what deployments that nobody can tell apart share. */
  #alike: AlikeOutcomes = new Map();

  /** @param policy the one the material was gathered for */
  constructor(
    readonly history: History,
    readonly policy: Policy,
    readonly material: Material,
    { people, costs, seed }: SessionOptions,
  ) {
    this.judgements = new Judgements(material);
    this.#key = materialKey(policy);
    this.#people = choosePeople(history, people, seed).responder(0);
    this.#recovery = recoveryOf(history.tables);
    const { tables, manifest } = history;
    const zones = new Map(tables.services.map(({ service, timezone }) => [service, timezone]));
    const fromMs = Date.parse(manifest.from ?? "");
    const toMs = Date.parse(manifest.to ?? "");
    this.#scoring = {
      costs,
      weeks: Number.isNaN(toMs - fromMs) ? 0 : (toMs - fromMs) / WEEK_MS,
      timezoneOf: (service) => zones.get(service) ?? null,
      seed,
    };
  }

  /** Can the policy be judged on what was read? */
  serves(policy: Policy): boolean {
    return materialKey(policy) === this.#key && policy.watchMs <= this.policy.watchMs;
  }

  /** @param base what the policy is a change of; itself where it is none */
  value(policy: Policy, base: Policy): Valued {
    const known = this.#valued.get(policy.digest);
    if (known !== undefined) {
      // The newest are kept.
      this.#valued.delete(policy.digest);
      this.#valued.set(policy.digest, known);
      return known;
    }
    const { plan } = this.material;
    const { judgements, imagined } = this.judgements.of(policy, base);
    const platform = this.#recovery;
    const decided = decisionsOf(plan, policy, judgements, this.#people, platform, this.#quiet);
    // What only one policy has ever said is not worth keeping for the next.
    if (this.#alike.size > ALIKE_AT_MOST) this.#alike = new Map();
    const outcomes = outcomesOf(
      this.history,
      { plan, imagined },
      decided,
      this.#people,
      this.#recovery,
      this.#alike,
    );
    const { scorecard, values } = scoreValues([outcomes], this.#scoring);
    const valued = { policy, outcomes, scorecard, values };
    this.#valued.set(policy.digest, valued);
    if (this.#valued.size > KEPT) this.#valued.delete(this.#valued.keys().next().value!);
    return valued;
  }

  flips(base: Valued, changed: Valued): readonly Flip[] {
    return flipsOf(base.outcomes, changed.outcomes, changed.policy.policy);
  }
}

const ALIKE_AT_MOST = 60_000;
