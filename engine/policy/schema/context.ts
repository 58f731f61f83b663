/** How tags, guardrails and learning are written: what may move a decision, and what may not. */

import { z } from "zod";
import { BUDGET_AT_MOST_MS, PAST_AT_MOST_MS, STORM_AT_MOST_MS, TAG_AT_MOST_MS } from "../limits.ts";
import {
  atMost,
  condition,
  duration,
  oneOf,
  properDuration,
  properShare,
  properWait,
  share,
  tier,
} from "./values.ts";

export const contextRule = z.strictObject({
  signal: z.string().optional(),
  shifts: z.literal("tolerance").optional(),
  max: share.default(0.5),
  for: atMost(duration, TAG_AT_MOST_MS).default(7_200_000),
  tierAtLeast: tier.optional(),
  quietsDependants: z.boolean().default(false),
  selfIssued: oneOf(["count", "refuse"]).default("count"),
});

/** Below twice the level noise alone gets there (see detect/hardGuard.ts). */
export const hardGuard = z.strictObject({
  times: z.number({ error: "expected a number, 2 or more" }).min(2, "expected 2 or more"),
  over: properShare.optional(),
  under: properShare.optional(),
});

export const learning = z.strictObject({
  fromOverrides: z.boolean({ error: "expected true or false" }).default(true),
  halfLife: atMost(properDuration, PAST_AT_MOST_MS).default(7_776_000_000),
  atLeast: z.int({ error: "expected a whole number, 1 or more" }).min(1).default(5),
  discountAtMost: properShare.default(0.5),
});

/**
 * A wait that is less likely than one in a hundred weighs too much to be of use, and one that is
 * more likely than not is no exploration but another policy.
 */
export const explore = z.strictObject({
  probability: share.refine(
    (value) => value >= 0.01 && value <= 0.5,
    "expected a share from 1% to 50%",
  ),
  upTo: z.number({ error: "expected a number, 1 or more" }).min(1, "expected 1 or more").default(2),
  delay: properWait.optional(),
  when: condition.optional(),
  seed: z.string().min(1).default("1"),
});

/** Without `aloneFrom` a person must agree to whatever the agent proposes. */
export const agent = z
  .strictObject({
    from: properShare,
    aloneFrom: properShare.optional(),
    needsEvidence: z.boolean({ error: "expected true or false" }).default(false),
  })
  .refine(({ from, aloneFrom }) => aloneFrom === undefined || aloneFrom >= from, {
    error: "is below `from`: the agent would act alone where nobody listens to it; raise it",
    path: ["aloneFrom"],
  });

export const guardrails = z.strictObject({
  never: z.array(z.strictObject({ when: condition })).default([]),
  toleranceAtMost: share.optional(),
  windowAtLeast: properWait.optional(),
  rollbackBudget: z
    .strictObject({
      per: oneOf(["service", "team", "fleet"]).default("service"),
      max: z.int().min(0),
      in: atMost(properDuration, BUDGET_AT_MOST_MS),
    })
    .optional(),
  cooldown: atMost(properDuration, BUDGET_AT_MOST_MS).optional(),
  stormBrake: z
    .strictObject({ services: z.int().min(2), in: atMost(properDuration, STORM_AT_MOST_MS) })
    .optional(),
});
