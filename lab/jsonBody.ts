/** Parsed JSON that nobody vouches for, a careful look at a time: never an exception. */

/** An object with whatever is in it. */
import { own, type JsonObject } from "../engine/index.ts";

export type Fields = JsonObject;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object inside another, or an empty one. */
export function within(value: Fields, ...path: readonly string[]): Fields {
  let found: unknown = value;
  for (const key of path) found = isFields(found) ? own(found, key) : undefined;
  return isFields(found) ? found : {};
}

/** A text or a number as text; null when it is absent, empty or anything else. */
export function textIn(value: Fields, key: string): string | null {
  const found = own(value, key);
  if (typeof found === "number") return String(found);
  return typeof found === "string" && found.trim() !== "" ? found.trim() : null;
}

/** The elements of a list under a key; none when there is no list. */
export function listIn(value: Fields, key: string): readonly Fields[] {
  const found = own(value, key);
  return Array.isArray(found) ? found.filter(isFields) : [];
}
