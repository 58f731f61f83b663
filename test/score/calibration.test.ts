/** Is what a policy says about its own certainty measured right? */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calibrationLines } from "../../lab/compare/calibrationLines.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { calibrationOf } from "../../lab/score/calibration.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { brierOf, brierParts, equalBins, isotonic } from "../../lab/score/isotonic.ts";
import {
  MINUTE_MS,
  NOON_MS,
  outcome,
  regression,
  rolledBack,
  scoreOf,
} from "../outcome/outcomes.ts";
import { shipped } from "../history/smallWorld.ts";

const SEED = 20260701;

describe("isotonic regression", () => {
  // By hand: 0.1 → 0, 0.4 → 1 before 0.5 → 0 pool to ½, 0.6 → 1 before three 0.8 → 1, 0, 0
  // do:
  // ½ next to ½ pools again, to 3 of 6, and 0.9 → 1.
  // scipy.optimize.isotonic_regression([0, 1, 0, 1, 1/3, 1], weights=[1, 1, 1, 1, 3, 1]).x
  // == [0, .5, .5, .5, .5, 1]
  const forecasts = [
    { said: 0.4, isSo: true },
    { said: 0.1, isSo: false },
    { said: 0.8, isSo: true },
    { said: 0.5, isSo: false },
    { said: 0.6, isSo: true },
    { said: 0.8, isSo: false },
    { said: 0.9, isSo: true },
    { said: 0.8, isSo: false },
  ];

  it("pools what came true less often than what was said with less certainty", () => {
    expect(isotonic(forecasts)).toEqual([
      { from: 0.1, to: 0.1, mean: 0.1, observed: 0, n: 1 },
      { from: 0.4, to: 0.8, mean: 3.9 / 6, observed: 0.5, n: 6 },
      { from: 0.9, to: 0.9, mean: 0.9, observed: 1, n: 1 },
    ]);
  });

  it("splits the Brier score as worked out by hand", () => {
    // (.36 + .01 + .04 + .25 + .16 + .64 + .01 + .64) / 8
    expect(brierOf(forecasts)).toBeCloseTo(2.11 / 8, 12);
    const parts = brierParts(forecasts, isotonic(forecasts));
    // Put right: six times ½·½ of eight; 4 of 8 came true.
    expect(parts.uncertainty).toBeCloseTo(0.25, 12);
    expect(parts.resolution).toBeCloseTo(0.25 - 1.5 / 8, 12);
    expect(parts.reliability).toBeCloseTo(2.11 / 8 - 1.5 / 8, 12);
  });

  it("bins of equal size keep together what was said alike", () => {
    expect(equalBins(forecasts, 3).map(({ from, to, n }) => [from, to, n])).toEqual([
      [0.1, 0.5, 3],
      [0.6, 0.8, 4],
      [0.9, 0.9, 1],
    ]);
    const same = Array.from({ length: 9 }, () => ({ said: 0.05, isSo: false }));
    expect(equalBins(same, 3)).toHaveLength(1);
  });

  const any = fc.array(
    fc.record({ said: fc.integer({ min: 0, max: 20 }).map((n) => n / 20), isSo: fc.boolean() }),
    { minLength: 1, maxLength: 60 },
  );

  it("never falls, keeps the count, and no other monotone fit by two levels is closer", () => {
    fc.assert(
      fc.property(any, (said) => {
        const blocks = isotonic(said);
        for (const [at, block] of blocks.entries()) {
          if (at > 0) expect(block.observed).toBeGreaterThan(blocks[at - 1]!.observed);
          if (at > 0) expect(block.from).toBeGreaterThan(blocks[at - 1]!.to);
        }
        expect(blocks.reduce((sum, { n }) => sum + n, 0)).toBe(said.length);
        const fitted = squares(said, (one) => blocks.find(({ to }) => one <= to)!.observed);
        for (const step of [0.2, 0.5, 0.8]) {
          for (const [low, high] of [[0, 1] as const, [0.3, 0.6] as const]) {
            const other = squares(said, (one) => (one < step ? low : high));
            expect(fitted).toBeLessThanOrEqual(other + 1e-9);
          }
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("reliability − resolution + uncertainty is the Brier score, and no part is negative", () => {
    fc.assert(
      fc.property(any, (said) => {
        const { reliability, resolution, uncertainty } = brierParts(said, isotonic(said));
        expect(reliability - resolution + uncertainty).toBeCloseTo(brierOf(said), 12);
        for (const part of [reliability, resolution, uncertainty]) {
          expect(part).toBeGreaterThanOrEqual(-1e-12);
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

function squares(
  forecasts: readonly { said: number; isSo: boolean }[],
  fit: (said: number) => number,
): number {
  return forecasts.reduce((sum, { said, isSo }) => sum + (fit(said) - Number(isSo)) ** 2, 0);
}

const EVIDENCE = shipped("evidence");
const NO_TABLES = {
  deployments: [],
  decisions: [],
  incidents: [],
  labels: [],
  services: [],
  tags: [],
  cases: [],
};
const DEFAULTS = recoveryOf(NO_TABLES as never, 1);
const calibrated = (outcomes: readonly Outcome[], costs = DEFAULT_COSTS) =>
  calibrationOf(outcomes, EVIDENCE, costs, DEFAULTS);

/** Asked with a confidence; `right` of `count` were regressions. */
function asked(confidence: number, count: number, right: number): Outcome[] {
  return Array.from({ length: count }, (_, index) =>
    rolledBack(5, { confidence, ...(index < right ? regression(20) : {}) }),
  );
}

/** Never asked, and as sure as said when the watch was over. */
function unasked(confidenceAtEnd: number, count: number, bad: number): Outcome[] {
  return Array.from({ length: count }, (_, index) =>
    outcome({ confidenceAtEnd, ...(index < bad ? regression(60) : {}) }),
  );
}

describe("calibration of a policy", () => {
  const many = [...asked(0.9, 40, 30), ...asked(0.6, 60, 30), ...unasked(0.05, 300, 3)];

  it("counts questions, and all labelled deployments beside them", () => {
    const { proposals, deployments } = calibrated(many);
    expect(proposals).toMatchObject({ n: 100, regressions: 60, observed: 0.6, by: "isotonic" });
    expect(proposals!.meanConfidence).toBeCloseTo(0.72, 9);
    expect(proposals!.curve).toEqual([
      { from: 0.6, to: 0.6, mean: 0.6, observed: 0.5, n: 60 },
      { from: 0.9, to: 0.9, mean: 0.9, observed: 0.75, n: 40 },
    ]);
    // .4·(.9−.75)² + .6·(.6−.5)²
    expect(proposals!.parts!.reliability).toBeCloseTo(0.015, 9);
    expect(deployments).toMatchObject({ n: 400, regressions: 63 });
    expect(deployments!.curve[0]).toMatchObject({ from: 0.05, observed: 0.01, n: 300 });
  });

  it("measures skill against the prior and against knowing the share", () => {
    const { proposals } = calibrated(many);
    const brier = 0.4 * 0.1875 + 0.6 * 0.25 + 0.015;
    expect(proposals!.brier).toBeCloseTo(brier, 9);
    // Saying 5 % of each: .6·.95² + .4·.05².
    expect(proposals!.skillAgainstPrior).toBeCloseTo(1 - brier / 0.5425, 8);
    expect(proposals!.skillAgainstObserved).toBeCloseTo(1 - brier / 0.24, 8);
  });

  it("has no curve of fewer than fifty regressions, but three bins and a Brier score", () => {
    const { proposals } = calibrated([...asked(0.9, 40, 30), ...asked(0.6, 60, 19)]);
    expect(proposals).toMatchObject({ by: "bins", parts: null });
    expect(proposals!.curve.length).toBeLessThanOrEqual(3);
    expect(proposals!.brier).toBeGreaterThan(0);
    expect(proposals!.why).toContain("49 regressions");
  });

  it("an unrelated incident is not the deployment's doing; one without a label is nothing", () => {
    const { proposals } = calibrated([
      ...asked(0.9, 1, 1),
      rolledBack(5, { confidence: 0.9, label: "unrelated_incident" }),
      rolledBack(5, { confidence: 0.9, label: "unknown" }),
    ]);
    expect(proposals).toMatchObject({ n: 2, regressions: 1, unrelated: 1 });
  });

  it("leaves out what history hid, but not what was asked before that", () => {
    const hidden = { censoredAtMs: NOON_MS + 4 * MINUTE_MS, confidenceAtEnd: 0.05 };
    const { deployments, proposals } = calibrated([
      outcome(hidden),
      rolledBack(5, { ...hidden, confidence: 0.9 }),
      rolledBack(3, { ...hidden, confidence: 0.9 }),
    ]);
    expect(deployments!.n).toBe(1);
    expect(proposals!.n).toBe(1);
  });

  it("is null with a reason without a confidence, without labels, without questions", () => {
    const breaches = calibrationOf(many, shipped("plain-window"), DEFAULT_COSTS, DEFAULTS);
    expect(breaches).toMatchObject({ proposals: null, deployments: null, thresholds: null });
    expect(breaches.why).toContain("fusion: evidence");
    expect(calibrated([outcome({ confidenceAtEnd: 0.1, label: "unknown" })]).why).toContain(
      "label",
    );
    const quiet = calibrated(unasked(0.05, 10, 0));
    expect(quiet.proposals).toBeNull();
    expect(quiet.why).toContain("asked about");
    expect(quiet.deployments).toMatchObject({ n: 10, regressions: 0, skillAgainstObserved: null });
  });

  it("asks each tier for wrong / (wrong + saved), as the costs have it", () => {
    const { thresholds } = calibrated(many);
    const [full, override, approve] = thresholds!;
    // Wrong: 10 + 60 + 3 h at 60. A window of 2 min, an answer after 10 min, at 10 a minute.
    expect(full).toMatchObject({ policy: 0.95, wrongCost: 250, rightSaves: 20 });
    expect(full!.costs).toBeCloseTo(250 / 270, 8);
    expect(full!.costsIfHalf).toBeCloseTo(125 / 145, 8);
    expect(full!.costsIfDouble).toBeCloseTo(500 / 520, 8);
    expect(override!.costs).toBeCloseTo(250 / 330, 8);
    // An hour unaided, less 5 min to the question, 10 to the answer, 3.5 to recover.
    expect(approve).toMatchObject({ wrongCost: 25, rightSaves: 405 });
    // Said with 90 % and right three times in four: not often enough for either.
    expect([full, override].map((one) => one!.reached)).toEqual([null, null]);
    expect(approve!.reached).toEqual({ from: 0.6, n: 100 });
  });

  it("asks for less where being wrong costs less, and for nothing where it is free", () => {
    const cheap = { ...DEFAULT_COSTS, falsePositive: 0, hoursPerFalsePositive: 0 };
    expect(calibrated(many, cheap).thresholds![1]!.costs).toBeCloseTo(10 / 90, 8);
    const free = calibrated(many, { ...cheap, rollback: 0 }).thresholds!;
    expect(free.map(({ costs }) => costs).slice(0, 2)).toEqual([0, 0]);
  });

  it("is printed in a few lines, and not at all without a confidence", () => {
    const shown = (outcomes: readonly Outcome[], policy = EVIDENCE) => {
      const scored = scoreOf(outcomes);
      const calibration = calibrationOf(outcomes, policy, DEFAULT_COSTS, DEFAULTS);
      const scorecard = { ...scored.scorecard, calibration };
      return calibrationLines({
        policy,
        outcomes,

        scored: { ...scored, scorecard },
      });
    };
    expect(shown(many).join("\n")).toContain("100 questions: said 72 % on average, 60 % were");
    expect(shown(many)).toHaveLength(8);
    expect(shown(unasked(0.05, 10, 0)).join("\n")).toContain("too few regressions");
    expect(shown(many, shipped("plain-window"))).toEqual([]);
  });
});
