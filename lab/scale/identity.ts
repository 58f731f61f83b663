/**
 * What a result rests on beside the question: the history, and the program that made it. A
 * result of another history or another program is never this one's.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson, ENGINE_VERSION } from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import { PEOPLE_WORDS, type PeopleChoice } from "../people/choose.ts";
import { STORE_FORMAT } from "./store.ts";

export function keyOf(...parts: readonly unknown[]): string {
  return createHash("sha256").update(canonicalJson(parts)).digest("hex");
}

/**
 * The history as it lies there: its manifest with the digest of all samples and rows, and the
 * size and time of every file. Files that somebody changed without saying so in the manifest
 * are another history; a copy with new times is too, which costs time and nothing else.
 */
function historyIdentity({ dir, manifest }: Pick<Past, "dir" | "manifest">): string {
  const text = readFileSync(join(dir, "manifest.json"), "utf8");
  const files = manifest.files.map(({ file }) => {
    const { size, mtimeMs } = statSync(join(dir, file));
    return [file, size, Math.floor(mtimeMs)];
  });
  return keyOf("history", text, files);
}

/** The folders whose code decides what is in a pack. */
const FOLDERS = ["engine", "lab"];
/** Of the lab, what only shows results or asks for them. */
const SHOWS = /^(cli|server|report|gate|shadow|explain|scenario)[/\\]/;

let known: string | null = null;

/** Libraries that numbers come from. */
const COUNTS_WITH = ["simple-statistics", "@duckdb/node-api"];

/**
 * The program: version, every line of code that a result may rest on, and the versions of
 * libraries it counts with, of Node and of the time zones. Workers must have the same one as
 * whoever asks them.
 */
export function programIdentity(): string {
  if (known !== null) return known;
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const hash = createHash("sha256");
  for (const folder of FOLDERS) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    for (const name of names.sort()) {
      if (!/\.(ts|js)$/.test(name) || name.endsWith(".d.ts")) continue;
      if (folder === "lab" && SHOWS.test(name)) continue;
      const bytes = readFileSync(join(root, folder, name));
      hash.update(`${name.replaceAll("\\", "/")} ${bytes.length}\n`).update(bytes);
    }
  }
  const { node, tz = "" } = process.versions;
  const installed = createRequire(import.meta.url);
  const libraries = COUNTS_WITH.map((name) => {
    const { version } = installed(`${name}/package.json`) as { version: string };
    return [name, version];
  });
  known = keyOf("program", ENGINE_VERSION, STORE_FORMAT, node, tz, libraries, hash.digest("hex"));
  return known;
}

/** What every result rests on: this history, as this program reads it. */
export function basisOf(history: Pick<Past, "dir" | "manifest">): string {
  return keyOf("basis", historyIdentity(history), programIdentity());
}

/** Who answers: what a people file says, not what it is called. */
export function peopleIdentity(choice: PeopleChoice): string {
  const isWord = (PEOPLE_WORDS as readonly string[]).includes(choice);
  return isWord ? choice : keyOf(readFileSync(choice, "utf8"));
}
