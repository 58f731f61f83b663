/**
 * From words other systems use to ours: deployment kinds, labels, and what a
 * metric's name gives away about it. Everything inferred is said in a warning.
 */

import { elementOf, own, type DeploymentKind, type JsonObject } from "../../../engine/index.ts";
import type { Label, MetricRow } from "../tables.ts";

export const DEPLOYMENT_KINDS: readonly DeploymentKind[] = [
  "code",
  "config",
  "migration",
  "infrastructure",
  "feature_flag",
];

const KIND_PREFIXES: readonly (readonly [string, DeploymentKind])[] = [
  ["migration", "migration"],
  ["config", "config"],
  ["infra", "infrastructure"],
  ["feature_flag", "feature_flag"],
  ["feature-flag", "feature_flag"],
  ["flag", "feature_flag"],
  ["code", "code"],
];

/** Our kind for a recorded one: the mapping first, then how it begins; null when unknown. */
export function readKind(
  source: string,
  mapping: ReadonlyMap<string, DeploymentKind>,
): DeploymentKind | null {
  const mapped = mapping.get(source);
  if (mapped !== undefined) return mapped;
  const lower = source.trim().toLowerCase();
  // GitHub's own word where nobody gave a task.
  if (lower === "deploy") return "code";
  return KIND_PREFIXES.find(([prefix]) => lower.startsWith(prefix))?.[1] ?? null;
}

const LABELS: JsonObject<Label> = {
  bad: "regression",
  good: "benign",
  regression: "regression",
  benign: "benign",
  expected_change: "expected_change",
  unrelated_incident: "unrelated_incident",
  unknown: "unknown",
};

export const LABEL_WORDS = Object.keys(LABELS);

export function readLabel(word: string): Label | null {
  return Object.hasOwn(LABELS, word) ? own(LABELS, word)! : null;
}

/** True for an incident label that blames its deployment. */
export function blamesDeployment(incidentLabel: string): boolean {
  return incidentLabel.toLowerCase().startsWith("bad-deployment");
}

type Guess = readonly [RegExp, Omit<MetricRow, "metric" | "unit">, string];

/** Ordered: the first that matches a metric's name decides. */
const GUESSES: readonly Guess[] = [
  [/_total$/, { worse: "both", kind: "counter" }, "count"],
  [/latency|duration|response_time|_ms$|_seconds$|_s$/, { worse: "up", kind: "latency" }, ""],
  [/error|fail|timeout|drop|reject|5xx|4xx/, { worse: "up", kind: "ratio" }, ""],
  [/success|availab|uptime/, { worse: "down", kind: "ratio" }, ""],
  [/conversion|revenue|order|checkout|signup/, { worse: "down", kind: "business" }, ""],
  [/cpu|(^|_)mem|saturation|util|queue|disk|heap|(^|_)load/, { worse: "up", kind: "gauge" }, ""],
  [/throughput|request|(^|_)ops|rps|qps|network|traffic/, { worse: "both", kind: "rate" }, ""],
];

/** What a metric's name says about unit, kind and which way is worse. */
export function inferMetric(metric: string): MetricRow {
  const name = metric.toLowerCase();
  const [, guess, unit] = GUESSES.find(([pattern]) => pattern.test(name)) ?? [
    null,
    { worse: "both", kind: "gauge" } as const,
    "",
  ];
  return { metric, unit: unit === "" ? inferUnit(name, guess.kind) : unit, ...guess };
}

function inferUnit(name: string, kind: MetricRow["kind"]): string {
  if (/_ms$|millisecond/.test(name)) return "ms";
  if (/_pct$|percent|_pc$/.test(name)) return "%";
  if (/_s$|second/.test(name)) return "s";
  if (/byte|_mem|memory/.test(name)) return "bytes";
  if (kind === "ratio") return "ratio";
  if (kind === "rate") return "1/s";
  return "";
}

/** What a catalog lacks: elements of a query are as their query, other metrics are inferred. */
export function completed(
  catalog: readonly MetricRow[],
  metrics: ReadonlySet<string>,
): { readonly elements: readonly MetricRow[]; readonly inferred: readonly MetricRow[] } {
  const declared = new Map(catalog.map((row) => [row.metric, row]));
  const others = [...metrics].filter((metric) => !declared.has(metric)).sort();
  const elements: MetricRow[] = [];
  const inferred: MetricRow[] = [];
  for (const metric of others) {
    const query = declared.get(elementOf(metric).query);
    if (query === undefined) inferred.push(inferMetric(metric));
    else elements.push({ ...query, metric });
  }
  return { elements, inferred };
}
