/**
 * The EWMA against a recomputation and a simulation of its variance.
 *
 * With its defaults (weight .4, clip 3, limit 5; 3000 watches of `watches` in noise.ts,
 * 600 for shifts, no tolerance): % of healthy 60-sample watches flagged, and % found /
 * median samples of lasting shifts.
 *
 *     noise        φ    up   both      +1.5σ       +2σ       +3σ      +10σ
 *     normal       0    0.0   0.1    38 / –     73 / 20   100 / 5   100 / 3
 *     normal      .3    0.1   0.3    27 / –     58 / 37    93 / 7   100 / 3
 *     normal      .6    0.4   0.8    16 / –     33 / –     71 / 19  100 / 3
 *     normal      .8    0.9   2.1    14 / –     26 / –     53 / 47  100 / 3
 *     t, 3 d.f.    0    0.6   1.1    93 / 10    99 / 5    100 / 3   100 / 3
 *     t, 3 d.f.   .3    2.5   5.4    76 / 20    92 / 8    100 / 3   100 / 3
 *     t, 3 d.f.   .6    3.9   7.8    43 / –     64 / 30    90 / 7   100 / 3
 *     t, 3 d.f.   .8    3.7   6.8    24 / –     37 / –     63 / 24  100 / 3
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { accumulateEwma, startEwma } from "../../engine/detect/detectors/ewma.ts";
import { BEYOND } from "../../engine/detect/detectors/contract.ts";
import type { EwmaSettings } from "../../engine/policy/policy.ts";
import { check } from "../engine/check.ts";
import {
  autoregressive,
  flagged,
  fold,
  SOAK,
  stretchOf,
  threeErrors,
  UP,
  watches,
} from "./noise.ts";

const settings: EwmaSettings = {
  ...{ kind: "ewma", baselineMs: 0, season: false },
  ...{ weight: 0.4, clip: 3, limit: 5 },
};
/** Estimated from so many samples that nothing is corrected and the level is certain. */
const certain = (autocorrelation: number) => ({
  ...{ spread: 1, autocorrelation, samples: 1e12, residuals: [] },
});

/** Variance of a weighted sum of `count` AR(1) residuals, from every pair of them. */
function varianceOf(count: number, weight: number, phi: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) sum += (1 - weight) ** (i + j) * phi ** Math.abs(i - j);
  }
  return weight * weight * sum;
}

test("its variance is that of a simulation, from the first sample on", () => {
  const runs = SOAK ? 150_000 : 40_000;
  for (const phi of [0, 0.3, 0.8]) {
    const state = startEwma();
    const at = [0, 1, 3, 11];
    const variances: number[] = [];
    for (let index = 0; index < 12; index++) {
      const zero = new Float64Array(1);
      accumulateEwma(
        settings,
        state,
        stretchOf(zero, certain(phi), () => UP(0)),
      );
      variances.push(state.variance);
      expect(state.variance).toBeCloseTo(varianceOf(index + 1, 0.4, phi), 9);
    }
    const squares = at.map(() => 0);
    for (let run = 0; run < runs; run++) {
      let z = 0;
      const noise = autoregressive(run, phi, "normal", 12);
      noise.forEach((value, index) => {
        z += 0.4 * (value - z);
        const which = at.indexOf(index);
        if (which >= 0) squares[which]! += z * z;
      });
    }
    at.forEach((index, which) => {
      const ratio = squares[which]! / runs / variances[index]!;
      // A variance of `runs` normals is off by √(2/runs): 0.7 % here, 0.4 % in a soak.
      expect(Math.abs(ratio - 1)).toBeLessThan(0.01 + 2 * Math.sqrt(2 / runs));
    });
  }
  // The end that textbooks give, 0.4/1.6 · (1 + 0.8·0.6)/(1 − 0.8·0.6).
  expect(varianceOf(200, 0.4, 0.8)).toBeCloseTo((0.25 * 1.48) / 0.52, 10);
});

test("is the formula of its header, written out", () => {
  const residual = fc.oneof(fc.integer({ min: -60, max: 60 }), fc.constant(Number.NaN));
  const given = fc.record({
    residuals: fc.array(residual, { maxLength: 40 }),
    weight: fc.constantFrom(0.2, 0.4, 1),
    clip: fc.constantFrom(2, 3),
    spread: fc.constantFrom(1, 8),
    autocorrelation: fc.constantFrom(0, 0.5),
    samples: fc.constantFrom(30, 60),
    up: fc.constantFrom(0, 5, Infinity),
    down: fc.constantFrom(0, 20, Infinity),
  });
  check(
    fc.property(
      given,
      ({ residuals, weight, clip, spread, autocorrelation, samples, up, down }) => {
        const noise = { spread, autocorrelation, samples, residuals: [] };
        const { statistics } = fold(
          { ...settings, weight, clip },
          noise,
          Float64Array.from(residuals),
          { up, down },
        );
        const phi = autocorrelation + (1 + 3 * autocorrelation) / samples;
        const level = ((Math.PI / 2) * (1 + phi)) / (1 - phi) / samples;
        const valid = residuals.filter((one) => !Number.isNaN(one));
        const deviation = (count: number) => Math.sqrt(varianceOf(count, weight, phi) + level);
        const average = (count: number, sign: number, bound: number): number => {
          if (bound === Infinity) return 0;
          let z = 0;
          for (let index = 0; index < count; index++) {
            const step = (clip * deviation(index + 1)) / weight;
            const excess = (sign * valid[index]! - bound) / spread;
            z = (1 - weight) * z + weight * Math.min(step, Math.max(-step, excess));
          }
          return z;
        };
        let count = 0;
        residuals.forEach((one, index) => {
          if (!Number.isNaN(one)) count++;
          const furthest = Math.max(0, average(count, 1, up), average(count, -1, down));
          expect(statistics[index]).toBeCloseTo(furthest / deviation(count), 9);
        });
      },
    ),
  );
});

test("alarms on at most 1 % of healthy watches up to φ = 0.6, and finds three spreads", () => {
  const runs = SOAK ? 3000 : 300;
  for (const phi of [0, 0.3, 0.6]) {
    const healthy = watches(runs, phi, "normal");
    const limit = 0.01 + threeErrors(0.01, runs);
    expect(flagged(settings, healthy, { up: 0, down: 0 }).share).toBeLessThan(limit);
    expect(flagged(settings, healthy, UP(0), 3).share).toBeGreaterThan(0.6);
  }
  expect(flagged(settings, watches(runs, 0, "normal"), UP(0), 3).median).toBeLessThanOrEqual(6);
});

test("a wide tolerance on a quiet series can be exceeded", () => {
  const quiet = new Float64Array(10).fill(101);
  expect(fold(settings, certain(0), quiet, UP(95)).flags).toContain(BEYOND);
  expect(fold(settings, certain(0), quiet, UP(101)).flags).not.toContain(BEYOND);
});
