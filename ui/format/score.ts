/** Numbers of a scorecard by the name of their field. */

import { own, type JsonObject } from "../../engine/index.ts";
import type {
  EstimateDocument,
  ScorecardDocument,
  Unit,
} from "../../lab/server/contract/compare.ts";
import { identifiedText } from "../../lab/score/identified.ts";
import { formatStep, formatValue, type Step } from "../../lab/compare/words.ts";

/** `mttr`, `timeToRecovery.mean`. */
export function estimateOf(scorecard: ScorecardDocument, field: string): EstimateDocument | null {
  const [name, statistic] = field.split(".") as [string, string | undefined];
  const found = own(scorecard, name) as JsonObject | undefined;
  const estimate = statistic === undefined ? found : own(found ?? {}, statistic);
  return (estimate as EstimateDocument | undefined) ?? null;
}

export interface BoundsDocument {
  readonly best: number | null;
  readonly worst: number | null;
}

/** Between which values it lies whatever history hid; null where that is one value. */
export function boundsOf(scorecard: ScorecardDocument, field: string): BoundsDocument | null {
  const found = own(scorecard, `${field}Bounds`) as BoundsDocument | undefined;
  return found === undefined || found.best === found.worst ? null : found;
}

export function valueText(unit: Unit, value: number | null): string {
  return value === null ? "–" : formatValue(unit, value);
}

/** Two values and their difference, as they agree; dashes where this history cannot say. */
export function stepText(
  unit: Unit,
  difference: { readonly baseline: number | null; readonly candidate: number | null },
): Step {
  const { baseline, candidate } = difference;
  if (baseline !== null && candidate !== null) return formatStep(unit, baseline, candidate);
  return { from: valueText(unit, baseline), to: valueText(unit, candidate), difference: "–" };
}

/** `[81, 104]`, or why there is none; empty where there is nothing in it. */
export function intervalText(unit: Unit, { low, high, reason }: EstimateDocument): string {
  if (reason !== undefined) return `${identifiedText(reason)}: no interval`;
  if (low === null || high === null || low === high) return "";
  return `[${formatValue(unit, low)}, ${formatValue(unit, high)}]`;
}
