/** Temporary directories; all of them are gone after the run. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "lab-"));
}
