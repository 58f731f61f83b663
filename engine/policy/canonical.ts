/** Canonical JSON: equal content gives equal text, so that digests can be compared. */

import { own, type JsonObject } from "../json.ts";

/** JSON with sorted keys and no white space: equal content is equal text. A map is an object. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const isMap = value instanceof Map;
    const entries = value as ReadonlyMap<string, unknown> & JsonObject;
    const keys = isMap ? [...entries.keys()] : Object.keys(value);
    let text = "";
    for (const key of keys.sort()) {
      const inner = isMap ? entries.get(key) : own(entries, key);
      if (inner === undefined) continue;
      text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(inner)}`;
    }
    return `{${text}}`;
  }
  return JSON.stringify(value);
}
