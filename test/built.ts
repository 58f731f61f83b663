/**
 * The sources as plain JavaScript, made once in a run and laid out as `npm run build` lays them
 * out. The command line of the tests runs them, and a test imports them in place of the sources:
 * Node loads them by itself, in a third of the time that Vite's module runner takes, and a call
 * from one module into another costs nothing more.
 */

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { madeOnce } from "./once.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["engine", "lab", "datasets"];

/** Where test/run.ts builds them. */
function directory(): string {
  return join(process.env["HINDSIGHT_TESTS"]!, "built");
}

/** The built file of one of the sources, or of a program that a test starts. */
export function builtFile(path: string): string {
  return join(directory(), "dist", path.replace(/\.ts$/, ".js"));
}

/** Lets a test that imports a source get the built file of it. */
export const builtSources: Plugin = {
  name: "built-sources",
  enforce: "pre",
  resolveId(imported, importer) {
    if (importer === undefined || !imported.startsWith(".")) return null;
    const path = relative(ROOT, resolve(dirname(importer), imported));
    const isSource = FOLDERS.includes(path.split("/")[0]!) && path.endsWith(".ts");
    return isSource ? builtFile(path) : null;
  },
};

export function buildSources(): Promise<string> {
  return madeOnce(directory(), async (partial) => {
    for (const folder of [...FOLDERS, "test"]) {
      for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
        // Of the tests, the programs that they start and what these import.
        if (!name.endsWith(".ts") || /\.(d|test|config)\.ts$/.test(name)) continue;
        await strip(join(ROOT, folder, name), join(partial, "dist", folder, name));
      }
    }
    // The shipped folders are looked for beside the built ones.
    for (const folder of ["datasets", "scenarios"]) {
      symlinkSync(join(ROOT, folder), join(partial, folder));
    }
  });
}

async function strip(file: string, out: string): Promise<void> {
  // Only the process that builds needs it: it takes a while to load.
  const { transformWithOxc } = await import("vite");
  const { code, map } = await transformWithOxc(readFileSync(file, "utf8"), file, {
    target: "es2023",
    sourcemap: true,
    typescript: { onlyRemoveTypeImports: true, rewriteImportExtensions: true },
  });
  const source = Buffer.from(
    JSON.stringify({ ...map, sources: [file], sourcesContent: undefined }),
  );
  const url = `data:application/json;base64,${source.toString("base64")}`;
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out.replace(/\.ts$/, ".js"), `${code}\n//# sourceMappingURL=${url}\n`);
}
