/**
 * The high-water mark of a live host's journal: which line of which segment it had reached, signed
 * where its checkpoints are. It is beside the segments, so that an end that was cut off at the
 * border of a segment is found. This file checks a mark, `lab/shadow/journal/highWater.ts` writes
 * it.
 */

import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { unreadable } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";
import type { VerifyOptions } from "./verify.ts";

export const HIGH_WATER = "high-water.json";

const schema = z.strictObject({
  format: z.literal("hindsight-high-water"),
  segment: z.int().positive(),
  /** Lines of that segment's log, and its size when it had so many. */
  lines: z.int().positive(),
  bytes: z.int().positive(),
  /** Of the last of these lines. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** A base64 Ed25519 signature of `highWaterText`; null: the journal is not signed. */
  signature: z.string().nullable(),
});
export type HighWater = z.output<typeof schema>;
export type Reached = Omit<HighWater, "format" | "signature">;

/** The text under a signature; it differs from the text of every checkpoint. */
export function highWaterText({ segment, lines, bytes, hash }: Reached): string {
  return `hindsight-decisions high-water ${segment} ${lines} ${bytes} ${hash}`;
}

/** @returns null where the directory has no mark @throws Problem where it cannot be read */
export function readHighWater(dir: string): HighWater | null {
  const file = join(dir, HIGH_WATER);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unreadable(error, file, "high-water mark", "It belongs to the user who runs the host.");
  }
  return parseHighWater(text, file);
}

/** @param file for the error */
export function parseHighWater(text: string, file: string): HighWater {
  let content: unknown = null;
  try {
    content = JSON.parse(text);
  } catch {
    // The check below reports it.
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new Problem("this is not a high-water mark: the file was altered", {
    file,
    cure: "Put the file back as the host wrote it.",
  });
}

export type MarkFaultKind =
  /** The journal is shorter than the mark says. */
  | "cutOff"
  /** At that place the journal has another line. */
  | "otherLine"
  /** The journal is longer than a mark of it could be. */
  | "stale"
  /** The journal says that a mark is kept, and there is none. */
  | "missing"
  /** A key was given, and the mark is not signed with it. */
  | "unsigned";

export interface MarkFault {
  readonly kind: MarkFaultKind;
  readonly what: string;
}

/** What is known of one segment after its chain was verified. */
export interface VerifiedEnd {
  readonly segment: number;
  readonly log: string;
  readonly lines: number;
}

/**
 * Is the journal what the mark says? The chain of every segment must have been verified.
 *
 * @param kept the journal's last header says that a mark is kept beside it
 * @returns the fault, or null
 */
export function markFault(
  mark: HighWater | null,
  segments: readonly VerifiedEnd[],
  kept: boolean,
  isSigned: VerifyOptions["isSigned"],
): MarkFault | null {
  const last = segments.at(-1)!;
  if (mark === null) {
    if (!kept) return null;
    const what = `there is no ${HIGH_WATER}, and the journal says that one is kept beside it`;
    return { kind: "missing", what };
  }
  if (isSigned !== null) {
    const { signature } = mark;
    if (signature === null || !isSigned(highWaterText(mark), signature)) {
      const how = signature === null ? "bears no signature" : "was not signed with this key";
      return { kind: "unsigned", what: `the high-water mark ${how}` };
    }
  }
  const reached = `line ${mark.lines} of segment ${mark.segment}`;
  const at = segments.find(({ segment }) => segment === mark.segment);
  if (mark.segment > last.segment || (at !== undefined && mark.lines > at.lines)) {
    const end = `line ${last.lines} of segment ${last.segment}`;
    return { kind: "cutOff", what: `the journal had reached ${reached}, and ends with ${end}` };
  }
  if (at !== undefined && !bearsLine(at.log, mark)) {
    return { kind: "otherLine", what: `${reached} is not the one that the mark names` };
  }
  // A new segment gets its mark before its second line.
  const isStale = mark.segment < last.segment - (last.lines > 1 ? 0 : 1);
  if (!isStale) return null;
  return { kind: "stale", what: `the mark is older than the journal: it names ${reached}` };
}

const TAIL_BYTES = 400;

/** Does the line that ends at `bytes` have this number and hash? Needs no pass over the file. */
export function bearsLine(log: string, { lines, bytes, hash }: Reached): boolean {
  const handle = openSync(log, "r");
  try {
    if (fstatSync(handle).size < bytes) return false;
    const from = Math.max(0, bytes - TAIL_BYTES);
    const tail = Buffer.alloc(bytes - from);
    if (readSync(handle, tail, 0, tail.length, from) < tail.length) return false;
    return isLine(tail, { lines, hash });
  } finally {
    closeSync(handle);
  }
}

/** @param tail the last bytes of a line, with its newline */
export function isLine(
  tail: Uint8Array,
  { lines, hash }: Pick<Reached, "lines" | "hash">,
): boolean {
  const text = Buffer.from(tail).toString("latin1");
  return text.endsWith(`,"seq":${lines - 1},"sha256":"${hash}"}\n`);
}
