/**
 * Policies side by side on the same deployments: paired differences against the
 * first one, with a verdict, and the deployments that end differently.
 */

import type { Outcome } from "../outcome/outcome.ts";
import { FIELDS, type Field } from "../score/fields.ts";
import { intervalOf, tidy, type Scored } from "../score/scorecard.ts";

export interface Difference {
  readonly field: string;
  readonly candidatePolicy: string;
  readonly baseline: number | null;
  readonly candidate: number | null;
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly unit: Field["unit"];
  readonly verdict: "better" | "worse" | "not distinguishable" | "no evidence";
}

export interface Flip {
  readonly deploymentId: string;
  readonly service: string;
  readonly label: string;
  readonly candidatePolicy: string;
  readonly baseline: { readonly end: string; readonly rolledBack: boolean };
  readonly candidate: { readonly end: string; readonly rolledBack: boolean };
  /** Good for the team, bad for it, or neither. */
  readonly change: "better" | "worse" | "neutral";
  readonly why: string;
}

/** Differences of every field that has a better direction. */
export function differencesOf(
  baseline: Scored,
  candidate: Scored,
  candidatePolicy: string,
): readonly Difference[] {
  return FIELDS.filter(({ better }) => better !== null).map((field): Difference => {
    const from = baseline.values.get(field.name)!;
    const to = candidate.values.get(field.name)!;
    const base = {
      field: field.name,
      candidatePolicy,
      baseline: nullable(from),
      candidate: nullable(to),
      unit: field.unit,
    };
    if (Number.isNaN(from) || Number.isNaN(to)) {
      return { ...base, difference: null, low: null, high: null, verdict: "no evidence" };
    }
    const before = baseline.samples.get(field.name)!;
    const after = candidate.samples.get(field.name)!;
    const paired = after.map((value, index) => value - before[index]!);
    const interval = candidate.clusters < 2 ? null : intervalOf(paired);
    const difference = tidy(to - from);
    return {
      ...base,
      difference,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      verdict: verdictOf(field, difference, interval),
    };
  });
}

function verdictOf(
  field: Field,
  difference: number,
  interval: { low: number; high: number } | null,
): Difference["verdict"] {
  if (interval === null) return difference === 0 ? "not distinguishable" : "no evidence";
  if (interval.low <= 0 && interval.high >= 0) return "not distinguishable";
  const lower = interval.high < 0;
  return lower === (field.better === "lower") ? "better" : "worse";
}

function nullable(value: number): number | null {
  return Number.isNaN(value) ? null : tidy(value);
}

/** Deployments whose end differs, in the order of the outcomes. */
export function flipsOf(
  baseline: readonly Outcome[],
  candidate: readonly Outcome[],
  candidatePolicy: string,
): readonly Flip[] {
  const flips: Flip[] = [];
  baseline.forEach((before, index) => {
    const after = candidate[index]!;
    if (before.end === after.end && before.rolledBack === after.rolledBack) return;
    flips.push({
      deploymentId: before.deploymentId,
      service: before.service,
      label: before.label,
      candidatePolicy,
      baseline: { end: before.end, rolledBack: before.rolledBack },
      candidate: { end: after.end, rolledBack: after.rolledBack },
      change: changeOf(before, after),
      why: after.reason,
    });
  });
  return flips;
}

function changeOf(before: Outcome, after: Outcome): Flip["change"] {
  if (before.rolledBack === after.rolledBack) return "neutral";
  const rightToRollBack = after.label === "regression";
  const wrongToRollBack = after.label === "benign" || after.label === "expected_change";
  if (!rightToRollBack && !wrongToRollBack) return "neutral";
  return after.rolledBack === rightToRollBack ? "better" : "worse";
}
