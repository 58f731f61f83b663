/** Lints canary configs of Kayenta, with their stage or request, by running them. */

import type { KayentaMetric } from "../../../engine/index.ts";
import { analysisMs } from "../import/kayentaTiming.ts";
import { importKayenta, isKayentaObject, type ImportedKayenta } from "../import/kayenta.ts";
import type { LintFinding, Linter } from "./finding.ts";
import { checkAnalysis, type KayentaCheck } from "./kayentaChecks.ts";
import { mendOf } from "./kayentaMends.ts";
import { kayentaText } from "./kayentaText.ts";

export const KAYENTA_LINTER: Linter = {
  reads: isKayentaObject,
  lint: (objects) => {
    const { imported, problems } = importKayenta(objects);
    return {
      findings: onceEach(imported.flatMap(lintAnalysis)),
      problems,
      plans: imported.map(({ name, plan, queries }) => {
        const watchMs = analysisMs(plan);
        return { policy: name, system: "kayenta" as const, plan, queries, watchMs };
      }),
    };
  },
};

/** A config that several stages run has some findings with each. */
function onceEach(findings: readonly LintFinding[]): readonly LintFinding[] {
  const keyOf = ({ file, line, column, code, what }: LintFinding): string =>
    JSON.stringify([file, line, column, code, what]);
  return [...new Map(findings.map((finding) => [keyOf(finding), finding])).values()];
}

function lintAnalysis(one: ImportedKayenta): readonly LintFinding[] {
  const { plan, placeOf, keysOfTiming } = one;
  const found = checkAnalysis(plan);
  return found.map((check) => ({
    ...placeOf(check.part),
    code: check.code,
    subject: subjectOf(one, check),
    what: kayentaText(check.code, check.params),
    mend: mendOf(plan, check, found, keysOfTiming),
    params: check.params,
    queries: queriesOf(one, check),
  }));
}

function metricOf({ plan }: ImportedKayenta, { part }: KayentaCheck): KayentaMetric | undefined {
  return part[0] === "metrics" ? plan.metrics[Number(part[1])] : undefined;
}

function queriesOf(one: ImportedKayenta, check: KayentaCheck): readonly string[] {
  const metric = metricOf(one, check);
  return (metric === undefined ? one.plan.metrics : [metric]).map(({ query }) => query);
}

function subjectOf(one: ImportedKayenta, check: KayentaCheck): string {
  const metric = metricOf(one, check);
  return `canary ${one.name}${metric === undefined ? "" : `, metric ${metric.name}`}`;
}
