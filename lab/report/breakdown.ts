/**
 * The same scorecards over parts of the quarter: by month, team, tier and mode. Tier and
 * mode are what a policy chose when it first asked, so the two policies' groups hold
 * different deployments; month and team are the same ones under both.
 */

import type { Evaluation } from "../compare/evaluate.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { estimateIn, type Estimate } from "../score/scorecard.ts";

export type BrokenBy = "month" | "team" | "tier" | "mode";

/** What a part shows; all of them fields of a scorecard. */
export const PART_FIELDS = [
  "deployments",
  "regressions",
  "falsePositiveRollbacks",
  "missRate",
  "mttr",
  "pages",
  "nightPages",
  "cost",
] as const;
export type PartField = (typeof PART_FIELDS)[number];
export type PartScores = Readonly<Record<PartField, Estimate>>;

export interface Part {
  /** Null: no team is named, nothing was asked, no mode was on. */
  readonly name: string | null;
  /** Null where the policy has no deployment in it. */
  readonly current: PartScores | null;
  readonly candidate: PartScores | null;
}

const KEYS: Readonly<Record<BrokenBy, (outcome: Outcome) => string | null>> = {
  month: ({ startedAtMs }) => new Date(startedAtMs).toISOString().slice(0, 7),
  team: ({ team }) => team,
  tier: ({ tier }) => tier,
  mode: ({ mode }) => mode,
};

export function breakdownOf(evaluation: Evaluation): Readonly<Record<BrokenBy, readonly Part[]>> {
  const by = (name: BrokenBy): readonly Part[] => partsBy(evaluation, KEYS[name]);
  return { month: by("month"), team: by("team"), tier: by("tier"), mode: by("mode") };
}

function partsBy(
  { policies, scoreAgain }: Evaluation,
  keyOf: (outcome: Outcome) => string | null,
): readonly Part[] {
  const names = new Set(
    policies.flatMap(({ draws }) => draws.flatMap((outcomes) => outcomes.map(keyOf))),
  );
  // Null stands last: it is what does not belong anywhere.
  const sorted = [...names].sort((a, b) => (a === null ? 1 : b === null ? -1 : a < b ? -1 : 1));
  return sorted.map((name): Part => {
    const [current, candidate] = policies.map(({ draws }) => {
      const mine = draws.map((outcomes) => outcomes.filter((one) => keyOf(one) === name));
      return mine.every(({ length }) => length === 0) ? null : scoresOf(scoreAgain(mine).scorecard);
    });
    return { name, current: current!, candidate: candidate! };
  });
}

function scoresOf(card: Parameters<typeof estimateIn>[0]): PartScores {
  return Object.fromEntries(
    PART_FIELDS.map((field) => [field, estimateIn(card, field)]),
  ) as unknown as PartScores;
}
