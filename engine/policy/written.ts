/** A policy as it is written, before it is parsed: plain values, and paths to them. */

import type { JsonObject } from "../json.ts";

export type Path = readonly (string | number)[];

export function isMap(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
