/**
 * Which way is tighter, key by key. A policy that extends another may tighten what stands
 * here and never loosen it. A key that is absent in the parent leaves the child free; a rule
 * that is there without the key has the default of the schema, and is held to it.
 */

import { own, type JsonObject } from "../json.ts";
import type { TierName } from "../record.ts";
import { formatDuration, formatShare, parseDuration, parseShare } from "./quantity.ts";

type Path = readonly (string | number)[];

interface Direction {
  /** `*` stands for any name. */
  readonly path: readonly string[];
  readonly tighter: "lower" | "higher" | "same";
  readonly read: (written: unknown) => number | null;
  readonly print: (value: number) => string;
  /** What an existing parent means without this key. */
  readonly default?: number;
}

const TIERS: readonly TierName[] = ["full", "override", "approve", "observe"];
const PER: readonly string[] = ["service", "team", "fleet"];
const text = (read: (text: string) => number | null) => (written: unknown) =>
  typeof written === "string" ? read(written) : null;
const position = (list: readonly string[]) =>
  text((word) => (list.includes(word) ? list.indexOf(word) : null));
const share = { read: text(parseShare), print: formatShare };
const duration = { read: text(parseDuration), print: formatDuration };
const count = {
  read: (written: unknown) => (typeof written === "number" ? written : null),
  print: String,
};
const TRUST: readonly string[] = ["count", "refuse"];
const trust = { read: position(TRUST), print: (value: number) => TRUST[value]! };
const flag = {
  read: (written: unknown) => (typeof written === "boolean" ? Number(written) : null),
  print: (value: number) => String(value === 1),
};
const tier = { read: position(TIERS), print: (value: number) => TIERS[value]! };
const per = { read: position(PER), print: (value: number) => PER[value]! };

const DIRECTIONS: readonly Direction[] = [
  { path: ["guardrails", "toleranceAtMost"], tighter: "lower", ...share },
  { path: ["guardrails", "windowAtLeast"], tighter: "higher", ...duration },
  { path: ["guardrails", "rollbackBudget", "per"], tighter: "same", ...per },
  { path: ["guardrails", "rollbackBudget", "max"], tighter: "lower", ...count },
  { path: ["guardrails", "rollbackBudget", "in"], tighter: "higher", ...duration },
  { path: ["guardrails", "cooldown"], tighter: "higher", ...duration },
  { path: ["guardrails", "stormBrake", "services"], tighter: "lower", ...count },
  { path: ["guardrails", "stormBrake", "in"], tighter: "higher", ...duration },
  { path: ["hardGuard", "*", "times"], tighter: "lower", ...count },
  { path: ["hardGuard", "*", "over"], tighter: "lower", default: 0, ...share },
  { path: ["hardGuard", "*", "under"], tighter: "higher", default: 1, ...share },
  { path: ["learning", "atLeast"], tighter: "higher", default: 5, ...count },
  { path: ["learning", "discountAtMost"], tighter: "lower", default: 0.5, ...share },
  { path: ["explore", "probability"], tighter: "lower", ...share },
  { path: ["explore", "upTo"], tighter: "lower", default: 2, ...count },
  { path: ["agents", "*", "from"], tighter: "higher", ...share },
  { path: ["agents", "*", "aloneFrom"], tighter: "higher", default: 1, ...share },
  { path: ["agents", "*", "needsEvidence"], tighter: "higher", default: 0, ...flag },
  { path: ["context", "*", "max"], tighter: "lower", default: 0.5, ...share },
  { path: ["context", "*", "for"], tighter: "lower", default: 7_200_000, ...duration },
  { path: ["context", "*", "tierAtLeast"], tighter: "higher", ...tier },
  { path: ["context", "*", "selfIssued"], tighter: "higher", default: 0, ...trust },
  { path: ["context", "*", "quietsDependants"], tighter: "lower", default: 0, ...flag },
];

export interface Loosening {
  readonly path: Path;
  /** In the parent: the key, or the rule whose default it is. */
  readonly parentPath: Path;
  readonly message: string;
  readonly cure: string;
}

/** Everything that `child` loosens of what `parent` (its parents merged) holds tight. */
export function loosenings(parent: unknown, child: unknown): readonly Loosening[] {
  return [
    ...DIRECTIONS.flatMap((direction) =>
      pathsIn(child, direction.path).flatMap((path) => compare(direction, path, parent, child)),
    ),
    ...aboveCeiling(parent, child),
  ];
}

const CEILING: Path = ["guardrails", "toleranceAtMost"];

/** A signal whose own tolerance is above what the parent lets any tag or mode lift it to. */
function aboveCeiling(parent: unknown, child: unknown): Loosening[] {
  const ceiling = share.read(at(parent, CEILING));
  if (ceiling === null) return [];
  return pathsIn(child, ["signals", "*", "tolerance"]).flatMap((signal) => {
    const inParts = typeof at(child, signal) === "object";
    const path = inParts ? [...signal, "change"] : signal;
    const tolerance = share.read(at(child, path));
    if (tolerance === null || tolerance <= ceiling)
      return inParts ? aFloor(parent, child, signal) : [];
    return [
      {
        path,
        parentPath: CEILING,
        message: `${formatShare(tolerance)} loosens ${formatShare(ceiling)}`,
        cure: `Its parent lets nothing go above that: write ${formatShare(ceiling)} or less.`,
      },
    ];
  });
}

/** A change that is acceptable at any level may be above any share: a ceiling cannot bind it. */
function aFloor(parent: unknown, child: unknown, signal: Path): Loosening[] {
  const path = [...signal, "atLeast"];
  const [before, after] = [parent, child].map((one) => count.read(at(one, path)));
  if (after == null || (before != null && after <= before)) return [];
  const most = before == null ? "leave it out" : `write ${before} or less`;
  return [
    {
      path,
      parentPath: CEILING,
      message: `\`atLeast: ${after}\` has no ceiling, and its parent sets one`,
      cure: `It may be above any share of a small value: ${most}.`,
    },
  ];
}

export type Tightness = "tightened" | "loosened";

/**
 * Which way a value moved, by its path; null where nothing is held or nothing moved.
 * Words stand for themselves, durations are milliseconds and shares fractions.
 */
export function directionOf(
  path: Path,
  before: number | string | null,
  after: number | string | null,
): Tightness | null {
  const direction = DIRECTIONS.find(
    ({ path: pattern }) =>
      pattern.length === path.length &&
      pattern.every((name, index) => name === "*" || name === path[index]),
  );
  if (direction === undefined || direction.tighter === "same") return null;
  const [from, to] = [before, after].map((value) =>
    typeof value === "string" ? direction.read(value) : value,
  );
  if (from == null || to == null || from === to) return null;
  return to < from === (direction.tighter === "lower") ? "tightened" : "loosened";
}

function compare(direction: Direction, path: Path, parent: unknown, child: unknown): Loosening[] {
  const rule = at(parent, path.slice(0, -1));
  if (typeof rule !== "object" || rule === null) return [];
  const written = direction.read(at(parent, path));
  const before = written ?? direction.default ?? null;
  const after = direction.read(at(child, path));
  if (before === null || after === null) return [];
  const isLoose =
    direction.tighter === "lower"
      ? after > before
      : direction.tighter === "higher"
        ? after < before
        : after !== before;
  if (!isLoose) return [];
  const limit = direction.print(before);
  const most = { lower: "at most ", higher: "at least ", same: "" }[direction.tighter];
  return [
    {
      path,
      parentPath: written === null ? path.slice(0, -1) : path,
      message: `${direction.print(after)} loosens ${limit}`,
      cure: `A policy may only tighten what it extends: write ${most}${limit}, or nothing.`,
    },
  ];
}

/** The paths of this pattern that are written. */
function pathsIn(written: unknown, pattern: readonly string[]): readonly Path[] {
  const [first, ...rest] = pattern;
  if (first === undefined) return written === undefined ? [] : [[]];
  if (typeof written !== "object" || written === null) return [];
  const names = first === "*" ? Object.keys(written) : [first];
  return names.flatMap((name) => pathsIn(at(written, [name]), rest).map((path) => [name, ...path]));
}

function at(written: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null ? own(value as JsonObject, name) : undefined,
    written,
  );
}
