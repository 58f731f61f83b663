/**
 * What a comparison assumes about deployments that the history leaves open.
 *
 * Where history rolled back before one policy acted but not before the other, or where it is not
 * known what people would have answered, the outcome of one policy is known and that of the other
 * is not. Each policy is then given the benefit of the doubt in turn. Where both are open the same
 * is done: one may have acted later and the other not.
 *
 * Two policies that judge by the same signals would have seen the same in what history hid, so
 * there they are taken to be alike. Bias: where both would have proposed, the one that waits less
 * acts more often, so the difference between such policies may be larger than is shown, in the
 * direction that is shown.
 */

import type { Policy } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import { isGood, isOpen, type Outcome } from "../outcome/outcome.ts";
import { sayTheSame } from "./samePolicy.ts";

/** A policy with its outcomes. */
interface Side {
  readonly policy: Policy;
  readonly outcomes: Listed<Outcome>;
}

interface Assumed {
  /** Is any outcome open? If not, nothing was assumed. */
  readonly doubts: boolean;
  readonly baseline: Listed<Outcome>;
  readonly candidate: Listed<Outcome>;
}

/** The outcomes with every doubt resolved in favour of one side. */
export function inFavourOf(
  side: "baseline" | "candidate",
  baseline: Side,
  candidate: Side,
): Assumed {
  const sameActs = sayTheSame(baseline.policy, candidate.policy);
  const unlike = { assign: [], tiers: null, fusion: null };
  const sameEyes = sayTheSame(baseline.policy, candidate.policy, unlike);
  let doubts = 0;
  const resolve = (own: Outcome, other: Outcome, favoured: boolean): Outcome => {
    if (!isOpen(own) && !isHalfOpen(own)) return own;
    // A regression whose end nobody saw lasts equally long under both policies, if both rolled it
    // back or neither did.
    const alike = isOpen(own)
      ? isOpen(other) && own.end === other.end && (sameActs || (sameEyes && isHidden(own, other)))
      : isHalfOpen(other) && own.rolledBack === other.rolledBack;
    if (alike) return isOpen(own) ? unacted(own) : own;
    doubts++;
    if (isOpen(own)) return favoured ? atBest(own) : atWorst(own);
    return { ...own, recoveryMs: favoured ? own.recoveryBestMs : own.recoveryWorstMs };
  };
  const assumed = {
    baseline: baseline.outcomes.map((own, at) =>
      resolve(own, candidate.outcomes.at(at)!, side === "baseline"),
    ),
    candidate: candidate.outcomes.map((own, at) =>
      resolve(own, baseline.outcomes.at(at)!, side === "candidate"),
    ),
  };
  return { ...assumed, doubts: doubts > 0 };
}

/** Is it certain what was done, but not how long the harm lasted, or since when? */
function isHalfOpen(outcome: Outcome): boolean {
  return outcome.evidence === "bounded" && !isOpen(outcome);
}

/** Did history cut it short under both policies, before either had acted? */
function isHidden(own: Outcome, other: Outcome): boolean {
  return own.censoredAtMs !== null && other.censoredAtMs !== null;
}

/** The outcome without an act on a continuation: a model alone must not decide a comparison. */
function unacted(outcome: Outcome): Outcome {
  if (outcome.censoredAtMs === null || !outcome.rolledBack) return outcome;
  return { ...spared(outcome), end: "undecidable" };
}

function atBest(outcome: Outcome): Outcome {
  if (isGood(outcome)) return spared(outcome);
  return outcome.label === "regression" ? ended(outcome) : outcome;
}

function atWorst(outcome: Outcome): Outcome {
  if (isGood(outcome)) return ended(outcome);
  return outcome.label === "regression" ? spared(outcome) : outcome;
}

/** The outcome if it had been rolled back, when history did or when the policy asked. */
function ended(outcome: Outcome): Outcome {
  if (outcome.rolledBack) return { ...outcome, recoveryMs: outcome.recoveryBestMs };
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

/** The outcome if it had not been rolled back: overridden or, in tier `full`, never proposed. */
function spared(outcome: Outcome): Outcome {
  const regression = outcome.label === "regression";
  const recoveryMs = regression ? outcome.recoveryWorstMs : outcome.recoveryMs;
  if (!outcome.rolledBack) return { ...outcome, recoveryMs };
  return {
    ...outcome,
    end: outcome.tier === "full" ? "undecidable" : "overridden",
    rolledBack: false,
    executedAtMs: null,
    recoveryMs,
  };
}
