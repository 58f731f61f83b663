/**
 * One row of each small table: which columns it has, and how its fields become
 * ours. Relating the tables to each other is in tables.ts.
 */

import { ROLES, worseOf, type DeploymentKind } from "../../../engine/index.ts";
import {
  PROPENSITY_AT_LEAST,
  type CaseRow,
  type DecisionRow,
  type DecisionWhat,
  type DeploymentRow,
  type IncidentRow,
  type LabelRow,
  type MetricRow,
  type ServiceRow,
} from "../tables.ts";
import { UnreadableRow, type Fields, type TableColumns } from "./fields.ts";
import { inferMetric } from "../metric/infer.ts";
import { readChangeFailure, type SaidOf } from "../labels/said.ts";
import { LABEL_WORDS, readKind, readLabel } from "./kinds.ts";

/** The tables that may come beside metrics, by the name of their file. */
export const SMALL_TABLES = [
  "deployments",
  "tags",
  "stages",
  "incidents",
  "labels",
  "services",
  "metric_catalog",
  "decisions",
  "proposals",
  "cases",
  "kinds",
] as const;
export type SmallTable = (typeof SMALL_TABLES)[number];

const COLUMNS: Readonly<Record<SmallTable, readonly [string, string]>> = {
  deployments: [
    "deployment_id service deployed_at kind",
    "environment finished_at version author title description event change_failure",
  ],
  tags: [
    "tag value",
    "deployment_id service signal valid_from valid_until known_at given_by approved_by",
  ],
  stages: ["deployment_id completed_at", "share replicas_v1 replicas_v2 stage"],
  incidents: [
    "service started_at label",
    "incident_id deployment_id resolved_at detected_at resolved_by severity",
  ],
  labels: ["deployment_id label", "basis labelled_by labelled_at"],
  services: ["service", "team criticality timezone depends_on revenue_per_minute"],
  metric_catalog: ["metric", "unit worse kind role confidence"],
  decisions: ["deployment_id at what by", "justification confidence propensity"],
  proposals: [
    "agent action confidence proposed_at",
    "proposal_id deployment_id service environment rationale answered_by answer answered_at",
  ],
  cases: ["case_id recording_starts_at recording_ends_at", ""],
  kinds: ["kind_source kind", ""],
};

const DECISION_WORDS: readonly DecisionWhat[] = [
  "proposed",
  "overrideGiven",
  "approvalGiven",
  "escalated",
  "withdrawn",
  "expired",
  "waited",
  "rollbackStarted",
  "rollbackFinished",
  "rollbackFailed",
  "paged",
];

/** Required and optional columns of a table. */
export function columnsOf(table: SmallTable): TableColumns {
  const [required, optional] = COLUMNS[table].map((names) => names.split(" ").filter(Boolean));
  return { table, required: required!, optional: optional! };
}

/** A deployment; its kind is null when nobody knows what the recorded word means. */
export function readDeployment(
  fields: Fields,
  kinds: ReadonlyMap<string, DeploymentKind>,
): Omit<DeploymentRow, "kind"> & { kind: DeploymentKind | null } {
  const kindSource = fields.text("kind") ?? "";
  return {
    deploymentId: fields.required("deployment_id"),
    service: fields.required("service"),
    environment: fields.text("environment") ?? "production",
    kind: readKind(kindSource, kinds),
    kindSource,
    startedAtMs: fields.requiredTimeMs("deployed_at"),
    finishedAtMs: fields.timeMs("finished_at"),
    version: fields.text("version"),
    author: fields.text("author"),
    stages: [],
  };
}

/** What a deployment's row says that labels may follow from. */
export function readSaid(fields: Fields): SaidOf {
  const word = fields.text("change_failure");
  const changeFailure = word === null ? null : readChangeFailure(word);
  if (changeFailure === undefined) {
    throw new UnreadableRow("change_failure is neither true nor false");
  }
  return {
    title: fields.text("title"),
    description: fields.text("description"),
    event: fields.text("event"),
    changeFailure,
  };
}

/** An incident; without an id of its own its id is empty. */
export function readIncident(fields: Fields): IncidentRow {
  const onsetAtMs = fields.requiredTimeMs("started_at");
  const resolvedAtMs = fields.timeMs("resolved_at");
  if (resolvedAtMs !== null && resolvedAtMs < onsetAtMs) {
    throw new UnreadableRow("resolved_at is before started_at");
  }
  return {
    incidentId: fields.text("incident_id") ?? "",
    deploymentId: fields.text("deployment_id"),
    service: fields.required("service"),
    label: fields.text("label") ?? "",
    onsetAtMs,
    detectedAtMs: fields.timeMs("detected_at"),
    resolvedAtMs,
    resolvedBy: fields.text("resolved_by"),
    severity: fields.text("severity"),
  };
}

export function readLabelRow(fields: Fields): LabelRow {
  const word = fields.required("label");
  const label = readLabel(word);
  if (label === null) {
    throw new UnreadableRow(`label "${word}" is not one of ${LABEL_WORDS.join(", ")}`);
  }
  return {
    deploymentId: fields.required("deployment_id"),
    label,
    basis: fields.text("basis"),
    labelledBy: fields.text("labelled_by"),
    labelledAtMs: fields.timeMs("labelled_at"),
  };
}

export function readDecision(fields: Fields): DecisionRow {
  const propensity = fields.share("propensity");
  if (propensity !== null && propensity < PROPENSITY_AT_LEAST) {
    throw new UnreadableRow(
      `propensity ${propensity} is below ${PROPENSITY_AT_LEAST}, too small to divide by`,
    );
  }
  return {
    deploymentId: fields.required("deployment_id"),
    atMs: fields.requiredTimeMs("at"),
    what: fields.oneOf("what", DECISION_WORDS) ?? (fields.required("what") as DecisionWhat),
    by: fields.text("by"),
    justification: fields.text("justification"),
    confidence: fields.share("confidence"),
    ...(propensity === null ? {} : { propensity }),
  };
}

export function readCase(fields: Fields): CaseRow {
  const startsAtMs = fields.requiredTimeMs("recording_starts_at");
  const endsAtMs = fields.requiredTimeMs("recording_ends_at");
  if (endsAtMs < startsAtMs) {
    throw new UnreadableRow("recording_ends_at is before recording_starts_at");
  }
  return { caseId: fields.required("case_id"), startsAtMs, endsAtMs };
}

export function compareIncidents(a: IncidentRow, b: IncidentRow): number {
  const key = (row: IncidentRow): string => JSON.stringify([row.service, row]);
  return a.onsetAtMs - b.onsetAtMs || (key(a) < key(b) ? -1 : 1);
}

export function replicaShare(fields: Fields): number | null {
  const before = fields.number("replicas_v1");
  const after = fields.number("replicas_v2");
  if (before === null || after === null || before + after <= 0) return null;
  return after / (before + after);
}

export function readService(fields: Fields): ServiceRow {
  const timezone = fields.text("timezone");
  if (timezone !== null) {
    try {
      new Intl.DateTimeFormat("en", { timeZone: timezone });
    } catch {
      throw new UnreadableRow(`timezone "${timezone}" is no IANA time zone`);
    }
  }
  return {
    service: fields.required("service"),
    team: fields.text("team"),
    criticality: fields.oneOf("criticality", ["low", "medium", "high", "critical"]),
    timezone,
    dependsOn: [...new Set((fields.text("depends_on") ?? "").split(";").map((name) => name.trim()))]
      .filter((name) => name !== "")
      .sort(),
    revenuePerMinute: fields.number("revenue_per_minute"),
  };
}

export function readMetric(fields: Fields): MetricRow {
  const metric = fields.required("metric");
  const inferred = inferMetric(metric);
  const role = fields.oneOf("role", [...ROLES, "none"]);
  const confidence = fields.share("confidence");
  const worse = fields.oneOf("worse", ["up", "down", "both"]);
  return {
    metric,
    unit: fields.text("unit") ?? inferred.unit,
    worse: worse ?? (role === null || role === "none" ? inferred.worse : worseOf(role)),
    kind:
      fields.oneOf("kind", ["latency", "ratio", "rate", "gauge", "counter", "business"]) ??
      inferred.kind,
    // Without one it follows from the row and the name (`withRole`).
    ...(role === null ? {} : { role }),
    ...(role === null || confidence === null ? {} : { confidence }),
  };
}
