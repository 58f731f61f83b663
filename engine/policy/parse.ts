/**
 * Turns a plain object (YAML is the lab's business) into a `Policy`, or says
 * everything that is wrong with it at once.
 */

import type { z } from "zod";
import { jsonObject, own, type JsonObject } from "../json.ts";
import { canonicalJson } from "./canonical.ts";
import type { AgentRule } from "./agents.ts";
import type {
  ContextRule,
  Mode,
  Policy,
  RollbackBudget,
  SignalPolicy,
  Stage,
  StormBrake,
} from "./policy.ts";
import { isIncumbent, readIncumbent } from "./incumbentPolicy.ts";
import { issueText } from "./issueText.ts";
import { outOfReach } from "./reach.ts";
import { keysMeant, type KeyMeant } from "./suggest.ts";
import { policySchema } from "./schema/policySchema.ts";
import type { Stretch } from "./schema/values.ts";

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
  const unusable = unusableNames(input);
  if (unusable.length > 0) return { policy: null, issues: unusable };
  if (!isIncumbent(input)) return parseWritten(input, hash);
  const read = readIncumbent(input);
  if (read.issues !== null) {
    const issues = read.issues.flatMap((issue) =>
      "code" in issue ? issuesOf(issue, [], input, keysMeant()) : [issue],
    );
    return { policy: null, issues };
  }
  return parseWritten(read.written, hash, { incumbent: read.incumbent });
}

function parseWritten(
  input: unknown,
  hash: (text: string) => string,
  judge: Pick<Policy, "incumbent"> = {},
): ParsedPolicy {
  const parsed = policySchema.safeParse(input, { reportInput: false });
  if (!parsed.success) {
    const keyMeant = keysMeant();
    return {
      policy: null,
      issues: parsed.error.issues.flatMap((issue) => issuesOf(issue, [], input, keyMeant)),
    };
  }
  const written = parsed.data;
  const resolved: Omit<Policy, "digest"> = {
    policy: written.policy,
    owner: written.owner,
    watchMs: written.watch,
    signals: byName(written.signals).map(([name, given]): SignalPolicy => {
      const { baseline, ...detectorRest } = given.detector;
      const { watch } = given;
      const { calibrate } = given;
      const guard = own(written.hardGuard, name);
      return {
        name,
        metric: given.metric,
        ...(given.role === undefined ? {} : { role: given.role }),
        of: given.of,
        worse: given.worse,
        detector: {
          season: false,
          ...detectorRest,
          baselineMs: msOf(baseline),
          ...(typeof baseline === "number" ? {} : { baselineSamples: baseline.samples }),
        },
        tolerance: given.tolerance,
        ...(given.counter === undefined ? {} : { counter: given.counter }),
        ...(given.control === undefined ? {} : { control: given.control }),
        ...(calibrate === undefined
          ? {}
          : {
              calibrate: {
                everyMs: calibrate.every,
                overMs: calibrate.over,
                alpha: calibrate.alpha,
              },
            }),
        ...(given.exposure === undefined ? {} : { exposure: given.exposure }),
        ...(guard === undefined
          ? {}
          : {
              hardGuard: {
                times: guard.times,
                over: guard.over ?? null,
                under: guard.under ?? null,
              },
            }),
        ...(typeof watch === "number" ? { watchMs: watch } : {}),
        ...(typeof watch === "object" ? { watchSamples: watch.samples } : {}),
        holdMs: msOf(given.hold),
        clearMs: msOf(given.clear),
        ...(typeof given.hold === "number" ? {} : { holdSamples: given.hold.samples }),
        ...(typeof given.clear === "number" ? {} : { clearSamples: given.clear.samples }),
      };
    }),
    fusion: written.fusion,
    evidence: {
      changeFailureRate: written.changeFailureRate,
      weights: jsonObject(byName(written.signals).map(([name, { weight }]) => [name, weight])),
    },
    attribution: written.attribution,
    ...(written.silence === undefined ? {} : { silenceMs: written.silence }),
    tiers: {
      full: written.tiers.full,
      override: {
        action: written.tiers.override.action,
        confidence: written.tiers.override.confidence,
        windowMs: written.tiers.override.window,
        onTimeout: written.tiers.override.onTimeout,
      },
      approve: {
        action: written.tiers.approve.action,
        confidence: written.tiers.approve.confidence,
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
      when: given.when ?? {},
      calendar: given.calendar ?? [],
      timezone: given.timezone ?? "service",
      between: (given.between ?? []).map(({ from, until }) => ({ fromMs: from, untilMs: until })),
      otherwise: given.otherwise ?? false,
      tier: given.tier,
      signals: given.signals ?? null,
      toleranceTimes: given.toleranceTimes,
    })),
    ...(Object.keys(written.stages).length === 0 ? {} : { stages: stagesOf(written.stages) }),
    context: byName(written.context).map(([tag, given]): ContextRule => ({
      tag,
      signal: given.signal ?? null,
      shifts: given.shifts ?? null,
      max: given.max,
      forMs: given.for,
      tierAtLeast: given.tierAtLeast ?? null,
      ...(given.quietsDependants ? { quietsDependants: true as const } : {}),
      ...(given.selfIssued === "refuse" ? { selfIssued: given.selfIssued } : {}),
    })),
    guardrails: {
      never: written.guardrails.never.map(({ when }) => when),
      toleranceAtMost: written.guardrails.toleranceAtMost ?? null,
      ...(written.guardrails.windowAtLeast === undefined
        ? {}
        : { windowAtLeastMs: written.guardrails.windowAtLeast }),
      rollbackBudget: budgetOf(written.guardrails.rollbackBudget),
      cooldownMs: written.guardrails.cooldown ?? null,
      stormBrake: brakeOf(written.guardrails.stormBrake),
    },
    ...learningOf(written.learning),
    ...exploreOf(written.explore, written.watch),
    ...agentsOf(written.agents),
    ...judge,
  };
  const issues = outOfReach(resolved);
  if (issues.length > 0) return { policy: null, issues };
  // Assigned and not spread: objects made by spreading get hidden classes of their own, and code
  // that reads many policies would be slow.
  const policy = Object.assign(resolved, { digest: hash(canonicalJson(resolved)) });
  return { policy, issues: null };
}

/**
 * The keys `__proto__`, which the schema would drop without a word: a signal would not be watched,
 * and a condition on a tag would hold for every deployment.
 */
function unusableNames(
  written: unknown,
  path: readonly (string | number)[] = [],
  seen = new Set<unknown>(),
): PolicyIssue[] {
  // An alias of YAML may put one mapping in many places, also below itself.
  if (typeof written !== "object" || written === null || seen.has(written)) return [];
  seen.add(written);
  return Object.entries(written).flatMap(([key, value]): PolicyIssue[] => {
    const at = [...path, Array.isArray(written) ? Number(key) : key];
    if (key !== "__proto__") return unusableNames(value, at, seen);
    return [{ path: at, message: "`__proto__` cannot be a name in a policy; choose another" }];
  });
}

/** 0 for a stretch in samples: how many they are stands beside it. */
function msOf(stretch: Stretch): number {
  return typeof stretch === "number" ? stretch : 0;
}

type Written = z.infer<typeof policySchema>["guardrails"];

/** Learning that is switched off is the same as none: the policy has the same digest. */
function learningOf(written: z.infer<typeof policySchema>["learning"]): Pick<Policy, "learning"> {
  if (written === undefined || !written.fromOverrides) return {};
  const { halfLife, atLeast, discountAtMost } = written;
  return { learning: { halfLifeMs: halfLife, atLeast, discountAtMost } };
}

function exploreOf(
  written: z.infer<typeof policySchema>["explore"],
  watchMs: number,
): Pick<Policy, "explore"> {
  if (written === undefined) return {};
  const { probability, upTo, delay = watchMs, when = null, seed } = written;
  return { explore: { probability, upTo, delayMs: delay, when, seed } };
}

/** A policy that listens to nobody has the digest of before. */
function agentsOf(written: z.infer<typeof policySchema>["agents"]): Pick<Policy, "agents"> {
  const agents = byName(written).map(([name, { from, aloneFrom, needsEvidence }]): AgentRule => {
    return { name, from, aloneFrom: aloneFrom ?? null, needsEvidence };
  });
  return agents.length === 0 ? {} : { agents };
}

/** The stages, the narrowest first: the first that holds is the one that counts. */
function stagesOf(written: z.infer<typeof policySchema>["stages"]): readonly Stage[] {
  return byName(written)
    .map(([name, { upTo, tier, signals }]) => ({
      name,
      upTo,
      tier,
      signals: byName(signals).map(([signal, given]) => ({
        name: signal,
        tolerance: given.tolerance ?? null,
        tier: given.tier ?? null,
      })),
    }))
    .sort((a, b) => a.upTo - b.upTo);
}

function budgetOf(written: Written["rollbackBudget"]): RollbackBudget | null {
  return written === undefined ? null : { per: written.per, max: written.max, inMs: written.in };
}

function brakeOf(written: Written["stormBrake"]): StormBrake | null {
  return written === undefined ? null : { services: written.services, inMs: written.in };
}

/** One issue as people need it: at the very key, whichever form of it they meant. */
function issuesOf(
  issue: z.core.$ZodIssue,
  parent: readonly (string | number)[],
  within: unknown,
  keyMeant: KeyMeant,
): PolicyIssue[] {
  const path = [...parent, ...issue.path.filter((part) => typeof part !== "symbol")];
  const value = issue.path.reduce<unknown>(
    (at, part) =>
      typeof at === "object" && at !== null && typeof part !== "symbol"
        ? own(at as JsonObject, part)
        : undefined,
    within,
  );
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const meant = keyMeant([...path, key]);
      const cure = meant === null ? "" : `; did you mean \`${meant}\`?`;
      return { path: [...path, key], message: `unknown key \`${key}\`${cure}` };
    });
  }
  if (issue.code === "invalid_union") {
    const meant = issue.errors[formMeant(path, value)];
    if (meant !== undefined) return meant.flatMap((one) => issuesOf(one, path, value, keyMeant));
  }
  return [{ path, message: issueText(issue.message) }];
}

/** Which form of a union somebody meant, by its place in the schema; -1 when nobody can tell. */
function formMeant(path: readonly (string | number)[], value: unknown): number {
  if (path[0] === "fusion" || path.includes("tags")) return -1;
  const isEntry = typeof value === "object" && value !== null && !Array.isArray(value);
  if (path[path.length - 1] === "tolerance") return isEntry ? 1 : 0;
  if (path[0] !== "assign" || path.length > 2) return Array.isArray(value) ? 1 : 0;
  return isEntry ? ("otherwise" in value ? 1 : 0) : -1;
}

/** Entries in the order of their names, so that the order in the file means nothing. */
function byName<Value>(record: JsonObject<Value>): [string, Value][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
