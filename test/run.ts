/**
 * Once around a run of the tests: a directory for all that they write, gone at the end.
 * One place in the repository beside it, for what has to see `node_modules`.
 */

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSources } from "./built.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export async function setup(): Promise<() => void> {
  const temporary = mkdtempSync(join(temporaryRoot(), "hindsight-tests-"));
  mkdirSync(join(ROOT, ".hindsight"), { recursive: true });
  const built = mkdtempSync(join(ROOT, ".hindsight/tests-"));
  // One test is somebody else, who may look in.
  for (const directory of [temporary, built]) chmodSync(directory, 0o755);
  // The workers inherit both: every `tmpdir()` of theirs is inside the first.
  process.env["TMPDIR"] = temporary;
  process.env["HINDSIGHT_TESTS"] = built;
  // Tests of the cache name their own; nobody else reads what another test left.
  process.env["HINDSIGHT_CACHE"] = "off";
  await buildSources();
  return () => {
    for (const directory of [temporary, built]) rmSync(directory, { recursive: true, force: true });
  };
}

const MEMORY = "/dev/shm";
const ROOM_BYTES = 6 * 1024 ** 3;

/**
 * Files in memory where there is room for them: on a disk, the tests wait for `fsync` for a tenth
 * of their time. A chosen `TMPDIR` counts, and long proofs write too much.
 */
function temporaryRoot(): string {
  const isChosen = process.env["TMPDIR"] !== undefined || process.env["SOAK"] === "1";
  if (isChosen || !existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return Math.min(bavail * bsize, freemem()) < ROOM_BYTES ? tmpdir() : MEMORY;
}
