/** How tags and guardrails are written: what may move a decision, and what may not. */

import { z } from "zod";
import { condition, duration, share, tier } from "./values.ts";

export const contextRule = z.strictObject({
  signal: z.string().optional(),
  shifts: z.literal("tolerance").optional(),
  max: share.default(0.5),
  for: duration.default(7_200_000),
  tierAtLeast: tier.optional(),
});

export const guardrails = z.strictObject({
  never: z.array(z.strictObject({ when: condition })).default([]),
  toleranceAtMost: share.optional(),
});
