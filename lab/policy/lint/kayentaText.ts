/** What was found of a canary analysis, in words. */

import type { LintFinding } from "./finding.ts";
import type { KayentaCode } from "./kayentaChecks.ts";

type Params = LintFinding["params"];

export function kayentaText(code: KayentaCode, params: Params): string {
  const text = (key: string): string => String(params[key] ?? "");
  switch (code) {
    case "intervalAboveLifetime": {
      const interval = `the interval of ${text("intervalMins")} min is longer than the lifetime`;
      return `judges once, at the end: ${interval} of ${text("lifetimeMins")} min`;
    }
    case "lifetimeCut": {
      const last = `after judgement ${text("judgements")}, the last`;
      const rest = `its last ${text("restMins")} min, ${last}, are never judged`;
      return `the lifetime is no whole number of intervals: ${rest}`;
    }
    case "passNeverDecides": {
      const bounds = `pass ${text("pass")} is not above marginal ${text("marginal")}`;
      return `${bounds}: a score up to marginal fails at once, so pass never decides`;
    }
    case "healthyFails": {
      const bounds = `marginal is ${text("marginal")} and pass ${text("pass")}`;
      return `a healthy canary scores ${text("score")} and is rolled back: ${bounds}`;
    }
    case "weightsLost": {
      const empty = params["empty"];
      const why =
        empty === null
          ? "the weights are not 100 together"
          : `no metric that counts is in the group ${String(empty)}`;
      return `a healthy canary scores ${text("score")}, not 100: ${why}`;
    }
    case "neverDecides": {
      const bounds = `marginal ${text("marginal")} and pass ${text("pass")}`;
      const score = `the score is ${text("score")}, with ${bounds}`;
      return `alone, however bad it is, the canary is promoted: ${score}`;
    }
    case "neverClassified":
      return "no difference is large enough for its effect size, or there are too few values";
    case "succeedsWithoutData":
      return params["nanStrategy"] === "replace"
        ? "a canary that reports nothing is promoted: what is missing becomes 0"
        : "a canary that reports nothing is promoted: the metric must have no data";
    case "failsOnEmptyAnswer": {
      const outage = `an outage of the metrics of ${text("seconds")} s`;
      return `${outage}, of canary and baseline, fails the canary: the metric is critical`;
    }
    case "smallDifferenceFails": {
      const what = params["direction"] === "decrease" ? "2 % lower" : "2 % higher";
      return `a steady value that is ${what} rolls the canary back: no effect size is asked`;
    }
    case "fewSamples": {
      const step = `one every ${text("stepSeconds")} s`;
      const values = `the first judgement is about ${text("values")} values (${step})`;
      return `${values}; Spinnaker warns below 50`;
    }
  }
}
