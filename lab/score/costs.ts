/**
 * What things cost, in one relative unit (a page by day is 10). Defaults are
 * assumptions to be replaced by a team's own numbers, never measurements: a costs file
 * overrides any of them, and what it leaves out stays as it is here.
 */

import { z } from "zod";
import { isEarlyRollback, isGood, type Outcome } from "../outcome/outcome.ts";
import { documentJsonSchema, readDocument } from "../documentFile.ts";

const amount = z
  .number({ error: "expected a number of at least 0" })
  .min(0, { error: "expected a number of at least 0" });

const costsSchema = z.strictObject({
  rollback: amount.default(10).describe("Carrying out any rollback."),
  falsePositive: amount
    .default(60)
    .describe("On top, when the deployment was not the cause: the work is thrown back."),
  degradedMinute: amount
    .default(10)
    .describe("One minute of a regression, or of a spike, that reaches users."),
  page: amount.default(10).describe("Interrupting a person."),
  nightPage: amount
    .default(30)
    .describe("In its place between 22:00 and 07:00 where the responder lives."),
  toilHour: amount.default(60).describe("One hour of a person's time."),
  hoursPerFalsePositive: amount
    .default(3)
    .describe("Hours a person spends on finding out that a rollback was wrong."),
  hoursPerPage: amount.default(0.25).describe("Hours a person spends on answering a page."),
});

export type Costs = Readonly<z.output<typeof costsSchema>>;

export const DEFAULT_COSTS: Costs = costsSchema.parse({});

/** @throws Problem naming file, line and column of what is wrong */
export function loadCosts(file: string): Costs {
  return readDocument(file, costsSchema, "a costs file, such as scenarios/costs/example.yaml");
}

/** The JSON Schema with which editors complete and check a costs file. */
export function costsJsonSchema(): object {
  return documentJsonSchema(costsSchema, "Hindsight costs", "What things cost, in one unit.");
}

/** Rolled back though this deployment was not the cause, or not yet: the alarm was wrong. */
export function isWasted(outcome: Outcome): boolean {
  if (isEarlyRollback(outcome)) return true;
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
