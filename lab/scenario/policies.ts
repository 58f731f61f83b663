/**
 * Reads the policies of a scenario: from files, written out, or either of them with changed values.
 * They get the scenario's names, because expectations refer to these.
 */

import { existsSync } from "node:fs";
import { dirname, join, relative, isAbsolute } from "node:path";
import { jsonObject, type Policy, type JsonObject } from "../../engine/index.ts";
import { policyWithin } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { parseDimension, valueText } from "../sweep/dimension.ts";
import type { Tree } from "../sweep/paths.ts";
import { changed, openBase, type Base } from "../sweep/variations.ts";
import { placeIn, type Written } from "../yaml.ts";
import type { Path } from "./expectation.ts";
import { variedForm, type ScenarioForm } from "./form.ts";

/** A policy with its name in the scenario. */
export interface NamedPolicy extends Base {
  readonly name: string;
}

/** A scenario file and its content. */
export interface Source extends Written {
  readonly file: string;
  readonly text: string;
}

/** A path that is relative to a scenario file, made relative to the working directory. */
export function besideOf(file: string, named: string): string {
  return isAbsolute(named) ? named : join(dirname(file), named);
}

/** @param complain called with everything that is wrong, once for each policy */
export function policiesOf(
  source: Source,
  written: ScenarioForm,
  complain: (problem: Problem) => void,
): NamedPolicy[] {
  const entries: [string | null, unknown, Path][] =
    written.policies === undefined
      ? [[null, written.policy, ["policy"]]]
      : Object.entries(written.policies).map(([name, entry]) => [name, entry, ["policies", name]]);
  return entries.flatMap(([name, entry, path]) => {
    try {
      return entryOf(source, name, entry, path);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      complain(error);
      return [];
    }
  });
}

function entryOf(source: Source, name: string | null, entry: unknown, path: Path): NamedPolicy[] {
  const at = (key: Path) => ({ file: source.file, ...placeIn(source, [...path, ...key]) });
  if (!isVaried(entry)) return [named(name, baseOf(source, entry, path))];
  const parsed = variedForm.safeParse(entry);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const keys = issue?.code === "unrecognized_keys" ? issue.keys : [];
    throw new Problem(keys.length > 0 ? `unknown key ${keys.join(", ")}` : issue!.message, {
      ...at(keys.slice(0, 1)),
      cure: "Write `{ policy: FILE, set: {…}, vary: {…} }`.",
    });
  }
  const { policy, set, vary } = parsed.data;
  const inPlace = (base: Base, key: Path, values: JsonObject): Base => {
    try {
      return changed(base, values);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new Problem(error.message.replace(/^.*?--vary /s, ""), at(key));
    }
  };
  const base = Object.entries(set).reduce(
    (found, [key, value]) => inPlace(found, ["set", key], jsonObject([[key, value]])),
    baseOf(source, policy, [...path, "policy"]),
  );
  const dimensions = Object.entries(vary).map(([key, values]) => ({
    key,
    values: Array.isArray(values) ? values : (parseDimension(`${key}=${values}`).values ?? []),
  }));
  const empty = dimensions.find(({ values }) => values.length === 0);
  if (empty !== undefined) {
    throw new Problem(`vary ${empty.key}: how many steps?`, {
      ...at(["vary", empty.key]),
      cure: "Write a list of values, or FROM..TO/COUNT.",
    });
  }
  let all: { base: Base; words: string[] }[] = [{ base, words: [] }];
  for (const { key, values } of dimensions) {
    all = all.flatMap((one) =>
      values.map((value) => ({
        base: inPlace(one.base, ["vary", key], jsonObject([[key, value]])),
        words: [...one.words, `${key.split(".").at(-1)!}=${valueText({}, value)}`],
      })),
    );
  }
  return all.map((one) => {
    const own = name ?? one.base.policy.policy;
    return named(one.words.length === 0 ? name : [own, ...one.words].join(" "), one.base);
  });
}

/** Is the entry a policy with changes, rather than a policy written out (which has an owner)? */
function isVaried(entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return false;
  return !("owner" in entry || "signals" in entry || "extends" in entry);
}

function baseOf(source: Source, entry: unknown, path: Path): Base {
  const { file } = source;
  const place = { file, ...placeIn(source, path) };
  if (typeof entry === "string") {
    const policyFile = besideOf(file, entry);
    if (existsSync(policyFile)) return openBase(policyFile);
    throw new Problem(`there is no policy file ${entry}`, {
      ...place,
      cure: `The path is relative to this scenario: ${relative(".", policyFile)} was looked for.`,
    });
  }
  if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
    return { file, tree: entry as Tree, policy: policyWithin(source, path, file) };
  }
  throw new Problem("expected a policy", {
    ...place,
    cure: "Name a policy file, write the policy out, or write `{ policy: FILE, set: {…} }`.",
  });
}

function named(name: string | null, base: Base): NamedPolicy {
  const own = name ?? base.policy.policy;
  return { ...base, name: own, policy: withName(base.policy, own) };
}

/** The policy under another name, for lists of results; its digest stays. */
export function withName(policy: Policy, name: string): Policy {
  return policy.policy === name ? policy : { ...policy, policy: name };
}
