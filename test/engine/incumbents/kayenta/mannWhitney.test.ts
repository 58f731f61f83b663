/**
 * The test's numbers against R 4.2.2: the bounds from
 * `wilcox.test(x, y, conf.int = TRUE, conf.level = …, exact = FALSE, correct = TRUE)`. Upstream
 * computes the estimate with the continuity correction, R without: it is from R's `uniroot` with
 * `tol = 1e-4` over the same function. The data are those of R's help of `wilcox.test`
 * (Hollander and Wolfe 1973, permeability), `airquality` (ozone of August and May) and `sleep`.
 */

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { mannWhitney, wilcoxonDiff } from "../../../../engine/incumbents/kayenta/mannWhitney.ts";
import { ascending, ranked } from "../../../../engine/incumbents/kayenta/statistics.ts";

const PERMEABILITY = [
  [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
  [1.15, 0.88, 0.9, 0.74, 1.21],
] as const;
const OZONE = [
  [
    ...[39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22],
    ...[59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85],
  ],
  [
    ...[41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18],
    ...[14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37],
  ],
] as const;
const SLEEP = [
  [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
  [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2],
] as const;
const APART = [
  [20, 22, 21, 25, 30],
  [1, 2.2, 1.1, 2.5, 3],
] as const;
const micro = (steps: readonly number[]): number[] => steps.map((step) => 1 / 30 + step * 1e-6);
/** The whole series spans less than the tolerance of the search. */
const TINY = [micro([0, 1, 2, 3, 5, 8, 13, -1, -2, -3]), micro([0, 1, 1, 2, 3, -5, -8])] as const;

test.each([
  ["permeability", PERMEABILITY, 0.95, -0.150014837199084, 0.759942765322294, 0.300148676949413],
  ["permeability", PERMEABILITY, 0.98, -0.31999721322183, 0.989946182062034, 0.300148676949413],
  ["ozone", OZONE, 0.95, 14.9999789830252, 52.9999854162704, 31.9999621418167],
  ["ozone", OZONE, 0.98, 11.9999614125573, 55.0000519023127, 31.9999621418167],
  ["sleep", SLEEP, 0.98, -0.699943645669027, 4.39995551197345, 1.39864938037781],
  ["apart", APART, 0.98, 17.0000753744194, 28.9999217356986, 20],
  ["tiny", TINY, 0.98, -6.000000000006e-6, 2.10000000000002e-5, 2.10000000000002e-5],
] as const)("agrees with R: %s", (_, [x, y], confidence, lower, upper, estimate) => {
  const found = mannWhitney(x, y, confidence)!;
  expect(Math.abs(found.lower - lower)).toBeLessThan(1e-6);
  expect(Math.abs(found.upper - upper)).toBeLessThan(1e-6);
  expect(Math.abs(found.estimate - estimate)).toBeLessThan(1e-6);
});

const values = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 12 });

describe("ranks", () => {
  it("are those of the definition: after all smaller values, ties in the middle", () => {
    fc.assert(
      fc.property(values, values, (x, y) => {
        const all = [...x, ...y];
        const rankOf = (value: number): number => {
          const below = all.filter((other) => other < value).length;
          return below + (all.filter((other) => other === value).length + 1) / 2;
        };
        const sum = x.reduce((total, value) => total + rankOf(value), 0);
        const counts = [...new Set(all)].map((value) => all.filter((one) => one === value).length);
        const ties = counts.reduce((total, count) => total + count ** 3 - count, 0);
        expect(ranked(ascending(x), ascending(y))).toEqual({ rankSum: sum, ties });
      }),
    );
  });
});

describe("the interval", () => {
  it("ends where the statistic crosses the quantile, or at the end of the search", () => {
    fc.assert(
      fc.property(values, values, (given, others) => {
        const [x, y] = [ascending(given), ascending(others)];
        const found = mannWhitney(x, y, 0.98);
        // One value each: all are tied somewhere, which upstream cannot judge.
        if (found === null) return;
        const z = 2.3263478740408408;
        const [least, most] = [x[0]! - y.at(-1)!, x.at(-1)! - y[0]!];
        for (const [end, at] of [
          [found.lower, z],
          [found.upper, -z],
        ] as const) {
          expect(end).toBeGreaterThanOrEqual(least);
          expect(end).toBeLessThanOrEqual(most);
          const before = wilcoxonDiff(end - 2e-4, at, x, y)!;
          const after = wilcoxonDiff(end + 2e-4, at, x, y)!;
          expect(before >= 0 || end === least).toBe(true);
          expect(after <= 0 || end === most).toBe(true);
        }
      }),
    );
  });

  it("is none where all observations are tied", () => {
    expect(mannWhitney([5], [3], 0.98)).toBe(null);
  });

  it("ends on infinite values too", () => {
    expect(mannWhitney([1, 2, Infinity], [1, -Infinity, 3], 0.98)).not.toBe(undefined);
  });
});
