/**
 * `shadow.yaml`: the whole configuration of the live host. Unknown keys are errors, every error
 * names its line, and the file never contains a secret, only where to find it.
 */

import { own } from "../../../engine/index.ts";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { readDocument } from "../../documentFile.ts";
import { githubSchema } from "../adapters/github/settings.ts";
import { ASKING } from "../adapters/orders.ts";
import { METRICS } from "../source/settings.ts";
import { inlineServices } from "./services.ts";
import { address, duration, path, redisAddress, secret, type Surroundings } from "./words.ts";

/** What a sender may send. From `github` on: webhooks in the formats of those products. */
const DELIVERIES = [
  "deployments",
  "tags",
  "stages",
  "rollbacks",
  "overrides",
  "approvals",
  "halts",
  "proposals",
  "github",
  "argocd",
  "argo-rollouts",
  "flagger",
  "github-protection",
  "slack",
  "cdevents",
  "kayenta",
] as const;
export type DeliveryKind = (typeof DELIVERIES)[number];

/** Their routes take a token alone: they cannot sign, or send no header for a signature of ours. */
const BY_TOKEN_ALONE: readonly DeliveryKind[] = [
  ...(["argo-rollouts", "flagger", "cdevents", "kayenta"] as const),
];

/** From senders that cannot sign. What they send starts watches and asks; it decides nothing. */
export const BY_TOKEN: readonly DeliveryKind[] = ["argocd", ...BY_TOKEN_ALONE, "proposals"];

/** Products that sign in a way of their own, so that a sender of theirs may send nothing else. */
export const BY_GITHUB: readonly DeliveryKind[] = ["github", "github-protection"];
const SIGNS_ITS_OWN: readonly DeliveryKind[] = [...BY_GITHUB, "slack"];

/** What people may do. */
const DEEDS = ["override", "approve", "halt"] as const;
export type Deed = (typeof DEEDS)[number];

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

const name = z
  .string()
  .regex(/^[\w.@-]{1,80}$/, { error: "expected a name of letters, digits, dots, dashes or @" });
const names = z.array(name).min(1, { error: "expected a list with at least one name" });

function senderSchema(at: Surroundings) {
  return z
    .strictObject({
      secret: secret(at).optional(),
      // For the kinds that are not signed.
      token: secret(at).optional(),
      may: z.array(z.enum(DELIVERIES)).min(1),
      as: name.optional(),
      /** The only services of a token. */
      services: z.array(z.string().min(1)).min(1).optional(),
    })
    .superRefine(({ secret: key, token, may, as, services }, context) => {
      if ((key === undefined) === (token === undefined)) {
        context.addIssue("expected a secret, or a token where the sender cannot sign");
      }
      // `rollbacks` of a token is about the tools beside it: they may report the end of a rollback.
      const withTool = may.some((kind) => BY_TOKEN_ALONE.includes(kind)) ? ["rollbacks"] : [];
      const forTokens: readonly string[] = [...BY_TOKEN, ...withTool];
      if (token !== undefined && may.some((kind) => !forTokens.includes(kind))) {
        const kinds = BY_TOKEN.join(", ");
        const message = `a token is for ${kinds} alone: every other sender signs, with a secret`;
        context.addIssue({ code: "custom", path: ["token"], message });
      }
      const unsigned = may.find((kind) => BY_TOKEN_ALONE.includes(kind));
      if (key !== undefined && unsigned !== undefined) {
        const message = `${unsigned} is not signed: give its sender a token instead of a secret`;
        context.addIssue({ code: "custom", path: ["secret"], message });
      }
      const proposes = may.includes("proposals");
      if (proposes && may.some((kind) => kind === "overrides" || kind === "approvals")) {
        const message = "who proposes may not answer: give people a sender of their own";
        context.addIssue({ code: "custom", path: ["may"], message });
      }
      if (services !== undefined && token === undefined && !(proposes && may.length === 1)) {
        const message =
          "`services` limits a token, or a sender of proposals alone: people are limited by " +
          "`entitled`";
        context.addIssue({ code: "custom", path: ["services"], message });
      }
      if (may.some((kind) => SIGNS_ITS_OWN.includes(kind)) && may.length > 1) {
        const message = "GitHub and Slack sign in ways of their own: give each a sender of its own";
        context.addIssue({ code: "custom", path: ["may"], message });
      }
      const speaks = may.some((kind) => /^(overrides|approvals|halts|proposals)$/.test(kind));
      if (as !== undefined && !speaks) {
        const message =
          "`as` needs a sender that may send overrides, approvals, halts or proposals";
        context.addIssue({ code: "custom", path: ["as"], message });
      }
    });
}

const grantSchema = z
  .strictObject({
    who: names,
    may: z.array(z.enum(DEEDS)).min(1),
    teams: names.optional(),
    services: names.optional(),
  })
  .superRefine(({ may, teams, services }, context) => {
    if (!may.includes("halt") || (teams === undefined && services === undefined)) return;
    const message = "a halt stops every machine: grant it apart, without teams or services";
    context.addIssue({ code: "custom", path: ["may"], message });
  });

function receiverSchema(at: Surroundings) {
  return z.strictObject({
    url: address,
    secret: secret(at),
    timeout: duration(100, MINUTE_MS).prefault("10s"),
  });
}

/** Rollbacks go to a webhook, or a tool that asks for a verdict gets them as the answer. */
function platformSchema(at: Surroundings) {
  return receiverSchema(at)
    .partial({ url: true, secret: true })
    .extend({
      askedBy: z.enum(ASKING).optional(),
      giveUp: duration(SECOND_MS, DAY_MS).prefault("10m"),
    })
    .superRefine(({ url, secret: key, askedBy }, context) => {
      const isWhole = askedBy === undefined ? url !== undefined && key !== undefined : true;
      const isOne = askedBy === undefined || (url === undefined && key === undefined);
      if (isWhole && isOne) return;
      context.addIssue("expected `url` and `secret`, or `askedBy` alone");
    });
}

/** Messages go to a webhook, or to Slack or PagerDuty in the form of these. */
function pageSchema(at: Surroundings) {
  return receiverSchema(at)
    .partial({ url: true, secret: true })
    .extend({
      // An incoming webhook of Slack: its address is the secret.
      slack: secret(at).refine(isSlack, { error: SLACK }).optional(),
      /** The integration key; `url` is for another region than the United States. */
      pagerduty: secret(at).optional(),
    })
    .superRefine(({ url, secret: key, slack, pagerduty }, context) => {
      const hasKey = key !== undefined;
      const isWhole =
        slack !== undefined
          ? url === undefined && !hasKey && pagerduty === undefined
          : pagerduty !== undefined
            ? !hasKey
            : url !== undefined && hasKey;
      if (!isWhole) context.addIssue("expected `url` and `secret`, or `slack`, or `pagerduty`");
    });
}

/** Where CDEvents go. */
function sinkSchema(at: Surroundings) {
  return z.strictObject({
    url: address,
    /** Sent as `Authorization: Bearer`. */
    token: secret(at).optional(),
    /** The source of our events: a reference of a URI. */
    source: z
      .string()
      .regex(/^[\w.:/~-]{1,90}$/, { error: "expected a source such as /hindsight/eu" })
      .default("/hindsight"),
    timeout: duration(100, MINUTE_MS).prefault("10s"),
    giveUp: duration(SECOND_MS, DAY_MS).prefault("1h"),
  });
}

const SLACK = "expected https://hooks.slack.com/…";
/** On this machine only for tests and gateways. */
const isSlack = (text: string): boolean =>
  /^(env|file):/.test(text) ||
  /^(https:\/\/hooks\.slack(-gov)?\.com|http:\/\/127\.0\.0\.1:\d+)\/\S+$/.test(text);

function leaseSchema(at: Surroundings) {
  return z
    .strictObject({
      directory: path(at, "expected a directory that all hosts share").optional(),
      redis: redisAddress(at).optional(),
      key: name.default("hindsight"),
      for: duration(SECOND_MS, 10 * MINUTE_MS).prefault("15s"),
    })
    .superRefine(({ directory, redis }, context) => {
      if (directory === undefined || redis === undefined) return;
      context.addIssue("expected a directory or redis, not both");
    });
}

const LISTEN = "expected an address and a port such as 127.0.0.1:8440";
const listen = z
  .string({ error: LISTEN })
  .transform((text) => /^(\[[\da-f:]+\]|[\w.-]+):(\d{1,5})$/i.exec(text))
  .refine((match) => match !== null && Number(match[2]) <= 65_535, { error: LISTEN })
  .transform((match) => ({
    host: match![1]!.replace(/^\[|\]$/g, ""),
    port: Number(match![2]),
  }));

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\./.test(host);

function shadowSchema(at: Surroundings) {
  return z
    .strictObject({
      policy: path(at, "expected the path of a policy file"),
      journal: path(at, "expected the directory in which the host keeps its log"),
      act: z.boolean({ error: "expected true or false" }).default(false),
      metrics: METRICS,
      services: z.union([path(at, "expected a file"), inlineServices]).default({}),
      // Of deployments and tags; without a catalog, every service is accepted.
      unknownServices: z.enum(["refuse", "accept"]).default("refuse"),
      // The service of a repository (GitHub) or an application (Argo CD).
      names: z.record(z.string().min(1), z.string().min(1)).default({}),
      listen: listen.prefault("127.0.0.1:8440"),
      readers: z.strictObject({ token: secret(at) }).optional(),
      senders: z.record(name, senderSchema(at)).default({}),
      github: githubSchema(at).optional(),
      window: duration(10 * SECOND_MS, 60 * MINUTE_MS).prefault("5m"),
      groups: z.record(name, names).default({}),
      entitled: z.array(grantSchema).default([]),
      platform: platformSchema(at).optional(),
      page: pageSchema(at).optional(),
      cdevents: sinkSchema(at).optional(),
      slack: z
        .strictObject({ people: z.record(z.string().regex(/^[UW][A-Z\d]+$/), name) })
        .optional(),
      lease: leaseSchema(at).prefault({}),
      audit: z
        .strictObject({
          rotate: duration(MINUTE_MS, 366 * DAY_MS).prefault("1h"),
          signKey: path(at, "expected the path of a private Ed25519 key").optional(),
        })
        .prefault({}),
    })
    .superRefine((config, context) => {
      const { act, platform, page, readers, senders, groups } = config;
      const issue = (message: string, ...where: string[]): void => {
        context.addIssue({ code: "custom", path: where, message });
      };
      if (act && platform === undefined) {
        issue("`act: true` needs `platform`; without one use `act: false`", "act");
      }
      if (act && page === undefined) {
        issue("`act: true` needs `page`: without it people cannot object in time", "act");
      }
      if (!isLoopback(config.listen.host) && readers === undefined) {
        issue("beyond this machine, readers of the status need a token: give readers", "listen");
      }
      const keys = new Map<string, string>();
      for (const [sender, { secret: key, token }] of Object.entries(senders)) {
        const before = keys.get(key ?? token ?? sender);
        if (before !== undefined) issue(`has the secret of ${before}`, "senders", sender);
        keys.set(key ?? token ?? sender, sender);
      }
      const { askedBy } = platform ?? {};
      const asks = Object.values(senders).some(({ may }) => may.some((kind) => kind === askedBy));
      if (askedBy !== undefined && !asks) {
        issue(`no sender may send ${askedBy}, so it cannot ask`, "platform", "askedBy");
      }
      const hasRules = Object.values(senders).some(({ may }) => may.includes("github-protection"));
      if (hasRules && config.github === undefined) {
        issue("github-protection needs `github`: the App that answers", "senders");
      }
      const clicks = Object.values(senders).some(({ may }) => may.includes("slack"));
      if (clicks && config.slack === undefined) {
        issue("a sender may send slack: give slack.people, whose button is whose", "senders");
      }
      for (const group of Object.keys(groups)) {
        const inside = own(groups, group)!.find((member) => own(groups, member) !== undefined);
        if (inside !== undefined) issue(`${inside} is a group: name people`, "groups", group);
      }
    });
}

export type ShadowFile = z.output<ReturnType<typeof shadowSchema>>;
export type Sender = ShadowFile["senders"][string];
export type Grant = ShadowFile["entitled"][number];
export type Receiver = z.output<ReturnType<typeof receiverSchema>>;
export type Platform = NonNullable<ShadowFile["platform"]>;

/**
 * @param onMissing called with each secret that does not exist; without it, that is an error
 * @throws Problem naming file, line and column of everything that is wrong
 */
export function readShadowFile(
  file: string,
  env: Surroundings["env"],
  onMissing?: Surroundings["onMissing"],
): ShadowFile {
  const at = { file: resolve(file), env, ...(onMissing === undefined ? {} : { onMissing }) };
  return readDocument(file, shadowSchema(at), "a shadow.yaml");
}

/** The JSON Schema with which editors complete and check a shadow.yaml. */
export function shadowJsonSchema(): object {
  const schema = shadowSchema({ file: "shadow.yaml", env: {}, onMissing: () => undefined });
  return z.toJSONSchema(schema, { io: "input" });
}

/** The directory of the lease; by default beside the journal, so that one journal has one host. */
export function leaseDirectoryOf({ lease, journal }: ShadowFile): string {
  return lease.directory ?? join(dirname(journal), `${journal.split(/[/\\]/).at(-1)!}.lease`);
}
