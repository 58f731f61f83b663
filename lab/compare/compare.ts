/**
 * Policies side by side on the same deployments: paired differences against the
 * first one, with a verdict, and the deployments that end differently.
 */

import type { Outcome } from "../outcome/outcome.ts";
import { inFavourOf } from "./bounds.ts";
import type { Evaluated } from "./evaluate.ts";
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
  /** Good for the team, bad for it, neither, or not to be told from this history. */
  readonly change: "better" | "worse" | "neutral" | "open";
  readonly why: string;
}

/**
 * Differences of every field that has a better direction, candidate minus baseline.
 *
 * The interval covers sampling and what the history cannot say: it is the widest of
 * the paired bootstrap intervals under the assumptions of bounds.ts. So a difference
 * is called better or worse only where it is whatever the unseen would have been.
 */
export function differencesOf(
  baseline: Evaluated,
  candidate: Evaluated,
  scoreAgain: (outcomes: readonly Outcome[]) => Scored,
): readonly Difference[] {
  const pairs: (readonly [Scored, Scored])[] = [[baseline.scored, candidate.scored]];
  for (const side of ["baseline", "candidate"] as const) {
    const assumed = inFavourOf(side, baseline, candidate);
    if (assumed !== null) {
      pairs.push([scoreAgain(assumed.baseline), scoreAgain(assumed.candidate)]);
    }
  }
  return FIELDS.filter(({ better }) => better !== null).map((field): Difference => {
    const from = baseline.scored.values.get(field.name)!;
    const to = candidate.scored.values.get(field.name)!;
    const base = {
      field: field.name,
      candidatePolicy: candidate.policy.policy,
      baseline: nullable(from),
      candidate: nullable(to),
      unit: field.unit,
    };
    if (Number.isNaN(from) || Number.isNaN(to)) {
      return { ...base, difference: null, low: null, high: null, verdict: "no evidence" };
    }
    const intervals = pairs.map((pair) => pairedInterval(field, ...pair));
    const interval = intervals.includes(null)
      ? null
      : {
          low: Math.min(...intervals.map((one) => one!.low)),
          high: Math.max(...intervals.map((one) => one!.high)),
        };
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

function pairedInterval(
  field: Field,
  baseline: Scored,
  candidate: Scored,
): { low: number; high: number } | null {
  if (candidate.clusters < 2) return null;
  const before = baseline.samples.get(field.name)!;
  const after = candidate.samples.get(field.name)!;
  return intervalOf(after.map((value, index) => value - before[index]!));
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
  const open = (one: Outcome): boolean => one.evidence === "bounded" || one.evidence === "unknown";
  if (open(before) || open(after)) return "open";
  if (before.rolledBack === after.rolledBack) return "neutral";
  const rightToRollBack = after.label === "regression";
  const wrongToRollBack = after.label === "benign" || after.label === "expected_change";
  if (!rightToRollBack && !wrongToRollBack) return "neutral";
  return after.rolledBack === rightToRollBack ? "better" : "worse";
}
