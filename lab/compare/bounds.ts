/**
 * What a comparison must assume about deployments the history cannot decide.
 *
 * Where history rolled back before one policy acted but not before the other, or
 * where nobody knows what people would have answered, the one outcome is known and
 * the other is not. Each side is then given the benefit of the doubt in turn. Where
 * both are undecided in the same way they are taken to be alike, so a policy never
 * differs from itself.
 */

import type { Outcome } from "../outcome/outcome.ts";

interface Assumed {
  readonly baseline: readonly Outcome[];
  readonly candidate: readonly Outcome[];
}

/** The outcomes with every doubt resolved in favour of one side; null where there is none. */
export function inFavourOf(
  side: "baseline" | "candidate",
  baseline: readonly Outcome[],
  candidate: readonly Outcome[],
): Assumed | null {
  let doubts = 0;
  const resolve = (own: Outcome, other: Outcome, favoured: boolean): Outcome => {
    const isHalfOpen = own.evidence === "bounded";
    if (!isOpen(own) && !isHalfOpen) return own;
    const alike = isOpen(own) ? isOpen(other) : other.evidence === "bounded";
    if (alike && own.end === other.end) return own;
    doubts++;
    if (isOpen(own)) return favoured ? atBest(own) : atWorst(own);
    // Declined or unanswered for certain, but nobody saw how long it would have gone on.
    return { ...own, recoveryMs: favoured ? own.recoveryBestMs : own.recoveryWorstMs };
  };
  const assumed = {
    baseline: baseline.map((own, at) => resolve(own, candidate[at]!, side === "baseline")),
    candidate: candidate.map((own, at) => resolve(own, baseline[at]!, side === "candidate")),
  };
  return doubts === 0 ? null : assumed;
}

/** Cut short by history, or dependent on answers nobody recorded. */
export function isOpen(outcome: Outcome): boolean {
  return outcome.censoredAtMs !== null || outcome.evidence === "unknown";
}

function isGood(outcome: Outcome): boolean {
  return outcome.label === "benign" || outcome.label === "expected_change";
}

function atBest(outcome: Outcome): Outcome {
  if (isGood(outcome)) return spared(outcome);
  return outcome.label === "regression" ? ended(outcome) : outcome;
}

function atWorst(outcome: Outcome): Outcome {
  if (isGood(outcome)) return ended(outcome);
  return outcome.label === "regression" ? spared(outcome) : outcome;
}

/** Rolled back: when history did, or when the policy asked for it. */
function ended(outcome: Outcome): Outcome {
  if (outcome.rolledBack) return outcome;
  const atMs = outcome.censoredAtMs ?? outcome.decidedAtMs ?? outcome.startedAtMs;
  return {
    ...outcome,
    end: "rolledBack",
    rolledBack: true,
    proposals: Math.max(1, outcome.proposals),
    detectedAtMs: outcome.detectedAtMs ?? atMs,
    proposedAtMs: outcome.proposedAtMs ?? atMs,
    executedAtMs: atMs,
    recoveryMs: outcome.recoveryBestMs,
  };
}

/** Not rolled back: overridden, or never proposed. */
function spared(outcome: Outcome): Outcome {
  if (!outcome.rolledBack) return outcome;
  const regression = outcome.label === "regression";
  return {
    ...outcome,
    end: "overridden",
    rolledBack: false,
    executedAtMs: null,
    recoveryMs: regression ? outcome.recoveryWorstMs : outcome.recoveryMs,
  };
}
