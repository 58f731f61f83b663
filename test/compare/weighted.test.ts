/** Differences weighted by coins: unbiased whatever the model says, and hostile propensities. */

import { describe, expect, it } from "vitest";
import { coinLine } from "../../lab/compare/coinWords.ts";
import type { Difference, GroundVerdict } from "../../lab/compare/compare.ts";
import { tossesOf, type Toss } from "../../lab/compare/tosses.ts";
import { WeightedGround, type Weighted } from "../../lab/compare/weighted.ts";
import type { DecisionRow, HistoryTables } from "../../lab/history/tables.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { differenceCells } from "../../lab/report/sections/estimate.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import type { Interval } from "../../lab/score/intervals.ts";
import { RowScores } from "../../lab/score/rows.ts";
import { outcome, regression, rolledBack, SCORING } from "../outcome/outcomes.ts";

const SERVICES = Array.from("abcdefghij");
const missRate = FIELDS.find(({ name }) => name === "missRate")!;
const scores = new RowScores({ ...SCORING, bootstraps: 200 });

const place = (at: number): Partial<Outcome> => ({
  deploymentId: `d${at}`,
  service: SERVICES[at % SERVICES.length]!,
  ...regression(30),
});
const caught = (at: number, more: Partial<Outcome> = {}): Outcome =>
  rolledBack(5, { ...place(at), ...more });
const missed = (at: number, more: Partial<Outcome> = {}): Outcome =>
  outcome({ ...place(at), end: "missed", ...more });

const said = (interval: Interval | null): GroundVerdict => ({
  low: interval?.low ?? null,
  high: interval?.high ?? null,
  verdict:
    interval === null || (interval.low <= 0 && interval.high >= 0)
      ? "not distinguishable"
      : "worse",
});

/**
 * History rolled all of these back but those that waited. The candidate truly misses some of them;
 * the model says that it catches all.
 */
function weighted(
  truth: readonly boolean[],
  waits: readonly boolean[],
  probability: number,
): Weighted | null {
  const list = (make: (at: number) => Outcome): Outcome[] => truth.map((_, at) => make(at));
  const hidden = { censoredAtMs: 1 };
  const happened = (at: number): Outcome => (truth[at]! ? missed(at) : caught(at));
  const draws = {
    baseline: [list(caught)],
    candidate: [list((at) => (waits[at]! ? happened(at) : caught(at, hidden)))],
  };
  const cut = { baseline: [list(caught)], candidate: [list((at) => caught(at, hidden))] };
  const tosses = new Map(
    waits.map((waited, at): [number, Toss] => [
      at,
      { atMs: 0, waited, propensity: waited ? probability : 1 - probability },
    ]),
  );
  return new WeightedGround(draws, { tosses, cut }, scores, 10).of(missRate, said);
}

describe("a weighted difference", () => {
  it("is the truth on average over all that the coins may say, though the model is wrong", () => {
    const truth = [true, false, true, true, false, false];
    const probability = 0.25;
    let mean = 0;
    for (let coins = 0; coins < 2 ** truth.length; coins++) {
      const waits = truth.map((_, at) => ((coins >> at) & 1) === 1);
      const waited = waits.filter(Boolean).length;
      const likely = probability ** waited * (1 - probability) ** (truth.length - waited);
      // Where nothing waited the model alone speaks, which is a difference of none.
      mean += likely * (weighted(truth, waits, probability)?.difference ?? 0);
    }
    expect(mean).toBeCloseTo(0.5, 9);
  });

  it("has an interval that holds the truth, and weights alone that agree", () => {
    const truth = Array.from({ length: 200 }, (_, at) => (at * 7) % 10 < 3);
    let held = 0;
    const [WORLDS, off] = [20, [] as number[]];
    for (let world = 0; world < WORLDS; world++) {
      const waits = truth.map(
        (_, at) => (Math.imul(at + 1, 2654435761 + world * 40503) >>> 8) % 4 === 0,
      );
      const found = weighted(truth, waits, 0.25)!;
      if (found.low! <= 0.3 && found.high! >= 0.3) held++;
      off.push(found.weightsOnly.difference! - 0.3);
      expect(found.waited).toBe(waits.filter(Boolean).length);
      expect(found.tossed).toBe(200);
      expect(found.unsupported).toBe(0);
    }
    expect(held).toBeGreaterThanOrEqual(17);
    expect(Math.abs(off.reduce((sum, one) => sum + one, 0) / WORLDS)).toBeLessThan(0.07);
  });

  it("says what would tell a difference that it cannot tell", () => {
    const truth = Array.from({ length: 60 }, (_, at) => at % 6 === 0);
    const waits = truth.map((_, at) => at % 10 < 2);
    const found = weighted(truth, waits, 0.1)!;
    expect(found.verdict).toBe("not distinguishable");
    expect(found.wouldTell!.moreWeeks).toBeGreaterThan(0);
    expect(found.wouldTell!.probability).not.toBe(0.1);
  });

  it("is too few to tell where fewer than five waited", () => {
    const truth = Array.from({ length: 60 }, () => true);
    const four = weighted(
      truth,
      truth.map((_, at) => at < 4),
      0.5,
    )!;
    const many = weighted(
      truth,
      truth.map((_, at) => at % 2 === 0),
      0.5,
    )!;
    expect([four.verdict, many.verdict]).toEqual(["too few to tell", "worse"]);
  });

  it("is one line for people, with what is still modelled", () => {
    const truth = Array.from({ length: 60 }, (_, at) => at % 6 === 0);
    const found = weighted(
      truth,
      truth.map((_, at) => at % 10 < 2),
      0.1,
    )!;
    const line = coinLine({ unit: "share", weighted: { ...found, unsupported: 3 } })!;
    expect(line).toContain(`${found.waited} of 60 waited`);
    expect(line).toContain("3 deployments without a toss");
    expect(line).toContain(`${found.wouldTell!.moreWeeks} more week`);
    expect(coinLine({ unit: "share" })).toBeNull();
    const worse = { difference: 0.1, low: 0.05, high: 0.15, verdict: "worse", ground: "modelled" };
    const told = { field: "missRate", unit: "share", ...worse, tipping: null } as Difference;
    const few = { ...told, n: 2, effectiveClusters: 2, verdict: "too few to tell" as const };
    const byCoin = { ...found, unsupported: 3 };
    expect(differenceCells({ ...told, weighted: byCoin })[2]!.below).toBe(line);
    expect(differenceCells({ ...few, weighted: byCoin })[2]!.below).toContain(line);
    expect(differenceCells(told)[2]).not.toHaveProperty("below");
  });

  it("is none where nothing waited", () => {
    expect(weighted([true, false], [false, false], 0.1)).toBeNull();
  });
});

describe("propensities of a history", () => {
  const row = (propensity: number, what: DecisionRow["what"] = "waited"): DecisionRow => {
    const no = { by: null, justification: null, confidence: null };
    return { deploymentId: "d1", atMs: 5, what, propensity, ...no };
  };
  const read = (...decisions: DecisionRow[]) =>
    tossesOf({ dir: "quarter", tables: { decisions } as unknown as HistoryTables });

  it("are read, the first of each deployment", () => {
    expect(read(row(0.1), row(0.9, "rollbackStarted")).get("d1")).toEqual({
      atMs: 5,
      waited: true,
      propensity: 0.1,
    });
  });

  it.each([0, -0.1, 1e-9, 1.1, Number.NaN, Number.POSITIVE_INFINITY])(
    "are refused where they are %s, with the file, the deployment and the cure",
    (propensity) => {
      expect(() => read(row(propensity))).toThrow(/quarter\/decisions\.parquet: waited of d1: /);
    },
  );

  it("are refused where no coin decides", () => {
    expect(() => read(row(0.5, "paged"))).toThrow(/no coin decides this/);
  });
});
