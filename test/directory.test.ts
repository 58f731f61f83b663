/** Making directories: what was missing is made, and what cannot be ends at once. */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDirectories } from "../lab/directory.ts";
import { temporaryDirectory } from "./directories.ts";

const directory = temporaryDirectory();

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
