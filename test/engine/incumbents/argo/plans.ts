/** Plans and answers for the tests of Argo Rollouts. */

import type { Answer } from "../../../../engine/incumbents/incumbent.ts";
import type {
  ArgoAnalysis,
  ArgoMetric,
  ArgoPlan,
} from "../../../../engine/incumbents/argo/plan.ts";

/** A metric with Argo's defaults: `result[0] >= 0.95`, measured once. */
export function metric(given: Partial<ArgoMetric> = {}): ArgoMetric {
  const name = given.name ?? "success-rate";
  return {
    name,
    query: name,
    scope: "all",
    answer: "vector",
    initialDelayMs: 0,
    intervalMs: null,
    count: null,
    failureLimit: 0,
    inconclusiveLimit: 0,
    consecutiveErrorLimit: 4,
    consecutiveSuccessLimit: 0,
    successCondition: "result[0] >= 0.95",
    failureCondition: null,
    dryRun: false,
    ...given,
  };
}

export function analysis(...metrics: readonly ArgoMetric[]): ArgoAnalysis {
  return { metrics };
}

/** One analysis step with these metrics, and nothing else. */
export function analysisStep(...metrics: readonly ArgoMetric[]): ArgoPlan {
  return { steps: [{ kind: "analysis", analysis: analysis(...metrics) }], background: null };
}

export const FAILED: Answer = { kind: "failed" };

export function series(...values: readonly number[]): Answer {
  return {
    kind: "series",
    series: values.map((value, place) => ({
      labels: new Map([["series", String(place)]]),
      atMs: Float64Array.of(0),
      values: Float64Array.of(value),
    })),
  };
}
