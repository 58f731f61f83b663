/** Schemas of what senders post, and the inputs made of it. Times are ISO 8601 with a zone. */

import { z } from "zod";
import { parseShare } from "../../../engine/index.ts";
import { readTimeMs } from "../../history/import/times.ts";
import { cutRationale } from "../../history/import/proposals.ts";
import type { HostInput } from "../contract.ts";

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
  proposals: z
    .strictObject({
      proposalId: word,
      agent: word,
      action: z
        .literal("rollback", { error: "expected rollback: no other proposal can be judged" })
        .default("rollback"),
      confidence: share,
      deploymentId: word.optional(),
      service: word.optional(),
      environment: word.optional(),
      // As long as a model likes: what is too long is cut, and no proposal is lost for it.
      rationale: z.string().nullable().default(null).transform(cutRationale),
      at,
    })
    .superRefine(({ deploymentId, service, environment }, context) => {
      if ((deploymentId === undefined) === (service === undefined)) {
        context.addIssue("expected deploymentId, or service for its newest deployment");
      } else if (deploymentId !== undefined && environment !== undefined) {
        const message = "`environment` goes with `service`: a deploymentId says it already";
        context.addIssue({ code: "custom", path: ["environment"], message });
      }
    }),
  overrides: z.strictObject({ deploymentId: word, by: word, justification: text.min(1) }),
  approvals: z.strictObject({ deploymentId: word, by: word }),
  // The signature does not cover the URL. So the body, not the URL, says whether this is a halt or
  // the end of one: otherwise a signed halt could be replayed against the other URL as a lift.
  halts: z.strictObject({ halted: z.boolean(), by: word, reason: text.min(1) }),
  /** Of the older URL, which accepts only the end of a halt. */
  lifts: z.strictObject({ halted: z.literal(false), by: word, reason: text.min(1) }),
} as const;

export type Body<Name extends keyof typeof BODIES> = z.output<(typeof BODIES)[Name]>;

/** A time in the future, which the host replaces by the time at which it handles the input. */
const NOW = Number.POSITIVE_INFINITY;

/** Makes the host's input of each body. */
export const INPUTS = {
  // The host adds team and criticality from its catalog.
  deployment: ({ startedAt = NOW, ...rest }: Body<"deployments">): HostInput => {
    const deployment = { ...rest, startedAtMs: startedAt, team: null, criticality: null };
    return { kind: "deploymentStarted", atMs: startedAt, deployment };
  },
  tag: ({ validFrom, validUntil, at: atMs = NOW, ...rest }: Body<"tags">): HostInput => {
    const valid = { validFromMs: validFrom ?? null, validUntilMs: validUntil ?? null };
    // A tag counts from when the host learns of it, whatever time the sender states.
    return { kind: "deploymentTagged", atMs, tag: { ...rest, ...valid, knownAtMs: NOW } };
  },
  stage: ({ deploymentId, share, at: atMs = NOW }: Body<"stages">): HostInput => {
    return { kind: "stageReached", atMs, deploymentId, share };
  },
  rollback: ({ at: atMs = NOW, ...rest }: Body<"rollbacks">): HostInput => {
    return { kind: "rollbackFinished", atMs, ...rest };
  },
  proposal: (
    { proposalId, agent, confidence, rationale, at: atMs = NOW }: Body<"proposals">,
    deploymentId: string,
    isByToken: boolean,
  ): HostInput => {
    const word = { proposalId, agent, confidence, rationale };
    const asks = isByToken ? ({ asksOnly: true } as const) : {};
    return { kind: "agentProposed", atMs, deploymentId, ...word, ...asks };
  },
  override: (body: Body<"overrides">): HostInput => ({ kind: "overrideGiven", atMs: NOW, ...body }),
  approval: (body: Body<"approvals">): HostInput => ({ kind: "approvalGiven", atMs: NOW, ...body }),
  halt: ({ halted, by, reason }: Body<"halts">): HostInput => {
    return { kind: halted ? "haltOrdered" : "haltLifted", atMs: NOW, by, reason };
  },
} as const;
