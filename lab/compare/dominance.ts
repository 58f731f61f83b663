/**
 * Which of two policies cannot act later than the other, whatever the samples are: one that watches
 * all that the other watches, alike but with smaller tolerances or shorter holds, and that agrees
 * with it in everything else. So what history hid cannot speak against it for acting late, nor for
 * it for staying quiet where the other acts.
 *
 * People are taken to answer both alike, as where two policies watch the same (bounds.ts).
 */

import { canonicalJson, type Policy, type SignalPolicy } from "../../engine/index.ts";
import { sayTheSame } from "./samePolicy.ts";

/** The policy that cannot act later; null: either may, or both say the same. */
export function soonerOf(baseline: Policy, candidate: Policy): "baseline" | "candidate" | null {
  if (sayTheSame(baseline, candidate)) return null;
  if (actsNoLater(baseline, candidate)) return "baseline";
  return actsNoLater(candidate, baseline) ? "candidate" : null;
}

/** The policy that only waits less for people before a machine acts; null: neither does. */
export function waitsLess(baseline: Policy, candidate: Policy): "baseline" | "candidate" | null {
  const [one, other] = [baseline, candidate].map(({ tiers }) => tiers.override);
  // At the end of a window that holds nothing is done, so a longer one may act more.
  if (one!.onTimeout !== "rollback" || one!.windowMs === other!.windowMs) return null;
  if ([baseline, candidate].some((policy) => isLimited(policy) || policy.explore !== undefined))
    return null;
  const tiersOf = ({ tiers }: Policy): string =>
    canonicalJson({ ...tiers, override: { ...tiers.override, windowMs: 0 } });
  const isSame = sayTheSame(baseline, candidate, { tiers: null });
  if (!isSame || tiersOf(baseline) !== tiersOf(candidate)) return null;
  return one!.windowMs < other!.windowMs ? "baseline" : "candidate";
}

/** What is limited by what the machine did before may be used up by acting sooner. */
function isLimited({ learning, guardrails }: Policy): boolean {
  const { rollbackBudget, cooldownMs, stormBrake } = guardrails;
  const isRationed = rollbackBudget !== null || cooldownMs !== null || stormBrake !== null;
  return learning !== undefined || isRationed;
}

function actsNoLater(one: Policy, other: Policy): boolean {
  if (one.fusion !== "any" || one.incumbent !== undefined || isLimited(one)) return false;
  if (!sayTheSame(one, other, { signals: [], evidence: null })) return false;
  return other.signals.every((signal) => one.signals.some((mine) => breachesNoLater(mine, signal)));
}

function breachesNoLater(mine: SignalPolicy, other: SignalPolicy): boolean {
  // A control acquits by what others do within the tolerance, so a smaller one may acquit more.
  if (mine.control !== undefined || mine.calibrate !== undefined) return false;
  const rest = (signal: SignalPolicy): string =>
    canonicalJson({ ...signal, tolerance: null, holdMs: 0, holdSamples: 0 });
  const { kind, amount, atLeast = 0 } = mine.tolerance;
  return (
    rest(mine) === rest(other) &&
    kind === other.tolerance.kind &&
    amount <= other.tolerance.amount &&
    atLeast <= (other.tolerance.atLeast ?? 0) &&
    mine.holdMs <= other.holdMs &&
    (mine.holdSamples ?? 0) <= (other.holdSamples ?? 0)
  );
}
