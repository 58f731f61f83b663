/** How far a replay is off: nothing left out for speed, and a table whose sums are right. */

import { describe, expect, it } from "vitest";
import { silent } from "../../lab/progress.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { knownFrom } from "../../lab/replay/known.ts";
import { historyOf, knownOn, live, wholeOf } from "../../lab/simulate/closedLoop.ts";
import { fidelityOf } from "../../lab/simulate/fidelity.ts";
import type { ScoreHeld, WorldResult } from "../../lab/simulate/oneWorld.ts";
import { freshWorld, shipped, timeless } from "../history/smallWorld.ts";

describe("judgements of a closed loop that a replay reuses", () => {
  it("are those that the replay would make itself", async () => {
    const stage = wholeOf(freshWorld().world);
    const policies = ["two-minute-override", "evidence"].map(shipped);
    const lives = await live(stage, policies, "modelled", silent);
    const history = historyOf(stage, lives[0]!);
    const known = await knownOn(stage, history, lives[0]!, lives);
    expect(known.again!.size).toBeLessThan(history.tables.deployments.length / 2);
    const options = { people: "modelled", seed: 1, replicates: 100, draws: 1, progress: silent };
    const without = await evaluate(history, policies, options);
    const judgements = knownFrom(known);
    const withThem = await evaluate(history, policies, { ...options, judgements });
    const scores = (evaluation: typeof without): unknown => {
      const document = JSON.parse(timeless(evaluation)) as Record<string, unknown>;
      return { ...document, manifest: null };
    };
    expect(scores(withThem)).toEqual(scores(without));
  });
});

describe("the table", () => {
  const held = (truth: number, estimate: number, low: number, high: number): ScoreHeld => ({
    score: "mttr",
    logTruth: 100,
    logEstimate: 100,
    truth,
    estimate,
    low,
    high,
    best: 90,
    worst: 130,
    differenceLow: low - 100,
    differenceHigh: high - 100,
    verdict: estimate < 100 ? "better" : "not distinguishable",
    ground: null,
    differenceError: 0,
  });
  const result = (seed: number, score: ScoreHeld): WorldResult => ({
    seed,
    deployments: 10,
    regressions: 2,
    asked: [{ policy: "b", identifiedShare: 0.5, scores: [score] }],
  });

  it("counts bias, coverage, bounds, order and wrong verdicts", () => {
    const { scores } = fidelityOf("a", "b", [
      result(1, held(110, 121, 105, 125)), // in its interval and in its bounds, ordered right
      result(2, held(110, 99, 80, 105)), // in its bounds alone, and called better when worse
      result(3, held(140, 150, 135, 160)), // outside its bounds
      result(4, held(100, 110, 95, 112)), // no difference: nothing to order
    ]);
    const mttr = scores[0]!;
    expect(mttr.truth.value).toBe(115);
    expect(mttr.estimate.value).toBe(120);
    // sd(c(11, -11, 10, 10)) / 2 = 5.338539
    expect(mttr.bias).toEqual({ value: 5, standardError: 5.33853913, worlds: 4 });
    expect(mttr.biasShare.value).toBeCloseTo(5 / 115, 8);
    expect(mttr.coverage.thisWorld.value).toBe(0.75);
    expect(mttr.coverage.suchWorlds.value).toBe(0.25);
    expect(mttr.coverage.differenceThisWorld.value).toBe(0.75);
    expect(mttr.boundsHold.value).toBe(0.75);
    expect(mttr.rankedRight).toMatchObject({ value: 0.666666667, worlds: 3 });
    expect(mttr.verdicts).toEqual({ given: 1, wrong: 1 });
    expect(mttr.typicalError).toBeCloseTo(Math.sqrt((121 + 121 + 100 + 100) / 4), 6);
  });

  it("leaves out a score that no world has", () => {
    const nothing = { ...held(1, 1, 1, 1), truth: null };
    const mttr = fidelityOf("a", "b", [result(1, nothing)]).scores[0]!;
    expect(mttr.bias).toEqual({ value: null, standardError: null, worlds: 0 });
    expect(mttr.coverage.thisWorld.value).toBeNull();
  });
});
