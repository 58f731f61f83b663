/**
 * The policies of a sweep: the base with other values at the varied paths, each checked
 * by the parser that checks every policy file.
 */

import { stringify } from "yaml";
import {
  parsePolicy,
  own,
  put,
  type Policy,
  type PolicyIssue,
  type JsonObject,
} from "../../engine/index.ts";
import { policyFromText, sha256 } from "../policy/load.ts";
import { POLICY_LIMITS, SWEPT_AT_MOST } from "../limits.ts";
import { LimitProblem, Problem, Problems } from "../problem.ts";
import { readText, yamlValue } from "../yaml.ts";
import { valueText, type Dimension } from "./dimension.ts";
import { checkIndex, childrenOf, nearest, oldValue, type Tree } from "./paths.ts";
import { sobol, SOBOL_DIMENSIONS } from "./sobol.ts";

export interface Change {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

export interface Variation {
  readonly name: string;
  readonly policy: Policy;
  /** What differs from the base, path by path. */
  readonly changes: readonly Change[];
  /** How many of the varied paths differ from the base. */
  readonly distance: number;
  /** By dimension, from 0 to 1 within its range: whose neighbour is whose. */
  readonly place: readonly number[];
  /** By dimension: the place of its value in the list; null where the range is continuous. */
  readonly steps: readonly (number | null)[];
  /** By dimension: its value, as a policy file writes it. */
  readonly values: readonly string[];
}

export interface Design {
  readonly kind: "grid" | "sobol";
  readonly points: number;
  readonly seed: number;
}

export interface Base {
  readonly file: string;
  readonly tree: Tree;
  readonly policy: Policy;
}

export function openBase(file: string): Base {
  return baseOf(
    readText(
      file,
      "policy file",
      "Give --policy the path of a policy file.",
      POLICY_LIMITS.letters,
    ),
    file,
  );
}

/** @param file of the text: for messages, and `extends` is relative to it */
export function baseOf(text: string, file: string): Base {
  return {
    file,
    policy: policyFromText(text, file),
    tree: yamlValue(text, file, POLICY_LIMITS) as Tree,
  };
}

/**
 * All variations of the base, without those that mean the same as an earlier one or as
 * the base itself.
 *
 * @throws Problem for a path that no policy has, or a value it does not take
 */
export function variationsOf(
  base: Base,
  dimensions: readonly Dimension[],
  design: Design,
): Variation[] {
  checkDesign(dimensions, design);
  const expanded = dimensions.map(({ path }) => expand(base, path));
  // One at a time first: what is wrong is then said of the option that is wrong.
  dimensions.forEach((dimension, index) => {
    const tried = dimension.values ?? [dimension.at(0), dimension.at(1 - 2 ** -20)];
    for (const value of tried) checkValue(base, dimension, expanded[index]!, value);
  });
  const changeOf = changesOf(base);
  const seen = new Set([base.policy.digest]);
  const variations: Variation[] = [];
  for (const point of pointsOf(dimensions, design)) {
    const tree = structuredClone(base.tree);
    const changes: Change[] = [];
    let distance = 0;
    dimensions.forEach((_, index) => {
      const { value } = point[index]!;
      const before = changes.length;
      for (const path of expanded[index]!) {
        // A later path may lead into it.
        setAt(tree, path, structuredClone(value));
        const change = changeOf(path, value, dimensions[index]!);
        if (change !== null) changes.push(change);
      }
      if (changes.length > before) distance++;
    });
    const policy = policyOf(base.file, tree);
    if (seen.has(policy.digest)) continue;
    seen.add(policy.digest);
    const name = point
      .map(
        ({ value }, index) =>
          `${shortName(dimensions, index)}=${valueText(dimensions[index]!, value)}`,
      )
      .join(" ");
    variations.push({
      name,
      policy,
      changes,
      distance,
      place: point.map(({ place }) => place),
      steps: point.map(({ step }) => step),
      values: point.map(({ value }, index) => valueText(dimensions[index]!, value)),
    });
  }
  return variations;
}

/** What a value changes at a path; null where it says in other words what is there. */
function changesOf(
  base: Base,
): (path: readonly string[], value: unknown, dimension: Dimension) => Change | null {
  const known = new Map<string, Change | null>();
  return (path, value, dimension) => {
    const key = JSON.stringify([path, value]);
    let change = known.get(key);
    if (change === undefined) {
      const tree = structuredClone(base.tree);
      setAt(tree, path, value);
      const from = dimension.say === undefined ? oldValue(base.tree, base.policy, path) : "as now";
      const to = valueText(dimension, value);
      const isSame = tried(base.file, tree)?.digest === base.policy.digest;
      known.set(key, (change = isSame ? null : { path: path.join("."), from, to }));
    }
    return change;
  };
}

/** Null where the parser refuses it: a value may be right only together with others. */
function tried(file: string, tree: Tree): Policy | null {
  try {
    return policyOf(file, tree);
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** The base with one tier for everybody; guardrails stay. */
export function withTier(base: Base, tier: "full" | "override" | "approve"): Policy {
  const tree = structuredClone(base.tree);
  put(tree, "assign", [{ otherwise: tier }]);
  const entries = (block: string): Tree[] =>
    Object.values((own(tree, block) ?? {}) as Tree) as Tree[];
  for (const mode of entries("modes")) Reflect.deleteProperty(mode, "tier");
  for (const rule of entries("context")) Reflect.deleteProperty(rule, "tierAtLeast");
  return policyOf(base.file, tree);
}

interface Coordinate {
  readonly value: unknown;
  readonly place: number;
  readonly step: number | null;
}

function* pointsOf(dimensions: readonly Dimension[], design: Design): Generator<Coordinate[]> {
  if (design.kind === "sobol") {
    for (const point of sobol(design.points, dimensions.length, design.seed)) {
      yield point.map((place, index): Coordinate => {
        const { values, at } = dimensions[index]!;
        const step = values === null ? null : Math.floor(place * values.length);
        return { value: at(place), place, step };
      });
    }
    return;
  }
  const total = gridSize(dimensions);
  for (let index = 0; index < total; index++) {
    let rest = index;
    const point = [...dimensions].reverse().map(({ values }): Coordinate => {
      const step = rest % values!.length;
      rest = Math.floor(rest / values!.length);
      return { value: values![step], place: step / Math.max(1, values!.length - 1), step };
    });
    yield point.reverse();
  }
}

/**
 * Is it a design that can be swept? Asked before any policy is made.
 *
 * @throws Problem where it is too large, or its dimensions do not suit it
 */
export function checkDesign(
  dimensions: readonly Dimension[],
  { kind, points }: Pick<Design, "kind" | "points">,
): void {
  if (kind === "sobol") {
    if (dimensions.length > SOBOL_DIMENSIONS) {
      throw new Problem(`a Sobol design takes at most ${SOBOL_DIMENSIONS} --vary`, {
        cure: "Vary fewer paths, or several at once with `*`.",
      });
    }
    if (points <= SWEPT_AT_MOST) return;
    throw new LimitProblem(`${points} points: at most ${SWEPT_AT_MOST} policies are swept`, {
      cure: "Take fewer --points; 512 are enough for most questions.",
    });
  }
  const continuous = dimensions.find(({ values }) => values === null);
  if (continuous !== undefined) {
    throw new Problem(`--vary ${continuous.path}: a grid needs the number of steps`, {
      cure: "Add /COUNT to the range, or use --design sobol.",
    });
  }
  const total = gridSize(dimensions);
  if (total <= SWEPT_AT_MOST) return;
  throw new LimitProblem(`this grid has ${total} policies, at most ${SWEPT_AT_MOST} are swept`, {
    cure: "Take fewer steps, or use --design sobol --points 512.",
  });
}

function gridSize(dimensions: readonly Dimension[]): number {
  return dimensions.reduce((product, { values }) => product * values!.length, 1);
}

/**
 * The base with other values at some paths (`*` stands for every key at its place).
 *
 * @throws Problem for a path that no policy has, or a value it does not take
 */
export function changed(base: Base, values: JsonObject): Base {
  const tree = structuredClone(base.tree);
  for (const [path, value] of Object.entries(values)) {
    const paths = expand(base, path);
    checkValue(base, { path }, paths, value);
    for (const one of paths) setAt(tree, one, value);
  }
  return { file: base.file, tree, policy: policyOf(base.file, tree) };
}

/** @throws Problem when these values are no policy */
export function policyOf(file: string, tree: Tree): Policy {
  if ("extends" in tree) return policyFromText(stringify(tree), file);
  const parsed = parsePolicy(tree, sha256);
  if (parsed.policy !== null) return parsed.policy;
  const [issue] = parsed.issues as [PolicyIssue, ...PolicyIssue[]];
  throw new Problem(`${issue.path.join(".")}: ${issue.message}`, {
    file,
    cure: "This combination of values is not allowed; narrow the range of one of them.",
  });
}

/** What a policy says at a path, as text; null where a `*` stands for paths that differ. */
export function valueNow(base: Base, path: string): string | null {
  const values = expand(base, path).map((one) => oldValue(base.tree, base.policy, one));
  const [first] = values;
  return first !== undefined && values.every((one) => one === first) ? first : null;
}

/** Every path that one with `*` stands for. */
function expand(base: Base, path: string): (readonly string[])[] {
  let found: string[][] = [[]];
  for (const part of path.split(".")) {
    found = found.flatMap((parent) =>
      part === "*"
        ? childrenOf(base.tree, base.policy, parent).map((child) => [...parent, child])
        : [[...parent, part]],
    );
  }
  if (found.length === 0) {
    throw new Problem(`--vary ${path}: nothing stands where the * is`, {
      file: base.file,
      cure: "Name a key of the policy, such as signals.*.hold.",
    });
  }
  return found;
}

function checkValue(
  base: Base,
  dimension: Pick<Dimension, "path" | "say">,
  paths: readonly (readonly string[])[],
  value: unknown,
): void {
  const tree = structuredClone(base.tree);
  for (const path of paths) {
    setAt(tree, path, value, () => {
      throw new Problem(`--vary ${dimension.path}: ${path.join(".")} leads through a value`, {
        file: base.file,
        cure: `Known here: ${childrenOf(base.tree, base.policy, path.slice(0, 1)).join(", ")}.`,
      });
    });
  }
  const issue = firstIssue(base.file, tree);
  if (issue === null) return;
  const parent = issue.path.slice(0, -1).map(String);
  const wrongName = /^unknown key/.test(issue.message) || !knows(base, paths[0]!);
  if (!wrongName) {
    throw new Problem(`--vary ${dimension.path}=${valueText(dimension, value)}: ${issue.message}`, {
      cure: `At ${issue.path.join(".")}. The values are written as in the policy file.`,
    });
  }
  // A rule of another form is told by keys that nobody wrote: what was written is what is wrong.
  const at = firstUnknown(base, paths[0]!);
  const where = at === null ? parent : at.slice(0, -1);
  const name = at === null ? String(issue.path.at(-1)) : at.at(-1)!;
  const known = childrenOf(base.tree, base.policy, where);
  const near = nearest(name, known);
  throw new Problem(
    `--vary ${dimension.path}: no key \`${name}\` in a policy's ${where.join(".") || "top level"}`,
    {
      cure: cureOf(where, known, near),
    },
  );
}

function cureOf(where: readonly string[], known: readonly string[], near: string | null): string {
  if (near !== null) return `Did you mean ${[...where, near].join(".")}?`;
  const place = where.join(".");
  return known.length > 0
    ? `It has ${known.join(", ")}.`
    : `This policy says nothing there; give it whole, such as --vary '${place}={ … }'.`;
}

/** What is wrong with a policy of these values; null where nothing is. */
function firstIssue(file: string, tree: Tree): PolicyIssue | null {
  if (!("extends" in tree)) return parsePolicy(tree, sha256).issues?.[0] ?? null;
  try {
    policyFromText(stringify(tree), file);
    return null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // Its line is one of a file that nobody wrote.
    const { what } = error instanceof Problems ? error.all[0]! : error;
    const [, path = "", message = what] = /^([\w.]+): (.*)$/s.exec(what) ?? [];
    return { path: path.split("."), message };
  }
}

function firstUnknown(base: Base, path: readonly string[]): readonly string[] | null {
  for (let length = 1; length <= path.length; length++) {
    const children = childrenOf(base.tree, base.policy, path.slice(0, length - 1));
    if (!children.includes(path[length - 1]!)) return path.slice(0, length);
  }
  return null;
}

function knows(base: Base, path: readonly string[]): boolean {
  return firstUnknown(base, path) === null;
}

/** @throws Problem where the tree would grow beyond what is written: `assign.99999999.tier` */
function setAt(
  tree: Tree,
  path: readonly string[],
  value: unknown,
  blocked: () => never = () => {
    throw new Error(`no place for ${path.join(".")}`);
  },
): void {
  let at = tree;
  path.forEach((part, index) => {
    checkIndex(at, path, index);
    if (index === path.length - 1) {
      put(at, part, value);
      return;
    }
    if (own(at, part) == null) put(at, part, {});
    const next = own(at, part);
    if (typeof next !== "object" || next === null) blocked();
    at = next as Tree;
  });
}

/** The last words of a path that tell it from the other varied ones. */
export function shortName(dimensions: readonly Dimension[], index: number): string {
  const parts = dimensions[index]!.path.split(".");
  for (let length = 1; length < parts.length; length++) {
    const name = parts.slice(-length).join(".");
    const shared = dimensions.filter(({ path }) => path === name || path.endsWith(`.${name}`));
    if (shared.length === 1) return name;
  }
  return parts.join(".");
}
