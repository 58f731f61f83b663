/** What `serve` is told that cannot be: refused at once, before anybody has opened the lab. */

import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

const place = temporaryDirectory();
const FILE = join(place, "file");
const LINKED = join(place, "linked");
const PRECIOUS = join(place, "precious");
let history = "";

beforeAll(async () => {
  writeFileSync(FILE, "years of work");
  mkdirSync(LINKED);
  symlinkSync(PRECIOUS, join(LINKED, "drafts"));
  mkdirSync(PRECIOUS);
  writeFileSync(join(PRECIOUS, "thesis.txt"), "years of work");
  const tiny = await tinyHistory({ good: { label: "benign" } });
  tiny.close();
  history = tiny.dir;
});

test.each([
  [["--out", FILE], /file: this is a file, not a directory\n {2}Choose another --out/],
  [["--out", join(FILE, "x/y")], /file: this is a file, .* below it: .*file\/x\/y\n {2}Choose/],
  [["--out", PRECIOUS], /precious: this directory is not empty, and not of a lab\n {2}Choose/],
  [["--out", "s3://bucket/lab"], /s3:\/\/bucket\/lab: this is a URL/],
  [["--out", "/proc/lab"], /\/proc\/lab: this directory cannot be made here\n {2}Choose a place/],
  [["--out", LINKED], /linked\/drafts: this is a symbolic link, .*\n {2}Remove it, or choose/],
  [["--people", "nobody"], /nobody: no such file\n {2}Give the path of a people file/],
  [["--people", "recorded"], /this history has no recorded decisions and no answered proposals\n/],
  [["--costs", "lab"], /lab: this is a directory, and a file is needed/],
  [["--policy", "lab"], /lab: this is a directory, and a file is needed/],
  [["--history", place], /this is not a history/],
  [["--sign-key", FILE], /unknown option '--sign-key'/],
])("%j", async (words, told) => {
  const asked = ["serve", "--port", "0", "--history", history, ...words];
  const { code, stdout, stderr } = await inTurn(asked);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(told);
  expect(readdirSync(PRECIOUS)).toEqual(["thesis.txt"]);
});
