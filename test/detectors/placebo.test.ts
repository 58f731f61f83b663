/** Placebo p values and limits against known values, and what they promise. */

import { describe, expect, test } from "vitest";
import { placeboLimit, placeboP, type Calibration } from "../../engine/index.ts";
import { FAMILY_WINDOWS, SERIES_WINDOWS } from "../../engine/detect/evidence/placebo.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const family = (peaks: number[], isLogarithm = false): Calibration => ({
  series: [],
  family: peaks,
  isLogarithm,
});

describe("placeboP", () => {
  test("counts peaks that go as far, and one more", () => {
    // R: (sum(1:199 >= 190) + 1) / (199 + 1) = 0.055
    expect(placeboP(family(upTo(199)), 190)).toEqual({ p: 0.055, windows: 199, source: "family" });
    expect(placeboP(family(upTo(199)), 0).p).toBe(1);
  });

  test("beyond the largest it has Hill's tail", () => {
    // R: m <- 1:199; u <- 190; xi <- mean(log(m[191:199] / u)); 10/200 * (400 / u)^(-1/xi)
    // 1.622634e-14
    expect(placeboP(family(upTo(199)), 400).p! / 1.622633525437792e-14).toBeCloseTo(1, 9);
    const slow = upTo(199).map((rank) => 1 / (1 - rank / 200));
    // A Pareto tail of index 1 is found again: p(1000) = 1/1000, roughly.
    expect(placeboP(family(slow), 1000).p!).toBeGreaterThan(0.0003);
    expect(placeboP(family(slow), 1000).p!).toBeLessThan(0.002);
  });

  test("and the exponential one where the statistic is a logarithm", () => {
    const peaks = upTo(199).map((rank) => -Math.log(1 - rank / 200));
    const { p } = placeboP(family(peaks, true), Math.log(1000));
    expect(p!).toBeGreaterThan(0.0003);
    expect(p!).toBeLessThan(0.002);
  });

  test("weighs the series by n/(n+150)", () => {
    const both: Calibration = { series: upTo(150), family: upTo(300), isLogarithm: false };
    const own = (150 - 100 + 1 + 1) / 151;
    const pooled = (300 - 100 + 1 + 1) / 301;
    const { p, windows, source } = placeboP(both, 100);
    expect(p).toBeCloseTo(Math.sqrt(own * pooled), 12);
    expect({ windows, source }).toEqual({ windows: 150, source: "series" });
  });

  test("a cold start says so", () => {
    expect(placeboP(null, 9)).toEqual({ p: null, windows: 0, source: "none" });
    const few = { ...family(upTo(FAMILY_WINDOWS - 1)), series: upTo(SERIES_WINDOWS) };
    expect(placeboP(few, 9)).toEqual({ p: null, windows: 99, source: "none" });
    const pooled = { ...family(upTo(FAMILY_WINDOWS)), series: upTo(SERIES_WINDOWS - 1) };
    expect(placeboP(pooled, 9).source).toBe("family");
  });

  test("never grows with the statistic", () => {
    const peaks = upTo(200).map((rank) => rank ** 2 / 100);
    let before = 1;
    for (let statistic = 0; statistic < 1000; statistic += 3.7) {
      const { p } = placeboP({ series: peaks, family: peaks, isLogarithm: false }, statistic);
      expect(p!).toBeLessThanOrEqual(before);
      before = p!;
    }
  });
});

describe("placeboLimit", () => {
  test("is the smallest statistic whose p is at most alpha", () => {
    const calibration = family(upTo(199));
    const limit = placeboLimit(calibration, 0.05, 1);
    expect(placeboP(calibration, limit).p!).toBeLessThanOrEqual(0.05);
    expect(placeboP(calibration, limit - 0.01).p!).toBeGreaterThan(0.05);
  });

  test("is never below the quoted limit, and that one without placebos", () => {
    expect(placeboLimit(family(upTo(199)), 0.05, 1000)).toBe(1000);
    expect(placeboLimit(null, 0.05, 8)).toBe(8);
    expect(placeboLimit(family(upTo(20)), 0.05, 8)).toBe(8);
  });

  test("is above every peak where alpha cannot be told", () => {
    // All but a few peaks are nothing: there is no tail to continue.
    const peaks = [...Array.from({ length: 148 }, () => 0), 5, 9];
    const limit = placeboLimit(family(peaks), 0.001, 8);
    expect(limit).toBeGreaterThan(9);
    expect(limit).toBeLessThan(9.001);
  });
});
