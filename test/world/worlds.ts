/** The worlds the tests look at: the shipped one, and small ones cut from it. */

import { readFileSync } from "node:fs";
import { createWorld, parseWorld, type World } from "../../datasets/world/index.ts";

const QUARTER_FILE = "datasets/worlds/quarter.yaml";
export const QUARTER_TEXT = readFileSync(new URL(`../../${QUARTER_FILE}`, import.meta.url), "utf8");

export function quarter(seed = 7): World {
  return createWorld(parseWorld(QUARTER_TEXT, QUARTER_FILE), seed);
}

/** Three weeks of eight services. */
export function small(seed = 7): World {
  const text = QUARTER_TEXT.replace("length: 13w", "length: 3w")
    .replace("count: 40", "count: 8")
    .replace("teams: 8", "teams: 3");
  return createWorld(parseWorld(text, "small.yaml"), seed);
}
