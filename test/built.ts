/**
 * The sources as plain JavaScript, made once in a run and laid out as `npm run build` lays them
 * out. The command line of the tests runs them, and a test imports them in place of the sources:
 * Node loads them by itself, in a third of the time that Vite's module runner takes, and a call
 * from one module into another costs nothing more.
 *
 * What a test starts as a process is bundled with its libraries over the single files: the
 * command line opens 25 to 80 files in place of 400 to 1,000, and starts in half of the time.
 */

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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
    await bundle(join(partial, "dist"));
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

/** The command line, and every module that it starts a process or a thread with. */
const STARTED = [
  "lab/cli/main",
  "lab/scale/child",
  "lab/server/threads/analyst",
  "lab/server/threads/check",
  "lab/server/threads/heavy",
  "lab/server/threads/sweep",
  "lab/server/threads/whatIf",
  "lab/shadow/explained",
  "lab/simulate/oneWorld",
  "test/shadow/killedProcess",
  "test/shadow/poisonedProcess",
];

async function bundle(dist: string): Promise<void> {
  const { build } = await import("vite");
  await build({
    configFile: false,
    logLevel: "error",
    // A library with native code finds it by its own place.
    ssr: { noExternal: true, external: ["@duckdb/node-bindings"] },
    plugins: [inPlace(dist)],
    build: {
      ssr: true,
      target: "node20",
      outDir: dist,
      emptyOutDir: false,
      rolldownOptions: {
        input: Object.fromEntries(STARTED.map((name) => [name, join(dist, `${name}.js`)])),
        output: { entryFileNames: "[name].js", chunkFileNames: "bundled/[name]-[hash].js" },
      },
    },
  });
}

/** A module in a bundle still names the place that it was written for. */
function inPlace(dist: string): Plugin {
  return {
    name: "in-place",
    transform(code, id) {
      const path = relative(dist, id);
      const file = path.startsWith("..") ? id : join(directory(), "dist", path);
      const places: readonly (readonly [string, string])[] = [
        ["import.meta.url", pathToFileURL(file).href],
        ["import.meta.dirname", dirname(file)],
        ["import.meta.filename", file],
        ["__dirname", dirname(file)],
        ["__filename", file],
      ];
      return places.reduce((text, [name, place]) => {
        const word = new RegExp(`\\b${name.replaceAll(".", "\\.")}\\b`, "g");
        return text.replace(word, () => JSON.stringify(place));
      }, code);
    },
  };
}
