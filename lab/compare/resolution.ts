/**
 * How small a difference a history can show, and what the likeness of a service's own
 * deployments costs.
 *
 * `resolves` is what the printed interval reaches from the difference, on its longer side,
 * and 0.84 standard errors more: a true difference of that size would be called better or
 * worse four times in five. Where history hid nothing that is the usual 2.8 standard errors
 * (1.96 and 0.84), Student's t for 1.96 with few services; what it hid reaches as far again
 * as it makes the interval wider. The design effect is how much larger the squared error of
 * sampling is than if every deployment were a witness of its own.
 */

import { isGood, type Outcome } from "../outcome/outcome.ts";
import { standingFor } from "../outcome/outcomeList.ts";
import type { Evaluated } from "./evaluate.ts";

/** What one deployment adds to a mean of deployments; null where it is not one of them. */
const ADDS: Readonly<Record<string, (outcome: Outcome) => number | null>> = {
  mttr: ({ onsetAtMs, recoveryMs }) =>
    onsetAtMs === null || recoveryMs === null ? null : recoveryMs / 1000,
  missRate: ({ label, rolledBack }) => (label === "regression" ? Number(!rolledBack) : null),
  falsePositiveRate: (outcome) => (isGood(outcome) ? Number(outcome.rolledBack) : null),
};

/** Null for a field that is no mean, or where no deployment differs. */
export function designEffectOf(
  field: string,
  error: number,
  baseline: Evaluated,
  candidate: Evaluated,
): number | null {
  const adds = ADDS[field];
  if (adds === undefined) return null;
  // The error is that of means over the draws, so each deployment is a witness with its own.
  const byPlace = new Map<number, number>();
  baseline.draws.forEach((outcomes, draw) => {
    const others = standingFor(candidate.draws[draw]!);
    standingFor(outcomes).forEach((outcome, place) => {
      const before = adds(outcome);
      const after = before === null ? null : adds(others.at(place)!);
      if (before === null || after === null) return;
      byPlace.set(place, (byPlace.get(place) ?? 0) + (after - before) / baseline.draws.length);
    });
  });
  const differences = [...byPlace.values()];
  const n = differences.length;
  if (n < 2) return null;
  const mean = differences.reduce((sum, one) => sum + one, 0) / n;
  const variance = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (n - 1);
  return variance === 0 ? null : Number(((error * error * n) / variance).toPrecision(4));
}
