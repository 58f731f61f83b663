/** How a process of our own is started on one module, from the sources or from the built files. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Words for `node` that import a module and nothing else; more words may follow them. A
 * checkout runs the sources through tsx, as the command line does; built files need nothing.
 *
 * @param module its URL without an extension
 */
export function wordsToImport(module: URL): readonly string[] {
  const [source, built] = [".ts", ".js"].map((extension) => new URL(module.href + extension));
  const script = existsSync(fileURLToPath(source!))
    ? throughTsx(source!.href)
    : `import(${JSON.stringify(built!.href)})`;
  return ["--input-type=module", "-e", script];
}

function throughTsx(source: string): string {
  // Required it would be the CommonJS one, which cannot register itself in a thread.
  const required = createRequire(import.meta.url).resolve("tsx/esm/api");
  const tsx = pathToFileURL(required.replace(/\.cjs$/, ".mjs")).href;
  return (
    `import(${JSON.stringify(tsx)}).then(({ register }) => ` +
    `{ register(); return import(${JSON.stringify(source)}); })`
  );
}
