/**
 * Which of the compared policies to adopt, if any: the gate on each change, with limits that a
 * reader sets.
 */

import { z } from "zod";
import { unit } from "./compare.ts";
import { scored, stretchQuery } from "./scored.ts";
import { list, policyId } from "./words.ts";

/** Other margins than those of the default budget: `missRate:2pp,cost:off`. */
export const limitsText = z.string().max(1000).optional();

export const verdictQuery = stretchQuery.extend({
  policies: z.string().max(4000).optional(),
  limits: limitsText,
  /** `baseline`: every policy in place of the first one; `all`: in place of every other one. */
  pairs: z.enum(["baseline", "all"]).default("baseline"),
});

export const gateVerdict = z.enum(["pass", "fail", "inconclusive"]);

export const check = z.looseObject({
  name: z.string(),
  verdict: gateVerdict,
  /** Of a positive amount the change is worse; in the unit of the field. */
  worseBy: z.number().nullable(),
  atMost: z.number().nullable(),
  margin: z.number().nullable(),
  reason: z.string(),
});

export const policyChangeVerdict = z.object({
  from: policyId,
  to: policyId,
  verdict: gateVerdict,
  isBetter: z.boolean(),
  sentence: z.string(),
  checks: list(check.extend({ words: z.string() })),
});

/** How much worse a score may become. */
export const limit = z.object({
  field: z.string(),
  words: z.string(),
  unit,
  /** As a budget file has it; null: no limit. */
  text: z.string().nullable(),
  /** The same as a number, in the field's unit, a week, or as a share of the baseline. */
  margin: z.object({ amount: z.number(), of: z.enum(["absolute", "week", "baseline"]) }).nullable(),
  /** Of the default budget; null: it has none. */
  default: z.string().nullable(),
});
export type LimitDocument = z.infer<typeof limit>;

export const limitsQuery = z.object({ limits: limitsText });

export const limitsSaid = z.object({
  limits: list(limit),
  /** The same as a file for `--budget`. */
  yaml: z.string(),
});
export type LimitsSaid = z.infer<typeof limitsSaid>;

export const verdict = z.object({
  state: z.literal("ready"),
  /** Null: the whole history. */
  scored: scored.nullable(),
  limits: list(limit),
  /** Null: keep the first one. */
  adopt: policyId.nullable(),
  /** "Keep two-minute-override." */
  title: z.string(),
  sentence: z.string(),
  changes: list(policyChangeVerdict),
});
export type Verdict = z.infer<typeof verdict>;
