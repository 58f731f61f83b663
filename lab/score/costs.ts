/**
 * What things cost, in one relative unit (a page by day is 10). Defaults are
 * assumptions to be replaced by a team's own numbers, never measurements: a costs file
 * overrides any of them, and what it leaves out stays as it is here.
 */

import { z } from "zod";
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
