/** Relative changes on a linear scale, and what is acceptable at any level. */

import { describe, expect, test } from "vitest";
import { expectedAt, observe, observeBaseline } from "../../engine/detect/baseline/residual.ts";
import { boundsFor } from "../../engine/detect/tolerance.ts";
import { signalOf } from "./policyFile.ts";
import { normals } from "./seeded.ts";

const MINUTE_MS = 60_000;
const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i * MINUTE_MS);

describe("a change that is acceptable at any level", () => {
  const series = { service: "s", metric: "m", version: null, percentagePoint: 1 };
  const boundsAt = (level: number, change: string) => {
    const values = normals(1, 40).map((z) => level * (1 + 0.01 * z));
    const baseline = observeBaseline(times(40), values, "log", 1, null, null, 20);
    const signal = signalOf({ tolerance: { change, atLeast: 20 }, worse: "both" });
    return { baseline, ...boundsFor(signal, series, signal.tolerance.amount, baseline) };
  };

  test.each([
    [1000, 100],
    [200, 20],
    [4, 20],
    [-40, 20],
    [-1000, 100],
  ])("around %d it is a change of %d in ten, or twenty", (level, size) => {
    const { baseline, up, down } = boundsAt(level, "10%");
    const [high, low] = [1.0001, 0.9999].map((times) =>
      observe(baseline, [0, 0], [level + size * times, level - size * times]),
    );
    if (level > 0) expect(baseline.transform).toBe("log");
    // The level is the median of noisy samples: 1 % of it is room enough.
    expect(Math.abs(up - (high![0]! + low![0]!) / 2)).toBeLessThan(0.02);
    if (level > size) expect(Math.abs(down + (high![1]! + low![1]!) / 2)).toBeLessThan(0.02);
    else if (level > 0) expect(down).toBe(Number.POSITIVE_INFINITY);
  });

  test("says what a baseline of zeros is compared with, and no other baseline changes", () => {
    const zeros = new Float64Array(30);
    expect(observeBaseline(times(30), zeros, "log", 1, null).problem).toMatch(/zero/);
    const baseline = observeBaseline(times(30), zeros, "log", 1, null, null, 20);
    expect(baseline).toMatchObject({ problem: null, transform: "share", level: 0, offset: 20 });
    expect([...observe(baseline, [0, 0], [5, -30])]).toEqual([0.25, -1.5]);
    const values = normals(2, 40).map((z) => 100 + z);
    const [plain, floored] = [null, 20].map((floor) =>
      observeBaseline(times(40), values, "log", 1, null, null, floor),
    );
    expect(floored).toEqual(plain);
  });

  test("goes with a relative change only, and with no count", () => {
    const issueOf = (written: object): unknown => {
      try {
        return signalOf(written);
      } catch (error) {
        return (error as Error).message;
      }
    };
    const points = { tolerance: { change: "1pp", atLeast: 20 } };
    expect(issueOf(points)).toMatch(/atLeast/);
    const count = { tolerance: { change: "10%", atLeast: 20 }, exposure: 100 };
    expect(issueOf({ ...count, detector: { kind: "count" } })).toMatch(/atLeast/);
    expect(issueOf({ tolerance: { change: "10%", atleast: 20 } })).toMatch(/atLeast|atleast/);
  });
});

describe("a series that was below zero", () => {
  const around = (level: number): Float64Array =>
    Float64Array.from(normals(3, 60), (z) => level + 2 * z);

  test("changes by shares of its size, and no negative value is read as zero", () => {
    const baseline = observeBaseline(times(60), around(-100), "log", 1, null);
    expect(baseline).toMatchObject({ transform: "share", problem: null });
    const [up, down, far] = observe(baseline, [0, 0, 0], [-80, -120, 917]);
    expect(up).toBeCloseTo(0.2, 1);
    expect(down).toBeCloseTo(-0.2, 1);
    expect(far).toBeCloseTo(10.17, 0);
    expect(expectedAt(baseline, 0)).toBeCloseTo(-100, 0);
  });

  test("has a size also where its median is zero", () => {
    const values = Float64Array.from({ length: 61 }, (_, index) => (index % 3) - 1);
    const baseline = observeBaseline(times(61), values, "log", 1, null);
    expect(baseline.transform).toBe("share");
    expect(Number.isFinite(observe(baseline, [0], [1e300])[0])).toBe(true);
  });
});
