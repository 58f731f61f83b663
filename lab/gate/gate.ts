/**
 * The CI verdict on a policy change: non-inferiority on every guard of a budget.
 *
 * A guard passes only where the interval of the paired difference excludes that the
 * candidate is worse by the margin; it fails where the candidate is surely worse and the
 * best guess is beyond the margin, though the interval may reach within it: what surely
 * harms has to show that it harms no more than is allowed. Everything else is inconclusive.
 * All must pass, so no level has to be split between them (intersection-union test). The
 * intervals are the very ones `compare` prints (95 %, two-sided: each guard errs 2.5 % of
 * the time), wide enough for what the history cannot say.
 *
 * Where no deployment differs an interval has no width, which is not certainty: n pairs
 * without a difference exclude a share of 3/n and no less (the rule of three, Hanley and
 * Lippman-Hand 1983). Only a candidate that says the same as the baseline is the same.
 */

import { formatNumber } from "../../engine/index.ts";
import type { AssumedIn, Difference, Flip } from "../compare/compare.ts";
import type { Answer } from "../compare/answer.ts";
import { tooFew } from "../compare/enough.ts";
import { sayTheSame } from "../compare/samePolicy.ts";
import { formatApart } from "../compare/words.ts";
import type { Field } from "../score/fields.ts";
import { tidy } from "../score/intervals.ts";
import { type Estimate, type Scorecard } from "../score/scorecard.ts";
import type { AcceptedFlip, Budget, Guard } from "./budget.ts";
import { counted, countText } from "../counted.ts";

export type GateVerdict = "pass" | "fail" | "inconclusive";

/** One guard; amounts in the field's unit, positive is worse. */
export interface Check {
  readonly name: string;
  readonly verdict: GateVerdict;
  readonly baseline: number | null;
  readonly candidate: number | null;
  /** How much worse the candidate is, and the largest that is not excluded. */
  readonly worseBy: number | null;
  readonly atMost: number | null;
  readonly margin: number | null;
  /** How many times as much history would settle it; null where that is not the question. */
  readonly historyTimes: number | null;
  /**
   * What a pass or a fail rests on. `identified`: it holds whatever history hid. `modelled`: it
   * takes something for granted as well, which `assumed` counts and the reason says. Null where
   * it is inconclusive.
   */
  readonly ground: "identified" | "modelled" | null;
  readonly assumed: Difference["assumed"] | null;
  readonly reason: string;
}

export interface JudgedFlip extends Flip {
  readonly accepted: AcceptedFlip | null;
}

export interface Gate {
  readonly verdict: GateVerdict;
  readonly checks: readonly Check[];
  readonly flips: readonly JudgedFlip[];
  /** Accepted by name but not found: the list has grown old. */
  readonly unused: readonly AcceptedFlip[];
}

const RULE_OF_THREE = 3;

/** @param evaluation of two policies, the baseline first */
export function gateOf(
  evaluation: Answer,
  budget: Budget,
  accepted: readonly AcceptedFlip[],
  weeks: number,
): Gate {
  const [baseline, candidate] = evaluation.policies;
  const same = sayTheSame(baseline!.policy, candidate!.policy);
  const before = baseline!.scored.scorecard;
  const checks = budget.guards.map((guard) => {
    const difference = evaluation.differences.find(({ field }) => field === guard.field.name)!;
    if (same) return identical(guard, difference);
    return checkOf(guard, difference, before, weeks, evaluation.manifest);
  });
  const flips = evaluation.flips.map((flip): JudgedFlip => {
    const entry = accepted.find(({ deployment, end }) => {
      return deployment === flip.deploymentId && end === flip.candidate.end;
    });
    return { ...flip, accepted: entry ?? null };
  });
  const named = new Set(flips.flatMap((flip) => flip.accepted ?? []));
  checks.push(...ownerless(candidate!.scored.scorecard), ...flipCheck(budget, flips));
  const any = (verdict: GateVerdict): boolean => checks.some((one) => one.verdict === verdict);
  return {
    verdict: any("fail") ? "fail" : any("inconclusive") ? "inconclusive" : "pass",
    checks,
    flips,
    unused: accepted.filter((entry) => !named.has(entry)),
  };
}

type Manifest = Pick<Answer["manifest"], "costs" | "recovery">;

function base(guard: Guard, { baseline, candidate }: Difference) {
  return { name: guard.field.name, baseline, candidate };
}

function identical(guard: Guard, difference: Difference): Check {
  return {
    ...base(guard, difference),
    verdict: "pass",
    worseBy: 0,
    atMost: 0,
    margin: null,
    historyTimes: null,
    ground: "identified",
    assumed: null,
    reason: "both policies say the same",
  };
}

function checkOf(
  guard: Guard,
  difference: Difference,
  before: Scorecard,
  weeks: number,
  manifest: Manifest,
): Check {
  const { field } = guard;
  const margin = marginOf(guard, difference, weeks);
  const sign = field.better === "higher" ? -1 : 1;
  const worseBy = difference.difference === null ? null : tidy(sign * difference.difference);
  const { assumed } = difference;
  const known = { ...base(guard, difference), worseBy, margin, ground: null, assumed };
  const unsure = (reason: string): Check => {
    return { ...known, verdict: "inconclusive", atMost: null, historyTimes: null, reason };
  };
  if (worseBy === null) return unsure("this history cannot say it");
  if (margin === null) return unsure("a share of a baseline of nothing is no margin");
  const few = tooFew(difference);
  if (few !== null) return unsure(`too few to tell: ${few}`);
  const { low, high, n } = difference;
  if (low === null || high === null) return unsure("too few services for an interval");
  const [least, most] = sign === 1 ? [low, high] : [-high, -low];
  const untouched = worseBy === 0 && least === 0 && most === 0;
  const atMost = tidy(untouched ? excludedBy(field, n, before, manifest) : most);
  const settled = { ...known, atMost, historyTimes: null };
  const [atMostText, marginText] = formatApart(field.unit, Math.abs(atMost), margin);
  if (least > 0 && worseBy > margin) {
    const [guess, allowed] = formatApart(field.unit, worseBy, margin);
    const reason =
      `surely worse, by ${sizeText(field, least)} at least and ${guess} as the best guess; ` +
      `${allowed} allowed`;
    return { ...settled, verdict: "fail", ...groundOf(assumed, reason) };
  }
  if (atMost <= margin || (untouched && margin === 0)) {
    const allowed = `${marginText} allowed`;
    let reason = `worse by ${atMostText} at most; ${allowed}`;
    if (untouched) reason = `none of ${countText(n)} differs; ${allowed}`;
    else if (atMost < 0) reason = `better by ${atMostText} at least`;
    return { ...settled, verdict: "pass", ...groundOf(assumed, reason) };
  }
  const open = untouched
    ? `none of ${countText(n)} differs, but so few leave up to ${atMostText} open`
    : `may be worse by ${atMostText}`;
  const hidden = sign === 1 ? difference.hiddenHigh! : -difference.hiddenLow!;
  const historyTimes = untouched ? atMost / margin : historyTimesFor(most, hidden, margin);
  let more =
    `what history hid alone leaves ${sizeText(field, hidden)} open, and no length of such ` +
    "a history would tell: one under another policy or a dry run would";
  if (historyTimes !== null) more = `${timesText(historyTimes)} times as much history would tell`;
  else if (worseBy >= margin) more = "the best guess is beyond it already";
  const reason = `${open}; ${marginText} allowed; ${more}`;
  return { ...settled, historyTimes, verdict: "inconclusive", reason };
}

/** What a settled guard rests on, and its reason with that. */
function groundOf(assumed: AssumedIn, reason: string): Pick<Check, "ground" | "reason"> {
  const { bounded, alike, modelled } = assumed;
  const takes = [
    ...(alike > 0 ? [`${deploymentsText(alike)} that history hid taken as alike under both`] : []),
    ...(modelled > 0 ? [`the recovery of ${deploymentsText(modelled)} from a model`] : []),
  ];
  if (takes.length > 0)
    return { ground: "modelled", reason: `${reason}; on ${takes.join(" and ")}` };
  const whatever = bounded > 0 ? `, whatever history hid of ${deploymentsText(bounded)}` : "";
  return { ground: "identified", reason: `${reason}${whatever}` };
}

/** A mean over draws is rounded up: part of a deployment is one that is assumed in some draws. */
function deploymentsText(count: number): string {
  return counted(Math.ceil(count), "deployment");
}

/**
 * How many times as much history would bring an interval that reaches to `most` within the margin.
 * Its part beyond what history hid shrinks with the square root of the length; null where what
 * history hid reaches beyond the margin by itself.
 */
function historyTimesFor(most: number, hidden: number, margin: number): number | null {
  return hidden < margin ? ((most - hidden) / (margin - hidden)) ** 2 : null;
}

/** Rounded up, and no finer than it is known: `1.3`, `26`. */
function timesText(times: number): string {
  return times < 10 ? formatNumber(Math.ceil(times * 10) / 10) : countText(Math.ceil(times));
}

function marginOf({ margin }: Guard, { baseline }: Difference, weeks: number): number | null {
  switch (margin.of) {
    case "absolute":
      return margin.amount;
    case "week":
      return tidy(margin.amount * weeks);
    case "baseline":
      return baseline === null || baseline === 0 ? null : tidy(margin.amount * Math.abs(baseline));
  }
}

/**
 * The difference that n equal pairs do not exclude: 3/n of them may differ, each by as
 * much as one can: an hour, one count, all that a false-positive rollback costs or a
 * regression that is missed, whichever is dearer. Those last an hour, or as long as those that
 * this history let run if that is longer.
 */
function excludedBy(
  field: Field,
  n: number,
  { cost }: Scorecard,
  { costs, recovery }: Manifest,
): number {
  const share = RULE_OF_THREE / Math.max(1, n);
  switch (field.unit) {
    case "share":
      return Math.min(1, share);
    case "seconds":
      return 3600 * Math.min(1, share);
    case "cost": {
      const { rollback, falsePositive, toilHour, hoursPerFalsePositive, degradedMinute } = costs;
      const wrong = rollback + falsePositive + toilHour * hoursPerFalsePositive;
      const missed = degradedMinute * Math.max(60, recovery.unaidedSeconds / 60);
      return RULE_OF_THREE * Math.max(wrong, missed);
    }
    case "count":
    case "hours":
    case "perWeek":
      return cost.n === 0 ? Number.POSITIVE_INFINITY : RULE_OF_THREE;
  }
}

/** Executed actions that nobody answers for: none is allowed, whatever the budget says. */
function ownerless(card: Scorecard): Check[] {
  const { value } = card["ownerlessActions"] as Estimate;
  const none = value === 0;
  return [
    {
      name: "ownerlessActions",
      verdict: none ? "pass" : "fail",
      baseline: null,
      candidate: value,
      worseBy: value,
      atMost: value,
      margin: 0,
      historyTimes: null,
      ground: "identified",
      assumed: null,
      reason: none ? "every action has an owner" : `${counted(value!, "action")} without an owner`,
    },
  ];
}

/** Deployments that end worse and that nobody accepted, where the budget limits them. */
function flipCheck({ worseFlips }: Budget, flips: readonly JudgedFlip[]): Check[] {
  if (worseFlips === null) return [];
  const unaccepted = flips.filter(({ accepted }) => accepted === null);
  const worse = unaccepted.filter(({ change }) => change === "worse");
  // Of these history hid how they end: each may be worse.
  const open = unaccepted.filter(({ change }) => change === "open").length;
  const atMost = worse.length + open;
  const within = worse.length <= worseFlips;
  const verdict = !within ? "fail" : atMost <= worseFlips ? "pass" : "inconclusive";
  const more = open === 0 ? "" : `, and ${open} more that history hid may be`;
  return [
    {
      name: "worseFlips",
      verdict,
      baseline: 0,
      candidate: worse.length,
      worseBy: worse.length,
      atMost,
      margin: worseFlips,
      historyTimes: null,
      ground: verdict === "inconclusive" ? null : "identified",
      assumed: null,
      reason:
        `${counted(worse.length, "deployment")} worse off and not accepted${more}; ` +
        `${worseFlips} allowed`,
    },
  ];
}

function sizeText(field: Field, size: number): string {
  return formatApart(field.unit, size, 0)[0];
}
