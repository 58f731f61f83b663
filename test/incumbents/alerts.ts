/** Steps the rules of Prometheus through given results and tells the states of their alerts. */

import { documentsOf } from "../../lab/policy/import/document.ts";
import {
  importRules,
  RULE_SETTINGS,
  type ImportedRules,
  type RuleSettings,
} from "../../lab/policy/import/prometheus.ts";
import { Problems } from "../../lab/problem.ts";
import type { Answer } from "../../engine/incumbents/incumbent.ts";
import { prometheus, type PrometheusState } from "../../engine/incumbents/prometheus.ts";
import type {
  AlertRule,
  PrometheusPlan,
  RuleGroup,
} from "../../engine/incumbents/prometheusPlan.ts";

/** One evaluation: the values by labels, such as `job=api,instance=0`; or a failure. */
export type Results = Readonly<Record<string, number>> | "failed";

export const MINUTE_MS = 60_000;

export function ruleOf(over: Partial<AlertRule> = {}): AlertRule {
  return {
    alert: "High",
    query: "high",
    bound: null,
    forMs: 0,
    keepFiringForMs: 0,
    labels: {},
    ...over,
  };
}

export function planOf(
  group: Partial<RuleGroup> & Pick<RuleGroup, "rules">,
  over: Partial<PrometheusPlan> = {},
): PrometheusPlan {
  return {
    evaluator: "prometheus",
    groups: [
      {
        name: "group",
        intervalMs: MINUTE_MS,
        offsetMs: 0,
        queryOffsetMs: 0,
        limit: 0,
        ...group,
      },
    ],
    onFiring: "page",
    serviceLabel: null,
    watchMs: 86_400_000,
    warmUpMs: 0,
    ...over,
  };
}

export function answerOf(results: Results, atMs: number): Answer {
  if (results === "failed") return { kind: "failed" };
  return {
    kind: "series",
    series: Object.entries(results).map(([labels, value]) => ({
      labels: labelsOf(labels),
      atMs: Float64Array.of(atMs),
      values: Float64Array.of(value),
    })),
  };
}

function labelsOf(text: string): Map<string, string> {
  return new Map(
    text
      .split(",")
      .filter((pair) => pair !== "")
      .map((pair): [string, string] => [
        pair.slice(0, pair.indexOf("=")),
        pair.slice(pair.indexOf("=") + 1),
      ]),
  );
}

/** The alerts of the first rule, such as `instance=0 firing`, without the labels of its name. */
export function statesOf({ alerts }: PrometheusState): string[] {
  return alerts[0]![0]!.map(({ labels, state }) =>
    [
      labels
        .filter(([name]) => name !== "alertname" && name !== "alertgroup")
        .map(([name, value]) => `${name}=${value}`)
        .join(","),
      state,
    ]
      .join(" ")
      .trim(),
  );
}

/** Evaluates the plan's only rule on these results, one evaluation after another. */
export function evaluated(
  plan: PrometheusPlan,
  results: readonly Results[],
  from: PrometheusState = prometheus.start(plan, 0, "checkout"),
): { states: string[][]; state: PrometheusState; acts: string[]; findings: string[] } {
  let state = from;
  const [states, acts, findings]: [string[][], string[], string[]] = [[], [], []];
  for (const given of results) {
    const due = prometheus.due(plan, state);
    if (due === null) break;
    const step = prometheus.step(plan, state, due.atMs, [answerOf(given, due.atMs)]);
    state = step.state;
    states.push(statesOf(state));
    acts.push(...step.acts);
    findings.push(...step.findings.map(({ code }) => code));
  }
  return { states, state, acts, findings };
}

/** Imports a rule file. @throws Problems with everything in it that cannot be emulated */
export function importedRules(text: string, over: Partial<RuleSettings> = {}): ImportedRules {
  const read = documentsOf(text, "rules.yml");
  const imported = importRules(read.objects, { ...RULE_SETTINGS, ...over });
  const problems = [...read.problems, ...imported.problems];
  if (problems.length > 0) throw new Problems(problems);
  return imported;
}
