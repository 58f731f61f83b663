/** Files of the checkout, which are not among the built ones that run (see tsconfig.json). */

import { resolve } from "node:path";

const ROOT = import.meta.filename.endsWith(".ts") ? "../.." : "../../..";

/** @param path from the top of the checkout */
export function sourcePath(path: string): string {
  return resolve(import.meta.dirname, ROOT, path);
}
