/**
 * Identifies the history and the program that a result was made with, so that a result of another
 * history or another program is never reused.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson, ENGINE_VERSION } from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import { STORE_FORMAT } from "./store.ts";

export function keyOf(...parts: readonly unknown[]): string {
  return createHash("sha256").update(canonicalJson(parts)).digest("hex");
}

/**
 * The history on disk: its manifest with the digest of all samples and rows, and the size and time
 * of every file, so that a file changed without changing the manifest counts as another history. A
 * copy with new file times does so too, which only costs time.
 */
function historyIdentity({ dir, manifest }: Pick<Past, "dir" | "manifest">): string {
  const text = readFileSync(join(dir, "manifest.json"), "utf8");
  const files = manifest.files.map(({ file }) => {
    const { size, mtimeMs } = statSync(join(dir, file));
    return [file, size, Math.floor(mtimeMs)];
  });
  return keyOf("history", text, files);
}

/** The folders whose code can affect a result; that of a simulated world is made there. */
const FOLDERS = ["engine", "lab", "datasets/world"];
/** Exceptions below `lab/`: code that only requests or shows results. */
const SHOWS = /^(cli|server|report|gate|shadow|explain|scenario)[/\\]/;

let known: string | null = null;

/** Libraries that compute numbers. */
const COUNTS_WITH = ["simple-statistics", "@duckdb/node-api"];

/**
 * The program: its version, all code that can affect a result, and the versions of the libraries
 * that compute numbers, of Node and of the time zones. Workers must have the same identity as the
 * process that asks them.
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

/** The part of every key: history and program. */
export function basisOf(history: Pick<Past, "dir" | "manifest">): string {
  return keyOf("basis", historyIdentity(history), programIdentity());
}
