/** Recorded logs: today's engine makes their decisions again, and a damaged one is refused. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { replayLog } from "../../lab/audit/replay.ts";
import { verifyLog } from "../../lab/audit/verify.ts";
import { temporaryDirectory } from "../directories.ts";

const logs = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => join(import.meta.dirname, name));

function damaged(text: string): string {
  const file = join(temporaryDirectory(), "damaged.jsonl");
  writeFileSync(file, text);
  return file;
}

test("there are recorded logs", () => {
  expect(logs.length).toBeGreaterThan(0);
});

describe.each(logs)("%s", (log) => {
  const text = readFileSync(log, "utf8");
  const lines = text.trimEnd().split("\n");

  test("is whole, and its decisions are made again", () => {
    const { decisions, differences } = replayLog(log, false);
    expect(differences).toEqual([]);
    expect(decisions).toBe(lines.filter((line) => line.includes('"kind":"record"')).length);
    expect(decisions).toBeGreaterThan(10);
  });

  const middle = lines.length >> 1;
  test.each([
    ["a changed byte", lines.map((line, at) => (at === middle ? line.replace("a", "b") : line))],
    ["a missing line", lines.filter((_line, at) => at !== middle)],
    [
      "two lines swapped",
      lines.map(
        (line, at) => lines[at === middle ? at + 1 : at === middle + 1 ? middle : at] ?? line,
      ),
    ],
    ["a line twice", [...lines.slice(0, middle), lines[middle]!, ...lines.slice(middle)]],
    ["its end cut off", lines.slice(0, middle)],
  ])("is refused with %s", (_what, changed) => {
    const file = damaged(`${changed.join("\n")}\n`);
    const { fault } = verifyLog(file, { open: false, isSigned: null });
    expect(fault).not.toBeNull();
    expect(() => replayLog(file, false)).toThrow();
  });
});

test("an empty log is refused in words", () => {
  expect(() => replayLog(damaged(""), false)).toThrow(/empty|no header|nothing/i);
});
