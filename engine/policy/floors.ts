/**
 * What a parent's `assign` says about particular deployments is a floor: a policy that
 * extends it may give the machine less authority over them, never more. `otherwise` is a
 * default, and the child's to change.
 *
 * The first rule that matches decides, so rules cannot be compared in pairs. Instead every kind of
 * deployment is tried that the rules can tell apart: for each key all values that are written in
 * any rule, and one that is written in none.
 */

import { own, type JsonObject } from "../json.ts";
import type { TierName } from "../record.ts";
import type { Assignment } from "./policy.ts";
import { isStricter } from "./resolve.ts";
import type { Loosening } from "./tighten.ts";
import { isMap, type Path } from "./written.ts";

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

/** What a mode or a stage makes of a tier; `from` null: of any but `observe`. */
interface Shift {
  readonly path: Path;
  readonly rule: Rule;
  readonly from: TierName | null;
}

/**
 * Where a child's mode or stage gives more authority than a parent's rule allows to what the
 * rule matches. What the parent's own mode or stage gives as well is the parent's doing.
 */
export function authorityShifted(parent: unknown, child: unknown): readonly Loosening[] {
  const floors = rulesOf(parent);
  const rules = rulesOf(child) ?? floors;
  const shifts = shiftsOf(child);
  if (floors === null || rules === null || shifts.length === 0) return [];
  const inherited = shiftsOf(parent);
  const all = [...inherited, ...shifts];
  const found = new Map<string, Loosening>();
  for (const sample of samplesOf([...floors, ...rules, ...all.map(({ rule }) => rule)])) {
    const at = floors.findIndex((rule) => holds(rule, sample));
    const floor = floors[at];
    const start = rules.find((rule) => holds(rule, sample));
    if (floor === undefined || floor.when === null || start === undefined) continue;
    const here = all.filter(({ rule }) => holds(rule, sample));
    const tiers = tiersFrom(start.tier, here);
    shifts.forEach((shift, index) => {
      const { rule, path } = shift;
      if (!here.includes(shift) || !isStricter(floor.tier, rule.tier)) return;
      if (![...tiers].some((tier) => applies(shift, tier) && !isStricter(floor.tier, tier))) return;
      if (inherited.some((one) => isSame(one.path, path) && !isStricter(one.rule.tier, rule.tier)))
        return;
      const key = `${index} ${at}`;
      if (found.has(key)) return;
      const { message, parentPath } = loosening(0, at, rule, floor, sample);
      const cure = `Leave these out with a \`when\`, or go no further than ${floor.tier}.`;
      found.set(key, { path, parentPath, message, cure });
    });
  }
  return [...found.values()];
}

function applies({ from }: Shift, tier: TierName): boolean {
  return from === null ? tier !== "observe" : from === tier;
}

function isSame(one: Path, other: Path): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Every tier that a deployment may come to have, in whatever company the shifts are. */
function tiersFrom(start: TierName, shifts: readonly Shift[]): ReadonlySet<TierName> {
  const tiers = new Set([start]);
  // Iterating over a set also visits what is added meanwhile.
  for (const tier of tiers) {
    for (const shift of shifts) if (applies(shift, tier)) tiers.add(shift.rule.tier);
  }
  return tiers;
}

function shiftsOf(written: unknown): readonly Shift[] {
  const shifts: Shift[] = [];
  const add = (path: Path, when: unknown, from: unknown, to: unknown): void => {
    if (!TIERS.includes(to) || (from !== null && !TIERS.includes(from))) return;
    const condition = isMap(when) ? conditionOf(when) : null;
    const rule = { when: condition, tier: to as TierName };
    shifts.push({ path, rule, from: from as TierName | null });
  };
  for (const list of ["modes", "stages"]) {
    for (const [name, one] of entriesOf(written, list)) {
      for (const [from, to] of entriesOf(one, "tier")) {
        add([list, name, "tier", from], (one as { when?: unknown }).when, from, to);
      }
      for (const [signal, own] of list === "stages" ? entriesOf(one, "signals") : []) {
        if (isMap(own)) add([list, name, "signals", signal, "tier"], null, null, own["tier"]);
      }
    }
  }
  return shifts;
}

function entriesOf(written: unknown, key: string): readonly (readonly [string, unknown])[] {
  const value = isMap(written) ? own(written, key) : undefined;
  return isMap(value) ? Object.entries(value) : [];
}

/** The rules that are never the first to match: earlier ones take all they would. */
export function neverFirst(assign: readonly Assignment[]): readonly number[] {
  const rules = assign.map(({ when, tier }) => ({
    when: when === null ? null : conditionOf(when as JsonObject),
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

function conditionOf(when: JsonObject): Map<string, readonly string[]> {
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
