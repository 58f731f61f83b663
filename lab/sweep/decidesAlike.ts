/**
 * Which policies of a sweep cannot decide differently, whatever happens: they differ in
 * something that none of them ever reads. One of them is enough to decide.
 *
 * A window says nothing where nobody is given `override`, nor a confidence where no
 * evidence is fused. Only what the engine provably never reads is left out; whether the
 * rest ever matters is found by deciding.
 */

import { canonicalJson, type Policy, type TierName } from "../../engine/index.ts";

/** Equal for two policies that judge, decide and are called alike. */
export function decisionKey(policy: Policy): string {
  return canonicalJson({ ...policy, digest: "", tiers: tiersRead(policy) });
}

function tiersRead(policy: Policy): unknown {
  const { tiers } = policy;
  if (policy.fusion === "evidence") return tiers;
  const given = tiersGiven(policy);
  // A machine that may act at once asks first where the history is short (decide/standing.ts).
  const overrides = given.has("full") || given.has("override");
  const silent = { confidence: null };
  return {
    override: overrides ? { ...tiers.override, ...silent } : null,
    approve: given.has("approve") ? { ...tiers.approve, ...silent } : null,
  };
}

/** Every tier that a rule may give, on any condition. */
function tiersGiven({ assign, modes, context }: Policy): ReadonlySet<TierName> {
  return new Set([
    ...assign.map(({ tier }) => tier),
    ...modes.flatMap(({ tier }) => Object.values(tier)),
    ...context.flatMap(({ tierAtLeast }) => (tierAtLeast === null ? [] : [tierAtLeast])),
  ]);
}
