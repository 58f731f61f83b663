/** What stands for one deployment at one moment: its tags, its tier, its evidence. */

import { BASELINE_FOR_HEALTH } from "../detect/residual.ts";
import type { ContextTag, SignalEvidence } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { isStricter, resolveTier, tagsAt, type TierDecision } from "../policy/resolve.ts";
import { formatDuration } from "../policy/quantity.ts";
import { fuses } from "./fusion.ts";
import { restraintOn, type Restraint } from "./restraint.ts";
import type { DeploymentState, FleetState, Proposed } from "./state.ts";

function tagsNow(policy: Policy, state: DeploymentState, nowMs: number): readonly ContextTag[] {
  return tagsAt(policy, state.deployment, state.tags, nowMs, nowMs);
}

function breaching(state: DeploymentState): readonly SignalEvidence[] {
  return Object.values(state.signals).filter(({ verdict }) => verdict === "breach");
}

/** The tier that holds now, and what made it `observe` where tier and tags would not have. */
export interface TierNow extends TierDecision {
  readonly restraint: Restraint | null;
}

/** The tier that policy, tags and the fleet's restraints give now. */
export function tierNow(
  policy: Policy,
  fleet: FleetState,
  state: DeploymentState,
  nowMs: number,
): TierNow {
  const decision = unrestrained(policy, state, nowMs);
  const restraint =
    decision.tier === "observe" ? null : restraintOn(policy, fleet, state.deployment, nowMs);
  if (restraint === null) return { ...decision, restraint };
  const step = { rule: restraint.rule, tier: "observe" } as const;
  return { ...decision, tier: "observe", path: [...decision.path, step], restraint };
}

/**
 * The tier that policy and tags give now. A breach against a borrowed scale is worth a
 * question, not an action that nobody can stop.
 */
function unrestrained(policy: Policy, state: DeploymentState, nowMs: number): TierDecision {
  const decision = resolveTier(policy, state.deployment, tagsNow(policy, state, nowMs), nowMs);
  const accused = breaching(state);
  const short =
    accused.length > 0 &&
    accused.every(({ baselineSamples }) => baselineSamples < BASELINE_FOR_HEALTH);
  if (decision.tier !== "full" || !short) return decision;
  const step = { rule: "short history", tier: "override" } as const;
  return { ...decision, tier: "override", path: [...decision.path, step] };
}

/** Why a machine may not act where the tier is `observe`. */
export function whyObserve({ restraint, path }: TierNow): string {
  if (restraint !== null) return restraint.reason;
  return `never delegated to a machine (${path[path.length - 1]!.rule})`;
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

export function healthReason({ signals }: DeploymentState): string {
  const healthy = Object.values(signals).filter(({ verdict }) => verdict === "healthy");
  return healthy.map((evidence) => evidence.reason).join("; ");
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
  now: TierNow,
): string | null {
  if (!fuses(policy.fusion, state.signals, policy.signals.length, "verdict")) {
    return "the evidence no longer stands and nothing shows health";
  }
  if (!isStricter(now.tier, phase.tier)) return null;
  if (now.tier === "observe") return whyObserve(now);
  return `it needs approval now (${now.path[now.path.length - 1]!.rule})`;
}

/**
 * What a decision rests on besides what the signals say: that they no longer say it, or
 * that nobody has looked since the watch ended. Empty where neither is so.
 */
export function caveat(policy: Policy, state: DeploymentState, nowMs: number): string {
  if (!fuses(policy.fusion, state.signals, policy.signals.length, "verdict")) {
    return ", though the evidence no longer stands and nothing shows health";
  }
  if (nowMs <= state.watchEndsAtMs) return "";
  const ago = formatDuration(nowMs - state.watchEndsAtMs);
  return `, on what was judged when the watch ended, ${ago} ago`;
}

/** What silence leads to in this phase of a question. */
export function onSilence(policy: Policy, phase: Proposed): "rollback" | "hold" {
  return phase.tier === "override"
    ? policy.tiers.override.onTimeout
    : policy.tiers.approve.onExpiry;
}
