/**
 * A policy change in one sentence: what it gains, and what of it goes beyond the limits. And of
 * several candidates the one to adopt, if any.
 *
 * Law: a policy is recommended only where the gate passes and some score is better.
 */

import { own, type JsonObject, type Policy } from "../../engine/index.ts";
import type { Difference } from "../compare/compare.ts";
import { tooFew } from "../compare/enough.ts";
import { sayTheSame } from "../compare/samePolicy.ts";
import { fieldWords, formatApart, formatStep } from "../compare/words.ts";
import { FIELDS } from "../score/fields.ts";
import type { Check, Gate, GateVerdict } from "./gate.ts";

/** The order in which gains and losses are told: what hurts users, then people, then cost. */
export const TOLD_FIRST: readonly string[] = [
  "missRate",
  "mttr",
  "falsePositiveRollbacks",
  "nightPages",
  "pagesPerWeek",
  "cost",
  "toilHours",
];

/** One policy in place of another. */
export interface ChangeVerdict {
  readonly verdict: GateVerdict;
  /** Is a score better that a comparison speaks of? */
  readonly isBetter: boolean;
  readonly sentence: string;
}

/** @param differences of `next` from `current`, and the gate on the two */
export function changeVerdict(
  current: Policy,
  next: Policy,
  differences: readonly Difference[],
  { verdict, checks }: Pick<Gate, "verdict" | "checks">,
): ChangeVerdict {
  if (sayTheSame(current, next)) {
    const sentence = `It says the same as ${current.policy}: every deployment ends alike.`;
    return { verdict, isBetter: false, sentence };
  }
  const gain = TOLD_FIRST.map((name) => differences.find(({ field }) => field === name)).find(
    (one) => one?.verdict === "better" && tooFew(one) === null,
  );
  const gained = gain === undefined ? null : movedBy(gain);
  const told = { verdict, isBetter: gain !== undefined };
  const limits = beyond(checks, verdict);
  if (verdict === "pass") {
    const sentence =
      gained === null
        ? "It stays within your limits, and no score shows a gain."
        : `${capital(gained)}; nothing gets worse by more than your limits allow.`;
    return { ...told, sentence: sentence + modelWords(checks) };
  }
  const sentence = gained === null ? limits : `${gained}, but ${limits}`;
  return { ...told, sentence: `${capital(sentence)}.` };
}

export interface Candidate extends ChangeVerdict {
  readonly name: string;
  readonly cost: number | null;
}

export interface Choice {
  /** Null: keep what is there. */
  readonly adopt: string | null;
  readonly title: string;
  readonly sentence: string;
}

/** Of all candidates that the gate lets pass and that are better, the one that costs least. */
export function choose(current: string, candidates: readonly Candidate[]): Choice {
  const good = candidates
    .filter(({ verdict, isBetter }) => verdict === "pass" && isBetter)
    .sort((a, b) => (a.cost ?? Infinity) - (b.cost ?? Infinity));
  const best = good[0];
  if (best !== undefined) {
    const rest = good.length === 1 ? "" : ` It costs least of the ${good.length} that pass.`;
    return {
      adopt: best.name,
      title: `Adopt ${best.name}.`,
      sentence: `${best.sentence}${rest}`,
    };
  }
  const only = candidates.length === 1 ? candidates[0]! : null;
  const sentence = only?.sentence ?? "No other policy is both better and shown within your limits.";
  return { adopt: null, title: `Keep ${current}.`, sentence };
}

type Counted = readonly [one: string, many: string];

const COUNTED: JsonObject<Counted> = {
  falsePositiveRollbacks: ["wrong rollback", "wrong rollbacks"],
  nightPages: ["night page", "night pages"],
  tagMasked: ["regression masked by a tag", "regressions masked by a tag"],
};

const MORE_OF: JsonObject<string> = {
  falsePositiveRate: "good deployments rolled back",
  missRate: "regressions missed",
  pagesPerWeek: "pages a week",
  toilHours: "hours of toil",
};

const HOUR = "timeToRecovery.restrictedMean60m";

/** `46 fewer wrong rollbacks`, `recovery 1m33s slower (first hour counted)`. */
function moved(field: string, size: string, isMore: boolean): string {
  const amount = isMore ? "more" : "fewer";
  const counted = own(COUNTED, field);
  if (counted !== undefined) return `${size} ${amount} ${counted[size === "1" ? 0 : 1]}`;
  const many = own(MORE_OF, field);
  if (many !== undefined) return `${size} ${amount} ${many}`;
  if (field === "mttr" || field === HOUR) {
    const hour = field === HOUR ? " (first hour counted)" : "";
    return `recovery ${size} ${isMore ? "slower" : "faster"}${hour}`;
  }
  return `${fieldWords(field)} ${isMore ? "higher" : "lower"} by ${size}`;
}

function movedBy({ field, unit, baseline, candidate }: Difference): string {
  const shown = formatStep(unit, baseline!, candidate!).difference.replace(/^[+−]/, "");
  const by = candidate! - baseline!;
  const size = /[1-9]/.test(shown) ? shown : formatApart(unit, Math.abs(by), 0)[0];
  return moved(field, size, by > 0);
}

/** What goes beyond the limits, or is not shown to stay within them; empty where it passes. */
export function beyond(checks: readonly Check[], verdict: GateVerdict): string {
  const [first, ...others] = checks.filter((check) => check.verdict === verdict);
  if (first === undefined || verdict === "pass") return "";
  const rest =
    others.length === 0 ? "" : `; likewise ${listed(others.map(({ name }) => fieldWords(name)))}`;
  return `${overLimit(first)}${rest}`;
}

function overLimit({ name, verdict, worseBy, atMost, margin, tipping, reason }: Check): string {
  const field = FIELDS.find((one) => one.name === name);
  const size = verdict === "fail" ? worseBy : tipping === null ? atMost : null;
  if (field === undefined || margin === null || size === null) {
    return `${fieldWords(name)}: ${reason}`;
  }
  const [by, allowed] = formatApart(field.unit, Math.abs(size), margin);
  const limit = `your limit is ${allowed}`;
  const isMore = field.better !== "higher";
  if (verdict === "fail") return `${moved(name, by, isMore)}; ${limit}`;
  return `${moved(name, `up to ${by}`, isMore)} cannot be excluded; ${limit}`;
}

function modelWords(checks: readonly Check[]): string {
  const models = checks.flatMap(({ ground, name }) =>
    ground === "modelled" ? [fieldWords(name)] : [],
  );
  return models.length === 0 ? "" : ` It rests on a model in ${listed(models)}.`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function listed(names: readonly string[]): string {
  return names.length < 2
    ? names.join("")
    : `${names.slice(0, -1).join(", ")} and ${names.at(-1)!}`;
}
