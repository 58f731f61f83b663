/**
 * Which policies of a sweep cannot decide differently, whatever happens, because they differ only
 * in something that none of them ever reads. It is enough to decide for one of them.
 *
 * An override window makes no difference where no deployment can get the tier `override`, nor a
 * confidence under a fusion that has none. Only what the engine provably never reads is left out;
 * whether anything else matters is found by deciding.
 */

import type { Policy, TierName } from "../../engine/index.ts";

type Silent<Tier> = Omit<Tier, "confidence"> & { readonly confidence: number | null };

/** The parts of the tiers that may be read; null for a tier in which nobody is ever asked. */
export interface TiersRead {
  readonly override: Silent<Policy["tiers"]["override"]> | null;
  readonly approve: Silent<Policy["tiers"]["approve"]> | null;
  /** What the others ask for, where evidence is fused. */
  readonly others: unknown;
}

export function tiersRead(policy: Policy): TiersRead {
  const { override, approve, ...others } = policy.tiers;
  if (policy.fusion === "evidence") return { override, approve, others };
  const given = tiersGiven(policy);
  // A machine that may act at once asks first where the history is short, and asks for an
  // approval where something else may explain the breach (decide/standing.ts).
  const acts = given.has("full") || given.has("override");
  const approves = given.has("approve") || (acts && policy.attribution === "on");
  return {
    override: acts ? { ...override, confidence: null } : null,
    approve: approves ? { ...approve, confidence: null } : null,
    others: null,
  };
}

/** Every tier that some rule of the policy may give. */
function tiersGiven({ assign, modes, context }: Policy): ReadonlySet<TierName> {
  return new Set([
    ...assign.map(({ tier }) => tier),
    ...modes.flatMap(({ tier }) => Object.values(tier)),
    ...context.flatMap(({ tierAtLeast }) => (tierAtLeast === null ? [] : [tierAtLeast])),
  ]);
}
