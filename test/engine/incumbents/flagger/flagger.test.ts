/** Flagger's ticks: what fails a check, when the threshold rolls back, and where the weights go. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureOf, flagger } from "../../../../engine/incumbents/flagger.ts";
import { flaggerPlan, nextStepOf } from "../../../../engine/incumbents/flaggerPlan.ts";
import { canary, canaryPlan, check, FAILED, MINUTE, phases, series, ticks } from "./plans.ts";
import { BAD, GOOD, weights } from "./plans.ts";
import { check as property } from "../../check.ts";

describe("a check", () => {
  test("fails on no series, NaN and a failed query, whatever the range", () => {
    const any = check({ max: null });
    expect(failureOf(any, series())?.reason).toBe("noValues");
    expect(failureOf(any, series(Number.NaN))?.reason).toBe("noValues");
    expect(failureOf(any, FAILED)?.reason).toBe("queryFailed");
    expect(failureOf(any, series(Number.POSITIVE_INFINITY))).toBe(null);
    // Upstream reads a vector only.
    expect(failureOf(check({ answer: "scalar" }), GOOD)?.reason).toBe("queryFailed");
  });

  test("takes the bounds as part of the range", () => {
    const ranged = check({ min: 1, max: 2 });
    expect(failureOf(ranged, series(0.99))).toEqual({ reason: "belowMin", value: 0.99 });
    expect(failureOf(ranged, series(2.01))).toEqual({ reason: "aboveMax", value: 2.01 });
    expect([1, 2].map((value) => failureOf(ranged, series(value)))).toEqual([null, null]);
    expect(failureOf(ranged, series(Number.NEGATIVE_INFINITY))?.reason).toBe("belowMin");
  });

  test("takes the last of several series", () => {
    expect(failureOf(check(), series(9, 1))).toBe(null);
    expect(failureOf(check(), series(1, 9))?.reason).toBe("aboveMax");
  });

  test("compares a latency in whole milliseconds, and lets an infinite one pass", () => {
    const latency = check({ compares: "milliseconds", max: 500 });
    expect(failureOf(latency, series(500.9))).toBe(null);
    expect(failureOf(latency, series(501))?.reason).toBe("aboveMax");
    expect(failureOf(latency, series(Number.POSITIVE_INFINITY))).toBe(null);
    expect(failureOf(check({ ...latency, min: 1 }), series(0.9))?.reason).toBe("belowMin");
  });
});

describe("a tick", () => {
  test("comes every interval from the start, and asks nothing without traffic", () => {
    const all = ticks(canaryPlan(), 4);
    expect(all.map(({ atMs }) => atMs)).toEqual([0, MINUTE, 2 * MINUTE, 3 * MINUTE]);
    expect(all.map(({ asked }) => asked)).toEqual([[], [], ["errors"], ["errors"]]);
  });

  test("rolls back one tick after the check that reached the threshold", () => {
    const all = ticks(canaryPlan({ threshold: 3 }), 99, BAD);
    expect(all.map(({ state }) => state.failedChecks)).toEqual([0, 0, 1, 2, 3, 0]);
    expect(all.at(-1)).toMatchObject({ atMs: 5 * MINUTE, asked: [], acts: ["rollBack"] });
    expect(all.at(-1)!.codes).toEqual(["thresholdReached"]);
  });

  test("keeps the failed checks of the past, and the weight while a check fails", () => {
    const alternately = ticks(canaryPlan({ threshold: 2 }), 99, (_question, tick) =>
      tick % 2 === 0 ? BAD : GOOD,
    );
    expect(weights(alternately)).toEqual([0, 10, 10, 20, 20, 0]);
    expect(alternately.at(-1)!.state.phase).toBe("failed");
  });

  test("stops its check at the first metric that fails", () => {
    const metrics = [check(), check({ name: "latency", query: "latency" })];
    const plan = canaryPlan({ threshold: 1, metrics });
    const { state } = ticks(plan, 3, BAD).at(-1)!;
    expect(state).toMatchObject({ failedChecks: 1, lastFailure: { metric: "errors" } });
    const late = ticks(plan, 3, ({ query }) => (query === "latency" ? BAD : GOOD)).at(-1)!;
    expect(late.state).toMatchObject({ failedChecks: 1, lastFailure: { metric: "latency" } });
  });

  test("does not roll back once it is promoted, however bad it gets", () => {
    const plan = canaryPlan({ threshold: 1, strategy: canary({ stepWeight: 50, maxWeight: 50 }) });
    const all = ticks(plan, 99, (_question, tick) => (tick > 2 ? BAD : GOOD));
    expect(phases(all).slice(2)).toEqual(["promoting", "finalising", "succeeded"]);
  });

  test("a threshold that is reached with the last check before the promotion rolls back", () => {
    const plan = canaryPlan({ threshold: 1, strategy: canary({ stepWeight: 50, maxWeight: 50 }) });
    const all = ticks(plan, 99, (_question, tick) => (tick === 2 ? BAD : GOOD));
    expect(phases(all)).toEqual(["progressing", "progressing", "progressing", "failed"]);
  });
});

describe("strategies", () => {
  test("go through `stepWeights` up to the last", () => {
    const strategy = canary({ stepWeights: [1, 5, 25] });
    expect(weights(ticks(canaryPlan({ strategy }), 5))).toEqual([0, 1, 5, 25, 25]);
    // A weight that is none of the steps goes to all traffic.
    expect(nextStepOf(strategy as Parameters<typeof nextStepOf>[0], 7)).toBe(93);
  });

  test("without a maximum go to all traffic, and with an uneven step beyond the maximum", () => {
    expect(weights(ticks(canaryPlan({ strategy: canary({ stepWeight: 40 }) }), 5))).toEqual([
      0, 40, 80, 100, 100,
    ]);
    const uneven = canary({ stepWeight: 40, maxWeight: 50 });
    expect(weights(ticks(canaryPlan({ strategy: uneven }), 4))).toEqual([0, 40, 80, 80]);
  });

  test("without a step get no traffic and never end", () => {
    const all = ticks(canaryPlan({ strategy: canary({ maxWeight: 50 }) }), 50, BAD);
    expect(all).toHaveLength(50);
    expect(new Set(weights(all))).toEqual(new Set([0]));
  });

  test("shift traffic back in steps after the promotion", () => {
    const strategy = canary({ stepWeight: 50, maxWeight: 50 });
    const all = ticks(canaryPlan({ strategy, stepWeightPromotion: 20 }), 99);
    expect(weights(all)).toEqual([0, 50, 50, 30, 10, 0, 0]);
  });

  test("of Kubernetes alone shift none", () => {
    const strategy = { kind: "blueGreen", iterations: 2, shiftsTraffic: false } as const;
    const all = ticks(canaryPlan({ strategy, stepWeightPromotion: 20 }), 99);
    expect(new Set(weights(all))).toEqual(new Set([0]));
    expect(all.map(({ asked }) => asked.length)).toEqual([0, 0, 1, 1, 1, 0, 0]);
  });
});

describe("an approval of the promotion", () => {
  test.each([
    canary({ stepWeight: 50, maxWeight: 50 }),
    { kind: "abTesting", iterations: 2 } as const,
    { kind: "blueGreen", iterations: 2, shiftsTraffic: true } as const,
  ])("is waited for under checks that can still roll back: $kind", (strategy) => {
    const plan = canaryPlan({ threshold: 2, strategy, confirmPromotion: true });
    const healthy = ticks(plan, 30);
    expect(healthy.at(-1)!.state.phase).toBe("waitingPromotion");
    expect(healthy.flatMap(({ acts }) => acts)).toEqual(["pause"]);
    const turned = ticks(plan, 30, (_question, tick) => (tick < 10 ? GOOD : BAD));
    expect(turned.at(-1)).toMatchObject({ atMs: 12 * MINUTE, acts: ["rollBack"] });
  });

  test("one iteration of blue-green is not checked again: Flagger takes it for a start", () => {
    const strategy = { kind: "blueGreen", iterations: 1, shiftsTraffic: true } as const;
    const plan = canaryPlan({ threshold: 1, strategy, confirmPromotion: true });
    expect(ticks(plan, 7).map(({ asked }) => asked.length)).toEqual([0, 0, 1, 0, 1, 0, 1]);
  });
});

test("for any answers: failed checks only grow, and a rollback follows the threshold", () => {
  const answers = fc.array(fc.constantFrom(GOOD, BAD, FAILED, series()), { minLength: 40 });
  property(
    fc.property(answers, fc.integer({ min: 1, max: 5 }), (drawn, threshold) => {
      const all = ticks(canaryPlan({ threshold }), 40, (_question, tick) => drawn[tick]!);
      const failed = all.filter(({ codes }) => codes.includes("checkFailed")).length;
      const last = all.at(-1)!;
      expect(last.state.phase).toBe(failed === threshold ? "failed" : "succeeded");
      expect(failed).toBeLessThanOrEqual(threshold);
    }),
  );
});

test("a plan is bounded, and refuses what it does not know", () => {
  const plan = canaryPlan();
  const isRefused = (over: object): boolean => !flaggerPlan.safeParse({ ...plan, ...over }).success;
  expect(isRefused({})).toBe(false);
  expect(isRefused({ intervalMs: 9_999 })).toBe(true);
  expect(isRefused({ threshold: 0 })).toBe(true);
  expect(isRefused({ unknown: 1 })).toBe(true);
  expect(isRefused({ metrics: [check({ max: Number.NaN })] })).toBe(true);
  expect(flagger.queries(plan)).toEqual(["errors"]);
});
