/**
 * Twins: policies of a sweep that come to the same row of numbers although they differ. The second
 * of them need not decide.
 *
 * Some differences are never read by any history (decidesAlike.ts). Others are not read by this
 * history: rules of `assign` that none of its deployments meets, or that lead to the same tier by
 * other words; and what a tier says about asking (its window, its escalation) where a policy that
 * decided already never asked in that tier. A policy that differs from that one in nothing else
 * takes the same steps. Its records would differ, because they name the rule, but its numbers would
 * not: test/sweep/twins.test.ts holds that every row is as it would have been.
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

/** The tiers in which people were asked. */
interface Asked {
  readonly override: boolean;
  readonly approve: boolean;
}

/** The rows of policies that decided on one plan, and on the same judgements if alike. */
export interface Twins {
  /** The row of a policy that comes to the same; null where none has decided yet. */
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

/**
 * A function that gives a key to each policy. Policies with equal keys come to the same row of this
 * plan, if they ask people in the same tiers.
 */
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

/** The confidence that a tier asks for, which matters also where nobody is asked in the end. */
function sureOf(tier: { readonly confidence: number | null } | null): unknown {
  return tier === null ? null : { confidence: tier.confidence };
}

/** One deployment of each kind that rules can tell apart, tags left out. */
function kindsOf(deployments: readonly Deployment[]): readonly Deployment[] {
  const kinds = new Map<string, Deployment>();
  for (const deployment of deployments) {
    const { environment, kind, criticality, service, team } = deployment;
    const key = JSON.stringify([environment, kind, criticality, service, team]);
    if (!kinds.has(key)) kinds.set(key, deployment);
  }
  return [...kinds.values()];
}

/** The rules that may apply to a deployment, up to the first that must, reduced to their tags. */
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
