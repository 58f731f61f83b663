/**
 * Restores the recent samples of a controller, which a segment's header leaves out.
 *
 * A series with a sample every fifteen seconds is found again in the segments of the last hours.
 * A coarse or stopped series would need the segments of a whole day; its few samples are copied
 * ("carried") into each new segment instead.
 */

import {
  handle,
  initialController,
  isBatch,
  RECENT_AT_LEAST,
  recentReach,
  type ControllerState,
  type Policy,
  type SampleColumn,
  type SeriesName,
} from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import { readBatch } from "./batches.ts";
import type { Disk } from "./disk.ts";
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
  const keptFromMs = nowMs - recentReach(policy).keepMs;
  return [...recent.values()].filter(({ atMs }) => {
    // Enough samples within reach, and the newest is fresh: the segments have all that is needed.
    const first = atMs[atMs.length - RECENT_AT_LEAST] ?? Number.NEGATIVE_INFINITY;
    const last = atMs[atMs.length - 1] ?? Number.NEGATIVE_INFINITY;
    return first < keptFromMs || last < nowMs - SILENT_MS;
  });
}

/** The recent samples at the beginning of the last of these segments. */
export function recentBefore(
  disk: Pick<Disk, "read" | "size">,
  segments: readonly SegmentFiles[],
): Recent {
  const last = segments.at(-1)!;
  const { live, policy } = liveOf(last);
  const wantedMs = live.begunAtMs - needsBackMs(policy);
  let from = segments.length - 1;
  while (from > 0 && liveOf(segments[from]!).live.begunAtMs > wantedMs) from--;
  let state = initialController;
  for (const files of segments.slice(from, -1)) state = samplesOf(disk, files, state);
  const carried = live.carried === null ? [] : readBatch(disk, last, live.carried, [], 1);
  return new Map([...state.recent, ...columnsByKey(policy, carried)]);
}

function columnsByKey(policy: Policy, columns: readonly SampleColumn[]): Recent {
  const known = columns.flatMap(({ knownAtMs }) => Array.from(knownAtMs));
  const atMs = known.reduce((newest, ms) => Math.max(newest, ms), 0);
  const event = { kind: "samplesTaken", atMs, knownAtMs: atMs, columns } as const;
  return handle(policy, initialController, event).state.recent;
}

/** Adds the samples of one segment to a state, under the policies that were in force then. */
function samplesOf(
  disk: Pick<Disk, "read" | "size">,
  files: SegmentFiles,
  before: ControllerState,
): ControllerState {
  let state = before;
  let policy: Policy | null = null;
  const names: SeriesName[] = [];
  for (const { line, entry } of logEntries(files.log, false)) {
    const { kind, content } = entry;
    if (kind === "header") {
      policy = content.policy;
      const carried = content.live!.carried;
      if (carried === null) continue;
      const columns = readBatch(disk, files, carried, names, line);
      if (before === initialController) state = { ...state, recent: columnsByKey(policy, columns) };
    } else if (kind === "event" && content.kind === "policyChanged") {
      policy = content.policy;
    } else if (kind === "samples" && isBatch(content)) {
      const knownAtMs = content.knownAtMs!;
      const columns = readBatch(disk, files, content, names, line);
      const event = { kind: "samplesTaken", atMs: knownAtMs, knownAtMs, columns } as const;
      state = { ...initialController, recent: handle(policy!, state, event).state.recent };
    }
  }
  return state;
}
