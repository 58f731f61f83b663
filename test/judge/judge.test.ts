/**
 * The labelled suite of scenarios/judge: what it plants, that a seed is a history bit for
 * bit, and that the tables of lab/detectBench/README.md come out again.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { silent } from "../../lab/progress.ts";
import { benchDetection } from "../../lab/detectBench/bench.ts";
import {
  judges,
  scorePolicies,
  withHistory,
  type PolicyScore,
} from "../../scenarios/judge/score.ts";
import { drawCases, familiesOf, readSuite, type JudgeCase } from "../../scenarios/judge/suite.ts";

const suite = readSuite();
const SOAK = process.env["SOAK"] === "1";
const FRESH = [201, 202, 203, 204, 205];

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function logs(values: Float64Array): { before: number[]; after: number[] } {
  const y = Array.from(values, Math.log);
  return { before: y.slice(0, suite.minutes.before), after: y.slice(suite.minutes.before) };
}

function variance(values: readonly number[]): number {
  const level = mean(values);
  return mean(values.map((value) => (value - level) ** 2));
}

describe("the cases", () => {
  const cases = FRESH.flatMap((seed) => drawCases(suite, familiesOf(suite, "all"), seed));
  const of = (family: string): JudgeCase[] => cases.filter((one) => one.family === family);
  /** The mean of something over every harmed series of a family. */
  const typical = (family: string, what: (series: Float64Array) => number): number =>
    mean(
      of(family).flatMap(({ harmed, samples }) => harmed.map((name) => what(samples.get(name)!))),
    );
  const times = (series: Float64Array): number => {
    const { before, after } = logs(series);
    return Math.exp(mean(after) - mean(before));
  };

  test("are as many of each family and label as the file says", () => {
    expect(familiesOf(suite, "core")).toHaveLength(9);
    for (const [name, { label }] of Object.entries(suite.families)) {
      expect(of(name)).toHaveLength(suite.cases * FRESH.length);
      expect(of(name).every((one) => one.label === label)).toBe(true);
    }
    const core = new Set(familiesOf(suite, "core"));
    const bad = cases.filter(({ family, label }) => core.has(family) && label === "regression");
    expect(bad).toHaveLength(6 * suite.cases * FRESH.length);
  });

  test("depend on their seed, family and number alone", () => {
    const again = drawCases(suite, ["subtle"], 203);
    const fewer = drawCases({ ...suite, cases: 3 }, familiesOf(suite, "all"), 203);
    const before = of("subtle").filter(({ id }) => id.startsWith("s203-"));
    expect(again).toEqual(before);
    expect(fewer.filter(({ family }) => family === "subtle")).toEqual(before.slice(0, 3));
    expect(drawCases(suite, ["subtle"], 204)[0]!.samples).not.toEqual(before[0]!.samples);
  });

  test("plant nothing before the change, and only where the family says", () => {
    for (const { family, harmed, factors, label, onset } of cases) {
      const changed = [...factors.keys()].filter((name) =>
        factors.get(name)!.some((factor) => factor !== 1),
      );
      if (family === "variance") expect(changed).toEqual([]);
      else expect(changed).toEqual([...harmed]);
      if (label === "regression") expect(onset).not.toBeNull();
      const factorCount = suite.minutes.after;
      expect([...factors.values()].every(({ length }) => length === factorCount)).toBe(true);
    }
  });

  test.each([
    ["mean-shift", 1.25, 1.45],
    ["cross-metric", 1.018, 1.032],
    ["subtle", 1.06, 1.085],
    ["improvement", 0.6, 0.8],
  ])("of %s lie higher by what was planted", (family, low, high) => {
    const planted = mean(
      of(family).flatMap(({ harmed, factors }) => harmed.map((name) => mean(factors.get(name)!))),
    );
    expect(planted).toBeGreaterThan(low);
    expect(planted).toBeLessThan(high);
    expect(typical(family, times)).toBeGreaterThan(planted - 0.006);
    expect(typical(family, times)).toBeLessThan(planted + 0.006);
  });

  test("of variance vary six to ten times as much, and lie where they lay", () => {
    const ratio = typical("variance", (series) => {
      const { before, after } = logs(series);
      return Math.log(variance(after) / variance(before));
    });
    expect(Math.exp(ratio)).toBeGreaterThan(6.5);
    expect(Math.exp(ratio)).toBeLessThan(9.5);
    expect(Math.abs(typical("variance", times) - 1)).toBeLessThan(0.01);
  });

  test("of the other families are shaped as told", () => {
    const beyond = (family: string): number[][] =>
      of(family).map(({ harmed, factors }) =>
        [...factors.get(harmed[0]!)!].flatMap((factor, minute) => (factor > 1 ? [minute] : [])),
      );
    for (const minutes of beyond("tail-spikes")) {
      expect(minutes.length).toBeGreaterThanOrEqual(4);
      expect(minutes.length).toBeLessThanOrEqual(7);
    }
    for (const minutes of beyond("late-drift")) expect(minutes).toEqual([25, 26, 27, 28, 29, 30]);
    // Both kinds of transient are over before the watch is.
    for (const minutes of [...beyond("healed-transient"), ...beyond("late-transient")]) {
      expect(minutes.length).toBeLessThanOrEqual(4);
      expect(minutes.at(-1)).toBeLessThanOrEqual(26);
    }
    for (const minutes of beyond("partial-recovery")) expect(minutes.at(-1)).toBe(30);
    for (const minutes of beyond("sustained-excursion")) {
      expect(minutes.length).toBeGreaterThanOrEqual(12);
      expect(minutes.at(-1)).toBeLessThan(30);
    }
  });
});

describe("the history", () => {
  const few = { ...suite, cases: 2 };
  test("is the same bit for bit, and another with another seed", async () => {
    const digestOf = (seed: number): Promise<string> =>
      withHistory(few, "all", [seed], ({ manifest }) => Promise.resolve(manifest.digest));
    expect(await digestOf(101)).toBe(await digestOf(101));
    expect(await digestOf(102)).not.toBe(await digestOf(101));
  });

  test("is one that detect-bench takes as it is", async () => {
    const bench = await withHistory(few, "core", [101], (history) =>
      benchDetection(history, judges()[0]!, {
        withinMs: null,
        historyMs: null,
        seed: 1,
        replicates: 100,
        progress: silent,
      }),
    );
    expect([bench.bad, bench.good]).toEqual([12, 6]);
    const { unjudgedBad, unjudgedGood } = bench.rows[0]!;
    expect([unjudgedBad, unjudgedGood]).toEqual([0, 0]);
    // Every case has the same past: its length must not give a label away.
    expect(bench.rows.find(({ detector }) => detector === "history length")!.auc.value).toBe(0.5);
  });
});

describe("the tables of lab/detectBench/README.md, on fresh seeds", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../lab/detectBench/README.md"), "utf8");
  const rows = readme
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  let scores: PolicyScore[] = [];
  // Of the judges the first; the other two under SOAK=1, and the single detectors by the README.
  beforeAll(async () => {
    scores = await withHistory(suite, "all", FRESH, (history) =>
      scorePolicies(suite, history, judges().slice(0, SOAK ? 3 : 1)),
    );
  });

  test("the scores", () => {
    for (const { policy, core, all } of scores) {
      for (const [families, score] of [
        ["nine", core],
        ["all", all],
      ] as const) {
        const shown = rows.find(([name, which]) => name === policy && which === families);
        const { accuracy, precision, recall, falsePositiveRate } = score;
        const numbers = [accuracy, precision, recall, falsePositiveRate];
        expect(shown?.slice(2)).toEqual(numbers.map((one) => one.toFixed(3)));
      }
    }
  });

  test("the share of each family that was flagged", () => {
    for (const [name, { label }] of Object.entries(suite.families)) {
      const shown = rows.find(([family]) => family === name);
      const shares = scores.map(({ flagged }) => flagged[name]! / (suite.cases * FRESH.length));
      expect(shown?.slice(1, 2 + scores.length)).toEqual([
        label,
        ...shares.map((share) => share.toFixed(2)),
      ]);
    }
  });
});
