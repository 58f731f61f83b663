/**
 * Restores the recent samples of a controller, which a segment's header leaves out.
 *
 * A series with a sample every fifteen seconds is found again in the segments of the last hours.
 * A coarse or stopped series would need the segments of a whole day; its few samples are copied
 * ("carried") into each new segment instead.
 */

import {
  isBatch,
  recentReach,
  type ControllerState,
  type LogEntry,
  type Policy,
  type SampleColumn,
  type SeriesName,
} from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import { readBatch, readBlock } from "./batches.ts";
import type { Disk } from "./disk.ts";
import { Gathered, remembered } from "./gathered.ts";
import { liveOf, type SegmentFiles } from "./segments.ts";

/** A series that was silent for so long counts as stopped. */
const SILENT_MS = 600_000;

type Recent = ControllerState["recent"];

/** How many ms before its beginning a segment still needs the samples of earlier segments. */
export function needsBackMs(policy: Policy): number {
  return recentReach(policy).keepMs + SILENT_MS;
}

/** The columns that a new segment must carry. */
export function toCarry(policy: Policy, recent: Recent, nowMs: number): SampleColumn[] {
  const { keepMs, atLeast } = recentReach(policy);
  const keptFromMs = nowMs - keepMs;
  return [...recent.values()].filter(({ atMs }) => {
    // Enough samples within reach, and the newest is fresh: the segments have all that is needed.
    const first = atMs[atMs.length - atLeast] ?? Number.NEGATIVE_INFINITY;
    const last = atMs[atMs.length - 1] ?? Number.NEGATIVE_INFINITY;
    return first < keptFromMs || last < nowMs - SILENT_MS;
  });
}

/** The recent samples at the beginning of the last of these segments; yields between lines. */
export function* recentBefore(
  disk: Pick<Disk, "read" | "size">,
  segments: readonly SegmentFiles[],
): Generator<void, Recent> {
  const last = segments.at(-1)!;
  const { live, policy } = liveOf(last);
  const wantedMs = live.begunAtMs - needsBackMs(policy);
  let from = segments.length - 1;
  while (from > 0) {
    yield;
    if (liveOf(segments[from]!).live.begunAtMs <= wantedMs) break;
    from--;
  }
  let recent: Recent | null = null;
  for (const files of segments.slice(from, -1)) recent = yield* samplesOf(disk, files, recent);
  const carried = live.carried === null ? [] : readBatch(disk, last, live.carried, [], 1);
  return new Map([...(recent ?? []), ...remembered(policy, new Map(), carried)]);
}

/** Skips the lines of a log that say nothing of samples, or of how long they are kept. */
export function saysNothingOfSamples(kind: LogEntry["kind"], bytes: Buffer): boolean {
  return kind !== "samples" && !(kind === "event" && bytes.includes(POLICY_CHANGED));
}

const POLICY_CHANGED = Buffer.from('"kind":"policyChanged"');

/** Adds the samples of one segment, under the policies that were in force then. */
function* samplesOf(
  disk: Pick<Disk, "read" | "size">,
  files: SegmentFiles,
  before: Recent | null,
): Generator<void, Recent> {
  let gathered: Gathered | null = null;
  const names: SeriesName[] = [];
  for (const { line, entry } of logEntries(files.log, false, saysNothingOfSamples)) {
    const { kind, content } = entry;
    if (kind === "header") {
      const { policy, live } = content;
      const carried = live!.carried === null ? [] : readBatch(disk, files, live!.carried, names, 1);
      const recent = before ?? remembered(policy, new Map(), carried);
      gathered = new Gathered(names, recent, policy);
    } else if (kind === "event" && content.kind === "policyChanged") {
      gathered!.under(content.policy);
    } else if (kind === "samples" && isBatch(content)) {
      gathered!.add(readBlock(disk, files, content, names, line));
    }
    yield;
  }
  return gathered!.all;
}
