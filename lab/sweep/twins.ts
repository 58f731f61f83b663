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

import {
  canonicalJson,
  matches,
  type Assignment,
  type Deployment,
  type Policy,
} from "../../engine/index.ts";
import type { Plan } from "../replay/plan.ts";
import type { PolicyReplay } from "../replay/replay.ts";
import { tiersRead } from "./decidesAlike.ts";

/** Tiers in which people were asked. */
interface Asked {
  readonly override: boolean;
  readonly approve: boolean;
}

/** Rows of policies that were decided on one plan and the same judgements if they judge alike. */
export interface Twins {
  /** Null where none that was decided comes to the same. */
  readonly find: (policy: Policy) => Float64Array | null;
  readonly keep: (decided: PolicyReplay, row: Float64Array) => void;
}

export function twinsOf(plan: Plan): Twins {
  const meaning = meaningIn(plan);
  const rows = new Map<string, Float64Array>();
  /** Those that some policy asked in. */
  const known = new Map<string, Asked>();
  return {
    find: (policy) => {
      for (const asked of known.values()) {
        const row = rows.get(meaning(policy, asked));
        if (row !== undefined) return row;
      }
      return null;
    },
    keep: (decided, row) => {
      const tiers = decided.askedIn();
      const asked = { override: tiers.has("override"), approve: tiers.has("approve") };
      known.set(canonicalJson(asked), asked);
      rows.set(meaning(decided.policy, asked), row);
    },
  };
}

const ANYWHERE: Asked = { override: true, approve: true };

/** Equal for policies that come to the same row of this plan if they ask in no other tiers. */
export function meaningIn({ deployments }: Plan): (policy: Policy, asked?: Asked) => string {
  const kinds = kindsOf(deployments.map(({ deployment }) => deployment));
  /** A sweep has few ways to give tiers, and many policies with each. */
  const known = new Map<string, { readonly text: string; readonly rules: Policy["assign"] }>();
  const metBy = ({
    assign,
  }: Policy): { readonly text: string; readonly rules: Policy["assign"] } => {
    const written = canonicalJson(assign);
    let met = known.get(written);
    if (met === undefined) {
      const byKind = kinds.map((kind) => rulesMet(assign, kind));
      known.set(written, (met = { text: canonicalJson(byKind), rules: byKind.flat() }));
    }
    return met;
  };
  return (policy, asked = ANYWHERE) => {
    const { text, rules } = metBy(policy);
    const { override, approve, others } = tiersRead({ ...policy, assign: rules });
    const tiers = {
      override: asked.override ? override : sureOf(override),
      approve: asked.approve ? approve : sureOf(approve),
      others,
    };
    return canonicalJson({ ...policy, digest: "", assign: text, tiers });
  };
}

/** What a tier asks for is read before anybody is asked in it. */
function sureOf(tier: { readonly confidence: number | null } | null): unknown {
  return tier === null ? null : { confidence: tier.confidence };
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

/** The rules that may apply, up to the first that must, with what they ask of tags alone. */
function rulesMet(assign: Policy["assign"], deployment: Deployment): Policy["assign"] {
  const met: Assignment[] = [];
  for (const { when, tier } of assign) {
    const { tags = {}, ...rest } = when ?? {};
    if (!matches(rest, deployment, [])) continue;
    const isLast = Object.keys(tags).length === 0;
    met.push({ when: isLast ? null : { tags }, tier });
    if (isLast) break;
  }
  return met;
}
