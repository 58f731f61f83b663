/**
 * The schema of a scenario file. It is strict and finds every error in one pass; `scenario schema`
 * prints it for editors. Messages have the form `what|cure`.
 */

import { z } from "zod";
import { parseDuration, parseShare } from "../../engine/index.ts";
import { PEOPLE_WORDS } from "../people/choose.ts";
import { EFFECT_RULES } from "../replay/splice.ts";
import { isTime, isUnclear, isWholeTime } from "./clock.ts";
import type { Path } from "./expectation.ts";
import { RATIONALE_AT_MOST } from "../history/import/proposals.ts";

const time = z
  .string("expected a time|Write 23:32, 23:32:15 or 2026-03-12T23:32:00Z.")
  .refine(isTime, "expected a time|Write 23:32, 23:32:15 or 2026-03-12T23:32:00Z.");
const wholeTime = z
  .string("expected a time in full|Write it like 2026-03-12T22:00:00Z.")
  .refine(isWholeTime, "expected a time in full|Write it like 2026-03-12T22:00:00Z.");
const duration = z
  .string("expected a duration|Write a number and a unit: 15s, 2m, 1h30m.")
  .refine(
    (text) => parseDuration(text) !== null,
    "expected a duration|Write a number and a unit: 15s, 2m, 1h30m.",
  );
const every = duration.refine(
  (text) => parseDuration(text) !== 0,
  "samples need a spacing|Write 15s, say.",
);
const words = z.string("expected some words|Write a sentence.").min(1, "expected some words");

/** An enum whose message lists the allowed words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, `not one of the words known here|Write ${words.join(", ")}.`);
}

/** `95%` or 0.95 as a number from 0 to 1; null for everything else. */
export function confidenceOf(written: number | string): number | null {
  const share = typeof written === "number" ? written : parseShare(written);
  return share !== null && share >= 0 && share <= 1 ? share : null;
}

const deployment = z.strictObject({
  deploymentId: z.string().default("d1"),
  service: z.string().default("orders"),
  environment: z.string().default("production"),
  kind: oneOf(["code", "config", "migration", "infrastructure", "feature_flag"]).default("code"),
  startedAt: time,
  version: z.string().nullable().default(null),
  author: z.string().nullable().default(null),
  team: z.string().nullable().default(null),
  criticality: oneOf(["low", "medium", "high", "critical"]).nullable().default(null),
  timezone: z.string().nullable().default(null),
  callers: z.array(z.string()).default([]),
  dependants: z.array(z.string()).default([]),
});
const tag = z.strictObject({
  tag: z.string(),
  value: z.union([z.string(), z.boolean(), z.number()]).transform(String).default("true"),
  signal: z.string().nullable().default(null),
  deploymentId: z.string().nullable().optional(),
  validFrom: time.optional(),
  validUntil: time.optional(),
  knownAt: time.optional(),
  givenBy: z.string().nullable().default("release-desk"),
  approvedBy: z.string().nullable().default(null),
  /** The service of a deployment other than the scenario's own. */
  service: z.string().optional(),
});
const person = { deploymentId: z.string().optional(), by: z.string() };
const STAGE = "expected a share of the traffic|Write 5%, say.";
const stageShare = z.string(STAGE).refine((text) => parseShare(text) !== null, STAGE);
const NAME = "expected a name|Write one of 1 to 200 characters, as the policy has it.";
const name = z.string(NAME).min(1, NAME).max(200, NAME);
const CONFIDENCE = "expected how sure the agent says it is|Write 95% or 0.95: from 0 to 1.";
const LONG = `longer than ${RATIONALE_AT_MOST} characters|Shorten it; an import cuts it there.`;
/** An agent proposes; the words are those of the table `proposals` of a history. */
const proposal = z.strictObject({
  proposalId: name.optional(),
  deploymentId: z.string().optional(),
  agent: name,
  action: z
    .literal("rollback", "only proposals to roll back can be judged|Write rollback, or nothing.")
    .default("rollback"),
  confidence: z
    .union([z.number(), z.string()], CONFIDENCE)
    .refine((written) => confidenceOf(written) !== null, CONFIDENCE),
  rationale: z.string().max(RATIONALE_AT_MOST, LONG).nullable().default(null),
  /** What a person said to it; under a policy that does not ask, the answer is refused. */
  answered: z
    .strictObject({ at: time, by: z.string(), answer: oneOf(["accepted", "rejected"]) })
    .optional(),
});
const NOTHING_HAPPENS =
  "nothing happens|Say what: override, approval, proposal, rollbackFinished, stage, halt, " +
  "haltLifted, quarantine, policy or deployment.";
const TWO_HAPPEN = "several things happen in one event|Write an event for each.";
const happening = z
  .strictObject({
    at: time,
    override: z.strictObject({ ...person, justification: z.string().default("") }).optional(),
    approval: z.strictObject(person).optional(),
    proposal: proposal.optional(),
    rollbackFinished: z
      .strictObject({
        deploymentId: z.string().optional(),
        succeeded: z.boolean().default(true),
        detail: z.string().default(""),
      })
      .optional(),
    halt: z.strictObject({ by: z.string(), reason: z.string() }).optional(),
    haltLifted: z.strictObject({ by: z.string(), reason: z.string() }).optional(),
    /** The engine threw on an event of this deployment. */
    quarantine: z
      .strictObject({ deploymentId: z.string().optional(), reason: z.string() })
      .optional(),
    policy: z
      .strictObject({ is: z.record(z.string(), z.unknown()), by: z.string(), reason: z.string() })
      .optional(),
    deployment: deployment.partial().optional(),
    /** The share of the traffic that is on the new version now. */
    stage: z
      .union([stageShare, z.strictObject({ deploymentId: z.string(), share: stageShare })], STAGE)
      .optional(),
  })
  .refine((one) => Object.keys(one).length > 1, { error: NOTHING_HAPPENS })
  .refine((one) => Object.keys(one).length <= 2, { error: TWO_HAPPEN });

const season = z.strictObject({
  startsAt: time,
  every: every.default("5m"),
  days: z.int().min(1),
  values: z.string("expected values|Write them like samples: 240x12 260."),
});

const world = z.strictObject({
  file: z.string("expected a world file"),
  seed: z.int().min(0).default(1),
  from: wholeTime.optional(),
  to: wholeTime.optional(),
  with: z.record(z.string(), z.unknown()).default({}),
});

const ONE_SOURCE =
  "the samples are missing|Write `series:` for one deployment, or name a `history:` or `world:`.";
const ONE_POLICY = "no policy|Write `policy:` for one, or `policies:` for several by name.";
/** Keys for one deployment that is written out; not allowed with a history or a world. */
const INLINE = ["startsAt", "every", "delay", "deployment", "tags", "events", "seasons"] as const;
/** Keys for many deployments. */
const SCORED = ["people", "costs", "effect", "draws", "replicates", "seed"] as const;

export const scenarioForm = z.strictObject({
  name: words,
  question: words.optional(),
  why: words,
  answer: words.optional(),

  policy: z.unknown().optional(),
  policies: z.record(z.string(), z.unknown()).optional(),

  series: z.record(z.string(), z.string("expected samples|Write them like 240x120.")).optional(),
  startsAt: wholeTime.optional(),
  every: every.optional(),
  delay: duration.optional(),
  deployment: deployment.extend({ knownAt: time.optional() }).optional(),
  tags: z.array(tag).optional(),
  events: z.array(happening).optional(),
  seasons: z.record(z.string(), season).optional(),

  history: z.string("expected the directory of a history").optional(),
  world: world.optional(),
  people: z.string(`expected one of ${PEOPLE_WORDS.join(", ")}, or a people file`).optional(),
  costs: z.string("expected a costs file").optional(),
  effect: oneOf(EFFECT_RULES).optional(),
  draws: z.int().min(1).optional(),
  replicates: z.int().min(100).optional(),
  seed: z.int().min(0).optional(),

  expect: z.unknown().optional(),
});

/** Errors in the combination of keys; found even where the schema itself has failed. */
export function crossIssues(written: object): { path: string[]; message: string }[] {
  const issues: { path: string[]; message: string }[] = [];
  const complain = (path: string[], message: string): number => issues.push({ path, message });
  const sources = (["series", "history", "world"] as const).filter((key) =>
    Object.hasOwn(written, key),
  );
  const [source] = sources;
  if (source === undefined) complain([], ONE_SOURCE);
  for (const key of sources.slice(1)) {
    complain([key], `there is ${source} already|Keep one of the two.`);
  }
  if (source === "series") {
    if (!("startsAt" in written)) {
      complain([], "startsAt is missing|Say when the first sample is: 2026-03-12T22:00:00Z.");
    }
    if (!("deployment" in written)) {
      complain([], 'deployment is missing|Write `deployment: { startedAt: "23:00" }`.');
    }
  }
  const foreign = source === "series" ? SCORED : source === undefined ? [] : INLINE;
  for (const key of foreign) {
    if (!Object.hasOwn(written, key)) continue;
    const where = source === "series" ? "a history or a world" : "a scenario with series";
    complain([key], `this belongs to ${where}|Take it out, or change what the samples are.`);
  }
  if (!("policy" in written || "policies" in written)) complain([], ONE_POLICY);
  if ("policy" in written && "policies" in written) {
    complain(["policies"], "there is `policy` already|Keep one of the two.");
  }
  return issues;
}

/** Keys with a time, at any depth of these keys of the scenario. */
const TIMES = new Set(["startedAt", "knownAt", "validFrom", "validUntil", "at", "startsAt"]);
const TIMED = ["deployment", "tags", "events", "seasons"] as const;

/** Times of day of which it is unclear whether they mean the day before or the day after. */
export function unclearTimes(form: ScenarioForm): { path: Path; message: string }[] {
  if (form.startsAt === undefined) return [];
  const startsAtMs = Date.parse(form.startsAt);
  const clock = form.startsAt.slice(11, 16);
  const within = (value: unknown, path: Path): { path: Path; message: string }[] => {
    if (typeof value === "object" && value !== null) {
      return Object.entries(value).flatMap(([key, one]) =>
        within(one, [...path, Array.isArray(value) ? Number(key) : key]),
      );
    }
    if (!TIMES.has(String(path.at(-1))) || typeof value !== "string") return [];
    if (!isUnclear(value, startsAtMs)) return [];
    const day = form.startsAt!.slice(0, 10);
    const cure = `Write ${value}+1d for the next day, or ${day}T${value}Z for this day.`;
    return [{ path, message: `${value} is before startsAt, ${clock}|${cure}` }];
  };
  return TIMED.flatMap((key) => within(form[key], [key]));
}

export type ScenarioForm = z.output<typeof scenarioForm>;
export type Happening = z.output<typeof happening>;
export type ProposalForm = z.output<typeof proposal>;
export type DeploymentForm = z.output<typeof deployment>;

/** An entry of `policies`, or `policy`, that changes values of another policy. */
export const variedForm = z.strictObject({
  policy: z.unknown(),
  set: z.record(z.string(), z.unknown()).default({}),
  vary: z.record(z.string(), z.union([z.array(z.unknown()).min(1), z.string()])).default({}),
});
