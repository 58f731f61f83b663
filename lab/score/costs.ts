/**
 * What things cost, in one relative unit (a page by day is 10). Defaults are
 * assumptions to be replaced by a team's own numbers, never measurements: a costs file
 * overrides any of them, and what it leaves out stays as it is here.
 */

import { z } from "zod";
import { jsonObject, own, type JsonObject } from "../../engine/index.ts";
import type { ServiceRow } from "../history/tables.ts";
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
  perRevenue: amount
    .optional()
    .describe(
      "What one unit of a service's revenue_per_minute is worth in the unit of this file. A " +
        "degraded minute of such a service costs its revenue_per_minute times this, in place of " +
        "degradedMinute. Left out: no revenue is read.",
    ),
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

export interface Costs extends Readonly<z.output<typeof costsSchema>> {
  /** By service with a revenue: its degraded minute; from a history, not a file (`pricedFor`). */
  readonly minuteByService?: JsonObject<number>;
}

export const DEFAULT_COSTS: Costs = costsSchema.parse({});

/** @throws Problem naming file, line and column of what is wrong */
export function loadCosts(file: string): Costs {
  return readDocument(file, costsSchema, "a costs file, such as scenarios/costs/example.yaml");
}

/** The JSON Schema with which editors complete and check a costs file. */
export function costsJsonSchema(): object {
  return documentJsonSchema(costsSchema, "Hindsight costs", "What things cost, in one unit.");
}

/** The costs in a history with these services: with `perRevenue` each has its own minute. */
export function pricedFor(
  services: readonly Pick<ServiceRow, "service" | "revenuePerMinute">[],
  costs: Costs,
): Costs {
  const { perRevenue } = costs;
  if (perRevenue === undefined) return costs;
  const priced = services.flatMap(({ service, revenuePerMinute }): [string, number][] =>
    revenuePerMinute === null || revenuePerMinute < 0
      ? []
      : [[service, Number((revenuePerMinute * perRevenue).toPrecision(9))]],
  );
  return { ...costs, minuteByService: jsonObject(priced) };
}

/** What a minute of harm costs in this service. */
export function degradedMinuteOf(
  service: string,
  { minuteByService, degradedMinute }: Costs,
): number {
  return minuteByService === undefined
    ? degradedMinute
    : (own(minuteByService, service) ?? degradedMinute);
}

/** The most that a minute of harm costs anywhere. */
export function dearestMinute({ minuteByService = {}, degradedMinute }: Costs): number {
  return Math.max(degradedMinute, ...Object.values(minuteByService));
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
 * What a rollback cost, and what the degradation it ended would have cost had it been left to go
 * on, a minute by its size: a false positive may still have been worth it. Null where nothing was
 * done.
 */
export function rollbackWorth(
  outcome: Outcome,
  costs: Costs,
): { rollbackCost: number | null; spikeCost: number | null } {
  if (!outcome.rolledBack) return { rollbackCost: null, spikeCost: null };
  const wasted = costs.falsePositive + costs.hoursPerFalsePositive * costs.toilHour;
  const { service, sparedMs, sparedSize } = outcome;
  const minute = degradedMinuteOf(service, costs) * (sparedSize ?? 1);
  return {
    rollbackCost: costs.rollback + (isWasted(outcome) ? wasted : 0),
    spikeCost: sparedMs === null ? null : Number(((sparedMs / 60_000) * minute).toPrecision(9)),
  };
}
