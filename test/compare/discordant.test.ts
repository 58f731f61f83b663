/** The exact test on the deployments that two policies treat differently. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { discordantOf, exactP } from "../../lab/compare/discordant.ts";
import { outcome, regression, rolledBack } from "../outcome/outcomes.ts";

describe("the exact test", () => {
  // Twice the tail of a fair coin, by hand: 2·2⁻⁵, 2·2⁻⁶, 2·(1 + 10)·2⁻¹⁰.
  test.each([
    [0, 0, 1],
    [5, 0, 0.0625],
    [6, 0, 0.03125],
    [1, 9, 0.021484375],
    [7, 7, 1],
  ])("of %i against %i gives %d", (better, worse, p) => {
    expect(exactP(better, worse)).toBeCloseTo(p, 10);
  });

  test("is the same for both sides and a probability, however many there are", () => {
    const count = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(count, count, (better, worse) => {
        const p = exactP(better, worse);
        expect(p).toBe(exactP(worse, better));
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
        if (better > worse) expect(exactP(better + 1, worse)).toBeLessThanOrEqual(p + 1e-9);
      }),
      { numRuns: 200 },
    );
    // 2^-4000 is 0 in a double, but so even a split is likely.
    expect(exactP(1990, 2010)).toBeGreaterThan(0.7);
  });
});

describe("discordant pairs", () => {
  const before = [
    rolledBack(5),
    rolledBack(5),
    outcome(),
    outcome({ ...regression(30), end: "missed" }),
    rolledBack(5, regression(30)),
    rolledBack(5),
  ];
  const after = [
    outcome(),
    rolledBack(5),
    rolledBack(5),
    rolledBack(5, regression(30)),
    rolledBack(5, regression(30)),
    outcome({ censoredAtMs: 1 }),
  ];

  test("are counted each way, without those that history hid", () => {
    expect(discordantOf("falsePositiveRate", before, after)?.differing).toBe(3);
    expect(discordantOf("falsePositiveRate", before, after)?.discordant).toEqual({
      better: 1,
      worse: 1,
      p: 1,
    });
    expect(discordantOf("missRate", before, after)?.discordant).toEqual({
      better: 1,
      worse: 0,
      p: 1,
    });
    expect(discordantOf("recall", after, before)?.discordant).toEqual({
      better: 0,
      worse: 1,
      p: 1,
    });
  });

  test("know no right rollback of a regression before its onset, and no miss", () => {
    const early = rolledBack(1, { ...regression(30), earlyAlarm: true, detectedAtMs: null });
    const [one, other] = [[early], [rolledBack(5, regression(30))]];
    expect(discordantOf("recall", one, other)?.discordant).toMatchObject({ better: 1, worse: 0 });
    expect(discordantOf("missRate", one, other)?.discordant).toMatchObject({ better: 0, worse: 0 });
  });

  test("are none of a field that does not count single deployments", () => {
    expect(discordantOf("mttr", before, after)).toBeNull();
  });
});
