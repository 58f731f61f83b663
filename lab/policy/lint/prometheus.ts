/** Lints rule groups of Prometheus, as judges of deployments. */

import { importRules, RULE_SETTINGS } from "../import/prometheus.ts";
import { isRuleObject } from "../import/ruleFile.ts";
import type { Linter } from "./finding.ts";
import { checkRule } from "./ruleChecks.ts";
import { ruleMendText, ruleText } from "./ruleText.ts";

export const RULE_LINTER: Linter = {
  reads: isRuleObject,
  lint: (objects) => {
    const { alerts, problems } = importRules(objects);
    const { watchMs, serviceLabel } = RULE_SETTINGS;
    const findings = alerts.flatMap((alert) =>
      checkRule(alert, alerts, { watchMs, serviceLabel }).map((check) => ({
        ...alert.placeOf(check.key),
        code: check.code,
        subject: `group ${alert.group}, alert ${alert.rule.alert}`,
        what: ruleText(check),
        mend: check.mend === null ? null : ruleMendText(check.mend),
        params: check.params,
      })),
    );
    return { findings, problems };
  },
};
