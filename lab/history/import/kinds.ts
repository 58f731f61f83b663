/**
 * From words other systems use to ours: deployment kinds and labels; and the catalog of metrics
 * completed. Everything inferred is said in a warning.
 */

import { elementOf, own, type DeploymentKind, type JsonObject } from "../../../engine/index.ts";
import { heldAgainst, inferMetric, withRole, type ValueRange } from "../metric/infer.ts";
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

/** A catalog with every metric that was measured, and what is to be said of it. */
export interface CompletedCatalog {
  readonly rows: readonly MetricRow[];
  /** Those that no catalog named. */
  readonly inferred: readonly MetricRow[];
  /** What the values say against the catalog. */
  readonly doubts: readonly string[];
}

/**
 * Completes a catalog: elements of a query are as their query, other metrics are inferred from
 * their names and values. A ratio whose values are none is corrected, and that is said.
 */
export function completed(
  catalog: readonly MetricRow[],
  metrics: ReadonlySet<string>,
  values: ReadonlyMap<string, ValueRange>,
): CompletedCatalog {
  const declared = new Map(catalog.map((row) => [row.metric, row]));
  const others = [...metrics].filter((metric) => !declared.has(metric)).sort();
  const doubts: string[] = [];
  const rows = catalog.map((row): MetricRow => {
    const range = values.get(row.metric);
    const held = range === undefined ? null : heldAgainst(withRole(row), range);
    if (held?.doubt != null) doubts.push(held.doubt);
    return held?.row ?? withRole(row);
  });
  const known = new Map(rows.map((row) => [row.metric, row]));
  const inferred: MetricRow[] = [];
  for (const metric of others) {
    const query = known.get(elementOf(metric).query);
    if (query === undefined) inferred.push(inferMetric(metric, values.get(metric) ?? null));
    else rows.push({ ...query, metric });
  }
  return { rows: [...rows, ...inferred], inferred, doubts };
}
