/** Means and quantiles of resampled times, held against putting them together and sorting. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durationsOf, inOrder } from "../../lab/score/durations.ts";

const SECONDS = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.double({ min: 0, max: 9000, noNaN: true }),
);

describe("durations of a resample", () => {
  it("are those of the times of the services that were drawn", () => {
    const service = fc.record({ own: fc.array(SECONDS), drawn: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(fc.array(service, { minLength: 1, maxLength: 6 }), (services) => {
        const ordered = inOrder(services.map(({ own }) => own));
        const times = Uint32Array.from(services, ({ drawn }) => drawn);
        const all = services
          .flatMap(({ own, drawn }) => Array.from({ length: drawn }, () => own).flat())
          .sort((a, b) => a - b);
        const mean = (values: readonly number[]): number =>
          values.reduce((sum, one) => sum + one, 0) / values.length;
        const found = durationsOf(ordered, times);
        const hour = all.map((one) => Math.min(one, 3600));
        expect(found.median).toBe(all[Math.ceil(all.length / 2) - 1] ?? Number.NaN);
        expect(found.p90).toBe(all[Math.ceil(0.9 * all.length) - 1] ?? Number.NaN);
        if (all.length === 0) {
          expect([found.mean, found.restrictedMean60m]).toEqual([Number.NaN, Number.NaN]);
          return;
        }
        expect(found.mean).toBeCloseTo(mean(all), 8);
        expect(found.restrictedMean60m).toBeCloseTo(mean(hour), 8);
      }),
      { seed: 20_261_126, numRuns: 500 },
    );
  });

  it("of three services, one drawn twice and one not at all", () => {
    const ordered = inOrder([[600], [60, 7200], [1]]);
    expect(durationsOf(ordered, Uint32Array.of(2, 1, 0))).toEqual({
      mean: 2115,
      median: 600,
      p90: 7200,
      restrictedMean60m: 1215,
      longest: 7200,
    });
  });
});
