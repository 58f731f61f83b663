/**
 * A canary analysis of Kayenta, as Spinnaker runs it: judgements at intervals, of the new version
 * against the old one.
 *
 * Facts from orca-kayenta (RunCanaryIntervalsStage.kt, MonitorKayentaCanaryTask.kt,
 * AggregateCanaryResultsTask.kt) and kayenta-standalone-canary-analysis, which does the same:
 *
 * - The first judgement is one interval after the wait. Each is about all time since that wait, or
 *   about the lookback. The lifetime is cut to whole intervals.
 * - A score that is not above `marginal` fails at once, at any judgement. The judge itself calls a
 *   score equal to `marginal` marginal.
 * - After the last judgement a score below `pass` fails, too. In between a marginal score goes on.
 * - A query that fails, and sides with different labels, fail the canary as well.
 */

import { assert } from "../../assert.ts";
import type { Answer, Due, Finding, Incumbent, IncumbentStep, Question } from "../incumbent.ts";
import { classify, prepared } from "./classify.ts";
import { pairsOf, type Grid } from "./pairs.ts";
import { judgedAt, judgementCount, kayentaPlan, type KayentaPlan } from "./plan.ts";
import { classificationOf, scoreOf, type MetricResult, type Score } from "./score.ts";

export interface KayentaState {
  readonly startedAtMs: number;
  /** How many judgements there were. */
  readonly judged: number;
  /** The score of each. */
  readonly scores: readonly number[];
  readonly end: "passed" | "failed" | null;
}

export const kayenta: Incumbent<KayentaPlan, KayentaState> = {
  kind: "kayenta",

  schema: kayentaPlan,

  queries: ({ metrics }) => [...new Set(metrics.map(({ query }) => query))],

  /** The baseline of an earlier time, or a lookback longer than the wait. */
  reachMs(plan) {
    const { fromMs } = judgedAt(plan, 1);
    return Math.max(0, plan.baselineOffsetMs + plan.stepMs - fromMs);
  },

  start: (_plan, startedAtMs) => ({ startedAtMs, judged: 0, scores: [], end: null }),

  due(plan, state): Due | null {
    if (state.end !== null) return null;
    const { canary, baseline } = gridsOf(plan, state);
    const questions = plan.metrics.flatMap(({ query }): Question[] => [
      { query, scope: "canary", ...reaching(canary) },
      { query, scope: "stable", ...reaching(baseline) },
    ]);
    return { atMs: canary.toMs, questions };
  },

  step(plan, state, _atMs, answers): IncumbentStep<KayentaState> {
    assert(answers.length === plan.metrics.length * 2, "two answers for each metric");
    const judgement = state.judged + 1;
    const results = resultsOf(plan, gridsOf(plan, state), judgement, answers);
    if ("code" in results) return failed({ ...state, judged: judgement }, [], results);
    const score = scoreOf(results, plan.groupWeights);
    const findings: Finding[] = [
      ...results.filter(({ label }) => label !== "Pass").map(metricFinding),
      judgedFinding(plan, judgement, score),
    ];
    const next = { ...state, judged: judgement, scores: [...state.scores, score.score] };
    const isLast = judgement === judgementCount(plan);
    const bound = score.score <= plan.marginal ? "marginal" : "pass";
    if (bound === "marginal" || (isLast && score.score < plan.pass)) {
      return failed(next, findings, scoreFinding(plan, judgement, score, results, bound));
    }
    if (!isLast) return { state: next, acts: [], findings };
    return { state: { ...next, end: "passed" }, acts: ["promote"], findings };
  },
};

function gridsOf(
  plan: KayentaPlan,
  { startedAtMs, judged }: KayentaState,
): { readonly canary: Grid; readonly baseline: Grid } {
  const { fromMs, toMs } = judgedAt(plan, judged + 1);
  const { stepMs, baselineOffsetMs } = plan;
  const canary = { fromMs: startedAtMs + fromMs, toMs: startedAtMs + toMs, stepMs };
  const baseline = {
    fromMs: canary.fromMs - baselineOffsetMs,
    toMs: canary.toMs - baselineOffsetMs,
    stepMs,
  };
  return { canary, baseline };
}

/** The first evaluation looks back, too. */
function reaching({ fromMs, toMs, stepMs }: Grid): Pick<Question, "fromMs" | "toMs"> {
  return { fromMs: fromMs - stepMs + 1, toMs };
}

function resultsOf(
  plan: KayentaPlan,
  grids: { readonly canary: Grid; readonly baseline: Grid },
  judgement: number,
  answers: readonly Answer[],
): readonly MetricResult[] | Finding {
  const results: MetricResult[] = [];
  for (const [place, metric] of plan.metrics.entries()) {
    const { name, query, groups, muted } = metric;
    const [canary, baseline] = [answers[place * 2]!, answers[place * 2 + 1]!];
    if (canary.kind === "failed" || baseline.kind === "failed") {
      return { code: "queryFailed", params: { metric: name, query, judgement, counts: true } };
    }
    const pairs = pairsOf(canary.series, baseline.series, grids);
    if (pairs === null) {
      return { code: "labelsDiffer", params: { metric: name, query, judgement, counts: true } };
    }
    for (const pair of pairs) {
      const seed = seedOf(plan.seed, [judgement, place, results.length]);
      const [experiment, control] = [
        prepared(pair.canary, metric),
        prepared(pair.baseline, metric),
      ];
      const classified = classify(metric, experiment, control, seed);
      const values = { canary: experiment.length, baseline: control.length };
      results.push({ name, query, groups, muted, values, ...classified });
    }
  }
  return results;
}

function seedOf(seed: number, parts: readonly number[]): number {
  return parts.reduce((mixed, part) => Math.imul(mixed ^ part, 0x01000193) >>> 0, seed);
}

function metricFinding({ label, ...result }: MetricResult): Finding {
  const { name: metric, query, critical, muted, deviation, values } = result;
  const ratio = Number.isFinite(deviation) ? deviation : null;
  const params = { metric, query, critical, muted, ratio, ...values };
  return { code: `metric${label}`, params };
}

function judgedFinding(plan: KayentaPlan, judgement: number, { score }: Score): Finding {
  const classification = classificationOf(score, plan);
  return { code: "judged", params: { judgement, score, classification } };
}

/** The score that failed, with the metric that did most for it. */
function scoreFinding(
  plan: KayentaPlan,
  judgement: number,
  { score, because }: Score,
  results: readonly MetricResult[],
  bound: "marginal" | "pass",
): Finding {
  const deciding = decidingOf(results, because);
  const params = {
    metric: deciding?.name ?? null,
    query: deciding?.query ?? null,
    label: deciding?.label ?? null,
    ratio: Number.isFinite(deciding?.deviation) ? deciding!.deviation : null,
    judgement,
    score,
    bound,
    limit: plan[bound],
    because,
    counts: true,
  };
  return { code: "canaryFailed", params };
}

function decidingOf(
  results: readonly MetricResult[],
  because: Score["because"],
): MetricResult | undefined {
  const counted = results.filter(({ muted }) => !muted);
  if (because === "critical") {
    return counted.find(({ critical, label }) => critical && label !== "Pass");
  }
  if (because === "nodata") return counted.find(({ label }) => label === "Nodata");
  const failures = new Set<MetricResult["label"]>(["High", "Low", "NodataFailMetric"]);
  return counted.find(({ label }) => failures.has(label));
}

function failed(
  state: KayentaState,
  findings: readonly Finding[],
  because: Finding,
): IncumbentStep<KayentaState> {
  return {
    state: { ...state, end: "failed" },
    acts: ["rollBack"],
    findings: [...findings, because],
  };
}
