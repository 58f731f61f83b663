/** Files beside what is printed: whole or not there, and what is no file stays what it is. */

import { execFileSync, spawn } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeWholeFile } from "../../lab/cli/textFile.ts";
import { builtFile } from "../built.ts";
import { hindsight, node, type Ended } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";

it("makes the folder, replaces what is there, and leaves nothing beside it", () => {
  const dir = join(temporaryDirectory(), "new", "reports");
  for (const text of ["one", "two"]) writeWholeFile(join(dir, "gate.md"), text);
  expect(readFileSync(join(dir, "gate.md"), "utf8")).toBe("two");
  expect(readdirSync(dir)).toEqual(["gate.md"]);
});

it("follows a link to a file, which stays a link", () => {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, "real"));
  writeFileSync(join(dir, "real", "gate.md"), "one");
  symlinkSync(join("real", "gate.md"), join(dir, "gate.md"));
  writeWholeFile(join(dir, "gate.md"), "two");
  expect(lstatSync(join(dir, "gate.md")).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(dir, "real", "gate.md"), "utf8")).toBe("two");
  expect(readdirSync(dir).sort()).toEqual(["gate.md", "real"]);
});

it("writes to a pipe, as to /dev/stdout, and does not put a file in its place", async () => {
  const pipe = join(temporaryDirectory(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const reader = spawn("cat", [pipe]);
  let read = "";
  reader.stdout.on("data", (part: Buffer) => (read += part.toString()));
  const ended = new Promise((done) => reader.on("close", done));
  try {
    writeWholeFile(pipe, "whole");
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    await ended;
    expect(read).toBe("whole");
  } finally {
    // Where nobody writes to it, it waits for ever.
    reader.kill();
  }
});

it("names a place that is a directory", () => {
  const dir = temporaryDirectory();
  expect(() => writeWholeFile(dir, "text")).toThrow(/cannot be written: EISDIR\n/);
});

it("takes - for standard input and output, and says where a policy has a fault", async () => {
  const policy = readFileSync(policyFile("naive-threshold"), "utf8");
  const checked = async (text: string): Promise<Ended> =>
    hindsight(["policy", "check", "-"], { during: ({ stdin }) => stdin!.end(text) });
  expect(await checked(policy)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^-: naive-threshold, /) as string,
  });
  expect((await checked(`${policy}\nnonsense: 1\n`)).stderr).toMatch(/^-:\d+:\d+: .*nonsense/m);
  expect((await checked("")).stderr).toMatch(/standard input is empty/);
  const program =
    `import { writeWholeFile } from ${JSON.stringify(builtFile("lab/cli/textFile.ts"))};` +
    `writeWholeFile("-", "## PASS");`;
  const written = await node(["--input-type=module", "-e", program]);
  expect(written).toMatchObject({ code: 0, stdout: "## PASS" });
});
