/**
 * What things cost, in one relative unit (a page by day is 10). Defaults are
 * assumptions to be replaced by a team's own numbers, never measurements: a costs file
 * overrides any of them, and what it leaves out stays as it is here.
 */

import { z } from "zod";
import { isGood, type Outcome } from "../outcome/outcome.ts";
import { readDocument } from "../documentFile.ts";

const amount = z
  .number({ error: "expected a number of at least 0" })
  .min(0, { error: "expected a number of at least 0" });

const costsSchema = z.strictObject({
  /** Carrying out any rollback. */
  rollback: amount.default(10),
  /** On top, when the deployment was not the cause: the work is thrown back, trust is lost. */
  falsePositive: amount.default(60),
  /** One minute of a regression, or of a spike, that reaches users. */
  degradedMinute: amount.default(10),
  page: amount.default(10),
  nightPage: amount.default(30),
  /** One hour of a person's time. */
  toilHour: amount.default(60),
  /** Hours a person spends on a false-positive rollback, and on answering a page. */
  hoursPerFalsePositive: amount.default(3),
  hoursPerPage: amount.default(0.25),
});

export type Costs = Readonly<z.output<typeof costsSchema>>;

export const DEFAULT_COSTS: Costs = costsSchema.parse({});

/** @throws Problem naming file, line and column of what is wrong */
export function loadCosts(file: string): Costs {
  return readDocument(file, costsSchema, "a costs file, such as scenarios/costs/example.yaml");
}

/** Rolled back though this deployment was not the cause: work for nothing. */
export function isWasted(outcome: Outcome): boolean {
  return outcome.rolledBack && (isGood(outcome) || outcome.label === "unrelated_incident");
}

/** Rolled back, and nobody has said whether that was right. */
export function isUnlabelled({ rolledBack, label }: Outcome): boolean {
  return rolledBack && label === "unknown";
}

/**
 * What a rollback cost, and what the degradation it ended would have cost had it been left
 * to go on: a false positive may still have been worth it. Null where nothing was done.
 */
export function rollbackWorth(
  outcome: Outcome,
  costs: Costs,
): { rollbackCost: number | null; spikeCost: number | null } {
  if (!outcome.rolledBack) return { rollbackCost: null, spikeCost: null };
  const wasted = costs.falsePositive + costs.hoursPerFalsePositive * costs.toilHour;
  const minutes = outcome.sparedMs === null ? null : outcome.sparedMs / 60_000;
  return {
    rollbackCost: costs.rollback + (isWasted(outcome) ? wasted : 0),
    spikeCost: minutes === null ? null : Number((minutes * costs.degradedMinute).toPrecision(9)),
  };
}
