/**
 * The sources as plain JavaScript, made once in a run and laid out as `npm run build` lays them
 * out. The command line of the tests runs them, and a test imports them in place of the sources:
 * Node loads them by itself, in a third of the time that Vite's module runner takes, and a call
 * from one module into another costs nothing more.
 */

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { transformWithOxc, type Plugin } from "vite";
import { madeOnce } from "./once.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ANSWERING = fileURLToPath(new URL("./answering.ts", import.meta.url));
const FOLDERS = ["engine", "lab", "datasets"];

/** Where test/run.ts builds them. */
const BUILT = (): string => join(process.env["HINDSIGHT_TESTS"]!, "built");

/** The built file of a module, if it is one of the sources. */
function builtFileOf(file: string): string | null {
  const path = relative(ROOT, file);
  if (!FOLDERS.includes(path.split("/")[0]!) || !path.endsWith(".ts")) return null;
  return join(BUILT(), "dist", path.replace(/\.ts$/, ".js"));
}

/** Lets a test that imports a source get the built file of it. */
export const builtSources: Plugin = {
  name: "built-sources",
  enforce: "pre",
  resolveId(imported, importer) {
    if (importer === undefined || !imported.startsWith(".")) return null;
    return builtFileOf(resolve(dirname(importer), imported));
  },
};

export function buildSources(): Promise<string> {
  return madeOnce(BUILT(), async (partial) => {
    for (const folder of FOLDERS) {
      for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
        if (!name.endsWith(".ts") || name.endsWith(".d.ts")) continue;
        await strip(join(ROOT, folder, name), join(partial, "dist", folder, name));
      }
    }
    await strip(ANSWERING, join(partial, "answering.ts"));
    // The shipped folders are looked for beside the built ones.
    for (const folder of ["datasets", "scenarios"]) {
      symlinkSync(join(ROOT, folder), join(partial, folder));
    }
  });
}

async function strip(file: string, out: string): Promise<void> {
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
