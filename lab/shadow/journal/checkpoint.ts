/**
 * The controller's state in a file beside the segment, so that a restart handles only the inputs
 * since then.
 *
 *     state-000003-0000012345.json   the state after line `seq` 12344 of segment 3
 *
 * The file is on disk before the line of the log that names it, with its size and SHA-256. A file
 * that no line names, or that has another digest, is not used. The recent samples are not in it:
 * they are read from the segments.
 */

import { join } from "node:path";
import {
  canonicalJson,
  ENGINE_VERSION,
  readEnvelope,
  restore,
  serialise,
  type ChainEnd,
  type Checkpoint,
  type ControllerState,
  type LiveSegment,
  type Policy,
  type StateFile,
} from "../../../engine/index.ts";
import { chainChecks, readLines } from "../../audit/verify.ts";
import { sha256 } from "../../policy/load.ts";
import type { Disk } from "./disk.ts";
import type { SegmentFiles } from "./segments.ts";

const FILE = /^state-\d{6}-\d{10}\.json$/;

/** What a host needs to go on from a line, apart from the recent samples. */
export interface Kept extends Pick<LiveSegment, "act" | "errands" | "recordedOnly"> {
  readonly policy: Policy;
  readonly state: ControllerState;
  /** The latest `knownAtMs` of all inputs. */
  readonly lastMs: number;
}

/** A state that was read from a file, and the place in the chain that it belongs to. */
export interface KeptAt extends Kept {
  readonly at: ChainEnd;
}

/** The first line of a file; the second one is the state, by `serialise`. */
export interface Head extends Omit<KeptAt, "state"> {
  readonly format: "hindsight-state";
  readonly engineVersion: string;
  readonly segment: number;
}

/** Writes the file. The caller then writes the line that names it. */
export function writeState(
  disk: Disk,
  dir: string,
  segment: number,
  at: ChainEnd,
  { state, ...kept }: Kept,
): StateFile {
  const head = canonicalJson(headOf(segment, at, kept));
  const text = `${head}\n${serialise({ ...state, recent: new Map() })}\n`;
  const bytes = Buffer.from(text);
  const file = `state-${pad(segment, 6)}-${pad(at.seq, 10)}.json`;
  disk.place(join(dir, file), bytes);
  return { file, bytes: bytes.length, digest: sha256(bytes) };
}

export function headOf(segment: number, at: ChainEnd, kept: Omit<Kept, "state">): Head {
  return { format: "hindsight-state", engineVersion: ENGINE_VERSION, segment, at, ...kept };
}

/** Removes all files with a state but this one. */
export function removeStates(disk: Disk, dir: string, but: string | null): void {
  for (const name of disk.list(dir)) {
    if (FILE.test(name) && name !== but) disk.remove(join(dir, name));
  }
}

/**
 * The newest state that the log names and that is there unaltered; null where there is none.
 *
 * @param note logs why a state that the log names is not used
 */
export function readState(
  disk: Pick<Disk, "read" | "size">,
  dir: string,
  files: SegmentFiles,
  note: (text: string) => void,
): KeptAt | null {
  const named = namedIn(files.log).at(-1);
  if (named === undefined) return null;
  const { at, state } = named;
  const file = join(dir, state.file);
  const without = `${file}: not used, so all of the segment is repeated:`;
  if (disk.size(file) !== state.bytes) {
    note(`${without} it has ${disk.size(file)} bytes, and the log says ${state.bytes}`);
    return null;
  }
  const bytes = disk.read(file, 0, state.bytes);
  if (sha256(bytes) !== state.digest) {
    note(`${without} it is not the file whose digest the log has`);
    return null;
  }
  const text = new TextDecoder().decode(bytes);
  const newline = text.indexOf("\n");
  const head = JSON.parse(text.slice(0, newline)) as Head;
  if (head.engineVersion !== ENGINE_VERSION) {
    note(`${without} engine ${head.engineVersion} wrote it, and this is ${ENGINE_VERSION}`);
    return null;
  }
  if (head.at.seq !== at.seq || head.at.previous !== at.previous) {
    note(`${without} it belongs to another line of the log`);
    return null;
  }
  return { ...head, state: restore(text.slice(newline + 1)) };
}

/** The states that a log names, and the end of the chain before each line. Checks no hash. */
function namedIn(log: string): { at: ChainEnd; state: StateFile }[] {
  const { latin1 } = chainChecks(null);
  const named: { at: ChainEnd; state: StateFile }[] = [];
  for (const { bytes } of readLines(log)) {
    const envelope = readEnvelope(bytes, latin1);
    if (envelope?.kind !== "checkpoint") continue;
    const { seq, previous, content } = envelope;
    const { state } = JSON.parse(latin1(bytes, content.from, content.to)) as Checkpoint;
    if (state !== undefined) named.push({ at: { seq, previous }, state });
  }
  return named;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
