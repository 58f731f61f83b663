/** The error of the model by the size of what was seen before the cut. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SignalEvidence, SignalJudged } from "../../engine/index.ts";
import {
  binsOf,
  errorOf,
  errorsBySize,
  sizesAtCut,
  TESTED_AT_LEAST,
} from "../../lab/compare/bySize.ts";
import { Modelled } from "../../lab/compare/modelled.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import type { Plan } from "../../lab/replay/plan.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import { RowScores } from "../../lab/score/rows.ts";
import { outcome, regression, rolledBack, SCORING } from "../outcome/outcomes.ts";

/** With ties, as most deployments that history let run showed no breach at all. */
const size = fc.oneof(fc.constantFrom(0, 1, 1000), fc.double({ min: 0, max: 1000, noNaN: true }));

describe("bins of size", () => {
  it("hold every deployment once, in order, with enough tested ones in each", () => {
    const tested = fc.array(size, { minLength: TESTED_AT_LEAST, maxLength: 60 });
    fc.assert(
      fc.property(tested, fc.array(size, { maxLength: 60 }), (known, hidden) => {
        const bins = binsOf("regression", known, hidden);
        const places = bins.flatMap((bin) => bin.tested);
        expect(places.toSorted((a, b) => a - b)).toEqual([...known.keys()]);
        expect(bins.reduce((sum, bin) => sum + bin.hidden, 0)).toBe(hidden.length);
        const covered = bins.filter((bin) => bin.tested.length > 0);
        expect(covered.every((bin) => bin.tested.length >= TESTED_AT_LEAST)).toBe(true);
        for (const { from, to, tested: own } of covered) {
          expect(own.every((at) => known[at]! >= from && known[at]! <= to!)).toBe(true);
        }
        const froms = covered.map(({ from }) => from);
        expect(froms).toEqual(froms.toSorted((a, b) => a - b));
        expect(new Set(froms).size).toBe(froms.length);
      }),
    );
  });

  it("say where hidden ones lie beyond every tested one, and count them as the worst bin", () => {
    const known = [1, 1, 1, 1, 1, 2, 2, 2, 2, 2];
    const bins = binsOf("good", known, [0.5, 1, 2, 3, 9]);
    expect(bins.map(({ hidden, tested }) => [hidden, tested.length])).toEqual([
      [1, 0],
      [1, 5],
      [1, 5],
      [2, 0],
    ]);
    const found = { moves: known.map((one) => (one === 2 ? 0.1 : 0)), services: known };
    expect(errorsBySize(bins, found).map(({ error }) => error)).toEqual([0.1, 0, 0.1, 0.2]);
    expect(errorOf(bins, found)).toBeCloseTo(0.1 + 3 * 0.1, 9);
  });

  it("widen what no tested one covers by more than what one covers", () => {
    const known = [1, 1, 1, 1, 1, 1];
    const found = { moves: [0.1, 0, 0.1, 0, 0.1, 0], services: [0, 1, 2, 3, 4, 5] };
    const errorWith = (hidden: number): number =>
      errorOf(binsOf("regression", known, [hidden]), found);
    expect(errorWith(1)).toBeCloseTo(0.05, 9);
    expect(errorWith(2)).toBeCloseTo(0.05 + Math.sqrt(6) / 120, 9);
  });
});

describe("the size of a deployment", () => {
  const judged = (knownAtMs: number, change: Partial<SignalEvidence>): SignalJudged =>
    ({
      knownAtMs,
      evidence: { verdict: "breach", effect: 0.2, tolerance: 0.1, ...change },
    }) as unknown as SignalJudged;
  const sizeOf = (judgements: readonly SignalJudged[], cutAtMs?: number): number | undefined => {
    const deployment = { deploymentId: "d", startedAtMs: 0 };
    const planned = [{ deployment, rolledBackAtMs: null }];
    return sizesAtCut(planned as unknown as Plan["deployments"], [judgements], () => cutAtMs).get(
      "d",
    );
  };

  it("is the largest breach that was known at the cut", () => {
    const all = [judged(1, {}), judged(2, { effect: -0.4 }), judged(3, { effect: 0.9 })];
    expect(sizeOf(all, 2)).toBeCloseTo(4, 9);
    expect(sizeOf(all, 0)).toBe(0);
    expect(sizeOf(all)).toBeUndefined();
    expect(sizeOf([judged(1, { verdict: "healthy" })], 2)).toBe(0);
  });

  it("is finite, whatever the evidence", () => {
    const hostile = [null, 0, -1, Number.MAX_VALUE, Number.POSITIVE_INFINITY];
    for (const effect of hostile) {
      for (const tolerance of [0, Number.MIN_VALUE, 0.1]) {
        const found = sizeOf([judged(1, { effect, tolerance })], 2)!;
        expect(found).toBeGreaterThanOrEqual(0);
        expect(found).toBeLessThanOrEqual(1000);
      }
    }
  });
});

describe("the error of the model", () => {
  const SERVICES = Array.from("abcdefghij");
  const missRate = FIELDS.find(({ name }) => name === "missRate")!;
  const [HIDDEN, TESTED] = [20, 40];
  const isTested = (at: number): boolean => at >= HIDDEN;
  const place = (at: number, cut: boolean): Partial<Outcome> => ({
    deploymentId: `d${at}`,
    service: SERVICES[at % SERVICES.length]!,
    ...regression(30),
    censoredAtMs: cut ? 1 : null,
  });
  const caught = (at: number, cut = false): Outcome => rolledBack(5, place(at, cut));
  const missed = (at: number, cut = false): Outcome =>
    outcome({ ...place(at, cut), end: "missed" });
  const list = (make: (at: number) => Outcome): Outcome[] =>
    Array.from({ length: HIDDEN + TESTED }, (_, at) => make(at));

  /** The model is wrong of every other tested deployment; those are as large as the hidden ones. */
  const errorWhere = (sizeOf: (at: number) => number): number => {
    const isWrong = (at: number): boolean => isTested(at) && at % 2 === 0;
    const draws = {
      baseline: [list((at) => caught(at, !isTested(at)))],
      candidate: [list((at) => caught(at, !isTested(at)))],
    };
    const tested = {
      baseline: [list((at) => caught(at, true))],
      candidate: [list((at) => (isWrong(at) ? missed(at, true) : caught(at, true)))],
    };
    const ids = new Set(Array.from({ length: TESTED }, (_, at) => `d${HIDDEN + at}`));
    const sizes = new Map(list(caught).map(({ deploymentId }, at) => [deploymentId, sizeOf(at)]));
    const again = { ids, tested, sizes, models: [], coins: null };
    const hidden = Array.from({ length: HIDDEN }, (_, at) => at);
    const model = new Modelled(draws, again, hidden, SERVICES, new RowScores(SCORING));
    return model.errorsOf(missRate)!.heldOut;
  };

  it("is that of tested deployments as large as those that history hid", () => {
    const pooled = errorWhere(() => 1);
    const alike = errorWhere((at) => (!isTested(at) || at % 2 === 0 ? 2 : 1));
    const unlike = errorWhere((at) => (!isTested(at) || at % 2 === 1 ? 2 : 1));
    expect(pooled).toBeGreaterThan(0);
    expect(alike).toBeCloseTo(2 * pooled, 6);
    expect(unlike).toBe(0);
  });
});
