/** Samples where the series has never been: known values, both scales, what hides it. */

import { describe, expect, test } from "vitest";
import { BEYOND, type Bounds, type Noise } from "../../engine/detect/detectors/contract.ts";
import type { NoveltySettings } from "../../engine/policy/policy.ts";
import { fold as foldOf, UP } from "./noise.ts";

const settings: NoveltySettings = {
  kind: "novelty",
  baselineMs: 0,
  season: false,
  times: 0.5,
};
/** 0, 1, … 100: numpy.quantile(range(101), [0.05, 0.95]) is [5, 95]. */
const ladder = Float64Array.from({ length: 101 }, (_, index) => index);
const noise = { spread: 1, autocorrelation: 0, samples: 101, residuals: ladder };
const fold = (noise: Noise, samples: readonly number[], bounds: Bounds) =>
  foldOf(settings, noise, Float64Array.from(samples), bounds);
const flagged = (flags: Uint8Array): number[] =>
  [...flags].flatMap((flag, index) => (flag === BEYOND ? [index] : []));

describe("novelty", () => {
  test("counts ranges beyond the largest, or the smallest, of the past", () => {
    const samples = [100, 145, 144.9, 190, Number.NaN, -45, -44.9];
    const { flags, statistics } = fold(noise, samples, { up: 0, down: 0 });
    expect([...statistics].map((one) => Number(one.toFixed(4)))).toEqual([
      0, 0.5, 0.4989, 1, 0, 0.5, 0.4989,
    ]);
    expect(flagged(flags)).toEqual([1, 3, 5]);
    expect(flagged(fold(noise, samples, UP(0)).flags)).toEqual([1, 3]);
  });

  test("on a logarithm it is the series' own unit that counts", () => {
    // Levels of 0.5 to 1.5 times the median: a fall to nothing is half a range below them.
    const shares = Float64Array.from({ length: 101 }, (_, index) => 0.5 + index / 100);
    const log = { ...noise, residuals: shares.map(Math.log), transform: "log" as const };
    const samples = [0.05, 0.04, 1.95, 1.96].map(Math.log);
    const { flags } = fold(log, samples, { up: 0.1, down: 0.1 });
    expect(flagged(flags)).toEqual([0, 1, 2, 3]);
    const quieter = [0.06, 1.94].map(Math.log);
    expect(flagged(fold(log, quieter, { up: 0.1, down: 0.1 }).flags)).toEqual([]);
  });

  test("what is tolerated is no news, and a spike in the past hides smaller ones", () => {
    expect(flagged(fold(noise, [150, 300], UP(200)).flags)).toEqual([1]);
    const spiky = { ...noise, residuals: Float64Array.from([...ladder, 400]) };
    expect(flagged(fold(spiky, [300, 440, 460], UP(0)).flags)).toEqual([2]);
  });

  test("a constant past has a range all the same, a short one none", () => {
    const constant = { ...noise, residuals: new Float64Array(60), transform: "log" as const };
    const samples = [1.04, 1.06].map(Math.log);
    expect(flagged(fold(constant, samples, UP(0)).flags)).toEqual([1]);
    const short = { ...noise, samples: 5, residuals: ladder.subarray(0, 5) };
    expect(flagged(fold(short, [1e9], UP(0)).flags)).toEqual([]);
  });
});
