/** How tags, guardrails and learning are written: what may move a decision, and what may not. */

import { z } from "zod";
import {
  atMost,
  condition,
  duration,
  oneOf,
  properDuration,
  properShare,
  share,
  tier,
} from "./values.ts";

const DAY_MS = 86_400_000;

export const contextRule = z.strictObject({
  signal: z.string().optional(),
  shifts: z.literal("tolerance").optional(),
  max: share.default(0.5),
  for: duration.default(7_200_000),
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
  halfLife: atMost(properDuration, 365 * DAY_MS, "365d").default(90 * DAY_MS),
  atLeast: z.int({ error: "expected a whole number, 1 or more" }).min(1).default(5),
  discountAtMost: properShare.default(0.5),
});

export const guardrails = z.strictObject({
  never: z.array(z.strictObject({ when: condition })).default([]),
  toleranceAtMost: share.optional(),
  windowAtLeast: properDuration.optional(),
  rollbackBudget: z
    .strictObject({
      per: oneOf(["service", "team", "fleet"]).default("service"),
      max: z.int().min(0),
      in: atMost(properDuration, 7 * DAY_MS, "7d"),
    })
    .optional(),
  cooldown: atMost(properDuration, 7 * DAY_MS, "7d").optional(),
  stormBrake: z
    .strictObject({ services: z.int().min(2), in: atMost(properDuration, DAY_MS, "1d") })
    .optional(),
});
