/**
 * The policy language: what may be written, with its defaults, and the parser
 * that turns a plain object (YAML is the lab's business) into a `Policy`.
 *
 * Unknown keys are errors: a misspelt guardrail must never be silently absent.
 */

import { z } from "zod";
import { oneSpikeFires } from "../detect/onset.ts";
import type { ContextRule, Mode, Policy, SignalPolicy } from "./policy.ts";
import { parseDuration, parseShare, parseTolerance } from "./quantity.ts";

const duration = z
  .string({ error: "expected a duration such as 90s, 2m or 1h30m" })
  .refine((text) => parseDuration(text) !== null, "expected a duration such as 90s, 2m or 1h30m")
  .transform((text) => parseDuration(text)!);
/** A wait of nothing leaves nobody the time to see or to answer. */
const properDuration = duration.refine((ms) => ms > 0, "expected a duration above 0s");
const share = z
  .string({ error: "expected a share such as 15%" })
  .refine((text) => parseShare(text) !== null, "expected a share such as 15%")
  .transform((text) => parseShare(text)!);
/** Neither nothing nor everything. */
const properShare = share.refine(
  (value) => value > 0 && value < 1,
  "expected a share above 0% and below 100%",
);
const tolerance = z
  .string({ error: "expected a tolerance such as 10% or 1pp" })
  .refine((text) => parseTolerance(text) !== null, "expected a tolerance such as 10% or 1pp")
  .transform((text) => parseTolerance(text)!);
const oneOf = <const Words extends readonly string[]>(words: Words) =>
  z.enum(words, {
    error: `expected ${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`,
  });
const tier = oneOf(["full", "override", "approve", "observe"]);

const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((one) => [one]), z.array(item).min(1)]);

const condition = z.strictObject({
  environment: oneOrMore(z.string()).optional(),
  kind: oneOrMore(
    oneOf(["code", "config", "migration", "infrastructure", "feature_flag"]),
  ).optional(),
  criticality: oneOrMore(oneOf(["low", "medium", "high", "critical"])).optional(),
  service: oneOrMore(z.string()).optional(),
  team: oneOrMore(z.string()).optional(),
  tags: z
    .record(
      z.string(),
      z
        .union([z.string(), z.boolean()], { error: "expected text, true or false" })
        .transform(String),
    )
    .optional(),
});

const threshold = z.strictObject({
  kind: z.literal("threshold"),
  baseline: duration.default(3_600_000),
  season: z.boolean().default(false),
  breaches: z.int().min(1).max(30).default(3),
  of: z.int().min(1).max(30).default(3),
});
const cusum = z.strictObject({
  kind: z.literal("cusum"),
  baseline: duration.default(3_600_000),
  season: z.boolean().default(true),
  drift: z.number().positive().default(1),
  clip: z.number().positive().default(4),
  limit: z.number().positive().default(8),
});
const ewma = z.strictObject({
  kind: z.literal("ewma"),
  baseline: duration.default(3_600_000),
  season: z.boolean().default(true),
  weight: z.number().positive().max(1).default(0.4),
  clip: z.number().positive().default(3),
  limit: z.number().positive().default(5),
});
const eprocess = z.strictObject({
  kind: z.literal("eprocess"),
  baseline: duration.default(3_600_000),
  season: z.boolean().default(true),
  alpha: properShare.default(0.01),
  horizon: z.int().min(1).max(10_000).default(60),
  clip: z.number().positive().default(3.5),
});
const mannWhitney = z.strictObject({
  kind: z.literal("mannWhitney"),
  baseline: duration.default(3_600_000),
  season: z.boolean().default(true),
  confidence: properShare.default(0.98),
  limit: z.number().min(0).lt(1).default(0.25),
  atLeast: z.int().min(1).max(10_000).default(8),
  every: z.int().min(1).max(10_000).default(1),
});
const detector = z
  .discriminatedUnion("kind", [threshold, cusum, ewma, eprocess, mannWhitney])
  .refine((given) => given.kind !== "threshold" || given.breaches <= given.of, {
    message: "`breaches` cannot be more than `of`",
    path: ["breaches"],
  })
  .refine(
    (given) => (given.kind !== "cusum" && given.kind !== "ewma") || given.clip < given.limit,
    {
      message: "`clip` must be below `limit`, or one spike alone would be a breach",
      path: ["clip"],
    },
  )
  .refine((given) => given.kind !== "eprocess" || !oneSpikeFires(given), {
    message: "`clip` is too large for this `alpha`: one spike alone would be a breach",
    path: ["clip"],
  });

const signal = z.strictObject({
  metric: z.string().min(1),
  of: oneOrMore(z.string().min(1)).default(["own"]),
  worse: z.enum(["up", "down", "both"]).default("up"),
  detector: detector.prefault({ kind: "cusum" }),
  tolerance,
  hold: duration.default(60_000),
  clear: duration.default(120_000),
});

const tiers = z.strictObject({
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

const assignment = z.union(
  [z.strictObject({ when: condition, tier }), z.strictObject({ otherwise: tier })],
  { error: "expected { when: …, tier: … } or { otherwise: TIER }" },
);

const mode = z.strictObject({
  when: condition,
  tier: z.partialRecord(tier, tier).default({}),
  signals: z.array(z.string()).optional(),
  toleranceTimes: z.number().positive().default(1),
});

const contextRule = z.strictObject({
  signal: z.string().optional(),
  shifts: z.literal("tolerance").optional(),
  max: share.default(0.5),
  for: duration.default(7_200_000),
  tierAtLeast: tier.optional(),
});

const guardrails = z.strictObject({
  never: z.array(z.strictObject({ when: condition })).default([]),
  toleranceAtMost: share.optional(),
});

/** The written form. Its input type is what the published JSON Schema describes. */
export const policySchema = z
  .strictObject({
    policy: z.string().min(1),
    owner: z.string({ error: "an accountable owner is required" }).trim().min(1, {
      error: "an accountable owner is required",
    }),
    watch: properDuration.default(3_600_000),
    signals: z.record(z.string(), signal),
    fusion: z
      .union([z.enum(["any", "all"]), z.strictObject({ atLeast: z.int().min(1) })], {
        error: "expected any, all or { atLeast: N }",
      })
      .default("any"),
    tiers: tiers.prefault({}),
    assign: z.array(assignment).min(1, "name at least { otherwise: TIER }"),
    modes: z.record(z.string(), mode).default({}),
    context: z.record(z.string(), contextRule).default({}),
    guardrails: guardrails.prefault({}),
  })
  .superRefine((policy, context) => {
    const issue = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (Object.keys(policy.signals).length === 0) issue(["signals"], "name at least one signal");
    const { fusion } = policy;
    const count = Object.keys(policy.signals).length;
    if (typeof fusion === "object" && count > 0 && fusion.atLeast > count) {
      issue(["fusion", "atLeast"], `cannot be more than the number of signals, ${count}`);
    }
    const last = policy.assign[policy.assign.length - 1];
    if (last !== undefined && !("otherwise" in last)) {
      issue(["assign"], "end the list with { otherwise: TIER }, so that every deployment has one");
    }
    policy.assign.slice(0, -1).forEach((entry, index) => {
      if ("otherwise" in entry) issue(["assign", index], "`otherwise` hides every rule below it");
    });
    const known = (name: string): boolean => Object.hasOwn(policy.signals, name);
    const names = Object.keys(policy.signals).join(", ");
    for (const [tag, rule] of Object.entries(policy.context)) {
      if (rule.signal !== undefined && !known(rule.signal)) {
        issue(["context", tag, "signal"], `no such signal; this policy has ${names}`);
      }
      if (rule.shifts !== undefined && rule.signal === undefined) {
        issue(["context", tag], "say which `signal` this tag shifts");
      }
    }
    for (const [name, entry] of Object.entries(policy.modes)) {
      entry.signals?.forEach((one, index) => {
        if (!known(one)) {
          issue(["modes", name, "signals", index], `no such signal; this policy has ${names}`);
        }
      });
    }
  });

export interface PolicyIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type ParsedPolicy =
  | { readonly policy: Policy; readonly issues: null }
  | { readonly policy: null; readonly issues: readonly PolicyIssue[] };

/**
 * Checks a plain object against the policy language and fills in the defaults.
 * All issues are reported at once. `hash` gives the hex SHA-256 of a string; it is
 * an argument because the engine has no crypto of its own.
 */
export function parsePolicy(input: unknown, hash: (text: string) => string): ParsedPolicy {
  const parsed = policySchema.safeParse(input, { reportInput: false });
  if (!parsed.success) {
    return {
      policy: null,
      issues: parsed.error.issues.flatMap((issue) => issuesOf(issue, [], input)),
    };
  }
  const written = parsed.data;
  const resolved: Omit<Policy, "digest"> = {
    policy: written.policy,
    owner: written.owner,
    watchMs: written.watch,
    signals: byName(written.signals).map(([name, given]): SignalPolicy => {
      const { baseline, ...detectorRest } = given.detector;
      return {
        name,
        metric: given.metric,
        of: given.of,
        worse: given.worse,
        detector: { ...detectorRest, baselineMs: baseline },
        tolerance: given.tolerance,
        holdMs: given.hold,
        clearMs: given.clear,
      };
    }),
    fusion: written.fusion,
    tiers: {
      full: written.tiers.full,
      override: {
        action: written.tiers.override.action,
        windowMs: written.tiers.override.window,
        onTimeout: written.tiers.override.onTimeout,
      },
      approve: {
        action: written.tiers.approve.action,
        slaMs: written.tiers.approve.sla,
        escalate: written.tiers.approve.escalate.map(({ to, sla }) => ({ to, slaMs: sla })),
        onExpiry: written.tiers.approve.onExpiry,
      },
      observe: written.tiers.observe,
    },
    assign: written.assign.map((entry) =>
      "otherwise" in entry
        ? { when: null, tier: entry.otherwise }
        : { when: entry.when, tier: entry.tier },
    ),
    modes: byName(written.modes).map(([name, given]): Mode => ({
      name,
      when: given.when,
      tier: given.tier,
      signals: given.signals ?? null,
      toleranceTimes: given.toleranceTimes,
    })),
    context: byName(written.context).map(([tag, given]): ContextRule => ({
      tag,
      signal: given.signal ?? null,
      shifts: given.shifts ?? null,
      max: given.max,
      forMs: given.for,
      tierAtLeast: given.tierAtLeast ?? null,
    })),
    guardrails: {
      never: written.guardrails.never.map(({ when }) => when),
      toleranceAtMost: written.guardrails.toleranceAtMost ?? null,
    },
  };
  return { policy: { ...resolved, digest: hash(canonicalJson(resolved)) }, issues: null };
}

/** One issue as people need it: at the very key, whichever form of it they meant. */
function issuesOf(
  issue: z.core.$ZodIssue,
  parent: readonly (string | number)[],
  within: unknown,
): PolicyIssue[] {
  const path = [...parent, ...issue.path.filter((part) => typeof part !== "symbol")];
  const value = issue.path.reduce<unknown>(
    (at, part) => (at as Readonly<Record<PropertyKey, unknown>> | undefined)?.[part],
    within,
  );
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key \`${key}\`` }));
  }
  if (issue.code === "invalid_union") {
    const meant = issue.errors[formMeant(path, value)];
    if (meant !== undefined) return meant.flatMap((one) => issuesOf(one, path, value));
  }
  return [{ path, message: issue.message.replace(/^Invalid input: /, "") }];
}

/** Which form of a union somebody meant, by its place in the schema; -1 when nobody can tell. */
function formMeant(path: readonly (string | number)[], value: unknown): number {
  if (path[0] === "fusion" || path.includes("tags")) return -1;
  if (path[0] !== "assign" || path.length > 2) return Array.isArray(value) ? 1 : 0;
  const isEntry = typeof value === "object" && value !== null && !Array.isArray(value);
  return isEntry ? ("otherwise" in value ? 1 : 0) : -1;
}

/** Entries in the order of their names, so that the order in the file means nothing. */
function byName<Value>(record: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** JSON with sorted keys and no white space: equal content is equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`);
    return `{${entries.join(",")}}`;
  }
  return JSON.stringify(value);
}
