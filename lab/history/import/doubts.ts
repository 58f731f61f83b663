/** What an import takes as it is and doubts all the same, in words; null where there is nothing. */

import { counted } from "../../counted.ts";
import { SURE_AT_LEAST } from "../metric/infer.ts";
import type { IncidentRow, LabelRow, MetricRow, ServiceRow } from "../tables.ts";
import { listed } from "./findings.ts";
import { isSure } from "../labels/choose.ts";
import type { DerivedLabel } from "../labels/derive.ts";

/** @param incidents in the order of their onsets */
export function overlapsIn(incidents: readonly IncidentRow[]): string | null {
  const openUntil = new Map<string, { untilMs: number; incidentId: string }>();
  const overlaps: string[] = [];
  for (const { service, onsetAtMs, resolvedAtMs, incidentId } of incidents) {
    const open = openUntil.get(service);
    if (open !== undefined && onsetAtMs < open.untilMs) {
      overlaps.push(`${incidentId} begins before ${open.incidentId} is resolved`);
    }
    const untilMs = resolvedAtMs ?? onsetAtMs;
    if (open === undefined || untilMs > open.untilMs)
      openUntil.set(service, { untilMs, incidentId });
  }
  if (overlaps.length === 0) return null;
  const what = counted(overlaps.length, "incident");
  return `${what} overlapping another of the same service: ${listed(overlaps, 3)}`;
}

/** Who fills it in expects it to count, and it counts only in the unit of a costs file. */
export function revenueKept(services: readonly ServiceRow[]): string | null {
  const priced = services.filter(({ revenuePerMinute }) => revenuePerMinute !== null);
  if (priced.length === 0) return null;
  return (
    `revenue_per_minute of ${counted(priced.length, "service")} is kept; it prices a minute of ` +
    "harm where a costs file says what it is worth (--costs, perRevenue)"
  );
}

/** Metrics that no catalog describes: what each is taken for, and which of them are unclear. */
export function inferredMetrics(inferred: readonly MetricRow[]): readonly string[] {
  if (inferred.length === 0) return [];
  const words = inferred.map(({ metric, role, worse, unit }) => {
    const told = [role === "none" ? "no role" : role, `worse ${worse}`, unit];
    return `${metric} (${told.filter((one) => one !== "").join(", ")})`;
  });
  const all =
    `role, unit and direction of ${counted(inferred.length, "metric")} were inferred from ` +
    `names and values: ${listed(words, 8)}; a metric_catalog.csv of ` +
    "metric,unit,worse,kind,role can say otherwise";
  const unsure = inferred.filter(({ confidence = 1 }) => confidence < SURE_AT_LEAST);
  if (unsure.length === 0) return [all];
  const names = unsure.map(({ metric }) => metric);
  return [all, `the role of ${counted(unsure.length, "metric")} is not clear: ${listed(names, 8)}`];
}

function isCalledGood(
  given: ReadonlyMap<string, LabelRow>,
  { deploymentId }: DerivedLabel,
): boolean {
  const label = given.get(deploymentId)?.label;
  return label === "benign" || label === "expected_change";
}

/** What labels follow from the tables where none is given, and which rollbacks are set aside. */
export function derivedLabels(
  derived: readonly DerivedLabel[],
  given: ReadonlyMap<string, LabelRow>,
  deployments: number,
): string[] {
  const rollbacks = derived.filter((one) => one.derived === "rollback");
  const isNew = derived.filter(
    (one) => one.derived !== "rollback" && isSure(one) && !given.has(one.deploymentId),
  );
  const bad = isNew.filter((one) => one.derived === "regression").length;
  const names = rollbacks.map(({ deploymentId }) => deploymentId);
  const doubts: string[] = [];
  if (rollbacks.length > 0) {
    doubts.push(
      `${rollbacks.length} of ${counted(deployments, "deployment")} look like rollbacks and are ` +
        `set aside: ${listed(names, 3)}`,
    );
    const called = rollbacks.filter((one) => one.source !== "title" && isCalledGood(given, one));
    if (called.length > 0) {
      doubts.push(
        `${called.length} of these rollbacks were labelled as good; --labels given keeps that`,
      );
    }
  }
  const unsure = derived.filter(
    (one) => one.derived === "regression" && !isSure(one) && !given.has(one.deploymentId),
  );
  if (unsure.length > 0) {
    doubts.push(
      `${counted(unsure.length, "deployment")} taken back, though too little tells that ` +
        `${unsure.length === 1 ? "it was" : "they were"} bad: scores leave them out. Incidents ` +
        "that name deployments (deployment_id), or labels.csv, would tell",
    );
  }
  if (isNew.length > 0) {
    doubts.push(
      `${counted(isNew.length, "label")} derived where none is given (${bad} regression, ` +
        `${isNew.length - bad} benign); hindsight inspect says from what`,
    );
  }
  return doubts;
}
