/**
 * Keeps the high-water mark of a journal: how far it had come, in a small file beside the segments.
 * Without it, a journal that lost its last closed segments would look whole. lab/audit/README.md
 * says what it proves.
 */

import { join } from "node:path";
import {
  HIGH_WATER,
  highWaterText,
  isLine,
  parseHighWater,
  type HighWater,
  type Reached,
} from "../../audit/highWater.ts";
import type { Signer } from "../../audit/signature.ts";
import { Problem } from "../../problem.ts";
import type { Disk } from "./disk.ts";
import type { JournalPlace } from "./journal.ts";
import { filesOf } from "./segments.ts";

/** The mark is renewed at least this often while something is written. */
export const RENEWED_EVERY_MS = 60_000;
const TAIL_BYTES = 400;

type Place = Pick<JournalPlace, "files" | "end" | "logBytes">;

/** Replaces the mark; every line that it names must be on disk already. */
export function placeMark(
  disk: Pick<Disk, "place">,
  dir: string,
  { files, end, logBytes }: Place,
  signer: Signer | null,
): void {
  const reached: Reached = {
    segment: files.segment,
    lines: end.seq,
    bytes: logBytes,
    hash: end.previous,
  };
  const signature = signer === null ? null : signer(highWaterText(reached));
  const mark: HighWater = { format: "hindsight-high-water", ...reached, signature };
  disk.place(join(dir, HIGH_WATER), Buffer.from(`${JSON.stringify(mark)}\n`));
}

/**
 * Refuses to continue a journal that lost its end: the host would write a new mark, and the loss
 * could not be found any more.
 *
 * @param place the end of the journal after its recovery; null: there is no segment
 * @param isKept the last header says that a mark is kept
 */
export function refuseLostEnd(
  disk: Pick<Disk, "size" | "read">,
  dir: string,
  place: Place | null,
  isKept: boolean,
): void {
  const file = join(dir, HIGH_WATER);
  const bytes = disk.size(file);
  if (bytes === 0) {
    // The very first header is on disk before there is anything to mark.
    if (!isKept || (place?.files.segment === 1 && place.end.seq === 1)) return;
    throw lostEnd("the high-water mark is missing: it is unknown whether the end is there", file);
  }
  const mark = parseHighWater(Buffer.from(disk.read(file, 0, bytes)).toString(), file);
  const marked = filesOf(dir, mark.segment);
  const last = place?.files.segment ?? 0;
  const size = mark.segment === last ? place!.logBytes : disk.size(marked.log);
  const from = Math.max(0, mark.bytes - TAIL_BYTES);
  const isThere =
    mark.segment <= last &&
    size >= mark.bytes &&
    isLine(disk.read(marked.log, from, mark.bytes - from), mark);
  if (isThere) return;
  throw lostEnd(
    `the journal had reached line ${mark.lines} of segment ${mark.segment}, and that is not there`,
    file,
  );
}

function lostEnd(what: string, file: string): Problem {
  return new Problem(what, {
    file,
    cure:
      "Put the missing files back. Or move the journal's directory away, to begin with nothing; " +
      "keep it, because it is evidence.",
  });
}
