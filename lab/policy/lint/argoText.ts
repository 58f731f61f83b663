/** What was found, in words. */

import type { LintFinding } from "./finding.ts";

type Params = LintFinding["params"];

const ERRORS = new Map([
  ["mismatchedTypes", "an operator or function gets a type that it does not take"],
  ["unknownName", "it uses a name that Argo does not know"],
  ["indexOutOfRange", "it looks at a series that is not there"],
  ["notBoolean", "it is neither true nor false"],
  ["divisionByZero", "it divides by zero"],
  ["notANumber", "it reads a text that is no number"],
  ["notEmulated", "it compares lists"],
]);

export function argoText(code: string, params: Params): string {
  const text = (key: string): string => String(params[key] ?? "");
  const error = ERRORS.get(text("error")) ?? "it cannot be evaluated";
  switch (code) {
    case "errsOnHealthyAnswer": {
      const series = params["series"];
      const needs = series === null ? "" : `; it succeeds with ${String(series)} series`;
      return `errs on every healthy answer of one series: ${error}${needs}`;
    }
    case "neverSucceeds":
      return "no number that was tried succeeds";
    case "neverFails":
      return neverFailsText(params);
    case "errsOnEmptyAnswer":
      return `errs on an empty answer (${error}), so without data ${actText(params)}`;
    case "failsOnEmptyAnswer":
      return `fails on an empty answer, so without data ${actText(params)}`;
    case "succeedsWithoutData":
      return "succeeds on an empty answer, so without data a bad version is promoted";
    case "errsOnNaN":
      return `errs on NaN, as of 0/0 without traffic (${error}), so ${actText(params)}`;
    case "failsOnNaN":
      return `fails on NaN, as of 0/0 without traffic, so ${actText(params)}`;
    case "succeedsOnNaN":
      return "succeeds on NaN, as of 0/0 without traffic, so without traffic it is promoted";
    case "outageAborts":
      return outageText(params);
    case "neverReachesCount": {
      const ends = `the rollout ends after ${text("measured")} measurements`;
      return `never reaches count ${text("count")}: ${ends}`;
    }
    case "neverMeasured":
      return "is never measured: the rollout ends before";
    case "endlessStep":
      return "has no count, so the step that waits for it never ends, and Argo refuses the Rollout";
    default:
      return code;
  }
}

function outageText({ seconds, errors }: Params): string {
  if (seconds === 0) return "one query that fails aborts a healthy rollout";
  const rows = `${String(errors)} errors in a row`;
  return `an outage of the metrics of ${String(seconds)} s aborts a healthy rollout (${rows})`;
}

function neverFailsText(params: Params): string {
  if (params["why"] === "noCondition") return "has no condition, so it can never decide";
  if (params["why"] === "condition") return "succeeds on every number that was tried";
  const { failureLimit, count } = params;
  const times = `it is measured ${String(count ?? 1)} times`;
  return `can never fail: ${times}, and failureLimit allows ${String(failureLimit)} failures`;
}

function actText(params: Params): string {
  const after = params["afterS"] === 0 ? "at once" : `after ${String(params["afterS"])} s`;
  if (params["act"] === "rollBack") return `a healthy rollout is rolled back ${after}`;
  if (params["act"] === "pause") return `a healthy rollout is paused ${after}`;
  return "the limits still let the rollout pass";
}
