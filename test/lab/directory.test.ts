/** Making directories: what was missing is made, and what cannot be ends at once. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeDirectories } from "../../lab/directory.ts";

const directory = mkdtempSync(join(tmpdir(), "hindsight-directory-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("makes what is missing and says where it began", () => {
  expect(makeDirectories(join(directory, "a", "b", "c"))).toBe(join(directory, "a"));
  expect(existsSync(join(directory, "a", "b", "c"))).toBe(true);
  expect(makeDirectories(join(directory, "a", "b"))).toBeNull();
});

test("a file in the way is a problem, not a fault", () => {
  writeFileSync(join(directory, "file"), "");
  expect(() => makeDirectories(join(directory, "file", "x"))).toThrow(/cannot be made here/);
});

test.skipIf(!existsSync("/proc"))("a directory that refuses children does not hang", () => {
  expect(() => makeDirectories("/proc/hindsight/x")).toThrow(/cannot be made here/);
});
