/**
 * Reads a scenario: one deployment, its series in a notation people can read, what
 * people did, and what must come of it. scenarios/stories/README.md describes the form.
 */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import {
  parseDuration,
  parseShare,
  type ContextTag,
  type Deployment,
  type Event,
  type Policy,
  type SampleColumn,
} from "../../engine/index.ts";
import { policyOf, readPolicy } from "./policyFile.ts";
import { toBatches } from "./liveHost.ts";

const DAY_MS = 86_400_000;

const deployment = z.strictObject({
  deploymentId: z.string().default("d1"),
  service: z.string().default("orders"),
  environment: z.string().default("production"),
  kind: z.enum(["code", "config", "migration", "infrastructure", "feature_flag"]).default("code"),
  startedAt: z.string(),
  version: z.string().nullable().default(null),
  author: z.string().nullable().default(null),
  team: z.string().nullable().default(null),
  criticality: z.enum(["low", "medium", "high", "critical"]).nullable().default(null),
  timezone: z.string().nullable().default(null),
  callers: z.array(z.string()).default([]),
  dependants: z.array(z.string()).default([]),
});
const tag = z.strictObject({
  tag: z.string(),
  value: z.union([z.string(), z.boolean()]).transform(String).default("true"),
  signal: z.string().nullable().default(null),
  deploymentId: z.string().nullable().optional(),
  validFrom: z.string().optional(),
  validUntil: z.string().optional(),
  knownAt: z.string().optional(),
  givenBy: z.string().nullable().default("release-desk"),
  approvedBy: z.string().nullable().default(null),
  /** Of another deployment: its service. */
  service: z.string().optional(),
});
const person = { deploymentId: z.string().optional(), by: z.string() };
const happening = z.strictObject({
  at: z.string(),
  override: z.strictObject({ ...person, justification: z.string().default("") }).optional(),
  approval: z.strictObject(person).optional(),
  rollbackFinished: z
    .strictObject({
      deploymentId: z.string().optional(),
      succeeded: z.boolean().default(true),
      detail: z.string().default(""),
    })
    .optional(),
  halt: z.strictObject({ by: z.string(), reason: z.string() }).optional(),
  haltLifted: z.strictObject({ by: z.string(), reason: z.string() }).optional(),
  policy: z
    .strictObject({ is: z.record(z.string(), z.unknown()), by: z.string(), reason: z.string() })
    .optional(),
  deployment: deployment.partial().optional(),
  /** So much of the traffic is on the new version. */
  stage: z
    .union([z.string(), z.strictObject({ deploymentId: z.string(), share: z.string() })])
    .optional(),
});
const scenarioSchema = z.strictObject({
  name: z.string(),
  why: z.string(),
  policy: z.union([z.string(), z.record(z.string(), z.unknown())]),
  startsAt: z.iso.datetime(),
  every: z.string().default("15s"),
  delay: z.string().default("0ms"),
  deployment: deployment.extend({ knownAt: z.string().optional() }),
  tags: z.array(tag).default([]),
  series: z.record(z.string(), z.string()),
  events: z.array(happening).default([]),
  expect: z.strictObject({ end: z.string(), commands: z.array(z.string()) }),
});
type Happening = z.infer<typeof happening>;

export interface Scenario {
  readonly name: string;
  readonly why: string;
  readonly policy: Policy;
  readonly startsAtMs: number;
  readonly deploymentId: string;
  readonly events: readonly Event[];
  /** The scenario says itself when rollbacks finish, so the host does not. */
  readonly answersRollbacks: boolean;
  readonly expect: { readonly end: string; readonly commands: readonly string[] };
}

export function readScenario(path: string): Scenario {
  const written = scenarioSchema.parse(parse(readFileSync(path, "utf8")));
  const policy =
    typeof written.policy === "string"
      ? readPolicy(resolve(dirname(path), written.policy))
      : policyOf(written.policy, path);
  const startsAtMs = Date.parse(written.startsAt);
  const time = (text: string): number => timeOf(text, startsAtMs);
  const started = deploymentOf(written.deployment, time);
  const columns = Object.entries(written.series).map(([key, text]) =>
    columnOf(key, text, started.service, startsAtMs, ms(written.every), ms(written.delay)),
  );
  const tags = written.tags.map((given): Event => {
    const knownAtMs = given.knownAt === undefined ? started.startedAtMs : time(given.knownAt);
    const context: ContextTag = {
      deploymentId: given.deploymentId === undefined ? started.deploymentId : given.deploymentId,
      service: given.service ?? started.service,
      tag: given.tag,
      value: given.value,
      signal: given.signal,
      validFromMs: given.validFrom === undefined ? null : time(given.validFrom),
      validUntilMs: given.validUntil === undefined ? null : time(given.validUntil),
      knownAtMs,
      givenBy: given.givenBy,
      approvedBy: given.approvedBy,
    };
    return { kind: "deploymentTagged", atMs: knownAtMs, knownAtMs, tag: context };
  });
  const events: Event[] = [
    startOf(
      started,
      written.deployment.knownAt === undefined
        ? started.startedAtMs
        : time(written.deployment.knownAt),
    ),
    ...tags,
    ...written.events.map((one) => eventOf(one, started, time)),
    ...toBatches(columns),
  ];
  return {
    name: written.name,
    why: written.why,
    policy,
    startsAtMs,
    deploymentId: started.deploymentId,
    events,
    answersRollbacks: written.events.some((one) => one.rollbackFinished !== undefined),
    expect: written.expect,
  };
}

function startOf(started: Deployment, knownAtMs: number): Event {
  return { kind: "deploymentStarted", atMs: started.startedAtMs, knownAtMs, deployment: started };
}

function deploymentOf(
  written: z.infer<typeof scenarioSchema>["deployment"],
  time: (text: string) => number,
): Deployment {
  const { startedAt, ...rest } = written;
  delete rest.knownAt;
  return { ...rest, startedAtMs: time(startedAt) };
}

function eventOf(one: Happening, main: Deployment, time: (text: string) => number): Event {
  const atMs = time(one.at);
  const timed = { atMs, knownAtMs: atMs };
  const { deploymentId } = main;
  if (one.override !== undefined) {
    return { kind: "overrideGiven", ...timed, deploymentId, ...defined(one.override) };
  }
  if (one.approval !== undefined) {
    return { kind: "approvalGiven", ...timed, deploymentId, ...defined(one.approval) };
  }
  if (one.rollbackFinished !== undefined) {
    return { kind: "rollbackFinished", ...timed, deploymentId, ...defined(one.rollbackFinished) };
  }
  if (one.stage !== undefined) {
    const written = typeof one.stage === "string" ? { share: one.stage } : one.stage;
    const share = parseShare(written.share);
    if (share === null) throw new Error(`not a share: ${written.share}`);
    return { kind: "stageReached", ...timed, deploymentId, ...written, share };
  }
  if (one.halt !== undefined) return { kind: "haltOrdered", ...timed, ...one.halt };
  if (one.haltLifted !== undefined) return { kind: "haltLifted", ...timed, ...one.haltLifted };
  if (one.policy !== undefined) {
    const { is, by, reason } = one.policy;
    return { kind: "policyChanged", ...timed, policy: policyOf(is), by, reason };
  }
  if (one.deployment !== undefined) {
    const { startedAt, ...rest } = one.deployment;
    const startedAtMs = startedAt === undefined ? atMs : time(startedAt);
    return startOf({ ...main, ...defined(rest), startedAtMs }, atMs);
  }
  throw new Error(`nothing happens at ${one.at}`);
}

type Defined<Part> = { [Key in keyof Part]: Exclude<Part[Key], undefined> };

/** Without the keys that were not written, so that spreading them hides nothing. */
function defined<Part extends object>(part: Part): Defined<Part> {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<Part>;
}

/** `23:32`, `23:32:15` (before the start: the next day), or a whole ISO 8601 time. */
function timeOf(text: string, startsAtMs: number): number {
  const clock = /^(\d\d):(\d\d)(?::(\d\d))?$/.exec(text);
  if (clock === null) return z.iso.datetime().transform(Date.parse).parse(text);
  const [hours, minutes, seconds] = clock.slice(1).map((part) => Number(part ?? 0));
  const inDayMs = hours! * 3_600_000 + minutes! * 60_000 + (seconds ?? 0) * 1000;
  const atMs = Math.floor(startsAtMs / DAY_MS) * DAY_MS + inDayMs;
  return atMs < startsAtMs ? atMs + DAY_MS : atMs;
}

function ms(text: string): number {
  const duration = parseDuration(text);
  if (duration === null) throw new Error(`not a duration: ${text}`);
  return duration;
}

/** `240x120 _ stalex4 276`: see the README. The key is `[service/]metric[@version]`. */
function columnOf(
  key: string,
  text: string,
  service: string,
  startsAtMs: number,
  everyMs: number,
  delayMs: number,
): SampleColumn {
  const slash = key.indexOf("/");
  const [metric, version] = key.slice(slash + 1).split("@");
  const atMs: number[] = [];
  const values: number[] = [];
  let slot = 0;
  for (const token of text.split(/\s+/).filter((part) => part !== "")) {
    const match = /^(_|stale|\d+(?:\.\d+)?)(?:x(\d+))?$/.exec(token);
    if (match === null) throw new Error(`${key}: cannot read \`${token}\``);
    for (let left = Number(match[2] ?? 1); left > 0; left--, slot++) {
      if (match[1] === "stale") continue;
      atMs.push(startsAtMs + slot * everyMs);
      values.push(match[1] === "_" ? Number.NaN : Number(match[1]));
    }
  }
  return {
    series: {
      service: slash < 0 ? service : key.slice(0, slash),
      metric: metric!,
      version: version ?? null,
      percentagePoint: 0.01,
    },
    atMs,
    knownAtMs: atMs.map((at) => at + delayMs),
    values,
  };
}
