/**
 * The decision log: what a host writes so that anybody can see later what was decided,
 * why, and that nothing in between was changed.
 *
 * One line for each entry, in the order in which things were handled:
 *
 *     {"content":…,"kind":"event","previous":"<hash>","seq":12,"sha256":"<hash>"}
 *
 * Law: a line's hash is that of its own bytes up to `,"sha256"`, so that whoever checks
 * it hashes bytes as they lie there and need not write the JSON anew. Keys are sorted,
 * `previous` is the hash of the line before, `seq` counts from 0.
 */

import { assert } from "./assert.ts";
import type { EngineCommand } from "./command.ts";
import type { ContextPrepared, Criticality, DecisionEvent, SeriesName } from "./event.ts";
import { canonicalJson } from "./policy/canonical.ts";
import type { LearningState } from "./learn/lessons.ts";
import type { Policy } from "./policy/policy.ts";
import type { DecisionRecord } from "./record.ts";

/** One event and what was decided because of it. */
export interface Handled {
  readonly event: DecisionEvent;
  readonly records: readonly DecisionRecord[];
}

/** Opens a section: one policy over one fleet. Everything up to the next header is its. */
export interface LogHeader {
  readonly format: "hindsight-decisions";
  readonly engineVersion: string;
  /** In resolved form. */
  readonly policy: Policy;
  readonly policyDigest: string;
  /** The recording this fleet is of, where a history has several. */
  readonly caseId: string | null;
  /** Digest of the history that was replayed; null for a live host. */
  readonly history: string | null;
  /** What an older log had taught the fleet when it began; absent: nothing. */
  readonly learned?: LearningState;
  /** Of a live host's journal: this log is one segment of it. */
  readonly live?: LiveSegment;
}

/**
 * Where a segment of a live host's journal begins. A segment is a whole log by itself: who has
 * it can make its decisions again, and needs the segments before only for older samples.
 */
export interface LiveSegment {
  /** From 1. */
  readonly segment: number;
  /** Hash of the last line of the segment before; that of `CHAIN_START` for the first. */
  readonly previous: string;
  readonly begunAtMs: number;
  /** The controller at its beginning, by `serialise`, without its recent samples. */
  readonly state: string;
  /**
   * Recent samples of series that have few: those of the rest are found in the segments that
   * were written within the reach of a baseline and a watch.
   */
  readonly carried: SamplesBatch | null;
  /** What was asked of the world and has not come of anything yet, or only just. */
  readonly errands: readonly { readonly command: EngineCommand; readonly reason: string }[];
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

/** The samples of one deployment, which lie beside the log. */
export interface SamplesSeen {
  readonly deploymentId: string;
  readonly series: number;
  readonly samples: number;
  /** Of all sample columns that its watch was given. */
  readonly digest: string;
  /** By name, so that what differs later can be named; a log of an older version has none. */
  readonly bySeries?: Readonly<Record<string, SeriesSeen>>;
  /** Of the prepared context (seasons); null where none was prepared. */
  readonly contextDigest: string | null;
}

/** A batch of samples that a live host took, at its place in the order of handling. */
export interface SamplesBatch {
  /** Beside the log, and where in it; bytes. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** SHA-256 of those bytes. */
  readonly digest: string;
  /** Null: each sample has its own, among the bytes. */
  readonly knownAtMs: number | null;
  readonly samples: number;
  /** Series that this log had none of before: they get the next numbers, from 0. */
  readonly series: readonly SeriesName[];
}

export interface SeriesSeen {
  readonly samples: number;
  /** The first 16 hex digits tell two series apart; what proves is the digest of all. */
  readonly digest: string;
}

/** A place up to which the log can be vouched for. */
export interface Checkpoint {
  /** Nothing follows: a log without it was cut short, or is still being written. */
  readonly closes: boolean;
  /** Base64 Ed25519 over `checkpointText`; null when nobody signs. */
  readonly signature: string | null;
}

export type LogEntry =
  | { readonly kind: "header"; readonly content: LogHeader }
  /** What was prepared decides nothing; a live host needs it to judge again. */
  | { readonly kind: "event"; readonly content: DecisionEvent | ContextPrepared }
  | { readonly kind: "samples"; readonly content: SamplesSeen | SamplesBatch }
  | { readonly kind: "record"; readonly content: DecisionRecord }
  | { readonly kind: "checkpoint"; readonly content: Checkpoint };

/** Where a chain ends: what the next line must say. */
export interface ChainEnd {
  readonly seq: number;
  readonly previous: string;
}

export const CHAIN_START: ChainEnd = { seq: 0, previous: "0".repeat(64) };

/** What a signature of a checkpoint is about: all that was written before it. */
export function checkpointText({ seq, previous }: ChainEnd, closes: boolean): string {
  return `hindsight-decisions checkpoint ${seq} ${closes ? "closes" : "continues"} ${previous}`;
}

export function isBatch(samples: SamplesSeen | SamplesBatch): samples is SamplesBatch {
  return "file" in samples;
}

/** A clock that decided nothing says nothing; every other event is kept. */
export function isKept({ event, records }: Handled): boolean {
  return event.kind !== "clockAdvanced" || records.length > 0;
}

/**
 * Writes an entry at the end of a chain.
 *
 * @param hash hex SHA-256 of a text's UTF-8 bytes
 * @throws InvariantError for a number JSON has no word for: it would come back as null
 */
export function chainEntry(
  end: ChainEnd,
  { kind, content }: LogEntry,
  hash: (text: string) => string,
): { readonly line: string; readonly end: ChainEnd } {
  assert(isSayable(content), `the log has no word for a number in this ${kind}`);
  const body =
    `{"content":${canonicalJson(content)},"kind":"${kind}",` +
    `"previous":"${end.previous}","seq":${end.seq}`;
  const sha256 = hash(body);
  return { line: `${body},"sha256":"${sha256}"}`, end: { seq: end.seq + 1, previous: sha256 } };
}

function isSayable(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isSayable);
}
