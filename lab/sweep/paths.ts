/** Paths into a policy: which keys there are, their present values, and what a typo meant. */

import {
  formatDuration,
  formatNumber,
  own,
  type Policy,
  type JsonObject,
} from "../../engine/index.ts";
import { LimitProblem } from "../problem.ts";

/** A policy file as plain values. */
export type Tree = JsonObject;

/** The fields that hold the name of an entry: a map in the file is a list after parsing. */
const NAMES = ["name", "tag"] as const;

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function writtenAt(tree: Tree, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, part) => {
    if (Array.isArray(at)) return at[Number(part)] as unknown;
    return isTree(at) ? own(at, part) : undefined;
  }, tree);
}

/** The same place in the parsed policy, where defaults are filled in. */
function parsedAt(policy: Policy, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, part) => {
    if (Array.isArray(at)) {
      return at.find((one) => isTree(one) && NAMES.some((name) => one[name] === part)) as unknown;
    }
    if (!isTree(at)) return undefined;
    return Object.hasOwn(at, part) ? own(at, part) : own(at, `${part}Ms`);
  }, policy);
}

/**
 * A list takes what is in it and one more: `assign.99999999.tier` would be a list of as many.
 *
 * @throws Problem where `path[index]` is no place of the list `at`
 */
export function checkIndex(at: unknown, path: readonly string[], index: number): void {
  if (!Array.isArray(at)) return;
  const part = path[index]!;
  if (/^(0|[1-9]\d{0,8})$/.test(part) && Number(part) <= at.length) return;
  const list = path.slice(0, index).join(".");
  throw new LimitProblem(`${path.join(".")}: ${list} has ${at.length} entries`, {
    cure: `Write ${list}.0 to ${list}.${at.length}; the last of them adds one.`,
  });
}

/** The keys at a place: those that are written and those that have a default. */
export function childrenOf(tree: Tree, policy: Policy, path: readonly string[]): string[] {
  const written = writtenAt(tree, path);
  const parsed = parsedAt(policy, path);
  const names = new Set(isTree(written) || Array.isArray(written) ? Object.keys(written) : []);
  if (Array.isArray(parsed)) {
    for (const one of parsed) {
      const name = isTree(one)
        ? NAMES.map((key) => one[key]).find((key) => key !== undefined)
        : null;
      if (typeof name === "string") names.add(name);
    }
  } else if (isTree(parsed)) {
    // `evidence` is what parsing makes of `changeFailureRate` and the weights.
    const hidden = path.length === 0 ? ["digest", "evidence"] : ["name", "tag"];
    if (path.length === 0) names.add("changeFailureRate");
    for (const key of Object.keys(parsed)) {
      if (!hidden.includes(key)) names.add(key.replace(/Ms$/, ""));
    }
  }
  return [...names];
}

/** The base's value at a path as text: as it is written, or its default. */
export function oldValue(tree: Tree, policy: Policy, path: readonly string[]): string {
  const written = writtenAt(tree, path);
  if (written !== undefined) return shown(written);
  const parent = parsedAt(policy, path.slice(0, -1));
  const key = path.at(-1)!;
  if (!isTree(parent)) return "(nothing)";
  if (Object.hasOwn(parent, key)) return shown(own(parent, key));
  const ms = own(parent, `${key}Ms`);
  return typeof ms === "number" ? (ms === 0 ? "0s" : formatDuration(ms)) : "(nothing)";
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "(nothing)";
  if (typeof value === "number") return formatNumber(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The known name that is at most a third of its letters away; null where none is. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const one of known) {
    const edits = editDistance(name.toLowerCase(), one.toLowerCase());
    if (edits < least && edits <= Math.max(1, Math.ceil(one.length / 3))) {
      least = edits;
      best = one;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[b.length]!;
}
