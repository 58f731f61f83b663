/**
 * Mann-Whitney against all pairs, against SciPy, and by Kayenta's rule.
 *
 * Why it is not a detector to rely on: % of healthy 60-sample watches flagged, looked
 * at after every sample from the eighth on, and once at the end (1000 watches of
 * `watches` in noise.ts, both directions, no tolerance, 98 % confidence):
 *
 *     φ             0     .3     .6     .8   |  t, 3 d.f.:  0     .3     .6     .8
 *     every look   1.4    8.4   34.2   62.2  |             0.9   10.9   36.2   60.3
 *     one look     0.2    1.6   11.1   31.1  |             0.1    2.8   12.2   27.5
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BEYOND } from "../../engine/detect/detectors/contract.ts";
import { mannWhitneyShift } from "../../engine/detect/detectors/mannWhitney.ts";
import { normalQuantile } from "../../engine/detect/detectors/normal.ts";
import type { MannWhitneySettings } from "../../engine/policy/policy.ts";
import { check } from "../engine/check.ts";
import { flagged, fold, threeErrors, UP, watches } from "./noise.ts";

const settings: MannWhitneySettings = {
  ...{ kind: "mannWhitney", baselineMs: 0, season: false },
  ...{ confidence: 0.98, limit: 0.25, atLeast: 8, every: 1 },
};
const noiseOf = (residuals: readonly number[]) => ({
  ...{ spread: 1, autocorrelation: 0, samples: residuals.length, residuals },
});

/** The normal statistic of U from all pairs and all tie groups, after the shift. */
function statistic(control: readonly number[], experiment: readonly number[], shift: number) {
  const moved = experiment.map((one) => one - shift);
  let pairs = 0;
  for (const x of moved) for (const y of control) pairs += x > y ? 1 : x === y ? 0.5 : 0;
  const all = [...moved, ...control];
  const ties = [...new Set(all)]
    .map((value) => all.filter((one) => one === value).length)
    .reduce((sum, same) => sum + same ** 3 - same, 0);
  const size = all.length;
  const product = moved.length * control.length;
  const deviation = Math.sqrt((product / 12) * (size + 1 - ties / (size * (size - 1))));
  const excess = pairs - product / 2;
  return deviation === 0 ? 0 : (excess - Math.sign(excess) / 2) / deviation;
}

function differencesOf(control: readonly number[], experiment: readonly number[]): number[] {
  return experiment.flatMap((x) => control.map((y) => x - y)).sort((a, b) => a - b);
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

describe("the shift and its interval", () => {
  // SciPy 1.17: all differences of pairs; between two of them
  // mannwhitneyu(x - shift, y, method="asymptotic", use_continuity=True) is constant.
  // The first is Hollander and Wolfe's permeability of the chorioamnion, the example of
  // R's wilcox.test, which gives the same 0.305 and (-0.15, 0.76).
  const permeability: [number[], number[]] = [
    [1.15, 0.88, 0.9, 0.74, 1.21],
    [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
  ];
  const tied: [number[], number[]] = [
    [3, 3, 4, 4, 4, 5, 5, 6, 7, 7, 8, 9],
    [5, 6, 6, 7, 7, 7, 8, 8, 9, 10, 10, 11, 11, 12, 12, 13, 13],
  ];
  test.each([
    [permeability, 0.9, 0.305, -0.08, 0.72],
    [permeability, 0.95, 0.305, -0.15, 0.76],
    [permeability, 0.98, 0.305, -0.32, 0.99],
    [tied, 0.9, 4, 2, 5],
    [tied, 0.95, 4, 2, 6],
    [tied, 0.98, 4, 1, 6],
  ])("known values: case %#", ([control, experiment], confidence, estimate, low, high) => {
    const shift = mannWhitneyShift(control, experiment, confidence);
    expect(shift.estimate).toBeCloseTo(estimate, 9);
    expect(shift.low).toBeCloseTo(low, 9);
    expect(shift.high).toBeCloseTo(high, 9);
  });

  test("the normal quantile has the digits for it", () => {
    // scipy.stats.norm.ppf
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 14);
    expect(normalQuantile(0.99)).toBeCloseTo(2.3263478740408408, 14);
    expect(normalQuantile(0.0001)).toBeCloseTo(-3.719016485455709, 13);
    expect(normalQuantile(0.6)).toBeCloseTo(0.2533471031357997, 14);
  });

  const group = fc.oneof(
    fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 25 }),
    fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 1, maxLength: 25 }),
  );

  test("is the median of all differences, and its ends are where significance begins", () => {
    check(
      fc.property(group, group, fc.constantFrom(0.8, 0.98), (control, experiment, sure) => {
        const { estimate, low, high } = mannWhitneyShift(control, experiment, sure);
        const differences = differencesOf(control, experiment);
        const nextTo = 1e-7;
        expect(estimate).toBeCloseTo(middle(differences), 9);
        const critical = normalQuantile((1 + sure) / 2);
        // Differences of doubles round, so ties between groups that are none are left out.
        if (differences.some((one, index) => near(one, differences[index + 1]))) return;
        const [least, most] = [differences[0]!, differences[differences.length - 1]!];
        if (low > least) {
          expect(statistic(control, experiment, low - nextTo)).toBeGreaterThan(critical);
        }
        expect(statistic(control, experiment, low + nextTo)).toBeLessThanOrEqual(critical);
        if (high < most) {
          expect(statistic(control, experiment, high + nextTo)).toBeLessThan(-critical);
        }
        expect(statistic(control, experiment, high - nextTo)).toBeGreaterThanOrEqual(-critical);
      }),
    );
    function near(a: number, b: number | undefined): boolean {
      return b !== undefined && a !== b && Math.abs(a - b) < 1e-6;
    }
  });

  test("swapping the groups turns it round, and the order within one means nothing", () => {
    // Whole numbers: their differences are exact in both directions.
    const whole = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 25 });
    check(
      fc.property(whole, whole, (a, b) => {
        const there = mannWhitneyShift(a, b, 0.98);
        const back = mannWhitneyShift(b, [...a].reverse(), 0.98);
        expect(back.estimate).toBeCloseTo(-there.estimate, 9);
        expect(back.low).toBeCloseTo(-there.high, 9);
        expect(back.high).toBeCloseTo(-there.low, 9);
      }),
    );
  });

  test("two constant groups differ by exactly their difference; one value by nothing", () => {
    const constant = (value: number): number[] => Array<number>(10).fill(value);
    expect(mannWhitneyShift(constant(3), constant(4), 0.98)).toEqual({
      ...{ estimate: 1, low: 1, high: 1 },
    });
    expect(mannWhitneyShift(constant(3), constant(3), 0.98)).toEqual({
      ...{ estimate: 0, low: 0, high: 0 },
    });
  });
});

describe("Kayenta's rule", () => {
  /** `High` is 1, `Low` is −1, `Pass` is 0; at a confidence of 98 % and a `tolerance` of .25. */
  const kayenta = (control: readonly number[], experiment: readonly number[]): number => {
    const { estimate, low, high } = mannWhitneyShift(control, experiment, 0.98);
    const clears = 0.25 * Math.abs(estimate);
    return low > clears ? 1 : high < -clears ? -1 : 0;
  };
  const ramp = (count: number, from: number): number[] =>
    Array.from({ length: count }, (_, index) => from + ((index * 7) % 10));

  test("high, low and pass on raw arrays of different sizes", () => {
    expect(kayenta(ramp(60, 10), ramp(60, 10))).toBe(0);
    expect(kayenta(ramp(60, 10), ramp(20, 20))).toBe(1);
    expect(kayenta(ramp(60, 10), ramp(20, 2))).toBe(-1);
    expect(kayenta(ramp(60, 10), ramp(60, 11))).toBe(0);
    expect(kayenta([5, 5, 5, 5], [5, 5, 5, 5, 5])).toBe(0);
  });

  test("the detector is that rule on the samples so far, with a mean beyond the tolerance", () => {
    const values = fc.array(fc.integer({ min: -5, max: 9 }), { minLength: 1, maxLength: 40 });
    const given = fc.record({ control: values, watch: values, bound: fc.constantFrom(0, 1, 3) });
    const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
    check(
      fc.property(given, ({ control, watch, bound }) => {
        const bounds = { up: bound, down: bound };
        const { flags } = fold(settings, noiseOf(control), Float64Array.from(watch), bounds);
        watch.forEach((_, index) => {
          const experiment = watch.slice(0, index + 1);
          const sign = experiment.length < 8 ? 0 : kayenta(control, experiment);
          const shift = mean(experiment) - mean(control);
          const sure = Math.abs(statistic(control, experiment, 0)) > normalQuantile(0.99);
          const harm = sign !== 0 && sure && sign * shift > bound;
          expect(flags[index] === BEYOND).toBe(harm);
        });
      }),
    );
  });

  test("looks only when it is due, and never without a control", () => {
    const watch = new Float64Array(30).fill(9).map((value, index) => value + (index % 2));
    const control = noiseOf(ramp(30, -5));
    const first = (every: number, atLeast: number): number =>
      fold({ ...settings, every, atLeast }, control, watch, UP(0)).flags.indexOf(BEYOND);
    expect([first(1, 8), first(1, 12), first(10, 12)]).toEqual([7, 11, 11]);
    const late = Float64Array.from({ length: 30 }, (_, index) => (index < 12 ? 0 : 9));
    const { flags } = fold({ ...settings, every: 10, atLeast: 12 }, control, late, UP(0));
    expect([...flags.subarray(0, 21)]).not.toContain(BEYOND);
    expect(fold(settings, noiseOf([]), watch, UP(0)).flags).not.toContain(BEYOND);
  });

  test("constant groups: a breach when the step is more than is tolerated", () => {
    const watch = new Float64Array(12).fill(1);
    const control = noiseOf(Array<number>(20).fill(0));
    expect(fold(settings, control, watch, UP(0.5)).flags[11]).toBe(BEYOND);
    expect(fold(settings, control, watch, UP(1)).flags).not.toContain(BEYOND);
    expect(
      fold(
        settings,
        control,
        watch.map(() => 0),
        UP(0),
      ).flags,
    ).not.toContain(BEYOND);
  });
});

test("one look at independent noise keeps its promise, sixty looks do not", () => {
  const runs = 300;
  const healthy = watches(runs, 0, "normal");
  const both = { up: 0, down: 0 };
  const once = flagged({ ...settings, atLeast: 60 }, healthy, both).share;
  expect(once).toBeLessThan(0.02 + threeErrors(0.02, runs));
  const correlated = watches(runs, 0.6, "normal");
  expect(flagged({ ...settings, every: 2 }, correlated, both).share).toBeGreaterThan(0.2);
});
