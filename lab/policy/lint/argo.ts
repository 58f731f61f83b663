/** Lints AnalysisTemplates and Rollouts of Argo by running them against synthetic answers. */

import {
  argo,
  effectiveCount,
  walkIncumbent,
  type Answer,
  type ArgoMetric,
  type ArgoPlan,
} from "../../../engine/index.ts";
import { ARGO_SETTINGS, importArgo, isArgoObject, type ImportedArgo } from "../import/argo.ts";
import { dryRunNames } from "../import/argoDryRun.ts";
import { readMetrics, type PlacedMetric } from "../import/argoTemplate.ts";
import type { KubernetesObject } from "../import/document.ts";
import { EMPTY, healthyAnswer } from "./argoAnswers.ts";
import { checkMetric } from "./argoChecks.ts";
import { mendOf } from "./argoMends.ts";
import { argoText } from "./argoText.ts";
import type { LintFinding, Linter } from "./finding.ts";

export const ARGO_LINTER: Linter = {
  reads: isArgoObject,
  lint: (objects, { args }) => {
    const { imported, problems } = importArgo(objects, { ...ARGO_SETTINGS, args });
    const used = imported.flatMap(({ metrics }) => metrics);
    const templates = objects.filter(({ kind }) => kind !== "Rollout");
    const metrics = onceEach([...used, ...templates.flatMap((one) => ownMetrics(one, args))]);
    const rollouts = imported.filter(({ object }) => object.kind === "Rollout");
    return {
      findings: [...metrics.flatMap(lintMetric), ...rollouts.flatMap(lintRollout)],
      problems: [...new Map(problems.map((problem) => [problem.message, problem])).values()],
      plans: imported.map(({ name, plan, queries }) => {
        return { policy: name, system: "argo" as const, plan, queries };
      }),
    };
  },
};

/** Also those beside a metric that is refused, so that no plan was made of them. */
function ownMetrics(
  template: KubernetesObject,
  args: ReadonlyMap<string, string>,
): readonly PlacedMetric[] {
  const { metrics } = readMetrics(template, args);
  const names = metrics.map(({ metric }) => metric.name);
  const dryRuns = dryRunNames(template, ["spec", "dryRun"], names).names;
  return metrics.map((one) => ({
    ...one,
    metric: { ...one.metric, dryRun: dryRuns.has(one.metric.name) },
  }));
}

/** A metric that is used twice with the same settings is linted once. */
function onceEach(metrics: readonly PlacedMetric[]): readonly PlacedMetric[] {
  const keyOf = ({ metric, placeOf }: PlacedMetric): string =>
    JSON.stringify([placeOf("name"), { ...metric, query: "", dryRun: false }]);
  const first = new Map<string, PlacedMetric>();
  for (const metric of metrics) {
    const key = keyOf(metric);
    if (!first.has(key)) first.set(key, metric);
  }
  return [...first.values()];
}

function lintMetric({ metric, template, placeOf }: PlacedMetric): readonly LintFinding[] {
  const found = checkMetric(metric);
  return found.map((check) => ({
    ...placeOf(check.key),
    code: check.code,
    subject: `${subjectOf(template)}, metric ${metric.name}`,
    what: argoText(check.code, check.params),
    mend: mendOf(metric, check, found),
    params: check.params,
    queries: [metric.query],
  }));
}

function subjectOf({ kind, name }: KubernetesObject): string {
  return `${kind ?? "object"} ${name ?? "without a name"}`;
}

/** What only the whole Rollout shows: whether its background analysis gets to its end. */
function lintRollout({ plan, metrics, object }: ImportedArgo): readonly LintFinding[] {
  const { background } = plan;
  if (background === null) return endlessSteps(plan, metrics, object);
  const counts = backgroundCounts(plan, metrics);
  const short = background.analysis.metrics.flatMap((metric, place) => {
    const measured = counts?.[place];
    const most = effectiveCount(metric);
    const isShort = measured !== undefined && (measured === 0 || (most ?? 0) > measured);
    if (!isShort) return [];
    const code = measured === 0 ? "neverMeasured" : "neverReachesCount";
    const key: keyof ArgoMetric = measured === 0 ? "initialDelayMs" : "count";
    const placed = metrics.find((one) => one.metric === metric);
    const params = { rollout: object.name, count: most, measured };
    const mend = measured === 0 ? null : reachingCount(plan, metrics, place, measured);
    const where = placed?.placeOf(key) ?? object.placeOf(["metadata", "name"]);
    const subject = `${subjectOf(object)}, metric ${metric.name}`;
    return [
      {
        ...where,
        code,
        subject,
        what: argoText(code, params),
        mend,
        params,
        queries: [metric.query],
      },
    ];
  });
  return [...endlessSteps(plan, metrics, object), ...short];
}

/** A step waits for its analysis, so one without an end stops the rollout. */
function endlessSteps(
  plan: ArgoPlan,
  metrics: readonly PlacedMetric[],
  object: KubernetesObject,
): readonly LintFinding[] {
  return plan.steps.flatMap((step) => {
    if (step.kind !== "analysis") return [];
    return step.analysis.metrics.flatMap((metric) => {
      if (effectiveCount(metric) !== null || metric.consecutiveSuccessLimit > 0) return [];
      const placed = metrics.find((one) => one.metric === metric);
      const params = { rollout: object.name };
      const where = placed?.placeOf("intervalMs") ?? object.placeOf(["metadata", "name"]);
      const subject = `${subjectOf(object)}, metric ${metric.name}`;
      const what = argoText("endlessStep", params);
      const found = { code: "endlessStep", subject, what, mend: "count: 5", params };
      return [{ ...where, ...found, queries: [metric.query] }];
    });
  });
}

/** How often each background metric was measured when a healthy rollout was promoted. */
function backgroundCounts(
  plan: ArgoPlan,
  metrics: readonly PlacedMetric[],
): readonly number[] | null {
  const healthy = new Map<string, Answer>(
    metrics.map(({ metric }) => [metric.query, healthyAnswer(metric)?.answer ?? EMPTY]),
  );
  const over = { startedAtMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
  const { state } = walkIncumbent(argo, plan, over, ({ query }) => healthy.get(query) ?? EMPTY);
  if (state.phase !== "promoted") return null;
  return state.backgroundRun?.metrics.map(({ count }) => count) ?? null;
}

/** The count that the rollout does reach, run. */
function reachingCount(
  plan: ArgoPlan,
  metrics: readonly PlacedMetric[],
  place: number,
  count: number,
): string | null {
  const background = plan.background!;
  const mended = background.analysis.metrics.map((metric, at) =>
    at === place
      ? { ...metric, count, failureLimit: Math.min(metric.failureLimit, count) }
      : metric,
  );
  const analysis = { metrics: mended };
  const counts = backgroundCounts({ ...plan, background: { ...background, analysis } }, metrics);
  return counts?.[place] === count ? `count: ${count}` : null;
}
