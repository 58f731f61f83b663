/**
 * Numbers and differences as people read them, wherever they read: on a terminal, in the
 * browser, in the report. Pure, and the one place where a difference becomes a sentence.
 */

import { formatDuration, own, type JsonObject } from "../../engine/index.ts";
import { countText, decimalText } from "../counted.ts";
import type { Field } from "../score/fields.ts";
import type { Difference } from "./compare.ts";
import { whyTooFew } from "./enough.ts";
import type { Tipping } from "./tipping.ts";

/** What a scorecard shows first; `--json` has all of it. */
export const SHOWN: readonly (readonly [string, string])[] = [
  ["deployments", "deployments"],
  ["regressions", "of these regressions"],
  ["undecidable", "could not be judged"],
  ["silent", "of these silent"],
  ["proposals", "proposals"],
  ["rollbacks", "rollbacks"],
  ["truePositiveRollbacks", "right ones"],
  ["falsePositiveRollbacks", "false-positive ones"],
  ["unrelatedRollbacks", "of unrelated incidents"],
  ["unlabelledRollbacks", "without a label"],
  ["falsePositiveShare", "false-positive share"],
  ["falsePositiveRate", "false-positive rate"],
  ["missRate", "regressions missed"],
  ["mttr", "time to recovery, mean"],
  ["timeToRecovery.median", "time to recovery, median"],
  ["timeToRollback.median", "time to rollback, median"],
  ["pagesPerWeek", "pages a week"],
  ["nightPages", "night pages"],
  ["overrides", "overrides"],
  ["approvalsExpired", "approvals expired"],
  ["tagSaved", "false positives a tag saved"],
  ["tagMasked", "regressions a tag masked"],
  ["toilHours", "toil hours"],
  ["cost", "cost (a page by day is 10)"],
  ["observedShare", "observed"],
  ["modelledShare", "modelled"],
  ["boundedShare", "bounded"],
  ["unknownShare", "unknown"],
];

/** Rows that say something only where there is something. */
export const ONLY_WHERE_ANY = new Set([
  "undecidable",
  "silent",
  "unrelatedRollbacks",
  "unlabelledRollbacks",
]);

/** A number with its unit, as people read it. */
export function formatValue(unit: Field["unit"], value: number): string {
  switch (unit) {
    case "share":
      return `${(value * 100).toFixed(1)} %`;
    case "seconds":
      return Math.round(value) === 0 ? "0s" : formatDuration(Math.round(value) * 1000);
    case "count":
      // A mean over draws may be part of one: that is not none.
      if (value > 0 && value < 0.5) return String(Number(value.toPrecision(1)));
      // Rounding may leave −0, which no count is.
      return countText(Math.round(value) + 0);
    case "perWeek":
    case "hours":
      return decimalText(value, 1);
    case "cost":
      return countText(Math.round(value));
  }
}

/** What the last digit of `formatValue` counts. */
const LAST_DIGIT: Readonly<Record<Field["unit"], number>> = {
  share: 0.001,
  seconds: 1,
  count: 1,
  perWeek: 0.1,
  hours: 0.1,
  cost: 1,
};

/** Of these a digit more is easily read. */
const MAY_BE_FINER: ReadonlySet<Field["unit"]> = new Set(["share", "count", "perWeek", "hours"]);

/** Two values, and how far it is from one to the other. */
export interface Step {
  readonly from: string;
  readonly to: string;
  readonly difference: string;
}

/**
 * Two values and their difference so that the sum comes out as it is shown: with a digit more
 * where rounding would have it that 31 and 0.2 are 32, else the difference of what is shown.
 */
export function formatStep(unit: Field["unit"], from: number, to: number): Step {
  const at = (more: number) => {
    const digit = LAST_DIGIT[unit] / 10 ** more;
    const shown = Math.round(to / digit) - Math.round(from / digit);
    const exact = (to - from) / digit;
    const isLost = unit === "count" && shown === 0 && exact !== 0;
    return { shown: shown * digit, agrees: !isLost && Math.abs(shown - exact) <= 0.5 };
  };
  const more = !at(0).agrees && MAY_BE_FINER.has(unit) && at(1).agrees ? 1 : 0;
  const { shown } = at(more);
  const size = formatSize(unit, Math.abs(shown), more);
  const text = (value: number): string => {
    if (more === 1) return formatFiner(unit, value);
    return unit === "count" ? countText(Math.round(value) + 0) : formatValue(unit, value);
  };
  return { from: text(from), to: text(to), difference: `${signOf(shown, size)}${size}` };
}

/** With a digit more than `formatValue` has. */
function formatFiner(unit: Field["unit"], value: number): string {
  return unit === "share"
    ? `${(value * 100).toFixed(2)} %`
    : decimalText(value, unit === "count" ? 1 : 2);
}

/** The size of a difference, with so many more digits than a value has. */
function formatSize(unit: Field["unit"], size: number, more: number): string {
  if (more === 0) return formatValue(unit, size).replace(" %", " pp");
  switch (unit) {
    case "share":
      return `${(size * 100).toFixed(1 + more)} pp`;
    case "seconds":
      return `${minutesOf(size)}${(size % 60).toFixed(more)}s`;
    case "count":
    case "cost":
      return size.toLocaleString("en-US", { maximumFractionDigits: more });
    case "perWeek":
    case "hours":
      return decimalText(size, 1 + more);
  }
}

function minutesOf(seconds: number): string {
  return seconds < 60 ? "" : formatDuration(60_000 * Math.floor(seconds / 60));
}

const MORE_AT_MOST = 6;

/** Two sizes with the fewest digits that tell them apart: 0.04 is more than 0. */
export function formatApart(
  unit: Field["unit"],
  one: number,
  other: number,
): readonly [string, string] {
  // What is counted may be a mean over draws.
  for (let more = unit === "count" ? 1 : 0; ; more++) {
    const texts = [formatSize(unit, one, more), formatSize(unit, other, more)] as const;
    if (texts[0] !== texts[1] || one === other || more === MORE_AT_MOST) return texts;
  }
}

export const IN_WORDS: JsonObject<string> = {
  falsePositiveRollbacks: "false-positive rollbacks",
  falsePositiveRate: "the share of good deployments rolled back",
  missRate: "the share of regressions missed",
  mttr: "mean time to recovery",
  pagesPerWeek: "pages a week",
  nightPages: "night pages",
  toilHours: "hours of toil",
  cost: "cost",
};

/** Of what a comparison does not speak of by itself. */
const OTHER_WORDS: JsonObject<string> = {
  f1: "F1",
  "timeToRecovery.restrictedMean60m": "mean time to recovery, cut at an hour",
  tagMasked: "regressions a tag masked",
  harmfulOverrides: "overrides that kept a regression",
  ownerlessActions: "actions without an owner",
  worseFlips: "deployments that end worse",
  flips: "deployments that end otherwise",
};

/** A field's name in words, also where a comparison does not speak of it by itself. */
export function fieldWords(name: string): string {
  const known =
    own(IN_WORDS, name) ?? own(OTHER_WORDS, name) ?? SHOWN.find(([shown]) => shown === name)?.[1];
  const apart = (text: string): string =>
    text.replace(/[A-Z]|\d+/g, (found) => ` ${found.toLowerCase()}`);
  return known ?? name.split(".").map(apart).join(", ");
}

/** What this history could have shown at all, so that "not distinguishable" can be read. */
export function resolution(differences: readonly Difference[]): string | null {
  const parts: string[] = [];
  for (const [field, name] of [
    ["mttr", "in mean time to recovery"],
    ["missRate", "in the share of regressions missed"],
    ["falsePositiveRate", "in the share of good deployments rolled back"],
  ] as const) {
    const found = differences.find((one) => one.field === field);
    if (found?.resolves == null) continue;
    const [least] = formatApart(found.unit, found.resolves, 0);
    parts.push(`${least} ${name}`);
  }
  if (parts.length === 0) return null;
  return `Differences smaller than these are too small to see here: ${parts.join(", ")}.`;
}

/** Above this a difference is named for what it rests on (method 3.4). */
const HIDDEN_AT_MOST = 0.2;

/** Does so much of it rest on what history's own rollback hid that it must be said? */
export function restsOnHidden({ hiddenShare }: Difference): boolean {
  return hiddenShare !== null && hiddenShare > HIDDEN_AT_MOST;
}

/** Before a sentence, where nothing is drawn beside it. */
export const VERDICT_MARKS: Readonly<Record<Difference["verdict"], string>> = {
  better: "+",
  worse: "−",
  "not distinguishable": "=",
  "too few to tell": "?",
  "no evidence": "?",
};

/** What a verdict rests on, where history hid a part of it. */
function groundSentence(difference: Difference): string {
  const { ground, tipping } = difference;
  if (ground === "modelled" && tipping !== null) {
    return ` Modelled: ${tippingText(tipping)}${uncoveredText(difference)}.`;
  }
  if (!restsOnHidden(difference)) return "";
  return ground === "identified"
    ? " It holds whatever history's own rollback hid."
    : " It rests on what history's own rollback hid.";
}

/** How many hidden deployments are of a size that the model could not be tested on. */
function uncoveredText({ modelled }: Pick<Difference, "modelled">): string {
  const bins = modelled?.errors.bySize ?? [];
  const hidden = bins.reduce((sum, bin) => sum + (bin.tested === 0 ? bin.hidden : 0), 0);
  if (hidden === 0) return "";
  const are = hidden === 1 ? "is smaller or larger" : "are smaller or larger";
  return `; ${countText(hidden)} of them ${are} than all that the model was tested on`;
}

/** A difference in words, without its mark. */
export function sentence(difference: Difference): string {
  const name = fieldWords(difference.field);
  const { unit, baseline, candidate, verdict } = difference;
  if (verdict === "no evidence" || baseline === null || candidate === null) {
    return `${name}: this history cannot say.`;
  }
  const driven = groundSentence(difference);
  const step = formatStep(unit, baseline, candidate);
  const moved = `${step.from} → ${step.to}`;
  const from = formatValue(unit, baseline);
  const to = formatValue(unit, candidate);
  const ends = formatEnds(difference);
  const interval = ends === null ? "" : ` (95 %: ${ends.join(" to ")})`;
  switch (verdict) {
    case "better":
      return `${name}: ${moved}, better by ${step.difference}${interval}.${driven}`;
    case "worse":
      return `${name}: ${moved}, worse by ${step.difference}${interval}.${driven}`;
    case "not distinguishable":
      return difference.difference === 0
        ? `${name}: ${from}, no difference.`
        : `${name}: ${from} → ${to}, not distinguishable${interval}.${driven}`;
    case "too few to tell":
      return `${name}: ${from} → ${to}, too few to tell: ${whyTooFew(difference)}.`;
  }
}

/** What would overturn a verdict by the model, as the end of a sentence. */
export function tippingText({ flips, of }: Tipping): string {
  if (of === 0) return "it rests on how soon rollbacks helped that history did not make";
  const hidden = of === 1 ? "the 1 hidden deployment" : `the ${countText(of)} hidden deployments`;
  return flips === null
    ? `it holds even if all of ${hidden} ended the other way`
    : `it holds unless ${countText(flips)} of ${hidden} ended the other way`;
}

export function formatDifference(unit: Field["unit"], value: number): string {
  // Part of a count, as the mean over draws: `−0` would be no difference with a sign.
  const isPart = unit === "count" && value !== 0 && Math.round(Math.abs(value)) === 0;
  const size = isPart ? Math.abs(value).toFixed(1) : formatValue(unit, Math.abs(value));
  return `${signOf(value, size)}${unit === "share" ? size.replace(" %", " pp") : size}`;
}

/**
 * The ends of a difference's interval; null where it has none. Of what is called better or worse
 * neither is rounded to nothing: that it is told from nothing is what the interval says.
 */
export function formatEnds({
  unit,
  low,
  high,
  verdict,
}: Pick<Difference, "unit" | "low" | "high" | "verdict">): readonly [string, string] | null {
  if (low === null || high === null) return null;
  const isTold = verdict === "better" || verdict === "worse";
  const text = (end: number): string => {
    const rounded = formatDifference(unit, end);
    if (!isTold || /[1-9]/.test(rounded)) return rounded;
    const [size] = formatApart(unit, Math.abs(end), 0);
    return `${signOf(end, size)}${size}`;
  };
  return [text(low), text(high)];
}

/** What is nothing once it is rounded has no sign. */
function signOf(value: number, shown: string): string {
  if (!/[1-9]/.test(shown)) return "";
  return value > 0 ? "+" : "−";
}
