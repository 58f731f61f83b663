/** Which key somebody meant. Asked only of a policy that is wrong already. */

import { own, type JsonObject } from "../json.ts";
import { policyJsonSchema } from "./schema/jsonSchema.ts";

/** Letters that may differ: more is another word. */
const MISTYPED_AT_MOST = 2;

/** No key of the language is as long, so a longer one is not compared with them. */
const LONGEST_KEY = 40;

export type KeyMeant = (path: readonly (string | number)[]) => string | null;

/**
 * Finds the key of the language nearest to a misspelt one at a path; null where none is near. The
 * schema is made with the first question and serves them all: a file may have thousands.
 */
export function keysMeant(): KeyMeant {
  let schema: unknown = null;
  return (path) => nearestKey((schema ??= policyJsonSchema()), path);
}

function nearestKey(schema: unknown, path: readonly (string | number)[]): string | null {
  const misspelt = String(path[path.length - 1]);
  if (misspelt.length > LONGEST_KEY) return null;
  const near = keysAt(schema, path.slice(0, -1))
    .map((key) => ({ key, edits: editsBetween(key.toLowerCase(), misspelt.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  if (near === undefined || near.edits > Math.min(MISTYPED_AT_MOST, misspelt.length / 2))
    return null;
  return near.key;
}

function keysAt(node: unknown, path: readonly (string | number)[]): readonly string[] {
  if (typeof node !== "object" || node === null) return [];
  const { properties, additionalProperties, items, anyOf } = node as JsonObject;
  const known = (properties ?? {}) as JsonObject;
  const forms = Array.isArray(anyOf) ? anyOf.flatMap((form) => keysAt(form, path)) : [];
  const [first, ...rest] = path;
  if (first === undefined) return [...Object.keys(known), ...forms];
  const inner = typeof first === "number" ? items : (own(known, first) ?? additionalProperties);
  return [...keysAt(inner, rest), ...forms];
}

/** Levenshtein's distance: letters put in, left out or changed. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
