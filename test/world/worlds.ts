/** The worlds the tests look at: the shipped one, and small ones cut from it. */

import { readFileSync } from "node:fs";
import { createWorld, parseWorld, type World } from "../../datasets/world/index.ts";

const QUARTER_FILE = "datasets/worlds/quarter.yaml";
export const QUARTER_TEXT = readFileSync(new URL(`../../${QUARTER_FILE}`, import.meta.url), "utf8");

export function quarter(seed = 7): World {
  return createWorld(parseWorld(QUARTER_TEXT, QUARTER_FILE), seed);
}

/**
 * Three weeks of eight services, with some of the file's text replaced: `["fails: 3%",
 * "fails: 0%"]`.
 */
export function small(seed = 7, ...changes: readonly (readonly [string, string])[]): World {
  const text = [
    ["length: 13w", "length: 3w"] as const,
    ["count: 40", "count: 8"] as const,
    ["teams: 8", "teams: 3"] as const,
    ...changes,
  ].reduce((before, [right, other]) => {
    if (!before.includes(right)) throw new Error(`quarter.yaml has no ${right}`);
    return before.replace(right, other);
  }, QUARTER_TEXT);
  return createWorld(parseWorld(text, "small.yaml"), seed);
}
