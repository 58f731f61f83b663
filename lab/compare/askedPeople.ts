/**
 * Whom a policy may have interrupted about a deployment that history leaves open: between least and
 * most, whatever was hidden.
 *
 * Least is what happened before history's rollback, or the question itself where the answer to it
 * is unknown. Most is one whole course of the deployment's tier besides: the question and all its
 * escalations. Biases: a question may be withdrawn and asked again, and a guardrail that holds a
 * full rollback back pages once; neither is counted. A page that history hid is taken to fall when
 * history rolled back, though it may come up to a watch later, and so by night instead of by day.
 */

import type { Policy, TierName } from "../../engine/index.ts";
import type { Outcome } from "../outcome/outcome.ts";

/** What asking people once about one deployment may come to. */
export interface Course {
  readonly pages: number;
  readonly escalations: number;
  readonly expires: boolean;
}

export function courseOf({ tiers }: Policy, tier: TierName): Course {
  const escalations = tier === "approve" ? tiers.approve.escalate.length : 0;
  const pages = tier === "full" ? 0 : 1 + escalations;
  return { pages, escalations, expires: tier === "approve" };
}

type People = Pick<Outcome, "pagesAtMs" | "escalations" | "expired">;

/** Only what is certain. */
export function leastAsked(outcome: Outcome): People {
  const { certain } = parted(outcome);
  const escalations = Math.min(outcome.escalations, Math.max(0, certain.length - 1));
  return { pagesAtMs: certain, escalations, expired: false };
}

/** All that may have been asked. */
export function mostAsked(outcome: Outcome, { pages, escalations, expires }: Course): People {
  const { certain, later, untilMs } = parted(outcome);
  // Where only the answer is unknown the question was asked, and its page is certain.
  const isAsked = outcome.censoredAtMs === null && certain.length > 0;
  const missing = Math.max(0, pages - (isAsked ? 1 : 0) - later.length);
  const more = Array.from({ length: missing }, () => untilMs);
  return {
    pagesAtMs: [...certain, ...more, ...later],
    escalations: Math.max(outcome.escalations, escalations),
    expired: outcome.expired || expires,
  };
}

/** Pages that happened whatever is open, and those after. */
function parted({ pagesAtMs, censoredAtMs, evidence, proposedAtMs, startedAtMs }: Outcome): {
  readonly certain: readonly number[];
  readonly later: readonly number[];
  readonly untilMs: number;
} {
  const answerMs = evidence === "unknown" ? (proposedAtMs ?? startedAtMs) : Infinity;
  const untilMs = Math.min(censoredAtMs ?? Infinity, answerMs);
  return {
    certain: pagesAtMs.filter((atMs) => atMs <= untilMs),
    later: pagesAtMs.filter((atMs) => atMs > untilMs),
    untilMs,
  };
}
