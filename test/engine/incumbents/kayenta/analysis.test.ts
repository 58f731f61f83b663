/**
 * A canary analysis over time. Tables of RunCanaryIntervalsStageTest.kt (orca-kayenta) and
 * GenerateCanaryAnalysisResultTaskTest.java (kayenta-standalone-canary-analysis) are written anew.
 * Left out of the first: the cases with start and end times, which a deployment does not have, and
 * those about the order of Spinnaker's stages.
 */

import { describe, expect, it, test } from "vitest";
import { kayenta, type KayentaState } from "../../../../engine/incumbents/kayenta/analysis.ts";
import {
  judgedAt,
  judgementCount,
  type KayentaPlan,
} from "../../../../engine/incumbents/kayenta/plan.ts";
import type { Answer, Question } from "../../../../engine/incumbents/incumbent.ts";
import { walk, type Walk } from "../../../../engine/incumbents/walk.ts";
import { metric, MINUTE_MS, plan } from "./plans.ts";

const HOUR = 60;
const every8h = [8, 16, 24, 32, 40, 48].map((hours) => hours * HOUR);

describe("RunCanaryIntervalsStageTest.kt: ranges in minutes", () => {
  test.each<[number, number, number, readonly (readonly [number, number])[]]>([
    [0, 0, 0, [[0, 48 * HOUR]]],
    [0, 8 * HOUR, 0, every8h.map((to) => [0, to])],
    [45, 0, 0, [[45, 45 + 48 * HOUR]]],
    [45, 8 * HOUR, 0, every8h.map((to) => [45, 45 + to])],
    [0, 0, 60, [[47 * HOUR, 48 * HOUR]]],
    [0, 8 * HOUR, 60, every8h.map((to) => [to - 60, to])],
    [45, 0, 60, [[45 + 47 * HOUR, 45 + 48 * HOUR]]],
    [45, 8 * HOUR, 60, every8h.map((to) => [45 + to - 60, 45 + to])],
    // More than the lifetime is the lifetime ("300" of four hours, upstream).
    [0, 60 * HOUR, 0, [[0, 48 * HOUR]]],
  ])("after %d, interval %d, lookback %d", (warmup, interval, lookback, ranges) => {
    const given = plan({
      lifetimeMs: 48 * HOUR * MINUTE_MS,
      beginAfterMs: warmup * MINUTE_MS,
      intervalMs: interval * MINUTE_MS,
      lookbackMs: lookback * MINUTE_MS,
    });
    const found = Array.from({ length: judgementCount(given) }, (_, place) => {
      const { fromMs, toMs } = judgedAt(given, place + 1);
      return [fromMs / MINUTE_MS, toMs / MINUTE_MS];
    });
    expect(found).toEqual(ranges);
  });
});

/** A score by hand: of a hundred groups so many pass. */
function scoring(percent: number, given: Partial<KayentaPlan>): KayentaPlan {
  const names = Array.from({ length: 100 }, (_, place) => `m${place}`);
  return plan({
    stepMs: 10 * MINUTE_MS,
    groupWeights: {},
    metrics: names.map((name, place) =>
      metric({ name, query: place < percent ? "good" : "bad", groups: [name] }),
    ),
    ...given,
  });
}

const WORSE = 3;

/** Every query answers; the canary of `bad` is three times as high. */
function answer({ query, scope, fromMs, toMs }: Question): Answer {
  const count = Math.floor((toMs - fromMs) / MINUTE_MS) + 1;
  const times = query === "bad" && scope === "canary" ? WORSE : 1;
  const atMs = Float64Array.from({ length: count }, (_, place) => toMs - place * MINUTE_MS);
  const values = atMs.map((at) => times * (100 + ((at / MINUTE_MS) % 7)));
  const labels = new Map([["version", scope === "canary" ? "2" : "1"]]);
  return { kind: "series", series: [{ labels, atMs: atMs.reverse(), values: values.reverse() }] };
}

const run = (
  given: KayentaPlan,
  answers: (question: Question) => Answer = answer,
): Walk<KayentaState> =>
  walk(kayenta, given, { startedAtMs: 0, untilMs: Number.MAX_SAFE_INTEGER }, answers);

describe("GenerateCanaryAnalysisResultTaskTest.java: the last score", () => {
  test.each([
    [95, 0, 0, "promote"],
    [60, 75, 95, "rollBack"],
    [85, 75, 0, "promote"],
    [85, 75, 95, "rollBack"],
    [97, 75, 95, "promote"],
  ])("%d with marginal %d and pass %d", (score, marginal, pass, act) => {
    const { acts, state } = run(scoring(score, { marginal, pass }));
    expect(acts).toEqual([{ atMs: HOUR * MINUTE_MS, act }]);
    expect(state.scores).toEqual([score]);
  });

  it("fails at the marginal bound itself, which the judge calls marginal", () => {
    const { acts, findings } = run(scoring(75, { marginal: 75, pass: 75 }));
    expect(acts).toMatchObject([{ act: "rollBack" }]);
    const judged = findings.find(({ code }) => code === "judged");
    expect(judged!.params).toMatchObject({ score: 75, classification: "Pass" });
    const marginal = run(scoring(75, { marginal: 75, pass: 95 })).findings;
    expect(marginal.find(({ code }) => code === "judged")!.params["classification"]).toBe(
      "Marginal",
    );
  });
});

describe("judgements over time", () => {
  const quarters = { intervalMs: 15 * MINUTE_MS, marginal: 50, pass: 75 } as const;

  it("go on at a marginal score, and fail on it at the end", () => {
    const { acts, state } = run(scoring(60, quarters));
    expect(state).toMatchObject({ judged: 4, scores: [60, 60, 60, 60], end: "failed" });
    expect(acts).toEqual([{ atMs: HOUR * MINUTE_MS, act: "rollBack" }]);
  });

  it("fail at once below", () => {
    const { acts, state } = run(scoring(40, quarters));
    expect(state).toMatchObject({ judged: 1, end: "failed" });
    expect(acts).toEqual([{ atMs: 15 * MINUTE_MS, act: "rollBack" }]);
  });

  it("cut the lifetime to whole intervals", () => {
    const { acts } = run(scoring(100, { intervalMs: 25 * MINUTE_MS }));
    expect(acts).toEqual([{ atMs: 50 * MINUTE_MS, act: "promote" }]);
  });

  it("never ask before the last step, nor for what comes later", () => {
    const given = scoring(100, { ...quarters, beginAfterMs: 5 * MINUTE_MS });
    let last = 0;
    run(given, (question) => {
      expect(question.toMs).toBeGreaterThanOrEqual(last);
      last = question.toMs;
      return answer(question);
    });
    expect(last).toBe(65 * MINUTE_MS);
  });
});

describe("the finding that decides", () => {
  const two = plan({
    metrics: [
      metric({ name: "fine", query: "good" }),
      metric({ name: "slow", query: "bad", critical: true }),
    ],
  });

  it("names the critical metric, its ratio, and the score", () => {
    const { acts, findings } = run(two);
    expect(acts).toMatchObject([{ act: "rollBack" }]);
    expect(findings.at(-1)).toMatchObject({
      code: "canaryFailed",
      params: { metric: "slow", query: "bad", because: "critical", score: 0, counts: true },
    });
    expect(findings.at(-1)!.params["ratio"]).toBeCloseTo(WORSE, 6);
  });

  it("names a query that failed", () => {
    const { acts, findings } = run(two, (question) =>
      question.query === "bad" ? { kind: "failed" } : answer(question),
    );
    expect(acts).toMatchObject([{ act: "rollBack" }]);
    expect(findings).toMatchObject([{ code: "queryFailed", params: { query: "bad" } }]);
  });

  it("names a metric without data where half have none", () => {
    const plain = { ...two, metrics: two.metrics.map((one) => ({ ...one, critical: false })) };
    const { findings } = run(plain, (question) =>
      question.query === "bad" && question.scope === "canary"
        ? { kind: "series", series: [] }
        : answer(question),
    );
    expect(findings.at(-1)!.params).toMatchObject({ metric: "slow", because: "nodata" });
  });
});

test("a baseline of an earlier time is asked so much earlier, and before the start", () => {
  const given = plan({ baselineOffsetMs: 30 * MINUTE_MS, beginAfterMs: 10 * MINUTE_MS });
  const due = kayenta.due(given, kayenta.start(given, 0, "checkout"))!;
  const [canary, stable] = due.questions;
  expect(stable!.toMs).toBe(canary!.toMs - 30 * MINUTE_MS);
  expect(kayenta.reachMs!(given)).toBe(21 * MINUTE_MS);
  expect(-stable!.fromMs).toBeLessThanOrEqual(kayenta.reachMs!(given));
});

test.each<[string, Partial<KayentaPlan>]>([
  ["too many judgements", { lifetimeMs: 7 * 24 * HOUR * MINUTE_MS, intervalMs: MINUTE_MS }],
  ["too many points", { lifetimeMs: 24 * HOUR * MINUTE_MS, stepMs: 1000 }],
  ["two metrics of one name", { metrics: [metric(), metric()] }],
  ["no metric", { metrics: [] }],
  ["an interval below a minute", { intervalMs: 1000 }],
])("a plan with %s is refused", (_, given) => {
  expect(kayenta.schema.safeParse(plan()).success).toBe(true);
  expect(kayenta.schema.safeParse(plan(given)).success).toBe(false);
});
