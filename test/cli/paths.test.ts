/** Paths that the file system refuses: exit 2 with the place and the cure, never our own fault. */

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

const LOOP = join(temporaryDirectory(), "loop");
symlinkSync(LOOP, LOOP);
const LONG = "x".repeat(300);
const POLICY = "scenarios/policies/default.yaml";

test.each([
  [["import", "csv", "datasets/example", "--out", "README.md/x"], /README\.md\/x: a file stands/],
  [["inspect", LOOP], /loop: links lead in a circle here\n {2}Mend/],
  [["replay", "--history", LONG, "--policy", POLICY], /the name is too long.*\n {2}Choose/],
  [["explain", "lab", "--deployment", "x"], /lab: this is a directory, and a file is needed/],
  [
    ["import", "shadow", "README.md", "--out", "x"],
    /README\.md: there is no journal here\n {2}Give/,
  ],
  [["scenario", "new", "/some/mine.yaml"], /a scenario's name is no path\n {2}.*--out/],
  [["audit", "verify", "lab", "--key", "lab"], /lab: this is a directory, .*\n {2}Give an Ed25519/],
])("%j", async (words, told) => {
  const { code, stdout, stderr } = await inTurn(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(told);
});
