/** What was found of an alerting rule, in words. */

import type { RuleCheck, RuleMend } from "./ruleChecks.ts";

export function ruleText({ code, params }: Pick<RuleCheck, "code" | "params">): string {
  const text = (key: string): string => String(params[key] ?? "");
  switch (code) {
    case "alwaysActive":
      return "is always active: with `bool` the comparison answers 0 or 1, and any answer counts";
    case "neverFires":
      return "never fires: no value is beyond NaN or an infinity";
    case "neverFiresInWatch": {
      const watch = `a watch of ${text("watchSeconds")} s`;
      return `cannot fire within ${watch}: \`for\` is ${text("forSeconds")} s`;
    }
    case "holdBelowInterval": {
      const apart = `evaluations are ${text("intervalSeconds")} s apart`;
      return `\`for\` is ${text("forSeconds")} s, but ${apart}: it fires at the next one`;
    }
    case "serviceLabelDropped":
      return `its results have no label \`${text("label")}\`, so it never counts for a deployment`;
    case "firesWithoutData": {
      const after = `${text("seconds")} s after the metrics are gone`;
      return `fires ${after}, so an outage of them rolls back`;
    }
    case "silentWithoutData":
      return `is silent without data: no rule here fires when ${text("selector")} is gone`;
    case "firesOnNaN":
      return `fires on NaN, as of 0/0 without traffic: ${text("divisor")} may be 0`;
    case "silentOnNaN":
      return `is silent on NaN, as of 0/0 without traffic: ${text("divisor")} may be 0`;
  }
}

export function ruleMendText(mend: RuleMend): string {
  if ("key" in mend) return `${mend.key}: ${mend.text}`;
  const expr = JSON.stringify(mend.expr);
  return `add a rule: { alert: ${mend.alert}, expr: ${expr}, for: ${mend.for} }`;
}
