/** Changes values in the text of a policy file; comments stay where they are still true. */

import { isNode, isSeq, type Document } from "yaml";
import { PATH_PARTS_AT_MOST, POLICY_LIMITS, VALUE_LIMITS } from "../limits.ts";
import { LimitProblem, Problem } from "../problem.ts";
import { checkIndex } from "../sweep/paths.ts";
import { parseYaml, yamlValue } from "../yaml.ts";
import { withoutUntrue, type Replaced } from "./comments.ts";

export interface PathChange {
  /** `tiers.override.window`, `assign.2.tier`. */
  readonly path: string;
  /** As written in a policy file; null removes the key. */
  readonly value: string | null;
}

/** @throws Problem for a value that is not YAML, or a path that goes through a plain value */
export function changedText(
  text: string,
  changes: readonly PathChange[],
  file = "what-if.yaml",
): string {
  if (changes.length === 0) return text;
  const written = parseYaml(text, file, POLICY_LIMITS);
  const replaced = changes.flatMap(({ path, value }): readonly Replaced[] => {
    const parts = partsOf(path);
    const now = valueIn(written.document, parts);
    return now ===
      (value === null ? undefined : JSON.stringify(yamlValue(value, path, VALUE_LIMITS)))
      ? []
      : [{ path: parts, to: value }];
  });
  if (replaced.length === 0) return text;
  const { document } = parseYaml(withoutUntrue(text, written, replaced), file, POLICY_LIMITS);
  for (const { path, value } of changes) change(document, path, value);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** What stands there as JSON; undefined: nothing. */
function valueIn(document: Document, path: readonly string[]): string | undefined {
  const node = document.getIn(path, true);
  return isNode(node) ? JSON.stringify(node.toJS(document, { maxAliasCount: -1 })) : undefined;
}

function partsOf(path: string): readonly string[] {
  const parts = path.split(".");
  if (parts.length > PATH_PARTS_AT_MOST) {
    throw new LimitProblem(`${path}: more than ${PATH_PARTS_AT_MOST} parts`, {
      cure: "Name a place in the policy, such as tiers.override.window.",
    });
  }
  return parts;
}

function change(document: Document, path: string, value: string | null): void {
  const parts = partsOf(path);
  if (parts[0] === "extends") {
    throw new Problem("extends: what a policy rests on is not changed here", {
      cure: "Change the policy file.",
    });
  }
  parts.forEach((_, index) => {
    const list = index === 0 ? document.contents : document.getIn(parts.slice(0, index), true);
    if (isSeq(list)) checkIndex(list.items, parts, index);
  });
  try {
    if (value === null) {
      if (document.hasIn(parts)) document.deleteIn(parts);
    } else document.setIn(parts, plain(document, path, value));
  } catch (error) {
    if (error instanceof LimitProblem) throw error;
    const why = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw new Problem(`${path}: ${why}`, {
      cure: "The path and its value are written as in the policy file.",
    });
  }
}

/** Parses a value as it is written in a policy file. */
function plain(document: Document, path: string, text: string): unknown {
  const value = yamlValue(text, path, VALUE_LIMITS);
  return typeof value === "object" && value !== null
    ? document.createNode(value, { flow: true })
    : value;
}
