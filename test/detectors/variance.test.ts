/** Noise that widens: known values, an independent recomputation, what it must not see. */

import { describe, expect, test } from "vitest";
import { BEYOND } from "../../engine/detect/detectors/contract.ts";
import { trimmedMean } from "../../engine/detect/detectors/variance.ts";
import type { VarianceSettings } from "../../engine/policy/policy.ts";
import { randomStream } from "../../lab/random.ts";
import { fold, UP } from "./noise.ts";

const settings: VarianceSettings = {
  kind: "variance",
  baselineMs: 0,
  season: false,
  window: 30,
  atLeast: 30,
  times: 1.9,
};

/** Normal noise of this spread. */
function normal(count: number, spread: number, ...key: (string | number)[]): Float64Array {
  const random = randomStream(20260312, "variance", ...key);
  return Float64Array.from({ length: count }, () => spread * random.normal());
}

const noiseOf = (residuals: Float64Array) => ({
  spread: 1,
  autocorrelation: 0,
  samples: residuals.length,
  residuals,
});

describe("the statistic", () => {
  test("is a mean without its largest tenth, two at least", () => {
    // scipy.stats.trim1([...range(1, 31)], 0.1, tail="right").mean() == 14.0
    expect(trimmedMean(Array.from({ length: 30 }, (_, index) => index + 1))).toBe(14);
    expect(trimmedMean([1, 2, 3, 100, 90])).toBe(2);
    expect(trimmedMean([5, 7])).toBe(0);
    expect(trimmedMean([])).toBe(0);
  });

  test("agrees with a recomputation from scratch at every sample", () => {
    const before = normal(61, 1, "before");
    const watch = normal(90, 2, "watch");
    const steps = (values: readonly number[]): number[] =>
      values.slice(1).map((value, index) => Math.abs(value - values[index]!));
    const expected = [...watch].map((_one, index) => {
      const seen = steps([...watch.slice(0, index + 1)]).slice(-30);
      if (seen.length < 30) return 0;
      const mean = (list: number[]): number => {
        const sorted = [...list].sort((a, b) => a - b);
        const kept = sorted.slice(0, sorted.length - Math.round(sorted.length / 10));
        return kept.reduce((sum, one) => sum + one, 0) / kept.length;
      };
      return mean(seen) / mean(steps([...before]));
    });
    const { statistics } = fold(settings, noiseOf(before), watch, UP(0));
    statistics.forEach((one, index) => expect(one).toBeCloseTo(expected[index]!, 12));
  });
});

describe("of 300 watches of 31 samples", () => {
  const flagged = (change: (watch: Float64Array) => Float64Array, spread: number): number => {
    let count = 0;
    for (let run = 0; run < 300; run++) {
      const before = normal(31, 1, "past", run);
      const watch = change(normal(31, spread, "watch", run));
      if (fold(settings, noiseOf(before), watch, UP(0)).flags.includes(BEYOND)) count++;
    }
    return count / 300;
  };
  const same = (watch: Float64Array): Float64Array => watch;

  test("few are flagged where nothing changed, and most where the variance is eightfold", () => {
    expect(flagged(same, 1)).toBeLessThan(0.02);
    expect(flagged(same, Math.sqrt(8))).toBeGreaterThan(0.9);
  });

  test("a shift, a drift and a transient are not its business; five spikes are", () => {
    expect(flagged((watch) => watch.map((one) => one + 8), 1)).toBeLessThan(0.02);
    expect(flagged((watch) => watch.map((one, at) => one + at / 4), 1)).toBeLessThan(0.03);
    const transient = (watch: Float64Array): Float64Array =>
      watch.map((one, at) => (at >= 3 && at < 7 ? one + 15 : one));
    expect(flagged(transient, 1)).toBeLessThan(0.03);
    const spikes = (watch: Float64Array): Float64Array =>
      watch.map((one, at) => (at % 6 === 3 ? one + 15 : one));
    expect(flagged(spikes, 1)).toBeGreaterThan(0.95);
  });

  test("a wider noise that is tolerated is none, and the statistic says so", () => {
    const wide = normal(60, 3, "wide");
    const { flags, statistics } = fold(settings, noiseOf(normal(31, 1, "calm")), wide, UP(20));
    expect(flags).not.toContain(BEYOND);
    expect(Math.max(...statistics)).toBe(0);
  });

  test("a breach ends when the noise is as it was", () => {
    const watch = Float64Array.from([...normal(60, 4, "loud"), ...normal(90, 1, "quiet")]);
    const { flags } = fold(settings, noiseOf(normal(61, 1, "calm")), watch, UP(0));
    expect(flags.subarray(30, 60)).toContain(BEYOND);
    expect(flags.subarray(100)).not.toContain(BEYOND);
  });
});
