/**
 * What a history has no case of. Where two policies treat every deployment alike, the bootstrap's
 * interval is 0 to 0, as if none could ever end otherwise. But n pairs without a difference leave a
 * share of 3/n open (the rule of three: Hanley and Lippman-Hand 1983), each by as much as one can
 * differ.
 *
 * Where one policy cannot act later than the other (dominance.ts) only that one can be ahead.
 * Times to recovery then have it as well where both caught the same regressions: by how much the
 * other is slower is seen, and what its misses add is not.
 *
 * Policies that did the same about every deployment, at the same times and in every draw, are taken
 * to be the same: nothing is added. Biases: the rule takes deployments as independent; and of two
 * policies either of which may act later, a recovery says nothing of a miss that was not seen.
 */

import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { dearestMinute, type Costs } from "../score/costs.ts";
import type { Field } from "../score/fields.ts";
import { tidy, type Interval, type Range, type Spread } from "../score/intervals.ts";
import type { ScoreOptions } from "../score/scorecard.ts";
import { soonerOf, waitsLess } from "./dominance.ts";
import type { Evaluated } from "./evaluate.ts";
import { sayTheSame } from "./samePolicy.ts";

const RULE_OF_THREE = 3;
const HOUR_SECONDS = 3600;

/** So far below and above the difference it may lie for what was not seen; zero or more. */
export interface Unseen {
  readonly below: number;
  readonly above: number;
}

const NOTHING: Unseen = { below: 0, above: 0 };

const RECOVERY: readonly string[] = [
  "mttr",
  "timeToRecovery.mean",
  "timeToRecovery.restrictedMean60m",
];
/** A policy that rolls back all that the other does cannot have more of these, */
const LESS_BY_ACTING: readonly string[] = ["missRate", ...RECOVERY];
/** nor fewer of these. */
const MORE_BY_ACTING: readonly string[] = [
  "falsePositiveRollbacks",
  "falsePositiveRate",
  "unrelatedRollbacks",
];

/**
 * Counts of what only a policy that asks people or reads tags can have. Three of them would say
 * nothing of one that does neither, and no budget of none could be kept.
 */
const BY_THEIR_KIND: readonly string[] = [
  "approvalsExpired",
  "escalations",
  "harmfulOverrides",
  "ownerlessActions",
  "tagMasked",
  "tagSaved",
];

/** What things cost that a history has no case of. */
export interface Worth {
  readonly costs: Costs;
  readonly weeks: number;
  /** How long a regression lasts that nobody rolls back. */
  readonly unaidedSeconds: number;
}

/**
 * The difference that n equal pairs do not exclude: 3/n of them may differ, each by as much as one
 * can: an hour, one count, all that a false-positive rollback costs or a regression that is missed,
 * whichever is dearer. Those last an hour, or as long as those that this history let run if that is
 * longer.
 */
export function leftOpen({ name, unit }: Field, n: number, worth: Worth): number {
  const { costs, weeks, unaidedSeconds } = worth;
  const share = Math.min(1, RULE_OF_THREE / Math.max(1, n));
  const missSeconds = Math.max(HOUR_SECONDS, unaidedSeconds);
  switch (unit) {
    case "share":
      return share;
    case "seconds":
      return share * (name === "mttr" || name === "timeToRecovery.mean" ? missSeconds : 3600);
    case "cost": {
      const { rollback, falsePositive, toilHour, hoursPerFalsePositive } = costs;
      const wrong = rollback + falsePositive + toilHour * hoursPerFalsePositive;
      return RULE_OF_THREE * Math.max(wrong, (dearestMinute(costs) * missSeconds) / 60);
    }
    case "hours":
      return RULE_OF_THREE * Math.max(1, costs.hoursPerFalsePositive);
    case "perWeek":
      return RULE_OF_THREE / weeks;
    case "count":
      return RULE_OF_THREE;
  }
}

/**
 * What is left open of each field between two policies, as a function of the field, its paired
 * spread, and how many observations it rests on.
 */
export function unseenBetween(
  baseline: Evaluated,
  candidate: Evaluated,
  { costs, weeks, unaidedSeconds = HOUR_SECONDS }: ScoreOptions,
): (field: Field, spread: Spread, n: number) => Unseen {
  const [before, after] = [baseline.policy, candidate.policy];
  if (sayTheSame(before, after) || didTheSame(baseline, candidate)) return () => NOTHING;
  const ahead = soonerOf(before, after) ?? waitsLess(before, after);
  const catchAlike = catchTheSame(baseline, candidate);
  return (field, spread, n) => {
    const { name, smooth } = field;
    const isAlike = isZero(spread) || (ahead !== null && catchAlike && RECOVERY.includes(name));
    if (!smooth || !isAlike || n === 0 || BY_THEIR_KIND.includes(name)) return NOTHING;
    const open = tidy(leftOpen(field, n, { costs, weeks, unaidedSeconds }));
    const [less, more] = [LESS_BY_ACTING.includes(name), MORE_BY_ACTING.includes(name)];
    if (ahead === null || !(less || more)) return { below: open, above: open };
    const isBelow = less === (ahead === "candidate");
    return isBelow ? { below: open, above: 0 } : { below: 0, above: open };
  };
}

/** An interval with what was not seen, as an error of its own. */
export function withUnseen(
  interval: Interval | null,
  value: number,
  { below, above }: Unseen,
  range: Range,
): Interval | null {
  if (interval === null || (below === 0 && above === 0)) return interval;
  return {
    low: tidy(Math.max(range.low, value - Math.hypot(value - interval.low, below))),
    high: tidy(Math.min(range.high, value + Math.hypot(interval.high - value, above))),
  };
}

function isZero({ value, samples }: Spread): boolean {
  return value === 0 && samples.every((sample) => sample === 0 || Number.isNaN(sample));
}

function didTheSame(baseline: Evaluated, candidate: Evaluated): boolean {
  return everyPair(baseline, candidate, (one, other) => {
    return (
      one.end === other.end &&
      one.rolledBack === other.rolledBack &&
      one.tier === other.tier &&
      one.detectedAtMs === other.detectedAtMs &&
      one.proposedAtMs === other.proposedAtMs &&
      one.decidedAtMs === other.decidedAtMs &&
      one.executedAtMs === other.executedAtMs
    );
  });
}

/** Is every regression rolled back by both, or by neither? */
function catchTheSame(baseline: Evaluated, candidate: Evaluated): boolean {
  return everyPair(
    baseline,
    candidate,
    (one, other) => one.label !== "regression" || one.rolledBack === other.rolledBack,
  );
}

function everyPair(
  baseline: Evaluated,
  candidate: Evaluated,
  holds: (one: Outcome, other: Outcome) => boolean,
): boolean {
  return baseline.draws.every((outcomes: Listed<Outcome>, draw) => {
    const others = candidate.draws[draw]!;
    for (let at = 0; at < outcomes.length; at++) {
      if (!holds(outcomes.at(at)!, others.at(at)!)) return false;
    }
    return true;
  });
}
