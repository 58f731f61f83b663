/** Rows of sums say what scorecards say. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { FIELDS, valueOfSums } from "../../lab/score/fields.ts";
import { NO_ROW, RowScores } from "../../lab/score/rows.ts";
import { outcome, regression, rolledBack, scoreOf, SCORING } from "../outcome/outcomes.ts";

const MODELLED = FIELDS.filter((field) => valueOfSums(field, NO_ROW, 1) !== null);

/** Rounding, or a sample in which the field has no value. */
const isNothing = (gap: number): boolean => Number.isNaN(gap) || Math.abs(gap) < 1e-6;

/** Deployments of four services, on some of which each of two policies acts. */
const fleets = fc.array(
  fc.record({
    service: fc.constantFrom("a", "b", "c", "d"),
    isBad: fc.boolean(),
    acts: fc.tuple(fc.boolean(), fc.boolean()),
  }),
  { minLength: 2, maxLength: 30 },
);

test("a difference of rows is that of scorecards, and varies over services alike", () => {
  expect(MODELLED.map(({ name }) => name)).toContain("mttr");
  fc.assert(
    fc.property(fleets, (fleet) => {
      const under = (policy: 0 | 1): Outcome[] =>
        fleet.map(({ service, isBad, acts }, at) => {
          const change = { deploymentId: `d${at}`, service, ...(isBad ? regression(at + 2) : {}) };
          return acts[policy] ? rolledBack(at + 1, change) : outcome(change);
        });
      const [before, after] = [under(0), under(1)];
      const scores = new RowScores(SCORING);
      const rows = { baseline: scores.rowsOf([before]), candidate: scores.rowsOf([after]) };
      const [from, to] = [scoreOf(before), scoreOf(after)];
      for (const field of MODELLED) {
        const [one, other] = [from.spreads.get(field.name)!, to.spreads.get(field.name)!];
        const spread = scores.spreadOf(field, rows);
        const gap = spread.value - (other.value - one.value);
        expect(Number.isNaN(gap) ? 0 : gap).toBeCloseTo(0, 6);
        expect(Number.isNaN(spread.value)).toBe(Number.isNaN(other.value - one.value));
        expect(spread.effectiveClusters).toBe(
          Math.min(one.effectiveClusters, other.effectiveClusters),
        );
        const apart = spread.samples.map(
          (sample, at) => sample - (other.samples[at]! - one.samples[at]!),
        );
        expect(apart.every(isNothing)).toBe(true);
        const left = spread.leftOut?.map(
          (value, at) => value - (other.leftOut![at]! - one.leftOut![at]!),
        );
        expect(left?.every(isNothing) ?? true).toBe(true);
      }
    }),
    { numRuns: 40 },
  );
});
