/**
 * Audits a whole journal: `verifyJournal` checks that every segment is intact and follows the one
 * before it, `replayJournal` makes every decision again from the samples.
 */

import { CHAIN_START, type ChainState } from "../../../engine/index.ts";
import { markFault, readHighWater, type HighWater, type MarkFault } from "../../audit/highWater.ts";
import { quarantinedIn, verifyLog, type VerifyOptions } from "../../audit/verify.ts";
import { Problem } from "../../problem.ts";
import { needsBackMs, recentBefore } from "./carried.ts";
import { realDisk } from "./disk.ts";
import { replaySegment, type ReachedState, type SegmentReplay } from "./replaySegment.ts";
import { atOnce } from "./slices.ts";
import { liveOf, segmentsIn, type SegmentFiles } from "./segments.ts";
import { checkState, type StateCheck } from "./stateCheck.ts";

export interface VerifiedSegment {
  readonly log: string;
  readonly state: ChainState;
  /** Why it does not follow the segment before it; null where it does, or where it is the first. */
  readonly misplaced: string | null;
  /** Deployments that were quarantined, in order. */
  readonly quarantined: readonly string[];
}

/** Stops after the first faulty segment. The last segment may still be being written. */
export function* verifyJournal(
  dir: string,
  isSigned: VerifyOptions["isSigned"],
): Generator<VerifiedSegment> {
  const segments = segmentsOf(dir);
  let before: string | null = null;
  for (const [at, { log }] of segments.entries()) {
    const state = verifyLog(log, { open: at === segments.length - 1, isSigned });
    const misplaced = state.fault === null ? whyMisplaced(segments[at]!, before) : null;
    const quarantined = state.fault === null ? quarantinedIn(log) : [];
    yield { log, state, misplaced, quarantined };
    if (state.fault !== null || misplaced !== null) return;
    before = state.end.previous;
  }
}

/** The high-water mark of a journal, and what is wrong with it. */
export interface VerifiedMark {
  readonly mark: HighWater | null;
  readonly fault: MarkFault | null;
  /** How many lines at the end the mark does not cover; null without a mark. */
  readonly linesAfter: number | null;
}

/**
 * Checks the high-water mark against the segments, none of which may be faulty.
 *
 * @param before the mark as it was before the segments were read: a running host goes on
 */
export function verifyMark(
  dir: string,
  before: HighWater | null,
  segments: readonly VerifiedSegment[],
  isSigned: VerifyOptions["isSigned"],
): VerifiedMark {
  const files = segmentsOf(dir);
  const ends = segments.map(({ log, state }, at) => {
    return { segment: files[at]!.segment, log, lines: state.lines };
  });
  const kept = liveOf(files[segments.length - 1]!).live.highWater ?? false;
  const faultOf = (one: HighWater | null): MarkFault | null => markFault(one, ends, kept, isSigned);
  // A host that begins a segment meanwhile makes the first mark look stale, but not the second.
  const isStale = faultOf(before)?.kind === "stale";
  const mark = isStale ? readHighWater(dir) : before;
  const after = ends.filter(({ segment }) => mark !== null && segment >= mark.segment);
  const lines = after.reduce((sum, end) => sum + end.lines, 0);
  return {
    mark,
    fault: faultOf(mark),
    linesAfter: mark === null ? null : Math.max(0, lines - mark.lines),
  };
}

function whyMisplaced(files: SegmentFiles, before: string | null): string | null {
  const { live } = liveOf(files);
  if (live.segment !== files.segment) return `its header says that it is segment ${live.segment}`;
  const wanted = before ?? (files.segment === 1 ? CHAIN_START.previous : null);
  if (wanted === null || live.previous === wanted) return null;
  return "it does not follow the segment before it: that one ends with another hash";
}

export interface ReplayedSegment {
  readonly log: string;
  /** Null: the samples that its baselines need are in segments that were archived. */
  readonly replay: SegmentReplay | null;
  /** The state beside the segment; null where there is none, or it was not made again. */
  readonly state: (StateCheck & { readonly line: number }) | null;
}

/**
 * Makes the judgements and decisions of every segment again from its samples and events.
 *
 * @throws Problem where a chain is broken, or samples are missing or altered
 */
export function* replayJournal(dir: string): Generator<ReplayedSegment> {
  const segments = segmentsOf(dir);
  const disk = realDisk();
  try {
    const first = liveOf(segments[0]!).live;
    for (const [at, files] of segments.entries()) {
      const { live, policy } = liveOf(files);
      const reaches =
        first.segment === 1 || at === 0
          ? first.segment === 1
          : live.begunAtMs - needsBackMs(policy) >= first.begunAtMs;
      const open = at === segments.length - 1;
      const recent = reaches ? atOnce(recentBefore(disk, segments.slice(0, at + 1))) : null;
      let state: ReplayedSegment["state"] = null;
      const reached: ReachedState = (named, line, end, now) => {
        const checked = checkState(disk, dir, files.segment, named, end, now);
        if (checked !== null) state = { ...checked, line };
      };
      const replay =
        recent === null ? null : atOnce(replaySegment(disk, files, recent, open, null, reached));
      yield { log: files.log, replay, state };
    }
  } finally {
    disk.close();
  }
}

function segmentsOf(dir: string): readonly SegmentFiles[] {
  const segments = segmentsIn(realDisk(), dir);
  if (segments.length > 0) return segments;
  throw new Problem("there is no journal here", {
    file: dir,
    cure: "Give the directory that a live host writes its journal into, or one decision log.",
  });
}
