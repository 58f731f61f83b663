/**
 * A Canary of Flagger: ticks, checks, failed checks and the rollback of the tick after.
 *
 * Facts from pkg/controller/scheduler.go (`advanceCanary`, `runCanary`, `runAB`, `runBlueGreen`,
 * `shouldSkipAnalysis`, `runPromotionTrafficShift`), scheduler_hooks.go, scheduler_metrics.go,
 * pkg/canary/status.go (`setStatusPhase`) and pkg/metrics/providers/prometheus.go (`RunQuery`):
 *
 * - A tick every interval. The first one finds the new revision and scales it up, nothing more.
 * - A tick without canary traffic runs hooks in the place of checks. Then the strategy goes on, so
 *   this tick gives the canary its first traffic.
 * - A tick with traffic checks first. The first metric that fails ends the check, adds one to
 *   `failedChecks`, and the tick ends: the weight stays. A check that passes takes nothing away.
 * - No series, NaN and a failed query fail a metric as a value out of its range does. Of several
 *   series the last one counts.
 * - `failedChecks` is looked at before the checks of a tick, so a rollback comes one tick after the
 *   check that reached the threshold, and only while Progressing or WaitingPromotion.
 * - After the promotion nothing is checked: the primary has the new revision.
 */

import { assert } from "../assert.ts";
import {
  flaggerPlan,
  maxWeightOf,
  nextStepOf,
  TOTAL_WEIGHT,
  type FlaggerMetric,
  type FlaggerPlan,
} from "./flaggerPlan.ts";
import type { Act, Answer, Due, Finding, Incumbent, IncumbentStep } from "./incumbent.ts";

export type FlaggerPhase =
  | "initialized"
  | "progressing"
  | "waitingPromotion"
  | "promoting"
  | "finalising"
  | "succeeded"
  | "failed";

export type CheckFailure = "belowMin" | "aboveMax" | "noValues" | "queryFailed";

export interface FlaggerState {
  readonly nextAtMs: number;
  readonly phase: FlaggerPhase;
  /** Percent of the traffic that the canary gets. */
  readonly weight: number;
  readonly mirrored: boolean;
  readonly iterations: number;
  readonly failedChecks: number;
  /** The metric that failed last; null: none did. */
  readonly lastFailure: {
    readonly metric: string;
    readonly query: string;
    readonly reason: CheckFailure;
  } | null;
}

export const flagger: Incumbent<FlaggerPlan, FlaggerState> = {
  kind: "flagger",

  schema: flaggerPlan,

  queries: ({ metrics }) => [...new Set(metrics.map(({ query }) => query))],

  start: (_plan, startedAtMs) => ({
    nextAtMs: startedAtMs,
    phase: "initialized",
    weight: 0,
    mirrored: false,
    iterations: 0,
    failedChecks: 0,
    lastFailure: null,
  }),

  due(plan, state): Due | null {
    const { nextAtMs: atMs, phase } = state;
    if (phase === "succeeded" || phase === "failed") return null;
    const questions = isChecked(plan, state)
      ? plan.metrics.map(({ query, scope }) => ({ query, scope, fromMs: atMs, toMs: atMs }))
      : [];
    return { atMs, questions };
  },

  step(plan, before, _atMs, answers): IncumbentStep<FlaggerState> {
    const state = { ...before, nextAtMs: before.nextAtMs + plan.intervalMs };
    switch (state.phase) {
      case "initialized":
        return reached({ ...state, phase: "progressing" });
      case "progressing":
      case "waitingPromotion":
        if (plan.skipAnalysis) return promoted({ ...state, phase: "succeeded", weight: 0 });
        if (state.failedChecks >= plan.threshold) return rolledBack(plan, state);
        return analysed(plan, state, answers);
      case "promoting":
        return reached(shifted(plan, state));
      case "finalising":
        return reached({ ...state, phase: "succeeded" });
      case "succeeded":
      case "failed":
        return { state: before, acts: [], findings: [] };
    }
  },
};

/** Does the next tick ask the queries? */
function isChecked(plan: FlaggerPlan, state: FlaggerState): boolean {
  const { phase, weight, iterations, failedChecks } = state;
  if (phase !== "progressing" && phase !== "waitingPromotion") return false;
  if (plan.skipAnalysis || failedChecks >= plan.threshold) return false;
  const mirrors = plan.strategy.kind === "canary" && plan.strategy.mirror;
  return weight !== 0 || iterations !== 0 || (mirrors && state.mirrored);
}

function analysed(
  plan: FlaggerPlan,
  state: FlaggerState,
  answers: readonly Answer[],
): IncumbentStep<FlaggerState> {
  if (!isChecked(plan, state)) return advanced(plan, state);
  assert(answers.length === plan.metrics.length, "one answer for each question of due");
  for (const [place, metric] of plan.metrics.entries()) {
    const failure = failureOf(metric, answers[place]!);
    if (failure === null) continue;
    const { name, query } = metric;
    const { reason, value } = failure;
    const failedChecks = state.failedChecks + 1;
    const params = { metric: name, query, reason, value, failedChecks };
    return {
      state: { ...state, failedChecks, lastFailure: { metric: name, query, reason } },
      acts: [],
      findings: [{ code: "checkFailed", params }],
    };
  }
  return advanced(plan, state);
}

interface Failure {
  readonly reason: CheckFailure;
  /** Null where there was none. */
  readonly value: number | null;
}

/** Why a metric fails on an answer; null where it passes. */
export function failureOf(metric: FlaggerMetric, answer: Answer): Failure | null {
  if (answer.kind === "failed" || metric.answer === "scalar") {
    return { reason: "queryFailed", value: null };
  }
  const last = answer.series.at(-1);
  const value = last?.values.at(-1);
  if (value === undefined || Number.isNaN(value)) return { reason: "noValues", value: null };
  const { min, max } = metric;
  const compared = metric.compares === "milliseconds" ? wholeMilliseconds : Number;
  if (min !== null && compared(value) < compared(min)) return { reason: "belowMin", value };
  if (max !== null && compared(value) > compared(max)) return { reason: "aboveMax", value };
  return null;
}

const LARGEST_INT64 = 2n ** 63n - 1n;
const NANOSECONDS = 1_000_000n;

/**
 * As Go makes a `time.Duration` of a float on amd64: cut to an integer, multiplied within 64 bits.
 * Infinity and what does not fit become 0, so an infinite latency passes every upper bound.
 */
function wholeMilliseconds(value: number): bigint {
  if (!Number.isFinite(value)) return 0n;
  const cut = BigInt(Math.trunc(value));
  if (cut > LARGEST_INT64 || cut < -LARGEST_INT64 - 1n) return 0n;
  return BigInt.asIntN(64, cut * NANOSECONDS);
}

/** What the strategy does after the hooks, or after checks that passed. */
function advanced(plan: FlaggerPlan, state: FlaggerState): IncumbentStep<FlaggerState> {
  const { strategy } = plan;
  const iterations = state.iterations + 1;
  switch (strategy.kind) {
    case "canary":
      return canaryAdvanced(plan, strategy, state);
    case "abTesting":
      if (strategy.iterations > state.iterations) {
        return reached({ ...state, weight: TOTAL_WEIGHT, iterations });
      }
      return promotedIfConfirmed(plan, strategy.iterations, state);
    case "blueGreen":
      if (strategy.iterations > state.iterations) return reached({ ...state, iterations });
      if (plan.confirmPromotion) return waited(strategy.iterations, state);
      // The canary gets all traffic, and is checked once more.
      if (strategy.iterations === state.iterations) {
        const weight = strategy.shiftsTraffic ? TOTAL_WEIGHT : state.weight;
        return reached({ ...state, weight, iterations });
      }
      return promotedIfConfirmed(plan, strategy.iterations, state);
  }
}

function canaryAdvanced(
  plan: FlaggerPlan,
  strategy: Extract<FlaggerPlan["strategy"], { kind: "canary" }>,
  state: FlaggerState,
): IncumbentStep<FlaggerState> {
  const step = nextStepOf(strategy, state.weight);
  if (step <= 0) return { state, acts: [], findings: [] };
  if (state.weight >= maxWeightOf(strategy)) return promotedIfConfirmed(plan, 0, state);
  if (strategy.mirror && state.weight === 0 && !state.mirrored) {
    return reached({ ...state, mirrored: true });
  }
  const weight = Math.min(TOTAL_WEIGHT, state.weight + step);
  return reached({ ...state, mirrored: false, weight });
}

function promotedIfConfirmed(
  plan: FlaggerPlan,
  ofIterations: number,
  state: FlaggerState,
): IncumbentStep<FlaggerState> {
  if (plan.confirmPromotion) return waited(ofIterations, state);
  return promoted({ ...state, phase: "promoting", iterations: 0 });
}

/** Waits for the approval. The checks go on, and can still roll back. */
function waited(ofIterations: number, state: FlaggerState): IncumbentStep<FlaggerState> {
  // Flagger sets the iterations back, so that the next ticks check and ask for approval again.
  const next: FlaggerState = { ...state, phase: "waitingPromotion", iterations: ofIterations - 1 };
  if (state.phase === "waitingPromotion") return { state: next, acts: [], findings: [] };
  const { failedChecks } = state;
  const findings: readonly Finding[] = [{ code: "waitsForApproval", params: { failedChecks } }];
  return { state: next, acts: ["pause"], findings };
}

function promoted(state: FlaggerState): IncumbentStep<FlaggerState> {
  return { ...reached(state), acts: ["promote"] };
}

function rolledBack({ threshold }: FlaggerPlan, state: FlaggerState): IncumbentStep<FlaggerState> {
  const { failedChecks, lastFailure } = state;
  const { metric = null, query = null, reason = null } = lastFailure ?? {};
  const params = { metric, query, reason, failedChecks, threshold, counts: true };
  const acts: readonly Act[] = ["rollBack"];
  const findings: readonly Finding[] = [{ code: "thresholdReached", params }];
  const rolled: FlaggerState = { ...state, phase: "failed", weight: 0, mirrored: false };
  return { state: { ...rolled, iterations: 0, failedChecks: 0 }, acts, findings };
}

/** Traffic goes back to the primary, which has the new revision by now. */
function shifted({ stepWeightPromotion }: FlaggerPlan, state: FlaggerState): FlaggerState {
  const step = stepWeightPromotion === 0 ? TOTAL_WEIGHT : stepWeightPromotion;
  const weight = Math.max(0, state.weight - step);
  return { ...state, phase: weight === 0 ? "finalising" : "promoting", weight };
}

function reached(state: FlaggerState): IncumbentStep<FlaggerState> {
  const { phase, weight, iterations } = state;
  return {
    state,
    acts: [],
    findings: [{ code: "advanced", params: { phase, weight, iterations } }],
  };
}
