/** Every command that answers a question fits into 80 columns, words and tables whole. */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitted } from "../../lab/cli/fit.ts";
import type { History } from "../../lab/history/open.ts";
import { hindsight } from "../commandLine.ts";
import { policyFile } from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

const COLUMNS = 80;
const QUICK = ["--replicates", "100", "--draws", "1"];

/** Lines that do not fit; a command that is to be pasted stays in one line. */
function tooLong(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.length > COLUMNS && !/(^|: ) *(npx )?hindsight /.test(line));
}

describe("at 80 columns", () => {
  let history: History;
  beforeAll(async () => {
    history = await tinyHistory({
      good: { label: "benign" },
      slow: {
        ...{ label: "regression", slow: [3, 45], incident: [3, 45] },
        proposals: [[5, "sre-agent", 0.9, "accepted"]],
      },
      wronged: { label: "benign", slow: [3, 30], tags: [{ tag: "migration_window" }] },
    });
  });
  afterAll(() => history.close());

  const four = ["naive-threshold", "tagged-threshold", "two-minute-override", "human-approval"];
  const policy = ["--policy", policyFile("naive-threshold")];
  it.each([
    ["inspect", []],
    ["replay", policy],
    ["compare", four.flatMap((name) => ["--policy", policyFile(name)])],
    ["sweep", [...policy, "--vary", "signals.latency.tolerance=10%,20%"]],
    ["tags", policy],
    ["gate", ["--baseline", policy[1]!, "--candidate", policyFile("tagged-threshold")]],
    ["agents", []],
  ])("%s has no longer line, and no table that is broken", async (name, words) => {
    const asked = name === "agents" ? [] : QUICK;
    const where = name === "inspect" ? [history.dir] : ["--history", history.dir, ...asked];
    const { code, stdout } = await hindsight([name, ...where, ...words], {
      env: { COLUMNS: String(COLUMNS) },
    });
    expect([0, 1, 3]).toContain(code);
    expect(stdout.length).toBeGreaterThan(COLUMNS);
    expect(tooLong(stdout.replaceAll(history.dir, "history"))).toEqual([]);
    expect(stdout).not.toMatch(/^[^│┌├└\n]+│/m);
  });
});

describe("fitted", () => {
  const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => /^[a-z]+$/i.test(text));
  const words = fc.array(word, { minLength: 1, maxLength: 40 });

  it("keeps every word of a sentence, whole and in order, below its mark", () => {
    fc.assert(
      fc.property(words, fc.constantFrom("", "  ", "  − ", "      "), (sentence, start) => {
        const lines = fitted(start + sentence.join(" "), 40).split("\n");
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
        expect(
          lines
            .join(" ")
            .split(/\s+/)
            .filter((one) => /\w/.test(one)),
        ).toEqual(sentence);
        for (const line of lines.slice(1))
          expect(line).toMatch(new RegExp(`^ {${start.length}}\\S`));
      }),
    );
  });

  it("turns a table that is too wide, and leaves one that fits", () => {
    const table = ["┌───┬────┐", "│   │ one │", "├───┼────┤", "│ a │ 1  │", "└───┴────┘"];
    expect(fitted(table.join("\n"), 40)).toBe(table.join("\n"));
    const wide = (text: string): string => text.replace(/─/g, "─".repeat(9));
    expect(fitted(["x", ...table.map(wide), "y"].join("\n"), 40)).toBe("x\na\n  one  1\ny");
  });

  it("leaves a command whole, and puts a long word below its name", () => {
    const command = `  npx hindsight compare ${"--policy a ".repeat(9)}`;
    expect(fitted(command, 40)).toBe(command);
    expect(fitted(`  digest          ${"a".repeat(36)}`, 40)).toBe(
      `  digest\n    ${"a".repeat(36)}`,
    );
  });
});
