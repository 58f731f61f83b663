/** What stands for one deployment at one moment: its tags, its tier, its evidence. */

import { BASELINE_FOR_HEALTH } from "../detect/residual.ts";
import type { ContextTag, SignalEvidence } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { isStricter, resolveTier, tagsAt, type TierDecision } from "../policy/resolve.ts";
import { fuses } from "./fusion.ts";
import type { DeploymentState, Proposed } from "./state.ts";

function tagsNow(policy: Policy, state: DeploymentState, nowMs: number): readonly ContextTag[] {
  return tagsAt(policy, state.deployment, state.tags, nowMs, nowMs);
}

function breaching(state: DeploymentState): readonly SignalEvidence[] {
  return Object.values(state.signals).filter(({ verdict }) => verdict === "breach");
}

/**
 * The tier that policy and tags give now. A breach against a borrowed scale is worth a
 * question, not an action that nobody can stop.
 */
export function tierNow(policy: Policy, state: DeploymentState, nowMs: number): TierDecision {
  const decision = resolveTier(policy, state.deployment, tagsNow(policy, state, nowMs));
  const accused = breaching(state);
  const short =
    accused.length > 0 &&
    accused.every(({ baselineSamples }) => baselineSamples < BASELINE_FOR_HEALTH);
  if (decision.tier !== "full" || !short) return decision;
  const step = { rule: "short history", tier: "override" } as const;
  return { ...decision, tier: "override", path: [...decision.path, step] };
}

/** The signals a proposal stands on, by name. */
export function accusedBy(state: DeploymentState): readonly string[] {
  return breaching(state).map(({ signal }) => signal);
}

export function breachReason(state: DeploymentState): string {
  return breaching(state)
    .map((evidence) => evidence.reason)
    .join("; ");
}

/**
 * Did every signal that was in breach come back to health? Silence is not recovery.
 * Where a fusion wants several breaches, one that goes on alone is none.
 */
export function recovered({ signals }: DeploymentState, { accused }: Proposed): boolean {
  const now = accused.map((name) => signals[name]!.verdict);
  return now.includes("healthy") && now.every((one) => one === "healthy" || one === "breach");
}

/**
 * Why silence must not roll back, whatever the question said; null when it may. What
 * became known since it was asked counts: a stricter tier wants an answer, not silence.
 */
export function obstacle(
  policy: Policy,
  state: DeploymentState,
  phase: Proposed,
  now: TierDecision,
): string | null {
  if (!fuses(policy.fusion, state.signals, policy.signals.length, "verdict")) {
    return "the evidence no longer stands and nothing shows health";
  }
  if (!isStricter(now.tier, phase.tier)) return null;
  const { rule } = now.path[now.path.length - 1]!;
  return now.tier === "observe"
    ? `never delegated to a machine (${rule})`
    : `it needs approval now (${rule})`;
}

/** What silence leads to in this phase of a question. */
export function onSilence(policy: Policy, phase: Proposed): "rollback" | "hold" {
  return phase.tier === "override"
    ? policy.tiers.override.onTimeout
    : policy.tiers.approve.onExpiry;
}
