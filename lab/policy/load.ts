/**
 * Policy files: YAML in, a checked `Policy` out. Every problem names file, line and
 * column, and all of them are reported at once.
 */

import { createHash } from "node:crypto";
import { dirname, isAbsolute, join, resolve } from "node:path";
import {
  mergeLayers,
  own,
  parsePolicy,
  smellsOf,
  type JsonObject,
  type Origin,
  type Policy,
} from "../../engine/index.ts";
import { POLICY_LIMITS, PROBLEMS_SHOWN } from "../limits.ts";
import { Problem, Problems } from "../problem.ts";
import { parseYaml, placeIn, readText, type Written } from "../yaml.ts";

export function sha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The longest chain of `extends`: organisation, team and service are three files. */
const LONGEST_CHAIN = 8;

/** One policy of an `extends` chain, as written in a file. */
interface Layer extends Written {
  readonly file: string;
  /** The policy's path within the file; empty where the policy is the whole file. */
  readonly under: Origin["path"];
}

/** A policy, and the place at which each of its keys is written. */
export interface PlacedPolicy {
  readonly policy: Policy;
  /** `file:line` of a key; null where no file has it and the default applies. */
  readonly lineOf: (path: Origin["path"]) => string | null;
  /** Likely mistakes: settings that are allowed but rarely intended, each with its place. */
  readonly smells: () => readonly Problem[];
}

/** Reads and checks a policy file and all that it extends. @throws Problems with every mistake */
export function loadPolicy(file: string): Policy {
  return loadPlacedPolicy(file).policy;
}

export function loadPlacedPolicy(file: string): PlacedPolicy {
  return placedPolicy(
    readText(file, "policy file", "Give the path of a policy, a YAML file.", POLICY_LIMITS.letters),
    file,
  );
}

/** @param file where the text is from: for messages, and as the base of a relative `extends` */
export function policyFromText(text: string, file: string): Policy {
  return placedPolicy(text, file).policy;
}

/** Reads a policy that is part of another document, such as a scenario. */
export function policyWithin(written: Written, under: Origin["path"], file: string): Policy {
  return placedLayers({ file, under, ...written }).policy;
}

function placedPolicy(text: string, file: string): PlacedPolicy {
  return placedLayers(layerOf(text, file));
}

function placedLayers(leaf: Layer): PlacedPolicy {
  const layers = chainOf(leaf);
  const { written, issues, originOf } = mergeLayers(layers.map(valueOf));
  const parsed = parsePolicy(written, sha256);
  const parsedIssues = parsed.issues ?? [];
  const problems = [
    ...issues.map(({ at, message, against, cure }) => {
      const [there, line] = placeOf(layers, against);
      return problemAt(layers, at, `${message} of ${there}:${line}`, cure);
    }),
    // To find where a key is written takes longer the more there are.
    ...parsedIssues
      .slice(0, PROBLEMS_SHOWN)
      .map(({ path, message }) => problemAt(layers, originOf(path), message, undefined, path)),
  ];
  if (parsed.policy === null || problems.length > 0) {
    const left = Math.max(0, parsedIssues.length - PROBLEMS_SHOWN);
    throw new Problems(problems, left);
  }
  const lineOf = (path: Origin["path"]): string | null => {
    if (!isWritten(written, path)) return null;
    const [there, line] = placeOf(layers, originOf(path));
    return `${there}:${line}`;
  };
  const { policy } = parsed;
  const smells = (): Problem[] =>
    smellsOf(policy, (path) => isWritten(written, path)).map(({ path, message, cure }) =>
      problemAt(layers, originOf(path), message, cure, path),
    );
  return { policy, lineOf, smells };
}

function isWritten(written: unknown, path: Origin["path"]): boolean {
  if (path.length === 0) return true;
  if (typeof written !== "object" || written === null) return false;
  const [first, ...rest] = path;
  const found = own(written as JsonObject, first!);
  return found !== undefined && isWritten(found, rest);
}

function layerOf(text: string, file: string): Layer {
  return { file, under: [], ...parseYaml(text, file, POLICY_LIMITS) };
}

function valueOf({ under, ...layer }: Layer): unknown {
  let value = layer.value();
  for (const part of under) {
    value =
      typeof value === "object" && value !== null ? own(value as JsonObject, part) : undefined;
  }
  return value;
}

/** The layer and all that it extends, the outermost policy first. */
function chainOf(leaf: Layer): readonly Layer[] {
  const chain = [leaf];
  for (let layer = leaf; ; layer = chain[0]!) {
    const value = valueOf(layer);
    if (typeof value !== "object" || value === null || !("extends" in value)) break;
    const named = value.extends;
    const [, line, column] = placeOf([layer], { layer: 0, path: ["extends"] });
    const wrong = (what: string, cure: string): Problem =>
      new Problem(`extends: ${what}`, { file: layer.file, line, column, cure });
    if (typeof named !== "string" || named === "") {
      throw wrong("expected a file", "Write the path of a policy, relative to this file.");
    }
    const file = join(dirname(layer.file), named);
    const path = isAbsolute(named) ? named : file;
    if (chain.some((known) => resolve(known.file) === resolve(path))) {
      const circle = [...chain.map((known) => known.file).reverse(), path].join(" → ");
      throw wrong(`goes round in a circle: ${circle}`, "Let the outermost policy extend nothing.");
    }
    if (chain.length === LONGEST_CHAIN) {
      throw wrong(`the chain has more than ${LONGEST_CHAIN} files`, "Put some of them into one.");
    }
    const cure = `It is what ${layer.file}:${line} extends; the path is relative to that file.`;
    chain.unshift(layerOf(readText(path, "policy file", cure, POLICY_LIMITS.letters), path));
  }
  return chain;
}

function problemAt(
  layers: readonly Layer[],
  origin: Origin,
  message: string,
  cure: string | undefined,
  named: Origin["path"] = origin.path,
): Problem {
  const [file, line, column] = placeOf(layers, origin);
  const path = named.join(".");
  const where = { file, line, column, ...(cure === undefined ? {} : { cure }) };
  return new Problem(`${path === "" ? "" : `${path}: `}${message}`, where);
}

function placeOf(layers: readonly Layer[], origin: Origin): [string, number, number] {
  const { file, under, ...written } = layers[origin.layer]!;
  const { line, column } = placeIn(written, [...under, ...origin.path]);
  return [file, line, column];
}
