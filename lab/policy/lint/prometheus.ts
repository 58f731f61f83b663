/** Lints rule groups of Prometheus, as judges of deployments. */

import { importRules, RULE_SETTINGS } from "../import/prometheus.ts";
import { isRuleObject } from "../import/ruleFile.ts";
import type { Linter } from "./finding.ts";
import { checkRule } from "./ruleChecks.ts";
import { ruleMendText, ruleText } from "./ruleText.ts";

export const RULE_LINTER: Linter = {
  reads: isRuleObject,
  lint: (objects, { watchMs = RULE_SETTINGS.watchMs, serviceLabel = null }) => {
    const settings = { ...RULE_SETTINGS, watchMs, serviceLabel };
    const { alerts, problems, plan, queries } = importRules(objects, settings);
    const findings = alerts.flatMap((alert) =>
      checkRule(alert, alerts, { watchMs, serviceLabel }).map((check) => ({
        ...alert.placeOf(check.key),
        code: check.code,
        subject: `group ${alert.group}, alert ${alert.rule.alert}`,
        what: ruleText(check),
        mend: check.mend === null ? null : ruleMendText(check.mend),
        params: check.params,
        queries: [alert.rule.query],
      })),
    );
    const plans =
      alerts.length === 0
        ? []
        : [{ policy: "alerts", system: "prometheus" as const, plan, queries }];
    return { findings, problems, plans };
  },
};
