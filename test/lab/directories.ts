/** Temporary directories that are gone after the tests of the file. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const made: string[] = [];
afterAll(() => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), "hindsight-lab-"));
  made.push(dir);
  return dir;
}
