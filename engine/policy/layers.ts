/**
 * Policies that extend one another: organisation, team, service.
 *
 * Maps merge by key; a list, a value and a condition replace what the parent says, and so
 * does a detector of another kind. `guardrails.never` alone adds up. The name of a policy is
 * never inherited. The engine gets parsed layers; files and their places are the lab's.
 */

import { authorityLoosened, authorityShifted } from "./floors.ts";
import { jsonObject, type JsonObject } from "../json.ts";
import { loosenings } from "./tighten.ts";
import { isMap, type Path } from "./written.ts";

/** Where something is written: a layer, counted from the root, and the path in it. */
export interface Origin {
  readonly layer: number;
  readonly path: Path;
}

export interface LayerIssue {
  readonly at: Origin;
  readonly message: string;
  /** What it contradicts, in another layer. */
  readonly against: Origin;
  readonly cure: string;
}

export interface MergedLayers {
  readonly written: unknown;
  readonly issues: readonly LayerIssue[];
  /** Of any path of `written`; of one that is not there, its nearest parent. */
  readonly originOf: (path: Path) => Origin;
}

/** @param layers as they are written, the root of the chain first */
export function mergeLayers(layers: readonly unknown[]): MergedLayers {
  const origins = new Map<string, Origin>();
  const issues: LayerIssue[] = [];
  const originOf = (path: Path): Origin => {
    for (let length = path.length; length > 0; length--) {
      const found = origins.get(JSON.stringify(path.slice(0, length)));
      if (found !== undefined) return { ...found, path: [...found.path, ...path.slice(length)] };
    }
    return { layer: layers.length - 1, path };
  };
  let written: unknown = {};
  layers.forEach((content, layer) => {
    if (layers.length > 1 && isMap(content) && isMap(written)) {
      for (const { path, parentPath, message, cure } of [
        ...loosenings(written, content),
        ...authorityLoosened(written, content),
        ...authorityShifted(written, content),
      ]) {
        issues.push({ at: { layer, path }, message, against: originOf(parentPath), cure });
      }
    }
    written = merge(written, withoutHead(content, layer < layers.length - 1), [], layer, origins);
  });
  return { written, issues, originOf };
}

/** Without `extends`, which is done here; a parent also without its name. */
function withoutHead(content: unknown, isParent: boolean): unknown {
  if (!isMap(content)) return content;
  const entries = Object.entries(content);
  return Object.fromEntries(
    entries.filter(([key]) => key !== "extends" && !(isParent && key === "policy")),
  );
}

function merge(
  parent: unknown,
  child: unknown,
  path: Path,
  layer: number,
  origins: Map<string, Origin>,
): unknown {
  const here = (at: Path, from: Path): void => {
    origins.set(JSON.stringify(at), { layer, path: from });
  };
  if (path.join(".") === "guardrails.never" && Array.isArray(parent) && Array.isArray(child)) {
    child.forEach((_, index) => here([...path, parent.length + index], [...path, index]));
    return [...(parent as unknown[]), ...(child as unknown[])];
  }
  if (path.length > 0) {
    // What stood here is not written where it was any more, unless the maps merge.
    here(path, path);
  }
  const replaces = !isMap(parent) || !isMap(child) || isOneThing(parent, child, path);
  if (replaces) {
    if (Array.isArray(child)) child.forEach((_, index) => here([...path, index], [...path, index]));
    if (!isMap(child)) return child;
    forget(path, origins);
  }
  const merged = new Map(Object.entries(replaces ? {} : parent));
  for (const [key, value] of Object.entries(child as object)) {
    merged.set(key, merge(merged.get(key), value, [...path, key], layer, origins));
  }
  return jsonObject(merged);
}

function forget(path: Path, origins: Map<string, Origin>): void {
  const prefix = JSON.stringify(path).slice(0, -1);
  for (const key of origins.keys()) if (key.startsWith(`${prefix},`)) origins.delete(key);
}

/** A condition, and a detector of another kind, are replaced whole. */
function isOneThing(parent: JsonObject, child: JsonObject, path: Path): boolean {
  const last = path[path.length - 1];
  if (last === "when" || last === "fusion") return true;
  return last === "detector" && child["kind"] !== undefined && child["kind"] !== parent["kind"];
}
