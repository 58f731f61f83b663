/**
 * What context was worth: one policy told nine stories (see arms.ts), each kind of tag alone
 * and left out, and tags by modes, all on the same deployments with the same luck and from
 * one reading of the samples.
 */

import type { ContextTag, Policy } from "../../engine/index.ts";
import { differencesOf, flipsOf, type Difference } from "../compare/compare.ts";
import {
  evaluate,
  type EvaluateOptions,
  type Evaluated,
  type RunManifest,
} from "../compare/evaluate.ts";
import type { History } from "../history/open.ts";
import { AS_RECORDED, kindArms, modelessArms, NONE, tellings, type Arm } from "./arms.ts";
import { changesBetween, creditOf, type Change, type Credit } from "./credit.ts";
import { factorialOf, type Factorial } from "./factorial.ts";
import { inventoryOf, type Inventory, type KindInventory } from "./inventory.ts";

export interface ArmValue {
  readonly arm: string;
  readonly says: string;
  readonly evaluated: Evaluated;
  /** Deployments that end otherwise than with the tags as recorded. */
  readonly endOtherwise: number;
  /** Of every field with a better direction; empty for "none" itself. */
  readonly againstNone: readonly Difference[];
  /** The same; empty for "as recorded" itself. */
  readonly againstRecorded: readonly Difference[];
}

export interface KindValue extends KindInventory {
  /** What it did as the only kind there is. */
  readonly alone: Credit;
  /** What all others do without it, against all together: what nothing else does for it. */
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
  /** With the tags as recorded against none. */
  readonly changes: readonly Change[];
  readonly overWide: Inventory["overWide"];
  readonly stale: Inventory["stale"];
}

/** Null where there is no tag: there is nothing to value. */
export async function valueOfTags(
  history: History,
  policy: Policy,
  options: EvaluateOptions,
): Promise<TagValue | null> {
  const { tables } = history;
  if (tables.tags.length === 0) return null;
  const told = tellings(tables, policy, options.seed);
  const modeless = policy.modes.length === 0 ? [] : modelessArms(policy);
  const kinds = kindArms(policy, [...new Set(tables.tags.map(({ tag }) => tag))].sort());
  const scored: readonly Arm[] = [...told, ...modeless];
  const arms = [...scored, ...kinds.flatMap(({ alone, without }) => [alone, without])];
  const evaluation = await evaluate(
    history,
    arms.map((arm) => arm.policy),
    { ...options, told: { given: arms.map((arm) => arm.given), scored: scored.length } },
  );
  const { policies, scoreAgain, unscored } = evaluation;
  const at = (name: string): Evaluated => policies[told.findIndex((arm) => arm.name === name)]!;
  const none = at(NONE);
  const recorded = at(AS_RECORDED);
  const changes = changesBetween(none.outcomes, recorded.outcomes);
  const inventory = inventoryOf(tables, evaluation.replay, policy, options.within);
  const [neither, tagsOnly] = policies.slice(told.length);
  return {
    manifest: evaluation.manifest,
    policy,
    tags: tables.tags,
    labelled: tables.labels.some(({ label }) => label !== "unknown"),
    arms: told.map((arm, index): ArmValue => {
      const evaluated = policies[index]!;
      return {
        arm: arm.name,
        says: arm.says,
        evaluated,
        endOtherwise: flipsOf(recorded.outcomes, evaluated.outcomes, arm.name).length,
        againstNone: evaluation.differences.filter(
          ({ candidatePolicy }) => candidatePolicy === arm.name,
        ),
        againstRecorded:
          evaluated === recorded ? [] : differencesOf(recorded, evaluated, scoreAgain),
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
