/** What several test files share is made once in a run, whichever of them comes first. */

import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** `directory`, filled by `make` where nobody has done so before; never seen half-made. */
export async function madeOnce(
  directory: string,
  make: (partial: string) => unknown,
): Promise<string> {
  if (existsSync(directory)) return directory;
  const partial = join(mkdtempSync(join(dirname(directory), "partial-")), "made");
  await make(partial);
  try {
    renameSync(partial, directory);
  } catch (error) {
    // Another worker was as quick, and made the same.
    if (!existsSync(directory)) throw error;
    rmSync(partial, { recursive: true, force: true });
  }
  return directory;
}
