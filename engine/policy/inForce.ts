/**
 * What binds a deployment whose policy was changed while it was watched: the policy it
 * started under, with the guardrails of the new one wherever those are tighter.
 */

import { canonicalJson } from "./canonical.ts";
import type { Condition, HardGuard, Policy, SignalPolicy } from "./policy.ts";
import { selectionKey } from "./role.ts";

/**
 * The policy a deployment started under, with `never`, `toleranceAtMost` and the hard guards as
 * tight as either has them. Budgets, cooldown and storm brake are not joined here: those of
 * both policies are asked (decide/restraint.ts), as two budgets have no common form.
 */
export function inForce(started: Policy, current: Policy): Policy {
  if (started.digest === current.digest) return started;
  const { never, toleranceAtMost } = current.guardrails;
  const own = started.guardrails;
  const known = new Set(own.never.map((condition) => canonicalJson(condition)));
  const isNew = (condition: Condition): boolean => !known.has(canonicalJson(condition));
  return {
    ...started,
    signals: started.signals.map((signal) => guarded(signal, current)),
    guardrails: {
      ...own,
      never: [...own.never, ...never.filter(isNew)],
      toleranceAtMost: lower(own.toleranceAtMost, toleranceAtMost),
    },
  };
}

/** A hard guard is joined where both policies watch the same thing under the same name. */
function guarded(signal: SignalPolicy, current: Policy): SignalPolicy {
  const now = current.signals.find(({ name }) => name === signal.name);
  if (now?.hardGuard === undefined) return signal;
  if (selectionKey(now) !== selectionKey(signal) || now.worse !== signal.worse) return signal;
  const own = signal.hardGuard;
  return { ...signal, hardGuard: own === undefined ? now.hardGuard : tighter(own, now.hardGuard) };
}

/** The guard that speaks sooner; one without a share asks for less and so speaks sooner. */
function tighter(a: HardGuard, b: HardGuard): HardGuard {
  return {
    times: Math.min(a.times, b.times),
    over: a.over === null || b.over === null ? null : Math.min(a.over, b.over),
    under: a.under === null || b.under === null ? null : Math.max(a.under, b.under),
  };
}

/** The lower ceiling; null is none. */
function lower(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
