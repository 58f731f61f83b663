/**
 * Policies of a sweep that come to the same row, though one or the other says something else:
 * the second is not decided again.
 *
 * Beyond what no policy of its kind ever reads (decidesAlike.ts) there is what this history
 * leaves unread: rules of `assign` that none of its deployments meets, or that lead to the same
 * tier by other words; and what a tier says of asking (its window, its escalation) where one
 * that was decided never asked in that tier. A policy that differs from it in nothing else
 * takes every step that it took. Records would not be the same, because they name the rule;
 * numbers are. test/sweep/twins.test.ts holds that every row is what it would have been.
 */

import { canonicalJson, matches, type Deployment, type Policy } from "../../engine/index.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Plan } from "../replay/plan.ts";
import type { PolicyReplay } from "../replay/replay.ts";

/** Tiers in which people are asked. */
interface Asked {
  readonly override: boolean;
  readonly approve: boolean;
}

/** Rows of policies that were decided on one plan and the same judgements if they judge alike. */
export interface Twins {
  /** Null where none that was decided comes to the same. */
  readonly find: (policy: Policy) => Float64Array | null;
  readonly keep: (decided: PolicyReplay, outcomes: readonly Outcome[], row: Float64Array) => void;
}

export function twinsOf({ deployments }: Plan): Twins {
  const kinds = kindsOf(deployments.map(({ deployment }) => deployment));
  const metBy = new Map<string, string>();
  /** What the rules of `assign` come to here; a sweep has few, and many policies with each. */
  const assigned = ({ assign }: Policy): string => {
    const written = canonicalJson(assign);
    let met = metBy.get(written);
    if (met === undefined) {
      met = canonicalJson(kinds.map((kind) => rulesMet(assign, kind)));
      metBy.set(written, met);
    }
    return met;
  };
  const keyOf = (policy: Policy, asked: Asked): string =>
    canonicalJson({ ...policy, digest: "", assign: assigned(policy), tiers: read(policy, asked) });
  const rows = new Map<string, Float64Array>();
  /** Those that some policy asked in. */
  const known = new Map<string, Asked>();
  return {
    find: (policy) => {
      for (const asked of known.values()) {
        const row = rows.get(keyOf(policy, asked));
        if (row !== undefined) return row;
      }
      return null;
    },
    keep: (decided, outcomes, row) => {
      const asked = askedIn(decided, outcomes);
      known.set(canonicalJson(asked), asked);
      rows.set(keyOf(decided.policy, asked), row);
    },
  };
}

/** One deployment of each kind that a rule can tell from the others, but for its tags. */
function kindsOf(deployments: readonly Deployment[]): readonly Deployment[] {
  const kinds = new Map<string, Deployment>();
  for (const deployment of deployments) {
    const { environment, kind, criticality, service, team } = deployment;
    const key = JSON.stringify([environment, kind, criticality, service, team]);
    if (!kinds.has(key)) kinds.set(key, deployment);
  }
  return [...kinds.values()];
}

/** The rules that may apply, up to the first that must: what tags they ask for, and their tier. */
function rulesMet(assign: Policy["assign"], deployment: Deployment): unknown {
  const met: unknown[] = [];
  for (const { when, tier } of assign) {
    const { tags = {}, ...rest } = when ?? {};
    if (!matches(rest, deployment, [])) continue;
    met.push({ tags, tier });
    if (Object.keys(tags).length === 0) break;
  }
  return met;
}

/** What is read of the tiers by a policy that asks in these. */
function read({ fusion, tiers }: Policy, asked: Asked): unknown {
  // Only evidence has a confidence, and what a tier asks of it is read before anybody is asked.
  const sure = (tier: keyof Policy["tiers"]): number | null =>
    fusion === "evidence" ? tiers[tier].confidence : null;
  return {
    full: { ...tiers.full, confidence: sure("full") },
    override: { ...(asked.override ? tiers.override : {}), confidence: sure("override") },
    approve: { ...(asked.approve ? tiers.approve : {}), confidence: sure("approve") },
    observe: { ...tiers.observe, confidence: sure("observe") },
  };
}

function askedIn(decided: PolicyReplay, outcomes: readonly Outcome[]): Asked {
  const asked = { override: false, approve: false };
  outcomes.forEach(({ proposals }, place) => {
    if (proposals === 0) return;
    for (const { decision, tier } of decided.of(place).records) {
      if (decision !== "proposed") continue;
      if (tier === "override" || tier === "approve") asked[tier] = true;
    }
  });
  return asked;
}
