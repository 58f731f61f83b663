/**
 * The files of a journal's directory:
 *
 *     decisions-000001.jsonl   one segment: a complete decision log
 *     samples-000001.bin       the batches of samples that this log names
 *
 * The oldest segments may be archived; none may be missing between the others.
 */

import { join } from "node:path";
import type { LiveSegment, Policy } from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import { Problem } from "../../problem.ts";
import type { Disk } from "./disk.ts";

const LOG = /^decisions-(\d{6})\.jsonl$/;
const DIGITS = 6;

export interface SegmentFiles {
  readonly segment: number;
  readonly log: string;
  /** File name, as the log gives it. */
  readonly samplesName: string;
  /** Path of that file. */
  readonly samples: string;
}

export function filesOf(dir: string, segment: number): SegmentFiles {
  const number = String(segment).padStart(DIGITS, "0");
  const samplesName = `samples-${number}.bin`;
  return {
    segment,
    log: join(dir, `decisions-${number}.jsonl`),
    samplesName,
    samples: join(dir, samplesName),
  };
}

/**
 * The segments in a directory, the oldest first.
 *
 * @throws Problem where one is missing between two others
 */
export function segmentsIn(disk: Pick<Disk, "list">, dir: string): SegmentFiles[] {
  const numbers = disk.list(dir).flatMap((name) => {
    const match = LOG.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  numbers.forEach((number, index) => {
    const wanted = numbers[0]! + index;
    if (number === wanted) return;
    throw new Problem("the segment before it is missing", {
      file: filesOf(dir, number).log,
      cure:
        `Put ${filesOf(dir, wanted).log} and its samples back. ` +
        "Only the oldest may be archived.",
    });
  });
  return numbers.map((number) => filesOf(dir, number));
}

/** Reads a segment's header. @throws Problem where it is not of a live host's journal */
export function liveOf({ log }: SegmentFiles): { live: LiveSegment; policy: Policy } {
  for (const { entry } of logEntries(log, true)) {
    if (entry.kind !== "header") break;
    const { live, policy } = entry.content;
    if (live !== undefined) return { live, policy };
    break;
  }
  throw new Problem("this is no journal of a live host", { file: log, line: 1 });
}
