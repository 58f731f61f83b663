/**
 * The CI verdict on a policy change: non-inferiority on every guard of a budget.
 *
 * A guard passes only where the interval of the paired difference excludes that the
 * candidate is worse by the margin; it fails where the candidate is surely worse and the
 * best guess is beyond the margin, though the interval may reach within it: what surely
 * harms has to show that it harms no more than is allowed. Everything else is inconclusive.
 * All must pass, so no level has to be split between them (intersection-union test). The
 * intervals are the very ones `compare` prints (95 %, two-sided: each guard errs 2.5 % of
 * the time).
 *
 * A guard is judged on what holds whatever history hid. Where that leaves it open, a budget may let
 * the model of what was hidden decide (compare/modelled.ts), if enough of the hidden deployments
 * would have to end the other way before that verdict falls.
 *
 * Where no deployment differs an interval has no width, which is not certainty: n pairs
 * without a difference exclude a share of 3/n and no less (the rule of three, Hanley and
 * Lippman-Hand 1983). Only a candidate that says the same as the baseline is the same.
 */

import { formatNumber } from "../../engine/index.ts";
import type { AssumedIn, Difference, Flip, GroundVerdict } from "../compare/compare.ts";
import type { Answer } from "../compare/answer.ts";
import { tooFew, tooFewDiffer } from "../compare/enough.ts";
import { sayTheSame } from "../compare/samePolicy.ts";
import { marginOf } from "../compare/margin.ts";
import type { Tipping } from "../compare/tipping.ts";
import { leftOpen } from "../compare/unseen.ts";
import { formatApart, tippingText } from "../compare/words.ts";
import type { Field } from "../score/fields.ts";
import { tidy } from "../score/intervals.ts";
import { Z } from "../score/student.ts";
import type { Scorecard } from "../score/scorecard.ts";
import type { AcceptedFlip, Budget, Guard } from "./budget.ts";
import { flipCheck, noFlips, ownerless } from "./flipChecks.ts";
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
   * rests on a model as well, and the reason says on which. Null where it is inconclusive.
   */
  readonly ground: "identified" | "modelled" | null;
  /** What would overturn it, where it rests on the model of what history hid. */
  readonly tipping: Tipping | null;
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
  const guards = budget.decide === "flips" ? [] : budget.guards;
  const checks = guards.map((guard) => {
    const difference = evaluation.differences.find(({ field }) => field === guard.field.name)!;
    if (same) return identical(guard, difference);
    return checkOf(guard, difference, before, weeks, evaluation.manifest, budget);
  });
  const flips = evaluation.flips.map((flip): JudgedFlip => {
    const entry = accepted.find(({ deployment, end }) => {
      return deployment === flip.deploymentId && end === flip.candidate.end;
    });
    return { ...flip, accepted: entry ?? null };
  });
  const named = new Set(flips.flatMap((flip) => flip.accepted ?? []));
  checks.push(...ownerless(candidate!.scored.scorecard), ...flipCheck(budget, flips));
  if (budget.decide === "flips") checks.push(noFlips(flips));
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
    tipping: null,
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
  budget: Budget,
): Check {
  const { field } = guard;
  const margin = marginOf(guard.margin, difference.baseline, weeks);
  const sign = field.better === "higher" ? -1 : 1;
  const worseBy = difference.difference === null ? null : tidy(sign * difference.difference);
  const { assumed } = difference;
  const known = {
    ...base(guard, difference),
    worseBy,
    margin,
    ground: null,
    tipping: null,
    assumed,
  };
  const unsure = (reason: string): Check => {
    return { ...known, verdict: "inconclusive", atMost: null, historyTimes: null, reason };
  };
  if (worseBy === null) return unsure("this history cannot say it");
  if (margin === null) return unsure("a share of a baseline of nothing is no margin");
  const few = tooFew(difference);
  if (few !== null) return unsure(`too few to tell: ${few}`);
  const worst = reachOf(difference.identified, sign);
  if (worst === null) return unsure("too few services for an interval");
  const size = (amount: number): string => sizeText(field, amount);
  const { below, above } = difference.unseen;
  const [better, worse] = sign === 1 ? [below, above] : [above, below];
  // Nothing differs, and nothing that history hid may.
  const untouched = worseBy === 0 && worst.least >= -better && worst.most <= worse;
  if (untouched) {
    const { n } = difference;
    const { costs, recovery } = manifest;
    const worth = { costs, weeks, unaidedSeconds: recovery.unaidedSeconds };
    const atMost = tidy(leftOpen(field, n, worth));
    const [atMostText, allowed] = formatApart(field.unit, atMost, margin);
    const none = `none of ${countText(n)} differs`;
    if (atMost <= margin || margin === 0) {
      const passed = groundOf(assumed, `${none}; ${allowed} allowed`);
      return { ...known, verdict: "pass", atMost, historyTimes: null, ...passed };
    }
    const historyTimes = atMost / margin;
    const reason =
      `${none}, but so few leave up to ${atMostText} open; ${allowed} allowed; ` +
      `${timesText(historyTimes)} times as much history would tell`;
    return { ...known, verdict: "inconclusive", atMost, historyTimes, reason };
  }
  const identified = judged(worst, worseBy, margin);
  const fewDiffer = tooFewDiffer(difference);
  const isTooFew = (found: "pass" | "fail" | null): boolean =>
    found === "fail" && fewDiffer !== null;
  if (isTooFew(identified)) return unsure(`too few to tell: ${fewDiffer!}`);
  if (identified !== null) {
    const reason = reasonOf(identified, worst, worseBy, margin, field);
    const rest = { atMost: tidy(worst.most), historyTimes: null };
    return { ...known, verdict: identified, ...rest, ...groundOf(assumed, reason) };
  }
  const modelled =
    budget.ground === "modelled" && difference.modelled !== null
      ? reachOf(difference.modelled, sign)
      : null;
  const found = modelled === null ? null : judged(modelled, worseBy, margin);
  if (isTooFew(found)) return unsure(`too few to tell: ${fewDiffer!}`);
  const tipping = found === "pass" ? difference.tippingAtLimit : difference.tipping;
  if (found !== null && tipping !== null) {
    const reason = reasonOf(found, modelled!, worseBy, margin, field);
    const rest = { atMost: tidy(modelled!.most), historyTimes: null, tipping };
    const { flips, of } = tipping;
    const share = flips === null ? 1 : flips / Math.max(1, of);
    if (share >= budget.tipping) {
      const text = `${reason}; ${tippingText(tipping)}`;
      return { ...known, ...rest, verdict: found, ground: "modelled", reason: text };
    }
    const text =
      `${reason}; that is by the model, and no longer so if ${countText(flips!)} of ` +
      `${countText(of)} hidden deployments ended the other way: the budget asks for ` +
      `${shareText(budget.tipping)} of them`;
    return { ...known, ...rest, verdict: "inconclusive", reason: text };
  }
  const { most } = modelled ?? worst;
  const atMost = tidy(most);
  const [atMostText, marginText] = formatApart(field.unit, Math.abs(atMost), margin);
  const open = `may be worse by ${atMostText}; ${marginText} allowed`;
  // More history shrinks what sampling and the test of the model leave open, and nothing else.
  const hidden =
    modelled !== null
      ? worseBy + Z * difference.modelled!.errors.models
      : hiddenMost(difference, sign);
  const historyTimes = historyTimesFor(most, hidden, margin);
  let more =
    `what history hid alone leaves ${size(hidden)} open, and no length of such ` +
    "a history would tell: one under another policy or a dry run would";
  if (historyTimes !== null) more = `${timesText(historyTimes)} times as much history would tell`;
  else if (worseBy >= margin) more = "the best guess is beyond it already";
  return { ...known, verdict: "inconclusive", atMost, historyTimes, reason: `${open}; ${more}` };
}

/** How much worse the candidate is, at least and at most. */
interface Reach {
  readonly least: number;
  readonly most: number;
}

function reachOf({ low, high }: GroundVerdict, sign: 1 | -1): Reach | null {
  if (low === null || high === null) return null;
  return sign === 1 ? { least: low, most: high } : { least: -high, most: -low };
}

function hiddenMost({ hiddenLow, hiddenHigh }: Difference, sign: 1 | -1): number {
  return sign === 1 ? hiddenHigh! : -hiddenLow!;
}

/** Null where it is inconclusive. */
function judged({ least, most }: Reach, worseBy: number, margin: number): "pass" | "fail" | null {
  if (least > 0 && worseBy > margin) return "fail";
  return most <= margin ? "pass" : null;
}

function reasonOf(
  verdict: "pass" | "fail",
  { least, most }: Reach,
  worseBy: number,
  margin: number,
  field: Field,
): string {
  if (verdict === "fail") {
    const [guess, allowed] = formatApart(field.unit, worseBy, margin);
    return (
      `surely worse, by ${sizeText(field, least)} at least and ${guess} as the best guess; ` +
      `${allowed} allowed`
    );
  }
  const [atMost, allowed] = formatApart(field.unit, Math.abs(most), margin);
  if (most < 0) return `better by ${atMost} at least`;
  return `worse by ${atMost} at most; ${allowed} allowed`;
}

function shareText(share: number): string {
  return `${formatNumber(Number((share * 100).toFixed(1)))} %`;
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

function sizeText(field: Field, size: number): string {
  return formatApart(field.unit, size, 0)[0];
}
