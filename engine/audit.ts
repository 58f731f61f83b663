/**
 * The decision log: what a host writes so that anybody can see later what was decided and why, and
 * that nothing was changed since.
 *
 * It has one line for each entry, in the order in which events were handled:
 *
 *     {"content":…,"kind":"event","previous":"<hash>","seq":12,"sha256":"<hash>"}
 *
 * Law: the hash of a line is that of its own bytes up to `,"sha256"`, so that it can be checked
 * from the bytes as they are, without writing the JSON again. Keys are sorted, `previous` is the
 * hash of the line before, and `seq` counts from 0.
 */

import { assert } from "./assert.ts";
import type { EngineCommand } from "./command.ts";
import type { ContextPrepared, Criticality, DecisionEvent, SeriesName } from "./event.ts";
import type { JsonObject } from "./json.ts";
import { canonicalJson } from "./policy/canonical.ts";
import type { LearningState } from "./learn/lessons.ts";
import type { Policy } from "./policy/policy.ts";
import type { DecisionRecord } from "./record.ts";

/** One event and what was decided because of it. */
export interface Handled {
  readonly event: DecisionEvent;
  readonly records: readonly DecisionRecord[];
}

/** Opens a section, which is one policy over one fleet and lasts up to the next header. */
export interface LogHeader {
  readonly format: "hindsight-decisions";
  readonly engineVersion: string;
  /** The policy in its resolved form. */
  readonly policy: Policy;
  readonly policyDigest: string;
  /** The case (recording) that this fleet is of; null where the history is a single one. */
  readonly caseId: string | null;
  /** Digest of the history that was replayed; null for a live host. */
  readonly history: string | null;
  /** What the fleet had learned from an older log when it began; absent where nothing. */
  readonly learned?: LearningState;
  /** Present where this log is a segment of a live host's journal. */
  readonly live?: LiveSegment;
}

/**
 * The beginning of a segment of a live host's journal. A segment is a complete log: its decisions
 * can be made again from it alone, and earlier segments are needed only for older samples.
 */
export interface LiveSegment {
  /** From 1. */
  readonly segment: number;
  /** A high-water mark is kept beside the segments. Absent in older journals: none is. */
  readonly highWater?: true;
  /** Hash of the last line of the segment before; that of `CHAIN_START` for the first. */
  readonly previous: string;
  readonly begunAtMs: number;
  /** The controller's state at the beginning, by `serialise`, without its recent samples. */
  readonly state: string;
  /**
   * The recent samples of series that have few. Those of all others are in segments that were
   * written within the reach of a baseline and a watch.
   */
  readonly carried: SamplesBatch | null;
  /** Commands that were sent out and are not answered yet, or were only just. */
  readonly errands: readonly {
    readonly command: EngineCommand;
    readonly reason: string;
    /** False: recorded only. Absent in older journals: as `act` of the segment. */
    readonly act?: boolean;
  }[];
  /**
   * Deployments whose open question or rollback is recorded only. Absent in older journals: all
   * that are open if the segment does not act, else none.
   */
  readonly recordedOnly?: readonly string[];
  /** May the host roll back? */
  readonly act: boolean;
  readonly services: readonly CatalogService[];
}

/** What the catalog says of a service. */
export interface CatalogService {
  readonly service: string;
  readonly team: string | null;
  readonly criticality: Criticality | null;
  readonly timezone: string | null;
  readonly dependsOn: readonly string[];
  readonly revenuePerMinute: number | null;
}

/** Which samples one deployment was judged by; the samples themselves are beside the log. */
export interface SamplesSeen {
  readonly deploymentId: string;
  readonly series: number;
  readonly samples: number;
  /** Digest of all sample columns that its watch was given. */
  readonly digest: string;
  /** By series, so that one that differs later can be named; absent in logs of older engines. */
  readonly bySeries?: JsonObject<SeriesSeen>;
  /** Digest of the prepared context; null where none was prepared. */
  readonly contextDigest: string | null;
}

/** A batch of samples that a live host took, at its place in the order of events. */
export interface SamplesBatch {
  /** The file beside the log that holds it, and from which byte on how many. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** SHA-256 of those bytes. */
  readonly digest: string;
  /** When all of it became known; null where each sample has its own time, among the bytes. */
  readonly knownAtMs: number | null;
  readonly samples: number;
  /** Series that are new in this log. Series are numbered from 0 in the order they appear. */
  readonly series: readonly SeriesName[];
}

export interface SeriesSeen {
  readonly samples: number;
  /** The first 16 hex digits of a SHA-256: enough to find the series that differs. */
  readonly digest: string;
}

/** A line that vouches for everything before it. */
export interface Checkpoint {
  /** Does it end the log? A log that does not end so was cut off, or is still being written. */
  readonly closes: boolean;
  /** A base64 Ed25519 signature of `checkpointText`; null where nobody signs. */
  readonly signature: string | null;
  /** The controller's state at this line, in a file beside a live host's segment. */
  readonly state?: StateFile;
}

/** What the log says of a file with a state: a host that restarts trusts no other. */
export interface StateFile {
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 of those bytes. */
  readonly digest: string;
}

export type LogEntry =
  | { readonly kind: "header"; readonly content: LogHeader }
  /** Prepared context decides nothing, but a live host needs it to judge again. */
  | { readonly kind: "event"; readonly content: DecisionEvent | ContextPrepared }
  | { readonly kind: "samples"; readonly content: SamplesSeen | SamplesBatch }
  | { readonly kind: "record"; readonly content: DecisionRecord }
  | { readonly kind: "checkpoint"; readonly content: Checkpoint };

/** The end of a chain: the `seq` and `previous` that the next line must have. */
export interface ChainEnd {
  readonly seq: number;
  readonly previous: string;
}

export const CHAIN_START: ChainEnd = { seq: 0, previous: "0".repeat(64) };

/** The text that a checkpoint's signature signs: it stands for everything written before. */
export function checkpointText({ seq, previous }: ChainEnd, closes: boolean): string {
  return `hindsight-decisions checkpoint ${seq} ${closes ? "closes" : "continues"} ${previous}`;
}

/** Is it a batch of a live host, or else the digests of one deployment? */
export function isBatch(samples: SamplesSeen | SamplesBatch): samples is SamplesBatch {
  return "file" in samples;
}

/** Is the event written to the log? All are, but for a clock that led to no decision. */
export function isKept({ event, records }: Handled): boolean {
  return event.kind !== "clockAdvanced" || records.length > 0;
}

/**
 * Writes an entry at the end of a chain.
 *
 * @param hash hex SHA-256 of a text's UTF-8 bytes
 * @throws InvariantError for a number that is not finite: JSON would turn it into null
 */
export function chainEntry(
  end: ChainEnd,
  { kind, content }: LogEntry,
  hash: (text: string) => string,
): { readonly line: string; readonly end: ChainEnd } {
  assertSayable(content, kind);
  const body =
    `{"content":${canonicalJson(content)},"kind":"${kind}",` +
    `"previous":"${end.previous}","seq":${end.seq}`;
  const sha256 = hash(body);
  return { line: `${body},"sha256":"${sha256}"}`, end: { seq: end.seq + 1, previous: sha256 } };
}

/** @throws InvariantError for a number that is not finite: JSON would turn it into null */
export function assertSayable(content: unknown, kind = "entry"): void {
  assert(isSayable(content), `the log has no word for a number in this ${kind}`);
}

function isSayable(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  const values = value instanceof Map ? [...value.values()] : Object.values(value);
  return values.every(isSayable);
}
