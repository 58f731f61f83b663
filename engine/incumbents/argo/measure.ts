/**
 * One answer → one measurement (utils/evaluate/evaluate.go; metricproviders/prometheus).
 */

import type { Answer } from "../incumbent.ts";
import type { MeasuredPhase } from "./assess.ts";
import type { ConditionError } from "./condition/check.ts";
import { evaluateCondition, type Value } from "./condition/evaluate.ts";
import { isRefusal, parseCondition } from "./condition/parse.ts";
import type { ArgoMetric } from "./plan.ts";

export interface Measured {
  readonly phase: MeasuredPhase;
  /** Why it is an Error; null where it is none. */
  readonly error: ConditionError | "queryFailed" | "noScalar" | "conditionRefused" | null;
  /** The condition that raised. */
  readonly condition: "successCondition" | "failureCondition" | null;
}

type Conditions = Pick<ArgoMetric, "successCondition" | "failureCondition">;

export function measure(metric: ArgoMetric, answer: Answer): Measured {
  if (answer.kind === "failed") return { phase: "Error", error: "queryFailed", condition: null };
  const numbers = answer.series.map(({ values }) => values[values.length - 1] ?? NaN);
  if (metric.answer === "vector") {
    return evaluateResult(
      metric,
      numbers.map((float) => ({ float })),
    );
  }
  if (numbers.length === 0) return { phase: "Error", error: "noScalar", condition: null };
  return evaluateResult(metric, { float: numbers[0]! });
}

/**
 * With one condition, the other is its negation. With both, failure wins, and where neither holds
 * the measurement is inconclusive. Without any it succeeds.
 */
export function evaluateResult(metric: Conditions, result: Value): Measured {
  const success = holds(metric, "successCondition", result);
  if (typeof success === "object" && success !== null) return success;
  const failure = holds(metric, "failureCondition", result);
  if (typeof failure === "object" && failure !== null) return failure;
  if (failure ?? success === false) return ended("Failed");
  if (success ?? true) return ended("Successful");
  return ended("Inconclusive");
}

function ended(phase: MeasuredPhase): Measured {
  return { phase, error: null, condition: null };
}

/** Null where the condition is not given. */
function holds(
  metric: Conditions,
  condition: "successCondition" | "failureCondition",
  result: Value,
): boolean | null | Measured {
  const text = metric[condition];
  if (text === null) return null;
  const node = parseCondition(text);
  if (isRefusal(node)) return { phase: "Error", error: "conditionRefused", condition };
  const evaluated = evaluateCondition(node, result);
  if ("holds" in evaluated) return evaluated.holds;
  return { phase: "Error", error: evaluated.error, condition };
}
