/** What senders post, and the events it becomes. Times are ISO 8601 with a zone. */

import { z } from "zod";
import { parseShare } from "../../../engine/index.ts";
import { readTimeMs } from "../../history/import/fields.ts";
import type { Told } from "../contract.ts";

const TIME = "expected a time in ISO 8601 with a zone, such as 2026-07-01T12:00:00Z";
const time = z
  .string({ error: TIME })
  .transform((text) => readTimeMs(text))
  .refine((ms): ms is number => ms !== null, { error: TIME });
const word = z.string().min(1).max(200);
const text = z.string().max(4000);
const at = time.optional();

const SHARE = "expected a share from 0 to 1, or from 0% to 100%";
const share = z
  .union([z.number(), z.string().transform((written) => parseShare(written))], { error: SHARE })
  .refine((value): value is number => value !== null && value >= 0 && value <= 1, {
    error: SHARE,
  });

export const BODIES = {
  deployments: z.strictObject({
    deploymentId: word,
    service: word,
    environment: word.default("production"),
    kind: z.enum(["code", "config", "migration", "infrastructure", "feature_flag"]).default("code"),
    startedAt: at,
    version: word.nullable().default(null),
    author: word.nullable().default(null),
  }),
  tags: z.strictObject({
    service: word,
    deploymentId: word.nullable().default(null),
    tag: word,
    value: z.union([word, z.number(), z.boolean()]).default("true").transform(String),
    signal: word.nullable().default(null),
    validFrom: at,
    validUntil: at,
    givenBy: word.nullable().default(null),
    approvedBy: word.nullable().default(null),
    at,
  }),
  stages: z.strictObject({ deploymentId: word, share, at }),
  rollbacks: z.strictObject({
    deploymentId: word,
    succeeded: z.boolean(),
    detail: text.default(""),
    at,
  }),
  overrides: z.strictObject({ deploymentId: word, by: word, justification: text.min(1) }),
  approvals: z.strictObject({ deploymentId: word, by: word }),
  // The address of a delivery is not signed: what it says must not depend on where it is sent.
  halts: z.strictObject({ halted: z.literal(true), by: word, reason: text.min(1) }),
  lifts: z.strictObject({ halted: z.literal(false), by: word, reason: text.min(1) }),
} as const;

export type Body<Name extends keyof typeof BODIES> = z.output<(typeof BODIES)[Name]>;

/** The bodies as events; `nowMs` is when what does not say so happened. */
export const TOLD_BY = {
  // What the catalog says of the service the host adds.
  deployment: (body: Body<"deployments">, nowMs: number): Told => {
    const { startedAt: startedAtMs = nowMs, ...rest } = body;
    const deployment = { ...rest, startedAtMs, team: null, criticality: null };
    return { kind: "deploymentStarted", atMs: startedAtMs, deployment };
  },
  tag: (body: Body<"tags">, nowMs: number): Told => {
    const { validFrom, validUntil, at: atMs = nowMs, ...rest } = body;
    const valid = { validFromMs: validFrom ?? null, validUntilMs: validUntil ?? null };
    // The host knows it from the moment it hears it, whatever the sender says of its time.
    return { kind: "deploymentTagged", atMs, tag: { ...rest, ...valid, knownAtMs: nowMs } };
  },
  stage: ({ deploymentId, share, at: atMs }: Body<"stages">, nowMs: number): Told => ({
    kind: "stageReached",
    atMs: atMs ?? nowMs,
    deploymentId,
    share,
  }),
  rollback: ({ at: atMs, ...rest }: Body<"rollbacks">, nowMs: number): Told => ({
    kind: "rollbackFinished",
    atMs: atMs ?? nowMs,
    ...rest,
  }),
  override: (body: Body<"overrides">, nowMs: number): Told => ({
    kind: "overrideGiven",
    atMs: nowMs,
    ...body,
  }),
  approval: (body: Body<"approvals">, nowMs: number): Told => ({
    kind: "approvalGiven",
    atMs: nowMs,
    ...body,
  }),
  halt: ({ by, reason }: Body<"halts" | "lifts">, halted: boolean, nowMs: number): Told => ({
    kind: halted ? "haltOrdered" : "haltLifted",
    atMs: nowMs,
    by,
    reason,
  }),
} as const;
