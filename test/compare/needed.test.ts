/** What a history too small for a verdict says all the same. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallHistoryLines, neededFor } from "../../lab/compare/needed.ts";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import { fittedNote } from "../../lab/cli/output.ts";
import type { History } from "../../lab/history/open.ts";
import { silent } from "../../lab/progress.ts";
import { inTurn } from "../commandLine.ts";
import { policyFile } from "../history/smallWorld.ts";
import { FULL, OBSERVE, tinyHistory, type TinyDeployment } from "../history/tinyHistory.ts";

const bad: TinyDeployment = { slow: [5, 60], label: "regression", incident: [5, 60] };
const surprised: TinyDeployment = { slow: [5, 20], label: "benign" };

let history: History;
let evaluation: Evaluation;
beforeAll(async () => {
  history = await tinyHistory({ a: bad, b: bad, c: surprised, d: {}, e: { label: "benign" } });
  evaluation = await evaluate(history, [OBSERVE, FULL], {
    ...{ people: "absent", seed: 1, replicates: 100, draws: 1, progress: silent },
  });
}, 60_000);
afterAll(() => history.close());

describe("a history of five services", () => {
  it("names what is sure, and what a verdict would need", () => {
    const [sure, needed] = smallHistoryLines(evaluation, 2);
    expect(sure).toBe("Sure, one by one, under full: d-c ends worse; d-a, d-b end better.");
    // Two regressions in two weeks: three more take three.
    expect(needed).toBe(
      "A verdict would need 5 regressions (it has 2; at this pace the rest takes 3 weeks), " +
        "and 5 good deployments (it has 2; at this pace the rest takes 3 weeks).",
    );
    expect(neededFor(evaluation, null)).toBe(
      "A verdict would need 5 regressions (it has 2), and 5 good deployments (it has 2).",
    );
  });

  it("says nothing of it where a verdict is told, or where nothing is too few", () => {
    const { policies, flips, differences } = evaluation;
    const told = differences.map((one) => {
      return one.field === "missRate" ? { ...one, verdict: "better" as const } : one;
    });
    expect(smallHistoryLines({ policies, flips, differences: told }, 2)).toEqual([]);
    const enough = differences.map((one) => {
      return { ...one, verdict: "not distinguishable" as const };
    });
    expect(smallHistoryLines({ policies, flips, differences: enough }, 2)).toEqual([]);
  });

  it("is told by compare and by gate", async () => {
    const [one, other] = ["plain-window", "full-autonomy"].map(policyFile) as [string, string];
    const asked = ["--history", history.dir, "--replicates", "100", "--people", "absent"];
    const compared = await inTurn(["compare", ...asked, "--policy", one, "--policy", other]);
    expect(compared.stdout).toMatch(/^Sure, one by one, under full-autonomy: .*\nA verdict would/m);
    const gated = await inTurn(["gate", ...asked, "--baseline", one, "--candidate", other]);
    expect(gated.code).toBe(3);
    expect(gated.stdout).toMatch(/^A verdict would need 5 regressions \(it has 2;/m);
  });
});

describe("a note", () => {
  const text = "People are not simulated, so every window times out. ".repeat(4).trim();

  it("fits a terminal, and 80 columns of a wide one", () => {
    const widest = (columns?: number): number => {
      const lines = fittedNote(text, {
        isTTY: true,
        ...(columns === undefined ? {} : { columns }),
      });
      return Math.max(...lines.split("\n").map(({ length }) => length));
    };
    expect(widest(60)).toBeLessThanOrEqual(60);
    for (const columns of [80, 200, undefined]) {
      expect(widest(columns)).toBeLessThanOrEqual(80);
      expect(widest(columns)).toBeGreaterThan(60);
    }
  });

  it("stays one line in a log", () => {
    expect(fittedNote(text, { columns: 60 })).toBe(text);
    expect(fittedNote(text, { isTTY: false })).toBe(text);
  });
});
