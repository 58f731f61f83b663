/**
 * Recovers the state of a host from its journal. What a crash left incomplete at the end is cut off
 * and logged; everything else must be unaltered, and every decision must come out as recorded.
 */

import { join } from "node:path";
import type { LogEntry } from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import { recentBefore } from "./carried.ts";
import { readState } from "./checkpoint.ts";
import type { Disk } from "./disk.ts";
import { replaySegment, type SegmentReplay } from "./replaySegment.ts";
import { segmentsIn, type SegmentFiles } from "./segments.ts";
import { counted } from "../../counted.ts";

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1 << 16;

export interface Recovered extends SegmentReplay {
  /** Entries of the last input that the previous host did not write; the caller must write them. */
  readonly unwritten: readonly LogEntry[];
  /** The time of the newest state that is written down. */
  readonly keptMs: number;
}

/**
 * Yields often, so that the lease can be renewed meanwhile.
 *
 * @param note logs what was cut off or added
 * @returns null when there is no journal yet
 * @throws Problem where the journal is damaged, or today's engine decides otherwise
 */
export function* recover(
  disk: Disk,
  dir: string,
  note: (text: string) => void,
): Generator<void, Recovered | null> {
  disk.own(dir);
  const segments = segmentsIn(disk, dir);
  const last = segments.at(-1);
  if (last === undefined) return null;
  cutTornLine(disk, last, note);
  const kept = readState(disk, dir, last, note);
  yield;
  const recent = yield* recentBefore(disk, segments);
  const replay = yield* replaySegment(disk, last, recent, true, kept);
  if (replay.difference !== null) throw decidesOtherwise(replay, last);
  const { place } = replay;
  if (replay.loose > 0) {
    note(`${last.log}: cut off ${counted(replay.loose, "line")} of no input: the write was torn`);
    disk.truncate(last.log, place.logBytes);
  }
  const samples = disk.size(last.samples);
  if (samples > place.samplesBytes) {
    const cut = samples - place.samplesBytes;
    note(`${last.samples}: ${cut} bytes of samples that no line names: cut off`);
    disk.truncate(last.samples, place.samplesBytes);
  }
  if (replay.unwritten.length > 0) {
    const made = counted(replay.unwritten.length, "line");
    note(`${last.log}: made ${made} of the last input that had not been written`);
  }
  return { ...replay, keptMs: kept?.lastMs ?? place.begunAtMs };
}

function cutTornLine(disk: Disk, { log }: SegmentFiles, note: (text: string) => void): void {
  const size = disk.size(log);
  let end = size;
  while (end > 0) {
    const from = Math.max(0, end - CHUNK_BYTES);
    const newline = disk.read(log, from, end - from).lastIndexOf(NEWLINE);
    if (newline >= 0) {
      end = from + newline + 1;
      break;
    }
    end = from;
  }
  if (end === size) return;
  note(`${log}: an incomplete last line of ${size - end} bytes: cut off`);
  disk.truncate(log, end);
}

function decidesOtherwise({ difference, header }: SegmentReplay, { log }: SegmentFiles): Problem {
  const { line, logged, now } = difference!;
  const what = "today's engine does not make of its inputs what the log says";
  const both = `\n  ${logged ?? "nothing"}\n  ${now ?? "nothing"}`;
  return new Problem(what + both, {
    file: log,
    line,
    cure:
      `It was written by engine ${header.engineVersion}. Start that version once and stop it in ` +
      `order, which begins a new segment; or move ${join(log, "..")} away to begin with nothing.`,
  });
}
