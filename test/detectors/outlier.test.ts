/** Large excursions: short ones, on any level, after a spike, and none where nothing is. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observe, observeBaseline } from "../../engine/detect/baseline/residual.ts";
import { fewSamples } from "../../engine/detect/baseline/scale.ts";
import { BEYOND, type Bounds } from "../../engine/detect/detectors/contract.ts";
import { boundsFor } from "../../engine/detect/tolerance.ts";
import type { OutlierSettings, SignalPolicy } from "../../engine/policy/policy.ts";
import { check } from "../engine/check.ts";
import { policyOf } from "../engine/policyFile.ts";
import { flagged, fold, SOAK, threeErrors, UP, watches } from "./noise.ts";

const settings: OutlierSettings = {
  kind: "outlier",
  baselineMs: 0,
  season: false,
  drift: 2,
  limit: 8,
};
const MINUTE_MS = 60_000;
const series = { service: "s", metric: "m", version: null, percentagePoint: 0.01 };

function signalOf(tolerance: unknown, worse = "up"): SignalPolicy {
  return policyOf({
    policy: "p",
    owner: "o",
    signals: { one: { metric: "m", tolerance, worse, detector: { kind: "outlier" } } },
    assign: [{ otherwise: "full" }],
  }).signals[0]!;
}

/** The indices that are flagged of `after`, judged on `before`. */
function found(before: readonly number[], after: readonly number[], signal = signalOf("10%")) {
  const atMs = before.map((_, index) => index * MINUTE_MS);
  const { atLeast = null } = signal.tolerance;
  const transform = signal.tolerance.kind === "relative" ? "share" : "identity";
  const baseline = observeBaseline(atMs, before, transform, 0.01, null, null, atLeast);
  const residuals = observe(baseline, after, after);
  const bounds: Bounds = boundsFor(signal, series, signal.tolerance.amount, baseline);
  const { flags } = fold(settings, baseline, residuals, bounds);
  return [...flags].flatMap((flag, index) => (flag === BEYOND ? [index] : []));
}

/** Sixty samples within 1 % of the level. */
const quiet = (level: number, count = 60): number[] =>
  Array.from({ length: count }, (_, index) => level * (1 + (((index * 7) % 11) - 5) / 500));

describe("outlier", () => {
  test.each([100, 1e-6, 1e9, -100, -1e-4])("one sample at many times %d is enough", (level) => {
    const after = quiet(level, 20);
    after[7] = 10.17 * Math.abs(level);
    expect(found(quiet(level), after)).toEqual([7]);
    after[7] = -10.17 * Math.abs(level);
    expect(found(quiet(level), after)).toEqual([]);
    expect(found(quiet(level), after, signalOf("10%", "both"))).toEqual([7]);
  });

  test("a baseline that no verdict can rest on has no scale, and flags nothing", () => {
    expect(found([], quiet(100, 20))).toEqual([]);
  });

  test("a smaller excursion must last, and one within one and a half tolerances is none", () => {
    const at = (change: number, lasts: number): number[] =>
      quiet(100, 20).map((value, index) => (index >= 5 && index < 5 + lasts ? change : value));
    expect(found(quiet(100), at(125, 1))).toEqual([]);
    expect(found(quiet(100), at(125, 4))).not.toEqual([]);
    expect(found(quiet(100), at(114, 15))).toEqual([]);
  });

  test("one earlier spike, however large, hides nothing", () => {
    for (const spike of [2, 10, 1e6]) {
      for (const [at, lasts] of [[3, 1] as const, [30, 2] as const, [58, 1] as const]) {
        const before = quiet(100).map((one, index) =>
          index >= at && index < at + lasts ? one * spike : one,
        );
        expect(found(before, [100, 180, 100])).toEqual([1]);
      }
    }
    // What comes again and again is how the series is.
    const bursts = quiet(100).map((one, index) => (index % 15 === 4 ? 300 : one));
    expect(found(bursts, [100, 300, 100])).toEqual([]);
  });

  test("of nothing but zeros the floor says what is large; without one three samples do", () => {
    const zeros = new Array<number>(60).fill(0);
    const floored = signalOf({ change: "10%", atLeast: 20 }, "both");
    expect(found(zeros, [0, 15, 0, 200, 0, -200, 0], floored)).toEqual([3, 5]);
    expect(found(zeros, [0, 1e-9, 0, 1e9, 1e9, 0, 0])).toEqual([]);
    expect(found(zeros, [0, 1e-9, 1e-9, 1e-9, 0, 0])).toEqual([3]);
    expect(found(zeros, new Array<number>(40).fill(0))).toEqual([]);
  });

  test("percentage points are linear already", () => {
    const signal = signalOf("1pp");
    expect(found(quiet(0.002), [0.002, 0.05, 0.002], signal)).toEqual([1]);
    expect(found(quiet(0.002), [0.002, 0.02, 0.002], signal)).toEqual([]);
  });

  test("few samples before widen the scale", () => {
    expect([4, 16, 60].map((count) => Number(fewSamples(count).toFixed(2)))).toEqual([
      5.6, 1.47, 1.1,
    ]);
    // With an hour before it, two samples at +40 % are a breach; with sixteen samples they are not.
    const after = [100, 140, 100];
    expect(found(quiet(100), after)).toEqual([1]);
    expect(found(quiet(100, 16), after)).toEqual([]);
    expect(found(quiet(100, 16), [100, 190, 100])).toEqual([1]);
  });

  test("is as large with the unit of the metric, on any level", () => {
    const given = fc.record({
      level: fc.constantFrom(-3, 0.5, 70),
      changes: fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { maxLength: 30 }),
      power: fc.integer({ min: -12, max: 12 }),
    });
    check(
      fc.property(given, ({ level, changes, power }) => {
        const times = 2 ** power;
        const after = changes.map((change) => level + change * Math.abs(level));
        const plain = found(quiet(level), after);
        const scaled = after.map((value) => value * times);
        const before = quiet(level).map((value) => value * times);
        expect(found(before, scaled)).toEqual(plain);
      }),
    );
  });

  // As in the header of outlier.ts, which is measured with SOAK=1.
  const RUNS = SOAK ? 4000 : 400;
  test.each([
    ["normal", 0, 0.001],
    ["normal", 0.6, 0.003],
    ["normal", 0.8, 0.02],
    ["t3", 0.3, 0.035],
  ] as const)("%s noise with φ = %d is flagged in at most %d", (tail, phi, most) => {
    const { share } = flagged(settings, watches(RUNS, phi, tail), UP(0));
    expect(share).toBeLessThan(most + threeErrors(most, RUNS));
  });
});
