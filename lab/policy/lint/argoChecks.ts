/**
 * What one metric of Argo does when things go as they do: checks that run the emulator on synthetic
 * answers. None of them looks for a pattern in a text.
 */

import {
  argo,
  effectiveCount,
  measureArgo,
  walkIncumbent,
  type Act,
  type Answer,
  type ArgoAnalysis,
  type ArgoMetric,
  type ArgoPlan,
  type Measured,
} from "../../../engine/index.ts";
import type { LintFinding } from "./finding.ts";
import { EMPTY, healthyAnswer, NAN, QUERY_FAILED, tryAnswers, type Tried } from "./argoAnswers.ts";

/** What is found, with the key of the metric that it is about. */
export interface Check {
  readonly code: CheckCode;
  readonly key: keyof ArgoMetric;
  readonly params: LintFinding["params"];
}

export type CheckCode =
  | "errsOnHealthyAnswer"
  | "neverSucceeds"
  | "neverFails"
  | "errsOnEmptyAnswer"
  | "failsOnEmptyAnswer"
  | "succeedsWithoutData"
  | "errsOnNaN"
  | "failsOnNaN"
  | "succeedsOnNaN"
  | "outageAborts";

/** What takes more is left undecided, so that no file takes long. */
const MOST_STEPS = 5000;

/** A rollout that takes an hour, for a metric without an end of its own. */
const ROLLOUT_MS = 3_600_000;

/** An outage of the metrics that a rollout ought to survive. */
export const OUTAGE_MS = 300_000;

export function checkMetric(metric: ArgoMetric): readonly Check[] {
  const healthy = healthyAnswer(metric);
  const oneSeries = tryAnswers(metric, 1);
  const isHealthy = oneSeries.some(({ measured }) => measured.phase === "Successful");
  if (!isHealthy) return [neverHealthy(metric, oneSeries, healthy?.series ?? null)];
  // A dry run decides nothing, so nothing more can go wrong with it.
  if (metric.dryRun) return [];
  const blind = neverFails(metric, oneSeries);
  const without =
    blind?.params["why"] === "noCondition"
      ? []
      : [...dataCheck(metric, "EmptyAnswer", EMPTY), ...dataCheck(metric, "NaN", NAN)];
  const outage = healthy === null ? [] : outageCheck(metric, healthy.answer);
  return [...(blind === null ? [] : [blind]), ...without, ...outage];
}

/** No answer of one series succeeds. */
function neverHealthy(metric: ArgoMetric, tried: readonly Tried[], needs: number | null): Check {
  const raised = tried.find(({ measured }) => measured.error !== null)?.measured;
  if (raised === undefined) {
    return { code: "neverSucceeds", key: keyOf(metric), params: { series: needs } };
  }
  const params = { error: raised.error, condition: raised.condition, series: needs };
  return { code: "errsOnHealthyAnswer", key: raised.condition ?? keyOf(metric), params };
}

function keyOf({ successCondition, failureCondition }: ArgoMetric): keyof ArgoMetric {
  if (successCondition !== null) return "successCondition";
  return failureCondition === null ? "name" : "failureCondition";
}

/**
 * No number ends the rollout: because none fails, or because the limits let all failures pass.
 * Waiting for successes is meant to, and a check that there is data fails without.
 */
function neverFails(metric: ArgoMetric, oneSeries: readonly Tried[]): Check | null {
  const { successCondition, failureCondition, failureLimit, count } = metric;
  if (metric.consecutiveSuccessLimit > 0) return null;
  const bad = (["Failed", "Inconclusive", "Error"] as const).flatMap(
    (phase) => oneSeries.find(({ measured }) => measured.phase === phase) ?? [],
  );
  const answers = bad.length > 0 ? bad.map(({ answer }) => answer) : [EMPTY, NAN];
  if (answers.some((answer) => endOf(metric, () => answer).act !== "promote")) return null;
  if (successCondition === null && failureCondition === null) {
    return { code: "neverFails", key: "name", params: { why: "noCondition" } };
  }
  const isLimit = bad.length > 0;
  return {
    code: "neverFails",
    key: isLimit ? "failureLimit" : keyOf(metric),
    params: { why: isLimit ? "limit" : "condition", failureLimit, count },
  };
}

function dataCheck(
  metric: ArgoMetric,
  on: "EmptyAnswer" | "NaN",
  answer: Answer,
): readonly Check[] {
  const measured: Measured = measureArgo(metric, answer);
  // `scalar()` answers NaN where there is no series.
  const isNever = on === "EmptyAnswer" && metric.answer === "scalar";
  if (isNever || measured.phase === "Inconclusive") return [];
  const end = endOf(metric, () => answer);
  const key = measured.condition ?? keyOf(metric);
  const params = { error: measured.error, act: end.act, afterS: seconds(end.afterMs) };
  if (measured.phase === "Error") return [{ code: `errsOn${on}`, key, params }];
  if (measured.phase === "Failed") return [{ code: `failsOn${on}`, key, params }];
  const code = on === "NaN" ? "succeedsOnNaN" : "succeedsWithoutData";
  return [{ code, key, params: { act: end.act } }];
}

/** How long the API must be down, from one measurement on, until a healthy rollout is aborted. */
function outageCheck(metric: ArgoMetric, healthy: Answer): readonly Check[] {
  const before = effectiveCount(metric) === 1 ? 0 : 1;
  let asked = 0;
  let fromMs = 0;
  const end = endOf(metric, (atMs) => {
    asked++;
    if (asked === before + 1) fromMs = atMs;
    return asked <= before ? healthy : QUERY_FAILED;
  });
  const lastsMs = end.afterMs - fromMs;
  if (end.act !== "rollBack" || lastsMs >= OUTAGE_MS) return [];
  const params = { seconds: seconds(lastsMs), errors: asked - before };
  return [{ code: "outageAborts", key: "consecutiveErrorLimit", params }];
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

interface End {
  /** What the rollout does in the end; null where it does nothing within its time. */
  readonly act: Act | null;
  readonly afterMs: number;
}

/** Runs the metric alone: as a step where it ends by itself, else during a rollout of an hour. */
function endOf(metric: ArgoMetric, answer: (atMs: number) => Answer): End {
  const analysis: ArgoAnalysis = { metrics: [{ ...metric, query: "query", dryRun: false }] };
  const ends = effectiveCount(metric) !== null;
  const plan: ArgoPlan = ends
    ? { steps: [{ kind: "analysis", analysis }], background: null }
    : {
        steps: [{ kind: "pause", durationMs: ROLLOUT_MS + metric.initialDelayMs }],
        background: { startingStep: 0, analysis },
      };
  const over = { startedAtMs: 0, untilMs: Number.MAX_SAFE_INTEGER, mostSteps: MOST_STEPS };
  const { acts } = walkIncumbent(argo, plan, over, ({ toMs }) => answer(toMs));
  const last = acts.at(-1);
  return last === undefined ? { act: null, afterMs: 0 } : { act: last.act, afterMs: last.atMs };
}
