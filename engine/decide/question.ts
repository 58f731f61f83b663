/** A question to people: what it rests on, what silence means, and when it is asked anew. */

import type { Policy } from "../policy/policy.ts";
import { isStricter } from "../policy/resolve.ts";
import { needsPerson } from "./agent.ts";
import type { Turn } from "./recorder.ts";
import { accusedBy, hasEvidence, loneWord, tierNow, type TierNow } from "./standing.ts";
import { policyOf, type DeploymentState, type Proposed } from "./state.ts";

/** The question that is asked first, of these people. */
export function questionOf(
  policy: Policy,
  state: DeploymentState,
  { tier, learned }: Pick<TierNow, "tier" | "learned">,
  to: string,
  nowMs: number,
): Proposed {
  const waitMs = tier === "override" ? policy.tiers.override.windowMs : policy.tiers.approve.slaMs;
  const question: Proposed = {
    name: "proposed",
    tier,
    proposedAtMs: nowMs,
    answerByMs: nowMs + waitMs,
    step: 0,
    to,
    accused: accusedBy(state),
  };
  const word = tier === "approve" ? loneWord(policy, state, nowMs) : null;
  if (word !== null && needsPerson(policy, word)) return { ...question, agent: true };
  return learned?.tierWithout != null ? { ...question, learned: true } : question;
}

/**
 * Is it to be asked anew, because what made the tier stricter no longer counts? A hard guard spoke
 * where it was something learned, or our own evidence is enough where only an agent asked.
 */
export function isFreed(turn: Turn, state: DeploymentState, phase: Proposed, nowMs: number) {
  const policy = policyOf(turn.fleet, turn.policy, state);
  if (phase.agent === true) {
    if (!hasEvidence(policy, state, nowMs, "tagged")) return false;
    return tierNow(turn, state, nowMs).tier !== "observe";
  }
  if (phase.learned !== true || state.guarded !== true) return false;
  return isStricter(phase.tier, tierNow(turn, state, nowMs).tier);
}

/**
 * What silence leads to at this step of a question. Where only what was learned, or only an agent,
 * asks for an approval, silence holds: otherwise a policy with `onTimeout: hold` and `onExpiry:
 * rollback` would act on silence because of what was learned, and not without it.
 */
export function onSilence(policy: Policy, phase: Proposed): "rollback" | "hold" {
  if (phase.tier === "approve" && (phase.learned ?? phase.agent) === true) return "hold";
  return phase.tier === "override"
    ? policy.tiers.override.onTimeout
    : policy.tiers.approve.onExpiry;
}
