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
  // So it is the body that says which of the two it is, and one address takes both.
  halts: z.strictObject({ halted: z.boolean(), by: word, reason: text.min(1) }),
  /** The older address, which takes a lift alone. */
  lifts: z.strictObject({ halted: z.literal(false), by: word, reason: text.min(1) }),
} as const;

export type Body<Name extends keyof typeof BODIES> = z.output<(typeof BODIES)[Name]>;

/** When the host hears of it: it puts its own time in the place of what lies in the future. */
const NOW = Number.POSITIVE_INFINITY;

/** The bodies as events. */
export const TOLD_BY = {
  // What the catalog says of the service the host adds.
  deployment: ({ startedAt = NOW, ...rest }: Body<"deployments">): Told => {
    const deployment = { ...rest, startedAtMs: startedAt, team: null, criticality: null };
    return { kind: "deploymentStarted", atMs: startedAt, deployment };
  },
  tag: ({ validFrom, validUntil, at: atMs = NOW, ...rest }: Body<"tags">): Told => {
    const valid = { validFromMs: validFrom ?? null, validUntilMs: validUntil ?? null };
    // It counts from when the host hears it, whatever the sender says of its time.
    return { kind: "deploymentTagged", atMs, tag: { ...rest, ...valid, knownAtMs: NOW } };
  },
  stage: ({ deploymentId, share, at: atMs = NOW }: Body<"stages">): Told => {
    return { kind: "stageReached", atMs, deploymentId, share };
  },
  rollback: ({ at: atMs = NOW, ...rest }: Body<"rollbacks">): Told => {
    return { kind: "rollbackFinished", atMs, ...rest };
  },
  override: (body: Body<"overrides">): Told => ({ kind: "overrideGiven", atMs: NOW, ...body }),
  approval: (body: Body<"approvals">): Told => ({ kind: "approvalGiven", atMs: NOW, ...body }),
  halt: ({ halted, by, reason }: Body<"halts">): Told => {
    return { kind: halted ? "haltOrdered" : "haltLifted", atMs: NOW, by, reason };
  },
} as const;
