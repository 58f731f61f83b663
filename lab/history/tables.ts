/**
 * The tables of a history as rows in memory, and the manifest that describes
 * them. Samples are not here: they stay in packed blocks (see blocks.ts).
 *
 * All times are UTC in integer milliseconds; absent values are null.
 */

import type { ContextTag, Criticality, DeploymentKind, Role } from "../../engine/index.ts";
import type { DerivedWord } from "./labels/derive.ts";
import type { Listed } from "./listed.ts";

/** Raised when a table changes meaning; a newer one is refused, never guessed at. */
export const SCHEMA_VERSION = 1;
/** That of a history that keeps apart what queries answered (answerRuns.ts). */
export const SCHEMA_WITH_ANSWERS = 2;
/** That of a history with proposals of agents. */
export const NEWEST_SCHEMA = 3;

export interface Stage {
  readonly share: number | null;
  readonly atMs: number;
}

export interface DeploymentRow {
  readonly deploymentId: string;
  readonly service: string;
  readonly environment: string;
  readonly kind: DeploymentKind;
  /** As it was recorded, before it was mapped to one of our kinds. */
  readonly kindSource: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly version: string | null;
  readonly author: string | null;
  readonly stages: readonly Stage[];
  /** When the controller could know of it, where that was not at its start. */
  readonly knownAtMs?: number;
}

/** A tag is stored as the engine reads it; `deploymentId` null speaks about the whole service. */
export type TagRow = ContextTag;

export type Label = "regression" | "benign" | "expected_change" | "unrelated_incident" | "unknown";

export interface IncidentRow {
  readonly incidentId: string;
  /** Null: not caused by a deployment. */
  readonly deploymentId: string | null;
  readonly service: string;
  /** Free text as recorded, such as `bad-deployment:latency`. */
  readonly label: string;
  readonly onsetAtMs: number;
  readonly detectedAtMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly resolvedBy: string | null;
  readonly severity: string | null;
}

export interface LabelRow {
  readonly deploymentId: string;
  readonly label: Label;
  readonly basis: string | null;
  readonly labelledBy: string | null;
  /** When it was given, or of a derived one that is chosen, when it became knowable. */
  readonly labelledAtMs: number | null;
  /** What the import derived, beside what was given (labels/choose.ts); absent once chosen. */
  readonly derived?: DerivedWord;
  readonly source?: string;
  /** Of what was derived, from 0 to 1. */
  readonly confidence?: number;
  readonly why?: string;
  /** When what was derived became knowable; absent where that is unknown. */
  readonly knownAtMs?: number;
  /** When a later deployment took it back; absent where none did. */
  readonly takenBackAtMs?: number;
}

/** What the production policy and its people did; see decisions in lab/people. */
export type DecisionWhat =
  | "proposed"
  | "overrideGiven"
  | "approvalGiven"
  | "escalated"
  | "withdrawn"
  | "expired"
  | "waited"
  | "rollbackStarted"
  | "rollbackFinished"
  | "rollbackFailed"
  | "paged";

export interface DecisionRow {
  readonly deploymentId: string;
  readonly atMs: number;
  readonly what: DecisionWhat;
  readonly by: string | null;
  readonly justification: string | null;
  readonly confidence: number | null;
  /** How likely this was, where a coin decided it (`waited`, `rollbackStarted`). */
  readonly propensity?: number | null;
}

/** A smaller propensity is refused: what it weighs would drown everything else. */
export const PROPENSITY_AT_LEAST = 0.01;

/** What an agent proposed about one deployment, and what a person answered. */
export interface ProposalRow {
  readonly proposalId: string;
  readonly deploymentId: string;
  readonly agent: string;
  readonly action: "rollback";
  /** How sure the agent says that it is, from 0 to 1. */
  readonly confidence: number;
  readonly rationale: string | null;
  readonly proposedAtMs: number;
  readonly answeredBy: string | null;
  /** Null: no answer is recorded. */
  readonly answer: "accepted" | "rejected" | null;
  readonly answeredAtMs: number | null;
}

export interface ServiceRow {
  readonly service: string;
  readonly team: string | null;
  readonly criticality: Criticality | null;
  /** IANA name; null means UTC. */
  readonly timezone: string | null;
  readonly dependsOn: readonly string[];
  readonly revenuePerMinute: number | null;
}

export type MetricKind = "latency" | "ratio" | "rate" | "gauge" | "counter" | "business";

export interface MetricRow {
  readonly metric: string;
  readonly unit: string;
  readonly worse: "up" | "down" | "both";
  readonly kind: MetricKind;
  /** Absent in a history from before there were roles; `withRole` infers it. */
  readonly role?: Role | "none";
  /** Of what was inferred, from 0 to 1; absent where a catalog declares it. */
  readonly confidence?: number;
}

/** A separate recording: nothing carries over from one to the next. */
export interface CaseRow {
  readonly caseId: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

export interface SeriesRow {
  /** Index into the sample blocks; ascending by service, metric, version. */
  readonly series: number;
  readonly service: string;
  readonly metric: string;
  readonly version: string | null;
}

/** Everything but the samples. Rows are sorted, so equal content is equal tables. */
export interface HistoryTables {
  readonly deployments: Listed<DeploymentRow>;
  readonly tags: readonly TagRow[];
  readonly incidents: readonly IncidentRow[];
  readonly labels: readonly LabelRow[];
  readonly decisions: readonly DecisionRow[];
  readonly services: readonly ServiceRow[];
  readonly metricCatalog: readonly MetricRow[];
  readonly cases: readonly CaseRow[];
  /** Absent where none was recorded; such a history has no file of them. */
  readonly proposals?: readonly ProposalRow[];
}

export type TableName = keyof HistoryTables;

export interface SourceFile {
  /** Name relative to what was imported, or the world file and its seed. */
  readonly source: string;
  readonly sha256: string;
  readonly rows: number | null;
}

/** Rows that were left out, with the reason and up to three places to look at. */
export interface Dropped {
  readonly table: string;
  readonly reason: string;
  readonly rows: number;
  readonly examples: readonly string[];
}

/** A Parquet file of a history; its checksums are absent in a history of before 0.4. */
export interface ManifestFile {
  readonly file: string;
  readonly bytes: number;
  /** Of a small table: SHA-256. */
  readonly sha256?: string;
  /** Of a part file: CRC-32 of all but the values (see checksums.ts). */
  readonly frame?: number;
  /** Of a part file: where the values lie that `frame` leaves out; absent: nowhere. */
  readonly values?: readonly [from: number, to: number];
}

/** Of missing samples: those for which it is known why. */
export interface AnswerCounts {
  readonly nan: number;
  readonly failed: number;
  readonly infinite: number;
}

export interface HistoryManifest {
  readonly format: "hindsight-history";
  readonly schemaVersion: number;
  readonly madeBy: string;
  /** First and last sample; null in a history without samples. */
  readonly from: string | null;
  readonly to: string | null;
  readonly samples: number;
  /** Stored as NaN: a scrape that should be there and is not. */
  readonly missingSamples: number;
  /** How many evaluations of queries answered what no number says; absent: none is known. */
  readonly answers?: AnswerCounts;
  readonly seriesCount: number;
  /** A table without a file has no number. */
  readonly rows: Readonly<Record<Exclude<TableName, "proposals">, number>> & {
    readonly proposals?: number;
  };
  readonly sources: readonly SourceFile[];
  readonly dropped: readonly Dropped[];
  readonly warnings: readonly string[];
  /** Every Parquet file, so that a missing, truncated or damaged one is named. */
  readonly files: readonly ManifestFile[];
  /** Of the content (tables and samples in order), not of the files' bytes or the sources. */
  readonly digest: string;
  /** For a generated history: the policy that wrote it and its digest. */
  readonly loggingPolicy: { readonly name: string; readonly digest: string } | null;
}
