/** What a killed process left unfinished is taken away by the next one, and nothing else is. */

import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import {
  putInPlace,
  takeAwayLeftBehind,
  takeAwayUnfinished,
  unfinishedPath,
} from "../lab/unfinished.ts";
import { hindsight } from "./commandLine.ts";
import { temporaryDirectory } from "./directories.ts";

/** A process id that was given and is free again. */
const DEAD = spawnSync(process.execPath, ["-e", ""]).pid;

/** As a process that is no more would have called it. */
const byTheDead = (path: string): string => path.replace(`-${process.pid}-`, `-${DEAD}-`);

test("generate takes away what an earlier one left when it was killed", async () => {
  const parent = temporaryDirectory();
  const small = ["datasets/worlds/quarter.yaml", "--to", "2026-07-02T00:00:00Z"];
  const killed = await hindsight(
    ["generate", "datasets/worlds/quarter.yaml", "--out", join(parent, "quarter")],
    {
      during: (child) => {
        const look = setInterval(() => {
          if (readdirSync(parent).length > 0) child.kill("SIGKILL");
        }, 20);
        child.on("close", () => clearInterval(look));
      },
    },
  );
  expect(killed.code).toBeNull();
  expect(readdirSync(parent)).toEqual([expect.stringMatching(/^\.quarter\..*\.unfinished$/)]);
  const { code, stderr } = await hindsight(["generate", ...small, "--out", join(parent, "other")]);
  expect(code, stderr).toBe(0);
  expect(readdirSync(parent)).toEqual(["other"]);
});

test("what a living process writes stays, and so does what only looks like it", () => {
  const dir = temporaryDirectory();
  mkdirSync(unfinishedPath(join(dir, "mine")));
  for (const name of [".notes.unfinished", "quarter.unfinished", ".x.12-34.unfinished"])
    writeFileSync(join(dir, name), "");
  const before = readdirSync(dir);
  takeAwayLeftBehind(dir);
  expect(readdirSync(dir)).toEqual(before);
  expect(before).toHaveLength(4);
});

test("another machine's process is taken for dead when it has been silent for a day", () => {
  const dir = temporaryDirectory();
  const elsewhere = unfinishedPath(join(dir, "theirs")).replace(/[\da-f]{8}-/, "00000000-");
  mkdirSync(join(elsewhere, "metrics"), { recursive: true });
  utimesSync(elsewhere, 1, 1);
  takeAwayLeftBehind(dir);
  expect(readdirSync(dir)).toEqual([basename(elsewhere)]);
  utimesSync(join(elsewhere, "metrics"), 1, 1);
  takeAwayLeftBehind(dir);
  expect(readdirSync(dir)).toEqual([]);
});

test("what was being replaced is put back where the new one did not come", () => {
  const dir = temporaryDirectory();
  const target = join(dir, "run");
  const old = `${byTheDead(unfinishedPath(target))}.old`;
  writeFileSync(old, "old");
  takeAwayLeftBehind(dir);
  expect(readFileSync(target, "utf8")).toBe("old");
  writeFileSync(old, "older");
  takeAwayLeftBehind(dir);
  expect(readdirSync(dir)).toEqual(["run"]);
  expect(readFileSync(target, "utf8")).toBe("old");
});

test("what is whole replaces what stood there", () => {
  const target = join(temporaryDirectory(), "run");
  for (const text of ["first", "second"]) {
    const unfinished = unfinishedPath(target);
    mkdirSync(unfinished);
    writeFileSync(join(unfinished, text), "");
    putInPlace(unfinished, target);
    expect(readdirSync(target)).toEqual([text]);
    expect(existsSync(unfinished)).toBe(false);
  }
});

test("what somebody still writes into is taken away all the same", async () => {
  const dir = temporaryDirectory();
  const unfinished = unfinishedPath(join(dir, "quarter"));
  mkdirSync(unfinished);
  const writes = spawn(process.execPath, [
    ...["--input-type=module", "--eval"],
    `import { writeFileSync } from "node:fs";
    for (let part = 0; ; part++) {
      writeFileSync(${JSON.stringify(unfinished)} + "/part-" + part, "");
      if (part === 2000) process.stdout.write("now");
    }`,
  ]);
  const ended = new Promise((resolve) => writes.on("close", resolve));
  try {
    await new Promise((resolve) => writes.stdout.once("data", resolve));
    takeAwayUnfinished(unfinished);
    await ended;
    expect(readdirSync(dir)).toEqual([]);
  } finally {
    // Where it is not taken away, it writes for ever.
    writes.kill("SIGKILL");
  }
});

test("what was not taken away to its end goes with the next", () => {
  const dir = temporaryDirectory();
  mkdirSync(`${byTheDead(unfinishedPath(join(dir, "quarter")))}.gone`);
  takeAwayLeftBehind(dir);
  expect(readdirSync(dir)).toEqual([]);
});
