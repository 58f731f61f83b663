/**
 * What a scenario expects of a policy, and the comparison with what happened. Every difference has
 * the path of its expectation, so that it can be shown with its line, and be rewritten there.
 */

import { z } from "zod";
import { parseDuration, parseShare, type TierName } from "../../engine/index.ts";
import { formatValue } from "../compare/words.ts";
import { FIELDS, type Field } from "../score/fields.ts";
import { isTime } from "./clock.ts";
import { oneOf } from "./form.ts";

export const ENDS = [
  "healthy",
  "rolledBack",
  "overridden",
  "withdrawn",
  "expired",
  "held",
  "superseded",
  "rollbackFailed",
  "undecidable",
  "missed",
] as const;
const TIERS = ["full", "override", "approve", "observe"] as const satisfies readonly TierName[];
const TIMES = ["detected", "proposed", "decided", "executed", "recovered", "withoutTags"] as const;
const VERDICTS = [
  "better",
  "worse",
  "not distinguishable",
  "too few to tell",
  "no evidence",
] as const;

const time = z
  .string("expected a time, or null for never|Write 23:32:15 or 2026-03-12T23:32:00Z.")
  .refine(isTime, "expected a time|Write 23:32, 23:32:15 or 2026-03-12T23:32:00Z.")
  .nullable();
const oneDeployment = {
  end: oneOf(ENDS).optional(),
  commands: z.array(z.string("expected a line such as 23:33:30 rollBack")).optional(),
  tier: oneOf(TIERS).nullable().optional(),
  mode: z.string().nullable().optional(),
  times: z.partialRecord(oneOf(TIMES), time).optional(),
};
const AMOUNT = "expected an amount|Write a number, 15% or 12m30s.";
const BOUND = "expected an amount or a bound|Write 12, or { atMost: 12 }, { between: [10, 14] }.";
const amount = z.union([z.number(), z.string()], AMOUNT);
const bound = z.union(
  [
    amount,
    z.strictObject({
      atLeast: amount.optional(),
      atMost: amount.optional(),
      between: z.tuple([amount, amount]).optional(),
    }),
  ],
  BOUND,
);

const rollbackWorth = { rollbackCost: bound.optional(), spikeCost: bound.optional() };

/** What to expect of one policy in a scenario with one deployment that is written out. */
export const inlineExpectation = z.strictObject(oneDeployment);

/** What to expect of one policy over a history or a world. */
export const scoredExpectation = z.strictObject({
  scores: z.record(z.string(), bound).optional(),
  against: z.record(z.string(), z.record(z.string(), oneOf(VERDICTS))).optional(),
  deployments: z
    .record(
      z.string(),
      z.strictObject({ ...oneDeployment, ...rollbackWorth }).omit({ commands: true }),
    )
    .optional(),
});

export type InlineExpectation = z.output<typeof inlineExpectation>;
export type ScoredExpectation = z.output<typeof scoredExpectation>;
export type Bound = z.output<typeof bound>;
type OneDeployment = InlineExpectation;
export type Path = readonly (string | number)[];

/** An expectation that differs from what happened. */
export interface Difference {
  /** Relative to the policy's expectation. */
  readonly path: Path;
  readonly expected: readonly string[];
  readonly actual: readonly string[];
  /** The value to write so that the expectation is met. */
  readonly becomes: unknown;
}

/** What happened to one deployment, in the words of an expectation. */
export interface Happened {
  readonly end: string | null;
  readonly commands: readonly string[] | null;
  readonly tier: string | null;
  readonly mode: string | null;
  readonly timesMs: Readonly<Partial<Record<(typeof TIMES)[number], number | null>>>;
}

/** How times are read and written: as times of day of the scenario, or in full. */
export interface Times {
  readonly read: (text: string) => number;
  readonly write: (ms: number) => string;
}

export function deploymentDifferences(
  expected: OneDeployment,
  happened: Happened,
  times: Times,
): Difference[] {
  const found: Difference[] = [];
  const word = (key: "end" | "tier" | "mode"): void => {
    const wanted = expected[key];
    if (wanted === undefined || wanted === happened[key]) return;
    found.push(differenceOf([key], wanted, happened[key]));
  };
  word("end");
  word("tier");
  word("mode");
  const { commands } = expected;
  const given = happened.commands ?? [];
  if (commands !== undefined && !isSame(commands, given)) {
    found.push({ path: ["commands"], expected: commands, actual: given, becomes: given });
  }
  for (const key of TIMES) {
    const wanted = expected.times?.[key];
    if (wanted === undefined) continue;
    const actualMs = happened.timesMs[key] ?? null;
    if ((wanted === null ? null : times.read(wanted)) === actualMs) continue;
    const actual = actualMs === null ? null : times.write(actualMs);
    found.push(differenceOf(["times", key], wanted, actual));
  }
  return found;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((line, index) => line === other[index]);
}

function differenceOf(path: Path, expected: string | null, actual: string | null): Difference {
  const shown = (value: string | null): string[] => [value ?? "(never)"];
  return { path, expected: shown(expected), actual: shown(actual), becomes: actual };
}

/** The field of a scorecard with that name, if any. */
export function fieldOf(name: string): Field | undefined {
  return FIELDS.find((field) => field.name === name);
}

/** `15%`, `12m` or a number, converted to a field's unit; null where it does not fit that unit. */
export function amountOf(unit: Field["unit"], written: number | string): number | null {
  if (typeof written === "number") return written;
  if (unit === "seconds") {
    const ms = parseDuration(written);
    return ms === null ? null : ms / 1000;
  }
  return unit === "share" && written.endsWith("%") ? parseShare(written) : null;
}

/** Every amount in a bound, with its path relative to the bound. */
export function amountsIn(bound: Bound): { path: Path; written: number | string }[] {
  if (typeof bound !== "object") return [{ path: [], written: bound }];
  return Object.entries(bound).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (!Array.isArray(value)) return [{ path: [key], written: value }];
    return value.map((written, index) => ({ path: [key, index], written }));
  });
}

/**
 * Compares a value with a bound; null where the bound holds. An exact amount is compared in the
 * form that a scorecard prints, so that `12.5%` can be copied from there.
 */
export function boundDifference(
  path: Path,
  bound: Bound,
  unit: Field["unit"],
  value: number | null,
): Difference[] {
  const shown = value === null ? "(nothing)" : formatValue(unit, value);
  const text = (written: number | string): string => formatValue(unit, amountOf(unit, written)!);
  if (typeof bound !== "object") {
    if (value !== null && text(bound) === shown) return [];
    const becomes = value === null ? null : written(unit, value, Math.round);
    return [{ path, expected: [text(bound)], actual: [shown], becomes }];
  }
  const found: Difference[] = [];
  const check = (
    at: Path,
    limit: number | string,
    phrase: string,
    holds: (limit: number) => boolean,
    round: (value: number) => number,
  ): void => {
    if (holds(amountOf(unit, limit)!)) return;
    const becomes = value === null ? null : written(unit, value, round);
    found.push({
      path: [...path, ...at],
      expected: [`${phrase} ${text(limit)}`],
      actual: [shown],
      becomes,
    });
  };
  const atLeast = (limit: number): boolean => value !== null && value >= limit;
  const atMost = (limit: number): boolean => value !== null && value <= limit;
  if (bound.atLeast !== undefined) {
    check(["atLeast"], bound.atLeast, "at least", atLeast, Math.floor);
  }
  if (bound.atMost !== undefined) check(["atMost"], bound.atMost, "at most", atMost, Math.ceil);
  if (bound.between !== undefined) {
    const [low, high] = bound.between;
    check(["between", 0], low, "at least", atLeast, Math.floor);
    check(["between", 1], high, "at most", atMost, Math.ceil);
  }
  return found;
}

/** A value in the form in which one would write it into an expectation. */
function written(
  unit: Field["unit"],
  value: number,
  round: (value: number) => number,
): number | string {
  if (unit === "seconds") return formatValue(unit, round(value)).replaceAll(" ", "");
  if (unit === "share") return `${round(value * 1000) / 10}%`;
  return unit === "count" ? round(value) : round(value * 10) / 10;
}
