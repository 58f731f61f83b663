/** Keyed randomness: even, independent of order, and the quantiles they claim. */

import { describe, expect, it } from "vitest";
import {
  counter,
  exponentialQuantile,
  lognormalQuantile,
  normalAt,
  normalQuantile,
  poissonQuantile,
  randomStream,
  uniform,
  uniformAt,
} from "../../lab/random.ts";

/** Chi-square over 64 equal cells; 99.9 % of truly even draws stay below 104. */
function chiSquare(draws: readonly number[]): number {
  const counts = new Array<number>(64).fill(0);
  for (const draw of draws) counts[Math.floor(draw * 64)]! += 1;
  const expected = draws.length / 64;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((x, y) => x + y, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    ab += (value - ma) * (b[i]! - mb);
    aa += (value - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}

const INDEXES = Array.from({ length: 40_000 }, (_, index) => index);

describe("uniform", () => {
  it("is even over keys that differ in one place", () => {
    expect(
      chiSquare(INDEXES.map((i) => uniform(7, `deployment-${i}`, "delay", 0, 0))),
    ).toBeLessThan(104);
    expect(chiSquare(INDEXES.map((i) => uniform(7, "deployment", "delay", 0, i)))).toBeLessThan(
      104,
    );
    expect(chiSquare(INDEXES.map((i) => uniform(i, "deployment", "delay", 0, 0)))).toBeLessThan(
      104,
    );
  });

  it("does not depend on order or on other draws", () => {
    const forwards = INDEXES.slice(0, 100).map((i) => uniform(1, "a", i));
    const backwards = INDEXES.slice(0, 100)
      .reverse()
      .map((i) => (randomStream("noise", i).next(), uniform(1, "a", i)))
      .reverse();
    expect(backwards).toEqual(forwards);
  });

  it("keeps keys apart that only look alike", () => {
    const draws = [
      uniform("a", "bc"),
      uniform("ab", "c"),
      uniform("abc"),
      uniform(1),
      uniform("1"),
      uniform(1, ""),
      uniform(""),
      uniform(),
    ];
    expect(new Set(draws).size).toBe(draws.length);
  });

  it("has no correlation between neighbouring keys", () => {
    const a = INDEXES.map((i) => uniform(7, i));
    const b = INDEXES.map((i) => uniform(8, i));
    expect(Math.abs(correlation(a, b))).toBeLessThan(0.02);
    expect(Math.abs(correlation(a.slice(1), a.slice(0, -1)))).toBeLessThan(0.02);
  });
});

describe("counter", () => {
  it("is even, uncorrelated with its neighbours and with other keys at any shift", () => {
    const [one, two] = [counter(7, "one"), counter(7, "two")];
    const a = INDEXES.map((i) => uniformAt(one.a, one.b, i));
    const b = INDEXES.map((i) => uniformAt(two.a, two.b, i));
    expect(chiSquare(a)).toBeLessThan(104);
    for (const shift of [1, 2, 7, 480, 1440]) {
      expect(Math.abs(correlation(a.slice(shift), a.slice(0, -shift)))).toBeLessThan(0.02);
      expect(Math.abs(correlation(a.slice(shift), b.slice(0, -shift)))).toBeLessThan(0.02);
    }
  });

  it("takes negative indexes, for warming up before a world's start", () => {
    const { a, b } = counter("x");
    const draws = INDEXES.map((i) => uniformAt(a, b, i - 20_000));
    expect(chiSquare(draws)).toBeLessThan(104);
  });

  it("has normals within 2e-4 of the exact quantile", () => {
    const { a, b } = counter("normal");
    const gaps = INDEXES.map((i) =>
      Math.abs(normalAt(a, b, i) - normalQuantile(uniformAt(a, b, i))),
    );
    expect(Math.max(...gaps)).toBeLessThan(2e-4);
  });
});

describe("quantiles", () => {
  // R: qnorm(c(.5, .9, .975, .999, 1e-9)); qlnorm, qexp and qpois likewise.
  it.each([
    [0.5, 0],
    [0.9, 1.2815515655],
    [0.975, 1.9599639845],
    [0.999, 3.0902323062],
    [1e-9, -5.997807015],
  ])("gives the normal quantile of %f", (probability, z) => {
    expect(normalQuantile(probability)).toBeCloseTo(z, 5);
    expect(normalQuantile(1 - probability)).toBeCloseTo(-z, 5);
  });

  it("gives lognormal, exponential and Poisson quantiles", () => {
    expect(lognormalQuantile(0.5, 120, 0.9)).toBeCloseTo(120, 6);
    expect(lognormalQuantile(0.85, 120, 0.9)).toBeCloseTo(305.0, 0);
    expect(exponentialQuantile(0.5, 2)).toBeCloseTo(1.386294, 5);
    expect([0.1, 0.5, 0.9, 0.99].map((p) => poissonQuantile(p, 1))).toEqual([0, 1, 2, 4]);
  });

  it("stays finite at the ends of the interval", () => {
    expect(normalQuantile(0)).toBeGreaterThan(-9);
    expect(normalQuantile(1)).toBeLessThan(9);
    expect(exponentialQuantile(1, 1)).toBeLessThan(40);
  });
});

describe("randomStream", () => {
  it("is the same run for the same key and another for another", () => {
    const run = (key: string): number[] => {
      const random = randomStream(3, key);
      return [random.next(), random.normal(), random.between(1, 2), random.exponential(3)];
    };
    expect(run("a")).toEqual(run("a"));
    expect(run("a")).not.toEqual(run("b"));
  });

  it("draws the moments it promises", () => {
    const random = randomStream("moments");
    const normals = INDEXES.map(() => random.normal());
    const mean = normals.reduce((a, b) => a + b, 0) / normals.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(normals.reduce((sum, z) => sum + z * z, 0) / normals.length).toBeCloseTo(1, 1);
    const picks = INDEXES.map(() => random.weighted({ a: 1, b: 3 }));
    expect(picks.filter((name) => name === "b").length / picks.length).toBeCloseTo(0.75, 1);
  });
});
