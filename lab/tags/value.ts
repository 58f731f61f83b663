/**
 * What context was worth: evaluates the nine arms (see arms.ts), each kind of tag alone and left
 * out, and tags by modes, on the same deployments, with the same luck and the samples read once.
 */

import type { ContextTag, Policy } from "../../engine/index.ts";
import { differencesOf, flipsOf, type Difference } from "../compare/compare.ts";
import {
  evaluate,
  type EvaluateOptions,
  type Evaluated,
  type RunManifest,
} from "../compare/evaluate.ts";
import { pairOf } from "../compare/again.ts";
import type { PairAgain } from "../compare/modelled.ts";
import type { History } from "../history/open.ts";
import { AS_RECORDED, kindArms, modelessArms, NONE, tagArms, type Arm } from "./arms.ts";
import { changesBetween, creditOf, type Change, type Credit } from "./credit.ts";
import { factorialOf, type Factorial } from "./factorial.ts";
import { inventoryOf, type Inventory, type KindInventory } from "./inventory.ts";

export interface ArmValue {
  readonly arm: string;
  readonly says: string;
  readonly evaluated: Evaluated;
  /** Deployments that end otherwise than with the tags as recorded. */
  readonly endOtherwise: number;
  /** Differences to "none", of every field that can be better or worse; empty for "none". */
  readonly againstNone: readonly Difference[];
  /** Differences to "as recorded"; empty for "as recorded". */
  readonly againstRecorded: readonly Difference[];
}

export interface KindValue extends KindInventory {
  /** The effect of this kind alone, against no tags. */
  readonly alone: Credit;
  /** The effect of all tags, against all but this kind: what no other kind does. */
  readonly only: Credit;
}

export interface TeamValue extends Credit {
  readonly team: string | null;
}

export interface TagValue {
  readonly manifest: RunManifest;
  readonly policy: Policy;
  readonly tags: readonly ContextTag[];
  readonly labelled: boolean;
  readonly arms: readonly ArmValue[];
  /** Null where the policy has no modes. */
  readonly factorial: readonly Factorial[] | null;
  readonly kinds: readonly KindValue[];
  readonly teams: readonly TeamValue[];
  /** Deployments that end differently with the tags as recorded than without tags. */
  readonly changes: readonly Change[];
  readonly overWide: Inventory["overWide"];
  readonly stale: Inventory["stale"];
}

/** @returns null where the history has no tags */
export async function valueOfTags(
  history: History,
  policy: Policy,
  options: EvaluateOptions,
): Promise<TagValue | null> {
  const { tables } = history;
  if (tables.tags.length === 0) return null;
  const main = tagArms(tables, policy, options.seed);
  const modeless = policy.modes.length === 0 ? [] : modelessArms(policy);
  const kinds = kindArms(policy, [...new Set(tables.tags.map(({ tag }) => tag))].sort());
  const scored: readonly Arm[] = [...main, ...modeless];
  const arms = [...scored, ...kinds.flatMap(({ alone, without }) => [alone, without])];
  const evaluation = await evaluate(
    history,
    arms.map((arm) => arm.policy),
    {
      ...options,
      modelled: { limits: [] },
      told: {
        given: arms.map((arm) => arm.given),
        scored: scored.length,
        asked: main.findIndex(({ name }) => name === AS_RECORDED),
      },
    },
  );
  const { policies, scoring, hidden, unscored, again } = evaluation;
  const at = (name: string): Evaluated => policies[main.findIndex((arm) => arm.name === name)]!;
  const none = at(NONE);
  const recorded = at(AS_RECORDED);
  const changes = changesBetween(none.outcomes, recorded.outcomes);
  const inventory = inventoryOf(tables, evaluation.replay, policy, options.within);
  const [neither, tagsOnly] = policies.slice(main.length);
  const pairs: (PairAgain | null)[] = [];
  for (const index of main.keys()) {
    const isPair = again !== null && policies[index] !== recorded;
    pairs.push(isPair ? await pairOf(again, policies.indexOf(recorded), index) : null);
  }
  return {
    manifest: evaluation.manifest,
    policy,
    tags: tables.tags,
    labelled: tables.labels.some(({ label }) => label !== "unknown"),
    arms: main.map((arm, index): ArmValue => {
      const evaluated = policies[index]!;
      const pair = pairs[index]!;
      return {
        arm: arm.name,
        says: arm.says,
        evaluated,
        endOtherwise: flipsOf(recorded.outcomes, evaluated.outcomes, arm.name).length,
        againstNone: evaluation.differences.filter(
          ({ candidatePolicy }) => candidatePolicy === arm.name,
        ),
        againstRecorded:
          evaluated === recorded
            ? []
            : differencesOf(recorded, evaluated, {
                scoring,
                hidden,
                again: pair,
              }),
      };
    }),
    factorial:
      neither === undefined || tagsOnly === undefined
        ? null
        : factorialOf({ neither, tagsOnly, modesOnly: none, both: recorded }),
    kinds: inventory.kinds.map((kind, index): KindValue => {
      const [alone, without] = [unscored[2 * index]!, unscored[2 * index + 1]!];
      return {
        ...kind,
        alone: creditOf(changesBetween(none.outcomes, alone)),
        only: creditOf(changesBetween(without, recorded.outcomes)),
      };
    }),
    teams: [...new Set(changes.map(({ team }) => team))]
      .sort()
      .map((team) => ({ team, ...creditOf(changes.filter((one) => one.team === team)) })),
    changes,
    overWide: inventory.overWide,
    stale: inventory.stale,
  };
}
