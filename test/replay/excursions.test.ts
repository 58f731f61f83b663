/** What looks bad though nothing is wrong: when it stops, when it fades, what is learned of it. */

import { describe, expect, it } from "vitest";
import {
  excursionsOf,
  fadesBy,
  HALF_LIFE_SAMPLES,
  noiseOf,
  stopsAfter,
  stoppingOf,
  type Excursion,
} from "../../lab/replay/excursions.ts";

const uniforms = Array.from({ length: 1000 }, (_, at) => (at + 0.5) / 1000);
const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("an excursion", () => {
  it("begins three deviations off and stops where two samples lie below half of it", () => {
    expect(excursionsOf([0, 2.9, 8, 9, 8, 0, 1, 0], 1)).toEqual([
      { first: 2, last: 4, end: "stopped" },
    ]);
    // Either way, and more than one.
    expect(excursionsOf([-5, 0, 0, 4, 0, 0], 1)).toEqual([
      { first: 0, last: 0, end: "stopped" },
      { first: 3, last: 3, end: "stopped" },
    ]);
  });

  it("goes on over a single quiet sample", () => {
    expect(excursionsOf([8, 1, 8, 8, 1], 1)).toEqual([{ first: 0, last: 3, end: "open" }]);
  });

  it("fades where it sinks into the noise without a step", () => {
    const fading = Array.from({ length: 30 }, (_, at) => 8 * 0.5 ** (at / 5));
    const [only, ...others] = excursionsOf(fading, 1);
    expect(only!.end).toBe("faded");
    expect(fading[only!.last]).toBeGreaterThan(1);
    expect(others).toEqual([]);
  });

  it("is open at the end of what was recorded, and none where nothing stands out", () => {
    expect(excursionsOf([0, 5, 5], 1)).toEqual([{ first: 1, last: 2, end: "open" }]);
    expect(excursionsOf([0, 1, 2, 1], 1)).toEqual([]);
    expect(excursionsOf([], 1)).toEqual([]);
  });

  it("is measured in noise that bursts do not widen", () => {
    const quiet = Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? 1 : -1));
    expect(noiseOf(Float64Array.from([...quiet, 50, 60]))).toBeCloseTo(1.4826, 4);
    // Mostly zeros, as errors of a good service are.
    expect(noiseOf(Float64Array.from([0, 0, 0, 2]))).toBe(1);
  });
});

describe("when excursions stop", () => {
  const of = (length: number, end: Excursion["end"]): Excursion => ({
    first: 3,
    last: 2 + length,
    end,
  });

  it("is Kaplan and Meier's with the fixed rule as one more at risk", () => {
    const seen = [of(1, "stopped"), of(2, "stopped"), of(2, "stopped"), of(4, "stopped")];
    const prior = 1 - 0.5 ** (1 / (2 * HALF_LIFE_SAMPLES));
    // At risk 5, 4, 1, 1: one that was open after three says nothing of the third.
    const stopping = stoppingOf([...seen, of(3, "open")]);
    const expected = [(prior + 1) / 6, (prior + 2) / 5, prior / 2, (prior + 1) / 2];
    stopping.chances.forEach((chance, at) => expect(chance).toBeCloseTo(expected[at]!, 12));
    expect(stopping.chances).toHaveLength(4);
    expect(stopping.seen).toBe(4);
    // One that faded is as little evidence of stopping.
    expect(stoppingOf([...seen, of(3, "faded")])).toEqual(stopping);
  });

  it("does not take those that history cut short for those that stopped", () => {
    const untouched = Array.from({ length: 50 }, () => of(2, "stopped"));
    const cut = Array.from({ length: 500 }, () => of(2, "open"));
    expect(stoppingOf([...untouched, ...cut]).chances[1]).toBeGreaterThan(0.95);
  });

  it("is the fixed rule where nothing was seen", () => {
    const half = uniforms.filter((u) => stopsAfter(undefined, 7, u) < 2 * HALF_LIFE_SAMPLES);
    expect(half.length / 1000).toBeCloseTo(0.5, 2);
    expect(stoppingOf([])).toEqual({ seen: 0, chances: [] });
  });

  it("is asked of those that lasted as long", () => {
    // Most stop after two; whoever is at six goes on to twenty.
    const stops = stoppingOf([
      ...Array.from({ length: 90 }, () => of(2, "stopped")),
      ...Array.from({ length: 90 }, () => of(20, "stopped")),
    ]);
    expect(meanOf(uniforms.map((u) => stopsAfter(stops, 6, u)))).toBeGreaterThan(12);
    expect(meanOf(uniforms.map((u) => stopsAfter(stops, 2, u)))).toBeLessThan(11);
    expect(stopsAfter(stops, 2, 0.9)).toBe(0);
  });
});

describe("how fast one fades", () => {
  const prior = Math.LN2 / HALF_LIFE_SAMPLES / 2;
  /** The mean of the posterior, by summing it up. */
  const summed = (estimate: number, error: number): number => {
    let over = 0;
    let under = 0;
    for (let rate = 0; rate < 1; rate += 1e-5) {
      const density = Math.exp(-rate / prior - (rate - estimate) ** 2 / (2 * error ** 2));
      over += rate * density;
      under += density;
    }
    return over / under;
  };

  it.each([
    [0.2, 0.02],
    [0.05, 0.05],
    [0, 0.01],
    [-0.02, 0.02],
    [0, 0.3],
  ])("is the posterior of a trend of %s ± %s", (estimate, error) => {
    const trend = { samples: 8, effect: 2, slope: -2 * estimate, slopeError: 2 * error };
    const mean = meanOf(uniforms.map((u) => fadesBy(trend, u)));
    expect(mean / summed(estimate, error)).toBeCloseTo(1, 1);
    // The same whichever way it is off.
    const down = { ...trend, effect: -2, slope: 2 * estimate };
    expect(fadesBy(down, 0.3)).toBe(fadesBy(trend, 0.3));
  });

  it("is the fixed rule's where there is no trend to see", () => {
    const two = { samples: 2, effect: 2, slope: 1, slopeError: 0.1 };
    expect(meanOf(uniforms.map((u) => fadesBy(two, u))) / prior).toBeCloseTo(1, 1);
  });
});
