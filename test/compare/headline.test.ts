/** The answer of a comparison in one sentence, and what is named beside the scores. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../lab/compare/answer.ts";
import type { Flip } from "../../lab/compare/compare.ts";
import { headlines } from "../../lab/compare/headline.ts";
import { meaningLine } from "../../lab/compare/meanings.ts";
import { flipLines } from "../../lab/compare/print.ts";
import type { History } from "../../lab/history/open.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

type Part = Partial<Answer["differences"][number]>;

function headlineOf(...parts: readonly Part[]): readonly string[] {
  const policies = ["a", "b"].map((policy) => ({ policy: { policy } }));
  const differences = parts.map((part) => ({ candidatePolicy: "b", unit: "count", ...part }));
  return headlines({ policies, differences } as unknown as Answer);
}

describe("the headline of a comparison", () => {
  const cost: Part = { field: "cost", unit: "cost", baseline: 10, candidate: 20, verdict: "worse" };
  const wrong: Part = {
    field: "falsePositiveRollbacks",
    baseline: 9,
    candidate: 4,
    verdict: "better",
  };

  it("names what is better and worse with its numbers, and what rests on a model", () => {
    expect(headlineOf(cost, wrong)).toEqual([
      "b against a: better in false-positive rollbacks 9 → 4; worse in cost 10 → 20.",
    ]);
    expect(headlineOf({ ...wrong, ground: "modelled" })).toEqual([
      "b against a: better in false-positive rollbacks 9 → 4 (in part modelled).",
    ]);
  });

  it("claims nothing where nothing is told", () => {
    const open = ["not distinguishable", "too few to tell", "no evidence"] as const;
    expect(headlineOf(...open.map((verdict) => ({ ...wrong, verdict })))).toEqual([
      "b against a: this history cannot tell which is better.",
    ]);
  });
});

it("says what the words for evidence mean where they were printed, and only there", () => {
  expect(meaningLine("a against b: better in cost 10 → 4.")).toBeNull();
  expect(meaningLine("Use --people modelled, or say what is unknown of it.")).toBeNull();
  expect(meaningLine("worse in cost 10 → 20 (in part modelled).")).toMatch(
    /^Here "modelled" means: rests on the model of [^;]+\.$/,
  );
  expect(meaningLine("│ observed │ 1 │\n│ bounded │ 2 │\n│ unknown │ 3 │")).toMatch(
    /^Here "observed" means: [^;]+; "bounded" means: [^;]+; "unknown" means: [^;]+\.$/,
  );
});

it("shows as many flips that harm as that help, and counts the others", () => {
  const flips = (change: Flip["change"], n: number): Flip[] =>
    Array.from({ length: n }, (_, at) => ({
      deploymentId: `${change}-${at}`,
      service: "s",
      label: "benign",
      candidatePolicy: "b",
      baseline: { end: "healthy", rolledBack: false },
      candidate: { end: "rolledBack", rolledBack: true },
      change,
      why: "",
    }));
  const marks = (all: Flip[], most: number): string =>
    flipLines(all, most)
      .map((line) => line.trim()[0])
      .join("");
  expect(marks([...flips("worse", 9), ...flips("better", 9)], 4)).toBe("−−++…");
  expect(marks([...flips("worse", 1), ...flips("better", 9)], 4)).toBe("−+++…");
  expect(marks([...flips("worse", 9), ...flips("open", 9)], 4)).toBe("−−−−…");
  expect(marks([...flips("better", 1), ...flips("open", 1)], 4)).toBe("+?");
});

describe("a table of eight rows, and all with --all", () => {
  let history: History;
  let lenient = "";
  beforeAll(async () => {
    history = await tinyHistory({
      good: { label: "benign" },
      slow: { label: "regression", slow: [3, 45], incident: [3, 45] },
      wronged: { label: "benign", slow: [3, 30] },
    });
    lenient = join(temporaryDirectory(), "lenient.yaml");
    const naive = readFileSync(policyFile("naive-threshold"), "utf8");
    const text = naive.replace("policy: naive-threshold", "policy: lenient");
    writeFileSync(lenient, text.replaceAll("tolerance: 10%", "tolerance: 70%"));
  });
  afterAll(() => history.close());

  const run = async (name: string, ...words: string[]): Promise<string> => {
    const quick = ["--replicates", "100", "--draws", "1"];
    const asked = [name, "--history", history.dir, "--policy", policyFile("naive-threshold")];
    return (await inTurn([...asked, ...quick, ...words])).stdout;
  };
  // The first row has the titles.
  const rowsOf = (text: string): number => (text.match(/^│/gm)?.length ?? 0) - 1;

  it("compare answers for two of three policies of which neither is the first", async () => {
    const third = ["--policy", lenient, "--policy", policyFile("tagged-threshold")];
    const pair = "tagged-threshold against lenient:";
    const text = await run("compare", ...third);
    expect(text.split("\n")[2]).toMatch(new RegExp(`^${pair} `));
    expect(text.split("\n").filter((line) => line === pair)).toHaveLength(1);
    const two = await run("compare", "--policy", lenient);
    expect(two).not.toContain("tagged-threshold");
    const { pairs } = JSON.parse(await run("compare", ...third, "--json")) as Answer;
    expect(pairs!.map((one) => [one.baselinePolicy, one.candidatePolicy])).toEqual([
      ["lenient", "tagged-threshold"],
    ]);
    // The verdicts are those of these two policies alone.
    const alone = JSON.parse(
      (
        await inTurn([
          ...["compare", "--history", history.dir, "--replicates", "100", "--draws", "1"],
          ...third,
          "--json",
        ])
      ).stdout,
    ) as Answer;
    const told = (differences: Answer["differences"]): unknown =>
      differences.map(({ field, verdict, difference, low, high }) => [
        ...[field, verdict, difference, low, high],
      ]);
    expect(told(pairs![0]!.differences)).toEqual(told(alone.differences));
  });

  it("compare has the two cheapest of four policies, and every pair with --all", async () => {
    const more = ["tagged-threshold", "full-autonomy"].flatMap((name) => [
      ...["--policy", policyFile(name)],
    ]);
    const brief = await run("compare", "--policy", lenient, ...more);
    const headings = (text: string): number => text.match(/^\S+ against \S+:$/gm)!.length;
    expect(headings(brief)).toBe(3 + 1);
    expect(brief).toContain("the two that cost least stand here; --all has every pair.");
    expect(headings(await run("compare", "--policy", lenient, ...more, "--all"))).toBe(3 + 3);
  });

  it("replay says first what was rolled back", async () => {
    const brief = await run("replay");
    expect(brief.split("\n")[0]).toBe(
      "naive-threshold rolled back 1 of 1 regression, and 1 of 2 other deployments.",
    );
    expect(rowsOf(brief)).toBe(8);
    expect(rowsOf(await run("replay", "--all"))).toBeGreaterThan(20);
  });

  it("compare tells two files of one policy apart by their file", async () => {
    const text = readFileSync(lenient, "utf8").replace(
      "policy: lenient",
      "policy: naive-threshold",
    );
    const next = join(temporaryDirectory(), "next.yaml");
    writeFileSync(next, text);
    const document = JSON.parse(await run("compare", "--policy", next, "--json")) as {
      scorecards: object;
    };
    const files = [policyFile("naive-threshold"), next];
    expect(Object.keys(document.scorecards)).toEqual(
      files.map((file) => `naive-threshold (${file})`),
    );
  });

  it("compare names the regressions that a policy missed", async () => {
    const brief = await run("compare", "--policy", lenient);
    expect(brief.split("\n")[0]).toBe(
      "lenient against naive-threshold: this history cannot tell which is better.",
    );
    expect(brief).toMatch(/^lenient missed d-slow\.$/m);
    expect(rowsOf(brief)).toBe(8);
    expect(rowsOf(await run("compare", "--policy", lenient, "--all"))).toBeGreaterThan(20);
  });
});
