/** Plans and answers for the tests of Flagger. */

import type { Answer, Question } from "../../../../engine/incumbents/incumbent.ts";
import {
  flaggerPlan,
  type FlaggerMetric,
  type FlaggerPlan,
} from "../../../../engine/incumbents/flaggerPlan.ts";
import { flagger, type FlaggerState } from "../../../../engine/incumbents/flagger.ts";

export const MINUTE = 60_000;

export function check(over: Partial<FlaggerMetric> = {}): FlaggerMetric {
  return {
    name: "errors",
    query: "errors",
    scope: "all",
    compares: "number",
    answer: "vector",
    min: null,
    max: 5,
    ...over,
  };
}

export function canaryPlan(over: Partial<FlaggerPlan> = {}): FlaggerPlan {
  return flaggerPlan.parse({
    intervalMs: MINUTE,
    threshold: 10,
    skipAnalysis: false,
    strategy: { kind: "canary", stepWeight: 10, stepWeights: [], maxWeight: 50, mirror: false },
    stepWeightPromotion: 0,
    confirmPromotion: false,
    metrics: [check()],
    ...over,
  });
}

export const canary = (
  over: Partial<Extract<FlaggerPlan["strategy"], { kind: "canary" }>>,
): FlaggerPlan["strategy"] => ({
  kind: "canary",
  stepWeight: 0,
  stepWeights: [],
  maxWeight: 0,
  mirror: false,
  ...over,
});

export const FAILED: Answer = { kind: "failed" };
export const GOOD = series(1);
export const BAD = series(9);

export function series(...values: readonly number[]): Answer {
  return {
    kind: "series",
    series: values.map((value) => ({
      labels: new Map(),
      atMs: Float64Array.of(0),
      values: Float64Array.of(value),
    })),
  };
}

export type Answers = (question: Question, tick: number) => Answer;

/** One tick: the state after it, and what it did. */
export interface Tick {
  readonly state: FlaggerState;
  readonly atMs: number;
  readonly asked: readonly string[];
  readonly acts: readonly string[];
  readonly codes: readonly string[];
}

/** The first `count` ticks of a deployment, fewer where it has decided before. */
export function ticks(
  plan: FlaggerPlan,
  count: number,
  answer: Answers | Answer = GOOD,
  from: FlaggerState = flagger.start(plan, 0, "shop"),
): readonly Tick[] {
  const all: Tick[] = [];
  let state = from;
  while (all.length < count) {
    const due = flagger.due(plan, state);
    if (due === null) break;
    const { atMs, questions } = due;
    const answers = questions.map((question) =>
      typeof answer === "function" ? answer(question, all.length) : answer,
    );
    const step = flagger.step(plan, state, atMs, answers);
    state = step.state;
    const codes = step.findings.map(({ code }) => code);
    const asked = questions.map(({ query }) => query);
    all.push({ state, atMs, asked, acts: step.acts, codes });
  }
  return all;
}

export const phases = (all: readonly Tick[]): readonly string[] =>
  all.map(({ state }) => state.phase);
export const weights = (all: readonly Tick[]): readonly number[] =>
  all.map(({ state }) => state.weight);
