/** How tiers are written, who gets which, and the modes that change it. */

import { z } from "zod";
import { isTimeZone, parseRange } from "../calendar.ts";
import { ESCALATIONS_AT_MOST } from "../limits.ts";
import { parseInstant } from "../quantity.ts";
import { condition, oneOrMore, properShare, properWait, share, tier, tolerance } from "./values.ts";

/** How sure the machine must be; read by `fusion: evidence` only. */
const sure = (share: number) => properShare.default(share);

export const tiers = z.strictObject({
  full: z
    .strictObject({ action: z.literal("rollback").default("rollback"), confidence: sure(0.95) })
    .prefault({}),
  override: z
    .strictObject({
      action: z.literal("rollback").default("rollback"),
      confidence: sure(0.8),
      window: properWait.default(120_000),
      onTimeout: z.enum(["rollback", "hold"]).default("rollback"),
    })
    .prefault({}),
  approve: z
    .strictObject({
      action: z.literal("recommend").default("recommend"),
      confidence: sure(0.5),
      sla: properWait.default(600_000),
      escalate: z
        .array(z.strictObject({ to: z.string().min(1), sla: properWait }))
        .max(ESCALATIONS_AT_MOST, `expected at most ${ESCALATIONS_AT_MOST} steps`)
        .default([]),
      onExpiry: z.enum(["hold", "rollback"]).default("hold"),
    })
    .prefault({}),
  observe: z
    .strictObject({ action: z.literal("none").default("none"), confidence: sure(0.5) })
    .prefault({}),
});

export const assignment = z.union(
  [z.strictObject({ when: condition, tier }), z.strictObject({ otherwise: tier })],
  { error: "expected { when: …, tier: … } or { otherwise: TIER }" },
);

export const stage = z.strictObject({
  upTo: share.refine(
    (value) => value > 0 && value <= 1,
    "expected a share of the traffic above 0% and up to 100%",
  ),
  tier: z
    .partialRecord(tier, tier, { error: "say which tier becomes which: { approve: full }" })
    .refine((changed) => (changed.observe ?? "observe") === "observe", {
      error: "what is never delegated stays so at every stage",
      path: ["observe"],
    })
    .default({}),
  signals: z
    .record(z.string(), z.strictObject({ tolerance: tolerance.optional(), tier: tier.optional() }))
    .default({}),
});

const weeklyRange = z
  .string({ error: "expected times such as Mon-Fri 09:00-18:00" })
  .refine((text) => parseRange(text) !== null, {
    error: "expected times such as Mon-Fri 09:00-18:00, Fri 22:00-06:00 or Sat,Sun",
  })
  .transform((text) => parseRange(text)!);
const INSTANT = "expected an instant in ISO 8601 with its zone, such as 2026-11-24T22:00:00Z";
const instant = z
  .string({ error: INSTANT })
  .refine((text) => parseInstant(text) !== null, INSTANT)
  .transform((text) => parseInstant(text)!);
const timeWindow = z
  .strictObject({ from: instant, until: instant })
  .refine(({ from, until }) => from < until, {
    error: "`until` must be after `from`",
    path: ["until"],
  });

export const mode = z
  .strictObject({
    when: condition.optional(),
    calendar: oneOrMore(weeklyRange).optional(),
    timezone: z
      .string()
      .refine((zone) => zone === "service" || isTimeZone(zone), {
        error: "no such time zone; write `service` or an IANA name such as Europe/Berlin",
      })
      .optional(),
    between: oneOrMore(timeWindow).optional(),
    otherwise: z.literal(true).optional(),
    tier: z.partialRecord(tier, tier).default({}),
    signals: z.array(z.string()).optional(),
    toleranceTimes: z.number().positive().default(1),
  })
  .refine((given) => given.timezone === undefined || given.calendar !== undefined, {
    error: "a time zone without a `calendar` says nothing",
    path: ["timezone"],
  })
  .refine((given) => !given.otherwise || (given.calendar ?? given.between) === undefined, {
    error: "`otherwise` is when no calendar holds; take it away or the times",
    path: ["otherwise"],
  })
  .refine(
    ({ when, calendar, between, otherwise }) =>
      (when ?? calendar ?? between ?? otherwise) !== undefined,
    "say when: `calendar`, `between`, `when`, or `otherwise: true`",
  );
