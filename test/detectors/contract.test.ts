/** What every detector promises: any cutting, any clone, and JSON in between give the same. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BEYOND, MISSING, type Bounds } from "../../engine/detect/detectors/contract.ts";
import {
  accumulate,
  limitOf,
  startAccumulator,
  type AccumulatorState,
} from "../../engine/detect/detectors/detector.ts";
import type { DetectorSettings } from "../../engine/policy/policy.ts";
import { check } from "../engine/check.ts";
import { fold, stretchOf, UP } from "./noise.ts";

const base = { baselineMs: 0, season: false };
/** The schema's defaults. */
const DETECTORS: readonly DetectorSettings[] = [
  { ...base, kind: "threshold", breaches: 3, of: 3 },
  { ...base, kind: "cusum", drift: 1, clip: 4, limit: 8 },
  { ...base, kind: "ewma", weight: 0.4, clip: 3, limit: 5 },
  { ...base, kind: "eprocess", alpha: 0.01, horizon: 60, clip: 3.5 },
  { ...base, kind: "mannWhitney", confidence: 0.98, limit: 0.25, atLeast: 8, every: 2 },
  { ...base, kind: "variance", window: 30, atLeast: 30, times: 2 },
  { ...base, kind: "novelty", times: 0.5 },
  { ...base, kind: "outlier", drift: 2, limit: 8 },
];
const control = Array.from({ length: 30 }, (_, index) => ((index * 7) % 30) / 10 - 1.45);
const noise = { spread: 1, autocorrelation: 0.2, samples: 30, residuals: control };
const residualsOf = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: -8, max: 12, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NaN, 0, 3, 1e6, -1e6) },
  ),
  { maxLength: 60 },
);
const boundsOf = fc.constantFrom<Bounds>(UP(0.5), { up: 1, down: 1 }, UP(Infinity), UP(-1));

describe.each(DETECTORS.map((settings) => [settings.kind, settings] as const))("%s", (_, kind) => {
  const whole = (residuals: readonly number[], at: (index: number) => Bounds) => {
    const state = startAccumulator(kind);
    const stretch = stretchOf(Float64Array.from(residuals), noise, at);
    accumulate(kind, state, stretch);
    return { flags: [...stretch.flags], statistics: [...stretch.statistics], state };
  };

  test("any cutting gives the same, with states through JSON and no clone written to", () => {
    const given = fc.record({
      residuals: residualsOf,
      cuts: fc.array(fc.nat(60), { maxLength: 6 }),
      first: boundsOf,
      second: boundsOf,
      changesAt: fc.nat(60),
    });
    check(
      fc.property(given, ({ residuals, cuts, first, second, changesAt }) => {
        const at = (index: number): Bounds => (index < changesAt ? first : second);
        const expected = whole(residuals, at);
        const flags: number[] = [];
        const statistics: number[] = [];
        let state = startAccumulator(kind);
        let from = 0;
        const ends = [...cuts, residuals.length].sort((a, b) => a - b);
        for (const end of ends.filter((one) => one <= residuals.length)) {
          const part = Float64Array.from(residuals.slice(from, end));
          const clone: AccumulatorState = { ...state };
          const before = JSON.stringify(state);
          const offset = from;
          const stretch = stretchOf(part, noise, (index) => at(offset + index));
          accumulate(kind, clone, stretch);
          expect(JSON.stringify(state)).toBe(before);
          flags.push(...stretch.flags);
          statistics.push(...stretch.statistics);
          state = JSON.parse(JSON.stringify(clone)) as AccumulatorState;
          from = end;
        }
        expect(flags).toEqual(expected.flags);
        expect(statistics).toEqual(expected.statistics);
        expect(JSON.stringify(state)).toBe(JSON.stringify(expected.state));
      }),
    );
  });

  test("a missing sample changes nothing; statistics are numbers and agree with the flag", () => {
    check(
      fc.property(residualsOf, boundsOf, (residuals, bounds) => {
        const { flags, statistics } = whole(residuals, () => bounds);
        const valid = residuals.filter((one) => !Number.isNaN(one));
        const without = whole(valid, () => bounds);
        expect(statistics.filter((_one, index) => flags[index] !== MISSING)).toEqual(
          without.statistics,
        );
        residuals.forEach((residual, index) => {
          expect(Number.isFinite(statistics[index])).toBe(true);
          expect(flags[index] === MISSING).toBe(Number.isNaN(residual));
          if (flags[index] === BEYOND) {
            expect(statistics[index]).toBeGreaterThanOrEqual(limitOf(kind));
          } else if (flags[index] !== MISSING) {
            expect(statistics[index]).toBeLessThanOrEqual(limitOf(kind));
          }
        });
      }),
    );
  });

  // A single sample far out is what `novelty` is for.
  if (kind.kind === "novelty") return;

  // And `outlier`, which looks at lasting harm too.
  if (kind.kind !== "outlier")
    test("one spike alone never fires, however large and whenever it comes", () => {
      for (let at = 0; at < 40; at++) {
        const residuals = new Float64Array(40);
        residuals[at] = 1e6;
        expect(fold(kind, noise, residuals, UP(0)).flags).not.toContain(BEYOND);
      }
    });

  // Width is not level: what `variance` finds is in variance.test.ts.
  if (kind.kind === "variance") return;

  test("a lasting harm is found, and ends; nothing is found below", () => {
    const residuals = Float64Array.from({ length: 400 }, (_, index) =>
      index < 20 || index >= 60 ? ((index % 3) - 1) / 4 : 6,
    );
    const { flags } = fold(kind, noise, residuals, UP(1));
    const first = flags.indexOf(BEYOND);
    expect(first).toBeGreaterThanOrEqual(20);
    expect(first).toBeLessThan(kind.kind === "mannWhitney" ? 60 : 30);
    // Mann-Whitney looks at all samples at once: most of them must be healthy again.
    const within = kind.kind === "mannWhitney" ? 400 : 80;
    expect(flags.subarray(within)).not.toContain(BEYOND);
    const better = residuals.map((value) => -value);
    expect(fold(kind, noise, better, UP(1)).flags).not.toContain(BEYOND);
    const both = fold(kind, noise, better, { up: 1, down: 1 }).flags.indexOf(BEYOND);
    expect(both).toBeGreaterThanOrEqual(20);
    expect(both).toBeLessThan(60);
  });
});
