/** The three sentences of a report that proposes nothing: what the policy in force did. */

import { replayHeadline } from "../compare/headline.ts";
import type { Evaluation } from "../compare/evaluate.ts";
import { formatValue } from "../compare/words.ts";
import { counted } from "../counted.ts";
import { isOpen } from "../outcome/outcome.ts";
import { estimateIn } from "../score/scorecard.ts";
import type { Field } from "../score/fields.ts";
import type { Decision } from "./decision.ts";
import { fieldOf } from "./sections/estimate.ts";

export function inForce({ policies }: Evaluation): Decision {
  const [evaluated] = policies;
  const { policy, outcomes, scored } = evaluated!;
  const told = (name: string, words: (value: string) => string): string[] => {
    const { value, low, high } = estimateIn(scored.scorecard, name);
    if (value === null) return [];
    const { unit } = fieldOf(name);
    return [words(formatValue(unit, value)) + ends(unit, low, high)];
  };
  const price = [
    ...told("mttr", (text) => `mean recovery ${text}`),
    ...told("pagesPerWeek", (text) => `${text} pages a week`),
    ...told("nightPages", (text) => `${text} pages by night`),
  ];
  const hidden = outcomes.filter(isOpen).length;
  const open =
    hidden === 0
      ? ""
      : `Past rollbacks hide how ${counted(hidden, "deployment")} would have gone on. `;
  return {
    advice: "in force",
    title: `What ${policy.policy} did.`,
    third: "Open",
    sentences: [
      replayHeadline(evaluated!),
      price.length === 0 ? "No price can be told." : `${capital(price.join("; "))}.`,
      `${open}Whether another policy would be better takes a report with a candidate.`,
    ],
  };
}

function ends(unit: Field["unit"], low: number | null, high: number | null): string {
  if (low === null || high === null || low === high) return "";
  return ` (95 % interval ${formatValue(unit, low)} to ${formatValue(unit, high)})`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
