/**
 * The decision and its three sentences: what to do, what it would gain, what it costs or
 * what is not known. "Change nothing" is an answer, and so is "this history cannot say".
 *
 * Law: a change is advised only where the gate passes and something is better whatever
 * history hid. Everything else leaves the policy as it is.
 */

import type { Difference } from "../compare/compare.ts";
import { tooFew } from "../compare/enough.ts";
import type { Evaluation } from "../compare/evaluate.ts";
import {
  fieldWords,
  formatEnds,
  formatStep,
  resolution,
  restsOnHidden,
  tippingText,
} from "../compare/words.ts";
import type { Check, Gate } from "../gate/gate.ts";
import { TOLD_FIRST } from "../gate/verdict.ts";

export type Advice =
  | "adopt"
  | "keep"
  | "change nothing yet"
  | "no gain"
  | "the same"
  | "cannot say"
  /** Nothing was proposed. */
  | "in force";

export interface Decision {
  readonly advice: Advice;
  /** A few words, as large as a page allows. */
  readonly title: string;
  /** What the third sentence tells. */
  readonly third: "Price" | "Open";
  /**
   * What to do and why; what it would gain; what it costs, or what stays open. Where nothing was
   * proposed: what was rolled back; at which price; what stays open.
   */
  readonly sentences: readonly [string, string, string];
}

/** @param why in words, where there is nothing that could be replayed */
export function cannotSay(why: string, isProposed: boolean): Decision {
  const which = isProposed ? "proposed policy" : "policy in force";
  return {
    advice: "cannot say",
    title: "This quarter decides nothing.",
    third: "Open",
    sentences: [
      `Change nothing on the strength of this report: ${why}.`,
      "No gain was measured.",
      `No harm was excluded either: nothing here says that the ${which} is safe.`,
    ],
  };
}

export function decide({ policies, differences }: Evaluation, gate: Gate): Decision {
  const [current, next] = policies.map(({ policy }) => policy.policy) as [string, string];
  const labelled = policies[0]!.outcomes.some(({ label }) => label !== "unknown");
  if (gate.checks.some(({ reason }) => reason === "both policies say the same")) {
    return {
      advice: "the same",
      title: "Nothing to decide.",
      third: "Open",
      sentences: [
        `${next} and ${current} say the same, so every deployment ends alike under both.`,
        "There is no gain to measure.",
        "The report below is that of the policy in force.",
      ],
    };
  }
  const all = differences.filter(({ field }) => TOLD_FIRST.includes(field));
  const told = all.filter((one) => one.difference === null || tooFew(one) === null);
  const thin = all.filter(({ verdict }) => verdict === "too few to tell");
  const gains = told.filter(({ verdict }) => verdict === "better");
  const losses = told.filter(({ verdict }) => verdict === "worse");
  const gain = first(gains);
  const gained =
    gain === null
      ? labelled
        ? "No gain was shown."
        : "No gain was shown: no deployment is labelled, so what was right is unknown."
      : `It would improve ${measured(gain)}${others(gains, gain)}.`;
  const loss = first(losses);
  const price =
    loss !== null
      ? `It would worsen ${measured(loss)}${others(losses, loss)}.`
      : thin.length > 0
        ? `Too few deployments or services to tell: ${names(thin)}.`
        : open(told);
  const models = gate.checks.flatMap(({ ground, name }) =>
    ground === "modelled" ? [fieldWords(name)] : [],
  );
  const third = loss === null ? "Open" : "Price";
  switch (gate.verdict) {
    case "fail":
      return {
        advice: "keep",
        title: "Change nothing.",
        third,
        sentences: [
          `Keep ${current}: ${next} is worse than the budget allows in ` +
            `${reasons(gate.checks, "fail")}.`,
          gained,
          price,
        ],
      };
    case "inconclusive":
      return {
        advice: "change nothing yet",
        title: "Change nothing yet.",
        third,
        sentences: [
          `Keep ${current}: this quarter does not show that ${next} is safe, for lack of ` +
            `evidence on ${reasons(gate.checks, "inconclusive")}.`,
          gained,
          price,
        ],
      };
    case "pass":
      if (gain === null) {
        return {
          advice: "no gain",
          title: "Change nothing.",
          third,
          sentences: [
            `Keep ${current}: ${next} is no worse than the budget allows, ` +
              "and no better that shows.",
            gained,
            price,
          ],
        };
      }
      return {
        advice: "adopt",
        title: `Adopt ${next}.`,
        third,
        sentences: [
          `Nothing the budget guards gets worse than ${current} by more than it allows, ` +
            (models.length === 0
              ? "whatever the quarter's own rollbacks hid."
              : `on a model in ${listed(models)}.`),
          gained,
          price,
        ],
      };
  }
}

function first(differences: readonly Difference[]): Difference | null {
  for (const name of TOLD_FIRST) {
    const found = differences.find(({ field }) => field === name);
    if (found !== undefined) return found;
  }
  return null;
}

/** From what to what, by how much, and how sure. */
function measured(told: Difference): string {
  const { field, unit, baseline, candidate } = told;
  const { ground, tipping } = told;
  const byModel = ground === "modelled" && tipping !== null ? `; ${tippingText(tipping)}` : "";
  const hidden = restsOnHidden(told) ? "; much of it a model of what was hidden" : "";
  const model = byModel === "" ? hidden : byModel;
  const step = formatStep(unit, baseline!, candidate!);
  const interval = formatEnds(told)?.join(" to ") ?? "unknown";
  return (
    `${fieldWords(field)} from ${step.from} to ${step.to} ` +
    `(by ${step.difference}; 95 % interval ${interval}${model})`
  );
}

function others(all: readonly Difference[], but: Difference): string {
  const rest = all.filter((one) => one !== but);
  return rest.length === 0 ? "" : `, and likewise ${names(rest)}`;
}

/** What is not distinguishable, and how small a difference this history could have shown. */
function open(told: readonly Difference[]): string {
  const undecided = told.filter(({ verdict }) => verdict === "not distinguishable");
  const silent = told.filter(({ verdict }) => verdict === "no evidence");
  if (undecided.length === 0 && silent.length > 0) {
    return `What this quarter cannot say: ${names(silent)}.`;
  }
  const able = resolution(told);
  const what =
    undecided.length === 0 ? "No price was found" : `Not distinguishable: ${names(undecided)}`;
  return able === null ? `${what}.` : `${what}; ${able.charAt(0).toLowerCase()}${able.slice(1)}`;
}

function reasons(checks: readonly Check[], verdict: Check["verdict"]): string {
  const found = checks.filter((check) => check.verdict === verdict);
  const [head, ...rest] = found;
  const said = `${fieldWords(head!.name)} (${head!.reason})`;
  return rest.length === 0
    ? said
    : `${said}, and likewise ${listed(rest.map(({ name }) => fieldWords(name)))}`;
}

function names(differences: readonly Difference[]): string {
  return listed(differences.map(({ field }) => fieldWords(field)));
}

function listed(names: readonly string[]): string {
  return names.length < 2
    ? names.join("")
    : `${names.slice(0, -1).join(", ")} and ${names.at(-1)!}`;
}
