/** What was found of a Canary, in words. */

import type { LintFinding } from "./finding.ts";
import type { FlaggerCode } from "./flaggerChecks.ts";

type Params = LintFinding["params"];

export function flaggerText(code: FlaggerCode, params: Params): string {
  const text = (key: string): string => String(params[key] ?? "");
  switch (code) {
    case "skipsAnalysis":
      return "skips the analysis, so every version is promoted without a check";
    case "checksNothing":
      return "has no metrics, so every version is promoted";
    case "noRange":
      return text("name") === "request-success-rate"
        ? "has no thresholdRange, so the least success rate is 0 and none fails"
        : "has no thresholdRange, so every number above 0 fails";
    case "neverFails":
      return params["why"] === "noRange"
        ? "has no bound, so no number fails"
        : "passes on every number that its query can answer";
    case "neverSucceeds":
      return params["why"] === "scalar"
        ? "answers a scalar, which Flagger cannot read, so every check fails"
        : "no number that its query can answer is within the range";
    case "boundIsRatio":
      return `passes at ${text("min")} % success: the success rate is in percent`;
    case "boundIsSeconds":
      return `fails from 1 ms on: durations are in milliseconds, and ${text("max")} is cut to 0`;
    case "failsOnEmptyAnswer":
      return `fails on an empty answer: ${lasting(params)}`;
    case "succeedsWithoutData":
      return "succeeds on an empty answer, so without data a bad version is promoted";
    case "failsOnNaN":
      return `fails on NaN, as of 0/0 without traffic: ${lasting(params)}`;
    case "outageAborts":
      return `an outage of the metrics fails every check: ${lasting(params)}`;
    case "neverPromoted":
      return "a healthy canary gets no traffic and is never promoted: there is no step weight";
    case "longerThanWatch": {
      const watch = `a watch of ${text("watchSeconds")} s; import it with a longer --watch`;
      return `a healthy canary is promoted after ${text("seconds")} s, later than ${watch}`;
    }
  }
}

/** Failed checks add up and are not forgotten. */
function lasting({ seconds, checks, afterS }: Params): string {
  if (checks === 1) return `one such check rolls a healthy canary back ${String(afterS)} s later`;
  const sum = `${String(checks)} such checks, also apart`;
  return `${String(seconds)} s of it (${sum}) roll a healthy canary back`;
}
