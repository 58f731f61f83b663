/**
 * The e-process against a recomputation and its promise under known noise.
 *
 * With its defaults (alpha 1 %, horizon 60, clip 3.5; 1000 watches of `watches` in
 * noise.ts): % found / median samples of lasting shifts above half a spread tolerated.
 *
 *     noise        φ      +1.5σ       +2σ       +3σ      +10σ
 *     normal       0     97 / 15   100 / 8   100 / 4   100 / 2
 *     normal      .3     81 / 26    96 / 13  100 / 6   100 / 3
 *     normal      .6     45 / –     73 / 33   96 / 13  100 / 7
 *     normal      .8     26 / –     44 / –    72 / 29  100 / 13
 *     t, 3 d.f.    0    100 / 6    100 / 4   100 / 2   100 / 2
 *     t, 3 d.f.   .3     99 / 12   100 / 7   100 / 4   100 / 4
 *     t, 3 d.f.   .6     71 / 34    90 / 18  100 / 9   100 / 7
 *     t, 3 d.f.   .8     35 / –     53 / 55   82 / 23  100 / 14
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BEYOND } from "../../engine/detect/detectors/contract.ts";
import { startAccumulator, accumulate } from "../../engine/detect/detectors/detector.ts";
import { oneSpikeFires } from "../../engine/detect/detectors/onset.ts";
import type { OnsetSettings } from "../../engine/policy/policy.ts";
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

const settings: OnsetSettings = {
  ...{ kind: "eprocess", baselineMs: 0, season: false },
  ...{ alpha: 0.01, horizon: 60, clip: 3.5 },
};
const certain = (autocorrelation: number) => ({
  ...{ spread: 1, autocorrelation, samples: 1e12, residuals: [] },
});

describe("the martingale", () => {
  test("E ≥ 1/α happens to a share α at most, when all that is assumed is true", () => {
    const runs = SOAK ? 10_000 : 2000;
    for (const phi of [0, 0.4]) {
      // At the edge of what is tolerated, with nothing to spare; and without any clip.
      const edge = Array.from({ length: runs }, (_, run) => ({
        noise: certain(phi),
        residuals: autoregressive(run, phi, "normal", 60).map((value) => value + 1),
      }));
      for (const alpha of [0.01, 0.05]) {
        const unclipped = { ...settings, alpha, clip: 1e9 };
        const { share } = flagged(unclipped, edge, UP(1));
        expect(share).toBeLessThan(alpha + threeErrors(alpha, runs));
        const both = flagged(unclipped, edge, { up: 1, down: 1 });
        expect(both.share).toBeLessThan(alpha + threeErrors(alpha, runs));
      }
    }
  });

  test("E is 1 on average after any number of samples", () => {
    const runs = SOAK ? 40_000 : 4000;
    // One small bet dominates rare large ones: the average is only as sure as its tail.
    const one = { ...settings, clip: 1e9, alpha: 1e-9 };
    let sum = 0;
    for (let run = 0; run < runs; run++) {
      const residuals = autoregressive(run, 0, "normal", 4).map((value) => value + 0.5);
      sum += Math.exp(fold(one, certain(0), residuals, UP(0.5)).statistics[3]!);
    }
    expect(sum / runs).toBeGreaterThan(0.93);
    expect(sum / runs).toBeLessThan(1.07);
  });
});

test("is the sum over all onsets, written out, until a bet is held down", () => {
  const residual = fc.oneof(fc.double({ min: -4, max: 5, noNaN: true }), fc.constant(Number.NaN));
  const given = fc.record({
    residuals: fc.array(residual, { maxLength: 30 }),
    autocorrelation: fc.constantFrom(0, 0.5),
    samples: fc.constantFrom(30, 60),
    horizon: fc.constantFrom(5, 60),
    spread: fc.constantFrom(1, 2),
    up: fc.constantFrom(0, 1, 3),
    down: fc.constantFrom(0, 2, Infinity),
  });
  check(
    fc.property(given, ({ residuals, autocorrelation, samples, horizon, spread, up, down }) => {
      const noise = { spread, autocorrelation, samples, residuals: [] };
      const values = Float64Array.from(residuals);
      const { statistics } = fold({ ...settings, horizon }, noise, values, { up, down });
      const phi = autocorrelation + (1 + 3 * autocorrelation) / samples;
      const v = (1 + phi) / (1 - phi);
      const error = 2.5758293035489 * Math.sqrt(v / samples);
      const valid = residuals.filter((one) => !Number.isNaN(one));
      const shifts = [0.5, 1, 1.5, 2, 3, 4.5];
      let held = false;
      const evidence = (count: number, sign: number, bound: number): number => {
        let sum = 0;
        for (const shift of shifts) {
          let won = 0;
          for (let onset = 0; onset < count; onset++) {
            let exponent = 0;
            for (let index = onset; index < count; index++) {
              const excess = (sign * valid[index]!) / spread - Math.max(0.5, bound / spread);
              const y = Math.min(3.5, Math.max(-3.5, excess - error)) / v;
              exponent += shift * y - (shift * shift) / (2 * v);
            }
            won += Math.exp(exponent) / horizon;
          }
          if (won > 5999) held = true;
          sum += won;
        }
        return sum / shifts.length + Math.max(0, 1 - count / horizon);
      };
      let count = 0;
      residuals.forEach((one, index) => {
        if (!Number.isNaN(one)) count++;
        const upward = evidence(count, 1, up);
        const downward = down === Infinity ? upward : evidence(count, -1, down);
        if (held) return;
        expect(statistics[index]).toBeCloseTo(Math.log((upward + downward) / 2), 9);
      });
    }),
  );
});

test("an onset forty samples late is found as soon as an early one", () => {
  const runs = SOAK ? 1000 : 200;
  const healthy = watches(runs, 0.3, "normal");
  const early = flagged(settings, healthy, UP(0.5), 3.5, 0);
  const late = flagged(settings, healthy, UP(0.5), 3.5, 40);
  expect(late.share).toBeGreaterThan(0.95);
  expect(late.median).toBeLessThanOrEqual(early.median + 1);
});

test("fires for a lasting harm, falls when it is gone, and fires again", () => {
  const harm = Float64Array.from({ length: 90 }, (_, index) =>
    (index >= 10 && index < 40) || index >= 70 ? 4 : 0,
  );
  const after = (autocorrelation: number): number => {
    const noise = { ...certain(autocorrelation), samples: 60 };
    const { flags } = fold(settings, noise, harm, UP(0.5));
    expect(flags[39]).toBe(BEYOND);
    expect(flags[69]).not.toBe(BEYOND);
    expect(flags[89]).toBe(BEYOND);
    return [...flags.subarray(40)].findIndex((flag) => flag !== BEYOND);
  };
  expect(after(0)).toBeLessThanOrEqual(4);
  expect(after(0.6)).toBeLessThanOrEqual(14);
});

test("a tag that moves the tolerance forgets nothing that was won before", () => {
  const residuals = new Float64Array(6).fill(3);
  const run = (tolerated: readonly number[]): Float64Array => {
    const stretch = stretchOf(residuals, certain(0), (index) => UP(tolerated[index]!));
    accumulate(settings, startAccumulator(settings), stretch);
    return stretch.statistics;
  };
  const plain = run([1, 1, 1, 1, 1, 1]);
  const tagged = run([1, 1, 1, 3, 1, 1]);
  expect([...tagged.subarray(0, 3)]).toEqual([...plain.subarray(0, 3)]);
  expect(tagged[3]).toBeLessThan(tagged[2]!);
  expect(tagged[5]).toBeGreaterThan(run([3, 3, 3, 3, 1, 1])[5]!);
});

test("knows when one spike would be enough", () => {
  expect(oneSpikeFires(settings)).toBe(false);
  expect(oneSpikeFires({ ...settings, clip: 6 })).toBe(true);
  for (const clip of [3, 3.5, 4, 4.5, 5]) {
    for (const alpha of [0.01, 0.05]) {
      const spike = Float64Array.from([100]);
      const { flags } = fold({ ...settings, clip, alpha }, certain(0), spike, UP(0));
      // Half a horizon's stake apart, which the bound leaves in.
      if (flags[0] === BEYOND) expect(oneSpikeFires({ ...settings, clip, alpha })).toBe(true);
    }
  }
});
