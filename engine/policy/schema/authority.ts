/** How tiers are written, who gets which, and the modes that change it. */

import { z } from "zod";
import { condition, properDuration, tier } from "./values.ts";

export const tiers = z.strictObject({
  full: z.strictObject({ action: z.literal("rollback").default("rollback") }).prefault({}),
  override: z
    .strictObject({
      action: z.literal("rollback").default("rollback"),
      window: properDuration.default(120_000),
      onTimeout: z.enum(["rollback", "hold"]).default("rollback"),
    })
    .prefault({}),
  approve: z
    .strictObject({
      action: z.literal("recommend").default("recommend"),
      sla: properDuration.default(600_000),
      escalate: z.array(z.strictObject({ to: z.string().min(1), sla: properDuration })).default([]),
      onExpiry: z.enum(["hold", "rollback"]).default("hold"),
    })
    .prefault({}),
  observe: z.strictObject({ action: z.literal("none").default("none") }).prefault({}),
});

export const assignment = z.union(
  [z.strictObject({ when: condition, tier }), z.strictObject({ otherwise: tier })],
  { error: "expected { when: …, tier: … } or { otherwise: TIER }" },
);

export const mode = z.strictObject({
  when: condition,
  tier: z.partialRecord(tier, tier).default({}),
  signals: z.array(z.string()).optional(),
  toleranceTimes: z.number().positive().default(1),
});
