/**
 * How small a difference a history can show, and how much is lost because deployments of one
 * service are alike.
 *
 * `resolves` is the smallest true difference that would be called better or worse four times in
 * five: how far the interval reaches from the difference, on its longer side, plus 0.84 standard
 * errors. Where history hid nothing that is the usual 2.8 standard errors (1.96 plus 0.84, with
 * Student's t for 1.96 where services are few); what history hid makes the interval wider, and so
 * this as well. The design effect is by how much the squared error of sampling is larger than if
 * all deployments were independent.
 */

import { own, type JsonObject } from "../../engine/index.ts";
import { isGood, type Outcome } from "../outcome/outcome.ts";
import { standingFor } from "../outcome/outcomeList.ts";
import type { Field } from "../score/fields.ts";
import { shareStillPossible, tidy } from "../score/intervals.ts";
import type { Evaluated } from "./evaluate.ts";
import type { Unseen } from "./unseen.ts";

/** Standard errors beyond an interval's reach: so much more is outside it four times in five. */
const POWER_Z = 0.84;

/**
 * The smallest true difference of a field that would be found four times in five.
 *
 * @param error the standard error of sampling
 * @param reach how far the interval reaches from the difference
 * @param unseen what of that is for cases that the history has none of
 */
export function resolvesOf(
  field: Field,
  error: number,
  reach: number,
  { below, above }: Unseen,
  atMost: number,
  [baseline, candidate]: readonly [Evaluated, Evaluated],
): number | null {
  if (error > 0) return tidy(Math.max(reach, Math.min(atMost, reach + POWER_Z * error)));
  if (baseline.policy.digest === candidate.policy.digest) return null;
  if (field.unit !== "share") return reach > 0 ? tidy(reach) : null;
  const left = shareStillPossible(baseline.scored.counts.get(field.name)!);
  const more = Math.max(0, left - Math.max(below, above));
  return tidy(Math.max(reach, Math.min(atMost, reach + more)));
}

/** What one deployment contributes to a field that is a mean; null where it has no part in it. */
const ADDS: JsonObject<(outcome: Outcome) => number | null> = {
  mttr: ({ onsetAtMs, recoveryMs }) =>
    onsetAtMs === null || recoveryMs === null ? null : recoveryMs / 1000,
  missRate: ({ label, rolledBack }) => (label === "regression" ? Number(!rolledBack) : null),
  falsePositiveRate: (outcome) => (isGood(outcome) ? Number(outcome.rolledBack) : null),
};

/** The design effect of a difference; null for a field that is no mean, or without a difference. */
export function designEffectOf(
  field: string,
  error: number,
  baseline: Evaluated,
  candidate: Evaluated,
): number | null {
  const adds = own(ADDS, field);
  if (adds === undefined) return null;
  // The standard error is of means over the draws, so each deployment counts with its own mean.
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
