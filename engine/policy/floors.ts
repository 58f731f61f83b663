/**
 * What a parent's `assign` says about particular deployments is a floor: a policy that
 * extends it may give the machine less authority over them, never more. `otherwise` is a
 * default, and the child's to change.
 *
 * First match wins, so rules cannot be held against one another in pairs. Every deployment
 * that either list can tell from another is looked at instead: for each key the values that
 * are written somewhere and one that is written nowhere.
 */

import type { TierName } from "../record.ts";
import type { Assignment } from "./policy.ts";
import { isStricter } from "./resolve.ts";
import type { Loosening } from "./tighten.ts";

type Path = readonly (string | number)[];

/** An `assign` rule as it is written: lists of values by key, a tag as `tags.NAME`. */
interface Rule {
  readonly when: ReadonlyMap<string, readonly string[]> | null;
  readonly tier: TierName;
}

/** A deployment as far as the rules can see it; null is a value that no rule names. */
type Sample = ReadonlyMap<string, string | null>;

const TIERS: readonly unknown[] = ["full", "override", "approve", "observe"];
/** Beyond this many deployments the lists are too long to be sure; nothing is refused then. */
const SAMPLES_AT_MOST = 200_000;

/** Where a child's `assign` gives more authority than a parent's rule allows, by pair of rules. */
export function authorityLoosened(parent: unknown, child: unknown): readonly Loosening[] {
  const floors = rulesOf(parent);
  const rules = rulesOf(child);
  if (floors === null || rules === null || floors.every(({ when }) => when === null)) return [];
  const found = new Map<string, Loosening>();
  for (const sample of samplesOf([...floors, ...rules])) {
    const at = floors.findIndex((rule) => holds(rule, sample));
    const by = rules.findIndex((rule) => holds(rule, sample));
    const floor = floors[at];
    const rule = rules[by];
    if (floor === undefined || floor.when === null || rule === undefined) continue;
    if (!isStricter(floor.tier, rule.tier)) continue;
    const key = `${at} ${by}`;
    if (!found.has(key)) found.set(key, loosening(by, at, rule, floor, sample));
  }
  return [...found.values()];
}

/** The rules that are never the first to match: earlier ones take all they would. */
export function neverFirst(assign: readonly Assignment[]): readonly number[] {
  const rules = assign.map(({ when, tier }) => ({
    when: when === null ? null : conditionOf(when as Readonly<Record<string, unknown>>),
    tier,
  }));
  const first = new Set<number>();
  let any = false;
  for (const sample of samplesOf(rules)) {
    any = true;
    first.add(rules.findIndex((rule) => holds(rule, sample)));
  }
  return any ? rules.map((_, index) => index).filter((index) => !first.has(index)) : [];
}

function loosening(by: number, at: number, rule: Rule, floor: Rule, sample: Sample): Loosening {
  const path: Path = ["assign", by, rule.when === null ? "otherwise" : "tier"];
  const whose = [...floor.when!.keys()].map((key) => `${key} ${sample.get(key) ?? "other"}`);
  return {
    path,
    parentPath: ["assign", at, "tier"],
    message: `${rule.tier} for ${whose.join(", ")} loosens ${floor.tier}`,
    cure: `Repeat the parent's rule before this one, with ${floor.tier} or a stricter tier.`,
  };
}

/** Null where it is no list of rules: the schema says what is wrong with it. */
function rulesOf(written: unknown): readonly Rule[] | null {
  const list = isMap(written) ? written["assign"] : undefined;
  if (!Array.isArray(list)) return null;
  const rules: Rule[] = [];
  for (const one of list as unknown[]) {
    if (!isMap(one)) return null;
    const tier = one["otherwise"] ?? one["tier"];
    if (!TIERS.includes(tier)) return null;
    const when = one["when"];
    if (when !== undefined && !isMap(when)) return null;
    rules.push({ when: when === undefined ? null : conditionOf(when), tier: tier as TierName });
  }
  return rules;
}

function conditionOf(when: Readonly<Record<string, unknown>>): Map<string, readonly string[]> {
  const condition = new Map<string, readonly string[]>();
  const add = (key: string, value: unknown): unknown =>
    condition.set(key, (Array.isArray(value) ? (value as unknown[]) : [value]).map(String));
  for (const [key, value] of Object.entries(when)) {
    if (value === undefined) continue;
    if (key !== "tags" || !isMap(value)) add(key, value);
    else for (const [name, one] of Object.entries(value)) add(`tags.${name}`, one);
  }
  return condition;
}

function holds({ when }: Rule, sample: Sample): boolean {
  if (when === null) return true;
  return [...when].every(([key, values]) => {
    const value = sample.get(key) ?? null;
    if (!key.startsWith("tags.")) return value !== null && values.includes(value);
    // A tag that is absent is the one that no rule names.
    const [wanted] = values;
    if (wanted === "false") return value === null || value === "false";
    return value !== null && (value === wanted || wanted === "*");
  });
}

function* samplesOf(rules: readonly Rule[]): Generator<Sample> {
  const values = new Map<string, Set<string | null>>();
  for (const { when } of rules) {
    for (const [key, list] of when ?? []) {
      const known = values.get(key) ?? new Set<string | null>([null]);
      // Any value of a tag will do where `*` is written.
      for (const value of list) known.add(value === "*" ? "true" : value);
      values.set(key, known);
    }
  }
  const keys = [...values].map(([key, known]) => [key, [...known]] as const);
  const count = keys.reduce((product, [, known]) => product * known.length, 1);
  if (count > SAMPLES_AT_MOST) return;
  for (let index = 0; index < count; index++) {
    let rest = index;
    const sample = new Map<string, string | null>();
    for (const [key, known] of keys) {
      sample.set(key, known[rest % known.length]!);
      rest = Math.floor(rest / known.length);
    }
    yield sample;
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
