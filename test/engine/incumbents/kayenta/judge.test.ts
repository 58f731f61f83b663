/** What Kayenta's own tests do not show: noise, NaN, outliers, groups and pairs. */

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { classify, prepared } from "../../../../engine/incumbents/kayenta/classify.ts";
import { noise } from "../../../../engine/incumbents/kayenta/noise.ts";
import { pairsOf } from "../../../../engine/incumbents/kayenta/pairs.ts";
import { classificationOf, scoreOf } from "../../../../engine/incumbents/kayenta/score.ts";
import { mean } from "../../../../engine/incumbents/kayenta/statistics.ts";
import type { AnswerSeries } from "../../../../engine/incumbents/incumbent.ts";
import { effects, metric, result } from "./plans.ts";

describe("noise", () => {
  it("is standard normal, and the same for the same seed", () => {
    const draw = noise(7);
    const values = Array.from({ length: 20_000 }, draw);
    expect(Math.abs(mean(values))).toBeLessThan(0.03);
    expect(Math.abs(mean(values.map((value) => value ** 2)) - 1)).toBeLessThan(0.05);
    const [again, other] = [noise(7), noise(8)];
    expect(again()).toBe(values[0]);
    expect(other()).not.toBe(values[0]);
  });

  it("tells two constants apart, whatever the seed", () => {
    const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(seeds, (seed) => {
        const of = (value: number): number[] => Array.from({ length: 20 }, () => value);
        expect(classify(metric(), of(2), of(1), seed).label).toBe("High");
        expect(classify(metric(), of(1), of(2), seed).label).toBe("Low");
        // The ratio of the means is 2, which is no decrease.
        expect(classify(metric(), of(-2), of(-1), seed).label).toBe("Pass");
      }),
    );
  });
});

test.each([
  ["one value each is tied: an error, which counts as nothing", [5], [0], "Error"],
  ["two values each are enough to differ", [5, 6], [1, 2], "High"],
  ["infinite values end", [Infinity, 1, 2], [1, 2, 3], "Pass"],
] as const)("%s", (_, experiment, control, label) => {
  expect(classify(metric(), experiment, control, 1).label).toBe(label);
});

describe("a metric without data", () => {
  test.each([
    [{}, "Nodata", false],
    [{ critical: true }, "Nodata", true],
    [{ mustHaveData: true }, "NodataFailMetric", false],
    [{ mustHaveData: true, critical: true }, "Nodata", true],
    [{ mustHaveData: true, nanStrategy: "replace" }, "Pass", false],
  ] as const)("%o", (given, label, critical) => {
    expect(classify(metric(given), [], [1, 2], 1)).toMatchObject({ label, critical });
  });
});

describe("outliers", () => {
  const of = (factor: number, values: readonly number[]): readonly number[] =>
    prepared(values, { nanStrategy: "remove", outliers: "remove", outlierFactor: factor });

  it("lie outside the quartiles by more than the factor", () => {
    const values = [10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 500, -500];
    expect(of(3, values)).toEqual(values.slice(0, -2));
  });

  it("never lie within the 1st and 99th percentile", () => {
    // Of 201 values two lie above the 99th percentile; quartiles alone would take three.
    const values = [...Array.from({ length: 198 }, () => 0), 5, 6, 7];
    expect(of(3, values)).toHaveLength(199);
  });
});

describe("the score", () => {
  const pass = result("Pass");

  test.each([
    ["half without data is too many", [pass(), result("Nodata")("b")], {}, 0],
    ["required data is a failure, not missing", [pass(), result("NodataFailMetric")()], {}, 50],
    ["an error counts as nothing", [pass(), result("Error")()], {}, 100],
    ["weights of groups without a metric are lost", [pass()], { a: 60, b: 40 }, 60],
    ["groups without a weight share the rest", [pass("b"), result("High")("c")], { a: 40 }, 30],
    ["without any metric that counts", [{ ...pass(), muted: true }], {}, 0],
    ["a metric without a group counts in none", [{ ...pass(), groups: [] }], {}, 0],
    ["rounds half up by its digits", [pass()], { a: 33.335 }, 33.34],
  ])("%s", (_, results, weights, score) => {
    expect(scoreOf(results, weights).score).toBe(score);
  });

  it("leaves muted metrics out, also critical ones", () => {
    const muted = { ...result("High")("a", true), muted: true };
    expect(scoreOf([pass(), muted], {})).toMatchObject({ score: 100, because: null });
  });

  it("is marginal at the bound", () => {
    const bounds = { marginal: 50, pass: 75 };
    const of = (score: number): string => classificationOf(score, bounds);
    expect([75, 74.99, 50, 49.99].map(of)).toEqual(["Pass", "Marginal", "Marginal", "Fail"]);
  });
});

describe("pairs", () => {
  const grid = { fromMs: 0, toMs: 3000, stepMs: 1000 };
  const grids = { canary: grid, baseline: grid };
  const one = (labels: Record<string, string>, values: readonly number[]): AnswerSeries => ({
    labels: new Map(Object.entries({ ...labels, service: "checkout" })),
    atMs: Float64Array.from(values, (_, place) => place * 1000),
    values: Float64Array.from(values),
  });

  it("are series with the same labels; version and service tell the side", () => {
    const found = pairsOf(
      [one({ route: "b", version: "2" }, [5]), one({ route: "a", version: "2" }, [1, 2])],
      [one({ route: "a", version: "1" }, [3, 4])],
      grids,
    );
    expect(found).toEqual([
      { canary: [1, 2], baseline: [3, 4] },
      { canary: [5], baseline: [NaN, NaN] },
    ]);
  });

  it("fill up a side without series to the count that was expected", () => {
    const nothing = [NaN, NaN, NaN];
    expect(pairsOf([], [one({}, [1, 2])], grids)).toEqual([{ canary: nothing, baseline: [1, 2] }]);
    expect(pairsOf([], [], grids)).toEqual([{ canary: nothing, baseline: nothing }]);
  });

  it("have no partner in a side without labels", () => {
    const found = pairsOf([one({ route: "a" }, [1, 2])], [one({}, [3, 4, 5])], grids);
    expect(found).toEqual([{ canary: [1, 2], baseline: [NaN, NaN, NaN] }]);
  });

  it("are none where the sides have different labels", () => {
    const found = pairsOf([one({ route: "a" }, [1])], [one({ path: "a" }, [1])], grids);
    expect(found).toBe(null);
  });

  it("take one sample an evaluation: the newest, and the mean over versions", () => {
    const fine: AnswerSeries = {
      labels: new Map([["version", "1"]]),
      atMs: Float64Array.of(-500, 100, 900, 1100, 2000, 3001),
      values: Float64Array.of(1, 2, 3, 4, 5, 6),
    };
    const other = { ...one({}, [11, 13]), labels: new Map([["version", "0"]]) };
    const [pair] = pairsOf([fine], [fine, other], grids)!;
    expect(pair).toEqual({ canary: [1, 3, 5], baseline: [6, 8, 5] });
  });
});

it("keeps effect sizes as bounds on top of significance", () => {
  const [experiment, control] = [
    [12, 12.1, 12.2, 12.3, 12.4, 12.5],
    [10, 10.1, 10.2, 10.3, 10.4, 10.5],
  ];
  const of = (increase: number): string =>
    classify(metric(effects([1, increase])), experiment, control, 1).label;
  expect([1.1, 1.5].map(of)).toEqual(["High", "Pass"]);
});
