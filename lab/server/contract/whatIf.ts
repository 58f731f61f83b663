/** A change to a policy and what it would have done, by the same engine, while one drags. */

import { z } from "zod";
import { end, list, policyId } from "./words.ts";
import { difference, field, scorecard } from "./compare.ts";
import { scored, stretchQuery } from "./scored.ts";
import { limitsText } from "./verdict.ts";

export const change = z.object({
  /** As a knob has it: `tiers.override.window`. */
  path: z.string().min(1).max(300),
  /** As a policy file writes it: `2m`, `15%`, `override`; null takes the key away. */
  value: z.string().max(2000).nullable(),
});

/**
 * `quick`: scorecards without intervals, one draw: what is asked for while dragging.
 * `exact`: what `compare --json` says of both policies, asked for when the hand is still.
 */
export const whatIfRequest = stretchQuery.extend({
  base: policyId,
  changes: z.array(change).max(200).readonly().default([]),
  /** A whole policy in place of the base and its changes; `base` is what it is held against. */
  yaml: z.string().max(200_000).optional(),
  precision: z.enum(["quick", "exact"]).default("quick"),
  /** A page's own name: an exact question that it no longer waits for is dropped for its next. */
  asker: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional(),
});
export type WhatIfRequest = z.input<typeof whatIfRequest>;

export const policyChange = z.object({
  /** As in the file: `tiers.override.window`. */
  path: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
  /** Of a guardrail. */
  direction: z.enum(["tightened", "loosened"]).nullable(),
  text: z.string(),
});

export const whatIf = z.object({
  state: z.literal("ready"),
  precision: z.enum(["quick", "exact"]),
  /** Null: the whole history. */
  scored: scored.nullable(),
  base: z.object({ id: policyId, name: z.string(), digest: z.string(), scorecard }),
  policy: z.object({
    name: z.string(),
    digest: z.string(),
    /** Ready for a file; comments of the base are kept where they stand. */
    yaml: z.string(),
    scorecard,
  }),
  /** In words; empty where nothing is changed. */
  changes: list(policyChange),
  /** What `differences` are of, as a comparison has them. */
  fields: list(field),
  /** Without interval and verdict (`low`, `high`: null) where `precision` is quick. */
  differences: list(
    difference
      .pick({ field: true, baseline: true, candidate: true, difference: true, unit: true })
      .extend({
        low: z.number().nullable(),
        high: z.number().nullable(),
        verdict: difference.shape.verdict.nullable(),
        words: z.string().nullable(),
      }),
  ),
  /** Deployments that end differently. */
  flips: z.object({
    better: z.number(),
    worse: z.number(),
    neutral: z.number(),
    open: z.number(),
  }),
  /** How many deployments end how, for either. */
  ends: list(z.object({ end, base: z.number(), policy: z.number() })),
  /** How often people's luck and what history hid were drawn. */
  draws: z.number(),
});
export type WhatIf = z.infer<typeof whatIf>;

/** The CI verdict on the change: `hindsight gate --json`, with the Markdown it prints. */
export const gateRequest = whatIfRequest
  .omit({ precision: true, asker: true })
  .extend({ limits: limitsText });
export type GateRequest = z.output<typeof gateRequest>;
export const gateResult = z.object({
  state: z.literal("ready"),
  verdict: z.enum(["pass", "fail", "inconclusive"]),
  checks: list(
    z.looseObject({
      name: z.string(),
      verdict: z.enum(["pass", "fail", "inconclusive"]),
      reason: z.string(),
    }),
  ),
  markdown: z.string(),
});
export type GateResult = z.infer<typeof gateResult>;
