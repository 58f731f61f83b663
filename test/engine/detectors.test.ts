/** Detectors against dumb recomputations and known run lengths. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accumulateCusum, startCusum } from "../../engine/detect/detectors/cusum.ts";
import { BEYOND, MISSING, WITHIN } from "../../engine/detect/detectors/contract.ts";
import { holdSample, interruptHold, startHold } from "../../engine/detect/hold.ts";
import { accumulateThreshold, startThreshold } from "../../engine/detect/detectors/threshold.ts";
import { stretchOf } from "../detectors/noise.ts";
import { check } from "./check.ts";
import { normals } from "./seeded.ts";

const INFINITY = Number.POSITIVE_INFINITY;
const residualsOf = fc.array(fc.oneof(fc.integer({ min: -60, max: 60 }), fc.constant(Number.NaN)), {
  maxLength: 80,
});

function threshold(breaches: number, of: number, residuals: readonly number[]) {
  const settings = { kind: "threshold", baselineMs: 0, season: false, breaches, of } as const;
  const noise = { spread: 1, autocorrelation: 0, samples: 40, residuals: [] };
  const bounds = { up: 10, down: INFINITY };
  const stretch = stretchOf(Float64Array.from(residuals), noise, () => bounds);
  accumulateThreshold(settings, startThreshold(), stretch);
  return { flags: [...stretch.flags], counts: [...stretch.statistics] };
}

describe("threshold", () => {
  test("two of three, with a missing sample that counts for nothing", () => {
    const { flags, counts } = threshold(2, 3, [5, 11, Number.NaN, 12, 3, 3, 11]);
    expect(flags).toEqual([WITHIN, WITHIN, MISSING, BEYOND, BEYOND, WITHIN, WITHIN]);
    expect(counts).toEqual([0, 1, 1, 2, 2, 1, 1]);
  });

  test("the tolerance itself is tolerated", () => {
    expect(threshold(1, 1, [10, 10.000001]).flags).toEqual([WITHIN, BEYOND]);
  });

  test("is what counting the last samples again each time gives, up to thirty", () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }));
    check(
      fc.property(residualsOf, sizes, (residuals, [a, b]) => {
        const [breaches, of] = [Math.min(a, b), Math.max(a, b)];
        const { flags } = threshold(breaches, of, residuals);
        residuals.forEach((residual, index) => {
          const valid = residuals.slice(0, index + 1).filter((one) => !Number.isNaN(one));
          const beyond = valid.slice(-of).filter((one) => one > 10).length >= breaches;
          const expected = beyond ? BEYOND : WITHIN;
          expect(flags[index]).toBe(Number.isNaN(residual) ? MISSING : expected);
        });
      }),
    );
  });
});

describe("cusum", () => {
  const settings = { kind: "cusum", baselineMs: 0, season: false } as const;

  test("is the recursion of its header, written out", () => {
    const given = fc.record({
      residuals: residualsOf,
      drift: fc.constantFrom(0.5, 1, 2),
      clip: fc.constantFrom(3, 10),
      limit: fc.constantFrom(4, 12),
      spread: fc.constantFrom(1, 8),
      autocorrelation: fc.constantFrom(0, 0.6),
      up: fc.constantFrom(0, 5, INFINITY),
      down: fc.constantFrom(0, 20, INFINITY),
    });
    check(
      fc.property(given, (given) => {
        const { residuals, drift, clip, limit, spread, autocorrelation, up, down } = given;
        const noise = { spread, autocorrelation, samples: 40, residuals: [] };
        // What is estimated from 40 samples is (1 + 3φ)/40 too low.
        const phi = autocorrelation + (1 + 3 * autocorrelation) / 40;
        const inflation = (1 + phi) / (1 - phi);
        const stretch = stretchOf(Float64Array.from(residuals), noise, () => ({ up, down }));
        accumulateCusum({ ...settings, drift, clip, limit }, startCusum(), stretch);
        const { flags, statistics } = stretch;
        const sum = (index: number, sign: number, bound: number): number => {
          if (index < 0 || bound === INFINITY) return 0;
          const before = sum(index - 1, sign, bound);
          const residual = residuals[index]!;
          if (Number.isNaN(residual)) return before;
          const excess = (sign * residual) / spread - Math.max(drift, bound / spread + 1);
          const clipped = Math.min(clip, Math.max(-clip, excess / inflation));
          return Math.min(2 * limit, Math.max(0, before + clipped));
        };
        residuals.forEach((residual, index) => {
          const expected = Math.max(sum(index, 1, up), sum(index, -1, down));
          expect(statistics[index]).toBe(expected);
          const flag = expected >= limit ? BEYOND : WITHIN;
          expect(flags[index]).toBe(Number.isNaN(residual) ? MISSING : flag);
        });
      }),
    );
  });

  test("alarms about once in 1.5e4 independent normal samples at k = 1, h = 4", () => {
    // Siegmund (1985): (e^{2kb} − 2kb − 1) / 2k² with b = h + 1.166 is 15 345.
    const runs = 80;
    let samples = 0;
    for (let run = 0; run < runs; run++) {
      const state = startCusum();
      for (let part = 0; ; part++) {
        const residuals = normals(run * 1000 + part, 4096);
        const noise = { spread: 1, autocorrelation: 0, samples: 1e9, residuals: [] };
        const stretch = stretchOf(residuals, noise, () => ({ up: 0, down: INFINITY }));
        accumulateCusum({ ...settings, drift: 1, clip: 1e9, limit: 4 }, state, stretch);
        const { flags } = stretch;
        const first = flags.indexOf(BEYOND);
        samples += first < 0 ? residuals.length : first + 1;
        if (first >= 0) break;
      }
    }
    // Eighty exponential runs: ±11 % is one standard error.
    expect(samples / runs).toBeGreaterThan(10_000);
    expect(samples / runs).toBeLessThan(22_000);
  });
});

describe("hold and clear", () => {
  const run = (flags: readonly number[], holdMs: number, clearMs: number): string[] => {
    const state = startHold();
    const rule = { hold: holdMs, clear: clearMs, holdsSamples: false, clearsSamples: false };
    return flags.map((flag, index) => {
      if (flag < 0) interruptHold(state);
      else holdSample(state, flag, { atMs: index * 15_000, count: index }, rule);
      return state.verdict;
    });
  };

  test("a breach begins when it has lasted, and ends when it has been gone", () => {
    expect(run([0, 1, 1, 1, 0, 0, 1, 0, 0, 0], 30_000, 30_000)).toEqual([
      ...["watching", "watching", "watching", "breach", "breach"],
      ...["breach", "breach", "breach", "breach", "cleared"],
    ]);
  });

  test("one sample within tolerance starts the count again; a missing one does not", () => {
    expect(run([1, 1, 0, 1, 1, 1], 30_000, 0).indexOf("breach")).toBe(5);
    expect(run([1, 1, MISSING, 1, 1, 1], 30_000, 0).indexOf("breach")).toBe(3);
  });

  test("silence ends what was being counted, and is not health", () => {
    expect(run([1, 1, 1, -1, 0, 0, 0, 0], 30_000, 15_000)).toEqual([
      ...["watching", "watching", "breach", "watching"],
      ...["watching", "watching", "watching", "watching"],
    ]);
  });
});
