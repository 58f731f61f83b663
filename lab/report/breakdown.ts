/**
 * Scorecards over parts of the quarter: by month, team, tier and mode. A month or team has the same
 * deployments under both policies. Tier and mode are those that a policy chose when it first asked,
 * so a tier or mode has different deployments under each.
 */

import type { Evaluation } from "../compare/evaluate.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { estimateIn, score, type Estimate } from "../score/scorecard.ts";

export type BrokenBy = "month" | "team" | "tier" | "mode";

/** The fields of a scorecard that are shown for a part. */
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
  /** Null: the service has no team, the policy asked nothing, no mode was active. */
  readonly name: string | null;
  /** Null where the policy has no deployment in it, or is not there. */
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
  { policies, scoring }: Evaluation,
  keyOf: (outcome: Outcome) => string | null,
): readonly Part[] {
  const names = new Set(
    policies.flatMap(({ draws }) => draws.flatMap((outcomes) => outcomes.map(keyOf))),
  );
  // Null, for those that belong to no part, comes last.
  const sorted = [...names].sort((a, b) => (a === null ? 1 : b === null ? -1 : a < b ? -1 : 1));
  return sorted.map((name): Part => {
    const [current, candidate] = policies.map(({ draws }) => {
      const part = draws.map((outcomes) => outcomes.filter((outcome) => keyOf(outcome) === name));
      return part.every(({ length }) => length === 0)
        ? null
        : scoresOf(score(part, scoring).scorecard);
    });
    return { name, current: current!, candidate: candidate ?? null };
  });
}

function scoresOf(card: Parameters<typeof estimateIn>[0]): PartScores {
  return Object.fromEntries(
    PART_FIELDS.map((field) => [field, estimateIn(card, field)]),
  ) as unknown as PartScores;
}
