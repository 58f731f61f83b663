/**
 * What binds a deployment whose policy was changed while it was watched: the policy it
 * started under, with the guardrails of the new one wherever those are tighter.
 */

import { canonicalJson } from "./canonical.ts";
import type { Condition, Policy } from "./policy.ts";

/**
 * The policy a deployment started under, with `never` and `toleranceAtMost` as tight as
 * either has them. Budgets, cooldown and storm brake are not joined here: those of both
 * policies are asked (decide/restraint.ts), as two budgets have no common form.
 */
export function inForce(started: Policy, current: Policy): Policy {
  if (started.digest === current.digest) return started;
  const { never, toleranceAtMost } = current.guardrails;
  const own = started.guardrails;
  const known = new Set(own.never.map((condition) => canonicalJson(condition)));
  const isNew = (condition: Condition): boolean => !known.has(canonicalJson(condition));
  return {
    ...started,
    guardrails: {
      ...own,
      never: [...own.never, ...never.filter(isNew)],
      toleranceAtMost: lower(own.toleranceAtMost, toleranceAtMost),
    },
  };
}

/** The lower ceiling; null is none. */
function lower(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
