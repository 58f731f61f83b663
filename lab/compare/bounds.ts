/**
 * What a comparison assumes about deployments that the history leaves open.
 *
 * Where history rolled back before one policy acted but not before the other, or where it is not
 * known what people would have answered, the outcome of one policy is known and that of the other
 * is not. Each policy is then given the benefit of the doubt in turn. Where both are open the same
 * is done: one may have acted later and the other not.
 *
 * Two policies that judge by the same signals would have seen the same in what history hid, so
 * there they are taken to be alike: both ask people about it or neither does. Bias: where both
 * would have proposed, the one that waits less acts more often, so the difference between such
 * policies may be larger than is shown, in the direction that is shown. Of two policies of which
 * one cannot act later (dominance.ts) only the other may have missed more there, or spared more.
 */

import type { Policy, TierName } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { Label } from "../history/tables.ts";
import { isOpen, type Outcome } from "../outcome/outcome.ts";
import { courseOf, leastAsked, mostAsked } from "./askedPeople.ts";
import { soonerOf } from "./dominance.ts";
import { sayTheSame } from "./samePolicy.ts";

/** Which of two policies. */
export type Which = "baseline" | "candidate";
export const BOTH: readonly Which[] = ["baseline", "candidate"];

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
  /** Deployments, by how their part in the difference was assumed. */
  readonly given: readonly Given[];
}

/** How the part of one deployment was assumed; `recovery`: only how soon a rollback helped. */
export interface Given {
  readonly label: Label;
  readonly how: "bounded" | "alike" | "recovery";
  /** Its place in the lists of outcomes. */
  readonly place: number;
}

/** What is known of a deployment that history hid from a policy before it asked about it. */
export interface Hidden {
  /** The tier that the policy would have given it. */
  readonly tierOf: (policy: Policy, outcome: Outcome) => TierName;
  /** Has it tags? Without any a tag can mask nothing. */
  readonly isTagged: (outcome: Outcome) => boolean;
}

/** Where there is no plan to look a deployment up: its tier is that of most, and tags may be. */
export const WITHOUT_A_PLAN: Hidden = {
  tierOf: ({ assign }, { tier }) => tier ?? assign.at(-1)!.tier,
  isTagged: () => true,
};

/** The outcomes with every doubt resolved in favour of one side. */
export function inFavourOf(
  side: "baseline" | "candidate",
  baseline: Side,
  candidate: Side,
  hidden: Hidden,
): Assumed {
  const sameActs = sayTheSame(baseline.policy, candidate.policy);
  const unlike = { assign: [], tiers: null, fusion: null };
  const sameEyes = sayTheSame(baseline.policy, candidate.policy, unlike);
  const sooner = soonerOf(baseline.policy, candidate.policy);
  let doubts = 0;
  const given: Given[] = [];
  const resolve = (
    { policy, outcome: own }: Resolved,
    { policy: another, outcome: other }: Resolved,
    favoured: boolean,
    isFirst: boolean,
    place: number,
  ): Outcome => {
    if (!isOpen(own) && !isHalfOpen(own)) return own;
    const tier = hidden.tierOf(policy, own);
    const course = courseOf(policy, tier);
    // A regression whose end nobody saw lasts equally long under both policies, if both rolled it
    // back or neither did.
    const impossible = sooner !== null && cannotBe(own.label, side, sooner);
    const alike = isOpen(own)
      ? (isHidden(own, other) && impossible) ||
        (isOpen(other) && own.end === other.end && (sameActs || (sameEyes && isHidden(own, other))))
      : isHalfOpen(other) && own.rolledBack === other.rolledBack;
    // Where both are open the deployment is told once.
    if (isFirst || !(isOpen(other) || isHalfOpen(other))) {
      const how = [own, other].every(isDecided) ? "recovery" : alike ? "alike" : "bounded";
      given.push({ label: own.label, how, place });
    }
    if (alike && !isOpen(own)) return own;
    if (alike) {
      if (own.censoredAtMs === null) return unacted(own);
      // Both ask or neither does, whichever is better for the side that is favoured.
      const othersPages = courseOf(another, hidden.tierOf(another, other)).pages;
      if (course.pages !== othersPages) doubts++;
      const isAsked = favoured ? course.pages < othersPages : othersPages < course.pages;
      return { ...unacted(own), ...(isAsked ? mostAsked(own, course) : leastAsked(own)) };
    }
    doubts++;
    if (isOpen(own)) {
      if (favoured) return { ...atBest(own), ...leastAsked(own) };
      const mayMask = policy.context.length > 0 && hidden.isTagged(own);
      return { ...atWorst(own, tier, mayMask), ...mostAsked(own, course) };
    }
    return { ...own, recoveryMs: favoured ? own.recoveryBestMs : own.recoveryWorstMs };
  };
  const at = ({ policy, outcomes }: Side, place: number): Resolved => {
    return { policy, outcome: outcomes.at(place)! };
  };
  const assumed = {
    baseline: baseline.outcomes.map((_, place) =>
      resolve(at(baseline, place), at(candidate, place), side === "baseline", true, place),
    ),
    candidate: candidate.outcomes.map((_, place) =>
      resolve(at(candidate, place), at(baseline, place), side === "candidate", false, place),
    ),
  };
  return { ...assumed, given, doubts: doubts > 0 };
}

interface Resolved {
  readonly policy: Policy;
  readonly outcome: Outcome;
}

/** Is it certain what was done, but not how long the harm lasted, or since when? */
function isHalfOpen(outcome: Outcome): boolean {
  const { evidence, recoveryBestMs, recoveryWorstMs } = outcome;
  return (evidence === "bounded" || recoveryBestMs !== recoveryWorstMs) && !isOpen(outcome);
}

/** Is it certain what was done, and open at most how soon a rollback helped? */
function isDecided(outcome: Outcome): boolean {
  return outcome.evidence !== "bounded" && !isOpen(outcome);
}

/**
 * Of a deployment hidden under both: can it speak for this side at all? The policy that cannot act
 * later cannot miss a regression that the other catches, nor spare a good one that the other rolls
 * back.
 */
function cannotBe(
  label: Label,
  favoured: "baseline" | "candidate",
  sooner: "baseline" | "candidate",
): boolean {
  return label === "regression" ? favoured !== sooner : favoured === sooner;
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

/** The outcome at its best: of a regression the rollback, of every other that there was none. */
function atBest(outcome: Outcome): Outcome {
  if (outcome.label !== "regression") return spared(outcome);
  const hiddenAtMs = outcome.censoredAtMs ?? Infinity;
  const { untaggedProposedAtMs: untaggedAtMs } = outcome;
  const isHidden = untaggedAtMs !== null && untaggedAtMs > hiddenAtMs;
  return { ...ended(outcome), untaggedProposedAtMs: isHidden ? null : untaggedAtMs };
}

/** @param mayMask may a tag have kept the policy from what was hidden? */
function atWorst(outcome: Outcome, tier: TierName, mayMask: boolean): Outcome {
  if (outcome.label !== "regression") return ended(outcome);
  const worst = spared(outcome);
  if (outcome.censoredAtMs === null) return worst;
  // Nothing that came after history's rollback is certain, and people may have overridden it.
  const hiddenAtMs = outcome.censoredAtMs;
  const certain = (atMs: number | null): number | null =>
    atMs !== null && atMs > hiddenAtMs ? null : atMs;
  const asksPeople = tier === "override" || tier === "approve";
  return {
    ...worst,
    end: asksPeople ? "overridden" : worst.end,
    detectedAtMs: certain(worst.detectedAtMs),
    proposedAtMs: certain(worst.proposedAtMs),
    untaggedProposedAtMs: mayMask
      ? Math.min(worst.untaggedProposedAtMs ?? hiddenAtMs, hiddenAtMs)
      : worst.untaggedProposedAtMs,
  };
}

/** The outcome if it had been rolled back, when history did or when the policy asked. */
function ended(outcome: Outcome): Outcome {
  const seen = sooner(outcome);
  if (outcome.rolledBack) return { ...seen, recoveryMs: outcome.recoveryBestMs };
  const atMs = outcome.censoredAtMs ?? outcome.decidedAtMs ?? outcome.startedAtMs;
  return {
    ...seen,
    end: "rolledBack",
    rolledBack: true,
    proposals: Math.max(1, outcome.proposals),
    detectedAtMs: seen.detectedAtMs ?? atMs,
    proposedAtMs: seen.proposedAtMs ?? atMs,
    executedAtMs: atMs,
    recoveryMs: outcome.recoveryBestMs,
  };
}

/** The outcome with no time later than history's rollback, after which all is a model. */
function sooner(outcome: Outcome): Outcome {
  const { censoredAtMs, detectedAtMs, proposedAtMs, executedAtMs } = outcome;
  if (censoredAtMs === null) return outcome;
  const by = (atMs: number | null): number | null =>
    atMs === null ? null : Math.min(atMs, censoredAtMs);
  return {
    ...outcome,
    detectedAtMs: by(detectedAtMs),
    proposedAtMs: by(proposedAtMs),
    executedAtMs: by(executedAtMs),
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
