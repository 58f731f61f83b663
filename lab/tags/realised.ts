/**
 * Compares what was declared with what happened: for every tag and every deployment that it is
 * about, the measured change, the declared size, and whether the change stayed inside.
 *
 * The measured change is from the evidence of the last judgement: the worst reading of the watch.
 * Bias: a single reading is noisy, so on a noisy signal it is above the true change; tags look too
 * small rather than too wide, and coverage looks low. A deployment that history rolled back was
 * measured only until then.
 */

import {
  resolveTolerance,
  seriesKey,
  shiftOf,
  type ContextRule,
  type ContextTag,
  type Deployment,
  type Policy,
  type SignalJudged,
  type SignalPolicy,
} from "../../engine/index.ts";
import type { PlannedDeployment } from "../replay/plan.ts";

/** A tag that declares how far a signal will move. */
export interface Sized {
  readonly signal: SignalPolicy;
  readonly rule: ContextRule;
  /** As a fraction, before the policy limits it by `max`. */
  readonly declared: number;
}

/** A stand-in: the declared size does not depend on the deployment. */
const ANY_SERVICE: Deployment = {
  deploymentId: "any",
  service: "any",
  environment: "any",
  kind: "code",
  startedAtMs: 0,
  version: null,
  author: null,
  team: null,
  criticality: null,
};

/** @returns null for a tag that declares no size, or none that this policy uses */
export function sizedBy(policy: Policy, tag: ContextTag): Sized | null {
  const rule = policy.context.find((one) => one.tag === tag.tag && one.shifts !== null);
  if (rule === undefined) return null;
  for (const signal of policy.signals) {
    const shift = shiftOf(rule, tag, signal, ANY_SERVICE, null);
    if (shift !== null) return { signal, rule, declared: shift.declared };
  }
  return null;
}

export interface Realised {
  readonly declared: number;
  /** The change in the direction that is worse: a fraction, or percentage points / 100. */
  readonly effect: number;
  /** Is it at most the declared size on top of what the policy tolerates anyway? */
  readonly inside: boolean;
}

/** @returns null where the tag has no size or the signal could not be measured */
export function realisedBy(
  policy: Policy,
  planned: PlannedDeployment,
  tag: ContextTag,
  judged: readonly SignalJudged[],
): Realised | null {
  const sized = sizedBy(policy, tag);
  if (sized === null) return null;
  const { signal, rule, declared } = sized;
  const last = judged.findLast(({ evidence }) => evidence.signal === signal.name)?.evidence;
  if (last?.effect == null) return null;
  const signed = signal.worse === "down" ? -last.effect : last.effect;
  const worse = signal.worse === "both" ? Math.abs(signed) : signed;
  const series = planned.series.find(({ name }) => seriesKey(name) === last.series);
  const unit = signal.tolerance.kind === "points" ? (series?.name.percentagePoint ?? 0.01) : 0.01;
  const effect = worse / (unit * 100);
  const { shifts, forMs, tierAtLeast } = rule;
  const max = Number.POSITIVE_INFINITY;
  // The engine's own arithmetic without ceilings and modes: only the tag is in question.
  const believing: Policy = {
    ...policy,
    modes: [],
    context: [{ tag: rule.tag, signal: rule.signal, shifts, forMs, tierAtLeast, max }],
    guardrails: { ...policy.guardrails, toleranceAtMost: null },
  };
  const { startedAtMs } = planned.deployment;
  const { amount } = resolveTolerance(believing, signal, planned.deployment, [tag], startedAtMs);
  return { declared, effect, inside: effect <= amount };
}
