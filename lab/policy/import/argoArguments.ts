/**
 * Arguments of templates: `{{args.name}}` in a metric stands for a value of the template, of the
 * Rollout that uses it, or of the command line, the last of these first.
 */

import type { Problem } from "../../problem.ts";
import { at, isObject, problemAt, type KubernetesObject, type Path } from "./document.ts";

export type Arguments = ReadonlyMap<string, string>;

const PLACEHOLDER = /\{\{([^{}]{1,300})\}\}/g;

export interface Filled {
  readonly text: string;
  /** Names without a value, as in `{{args.name}}`; anything else in braces, as written. */
  readonly open: readonly string[];
}

/** What has no value is left as it is. Values are not looked into again. */
export function fillArguments(text: string, args: Arguments): Filled {
  const open = new Set<string>();
  const filled = text.replaceAll(PLACEHOLDER, (whole: string, tag: string) => {
    const name = tag.trim();
    const value = name.startsWith("args.") ? args.get(name.slice("args.".length)) : undefined;
    if (value === undefined) open.add(name.replace(/^args\./, ""));
    return value ?? whole;
  });
  return { text: filled, open: [...open] };
}

export interface ReadArguments {
  readonly args: Arguments;
  /** All names of the list, also those without a value. */
  readonly declared: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/**
 * The arguments of a list such as `spec.args`: those that it names, as in Argo.
 *
 * @param given values that stand before those of the list; one for a `valueFrom` settles it
 */
export function readArguments(
  object: KubernetesObject,
  path: Path,
  given: Arguments,
): ReadArguments {
  const args = new Map<string, string>();
  const declared = new Set<string>();
  const problems: Problem[] = [];
  const list = at(object.value, path) ?? [];
  const where = (under: Path): { object: KubernetesObject; path: Path } => ({
    object,
    path: [...path, ...under],
  });
  if (!Array.isArray(list)) {
    return { args, declared, problems: [problemAt(where([]), "expected a list of arguments")] };
  }
  for (const [place, one] of list.entries()) {
    const name: unknown = isObject(one) ? one["name"] : undefined;
    if (!isObject(one) || typeof name !== "string") {
      problems.push(problemAt(where([place]), "expected an argument with a name"));
      continue;
    }
    declared.add(name);
    const { value, valueFrom } = one;
    const stands = given.get(name);
    if (stands !== undefined) args.set(name, stands);
    else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      args.set(name, String(value));
    } else if (valueFrom !== undefined && valueFrom !== null) {
      const source = isObject(valueFrom) ? (Object.keys(valueFrom)[0] ?? "nothing") : "nothing";
      const what = `the argument ${name} comes from ${source}, which only the cluster knows`;
      const cure = `Give its value with --arg ${name}=VALUE.`;
      problems.push(problemAt(where([place, "valueFrom"]), what, cure));
    }
  }
  return { args, declared, problems };
}
