/**
 * Writes the journal: first the samples, then the log lines that name them, each synced before the
 * next. The caller must send commands only after `write` has returned.
 */

import {
  CHAIN_START,
  chainEntry,
  checkpointText,
  serialise,
  type ChainEnd,
  type ControllerState,
  type Event,
  type Handled,
  type LiveSegment,
  type LogEntry,
  type Policy,
  type SeriesName,
  type StateFile,
} from "../../../engine/index.ts";
import type { Signer } from "../../audit/signature.ts";
import { headerOf } from "../../audit/write.ts";
import { sha256 } from "../../policy/load.ts";
import { BatchWriter } from "./batches.ts";
import { toCarry } from "./carried.ts";
import { removeStates, writeState, type Kept } from "./checkpoint.ts";
import type { Disk } from "./disk.ts";
import { entriesOf } from "./entries.ts";
import { placeMark, RENEWED_EVERY_MS } from "./highWater.ts";
import { filesOf, type SegmentFiles } from "./segments.ts";

const LINES_BETWEEN_CHECKPOINTS = 10_000;

/** The end of a journal: what the next line chains to, and the size of the files. */
export interface JournalPlace {
  readonly files: SegmentFiles;
  readonly end: ChainEnd;
  readonly logBytes: number;
  readonly samplesBytes: number;
  /** The series of this segment, by number. */
  readonly names: readonly SeriesName[];
  /** When the segment was begun, in the host's time. */
  readonly begunAtMs: number;
}

/** What the header of a new segment is made of. */
export interface Beginning extends Pick<
  LiveSegment,
  "act" | "services" | "errands" | "recordedOnly"
> {
  readonly policy: Policy;
  readonly state: ControllerState;
  readonly nowMs: number;
}

export class Journal {
  #place!: Omit<JournalPlace, "samplesBytes" | "names">;
  #batches!: BatchWriter;
  #markedAtMs = Number.NEGATIVE_INFINITY;

  /** Appends at the given place. */
  constructor(
    private readonly disk: Disk,
    private readonly dir: string,
    private readonly signer: Signer | null,
    place: JournalPlace,
  ) {
    this.#goOn(place);
  }

  get bytes(): number {
    return this.#place.logBytes + this.#batches.bytes;
  }

  get begunAtMs(): number {
    return this.#place.begunAtMs;
  }

  get segment(): number {
    return this.#place.files.segment;
  }

  write(input: Event, handled: readonly Handled[]): void {
    const batch =
      input.kind === "samplesTaken" ? this.#batches.write(input.columns, input.knownAtMs) : null;
    this.writeEntries(entriesOf(input, handled, batch));
    if (input.knownAtMs < this.#markedAtMs + RENEWED_EVERY_MS) return;
    this.#markedAtMs = input.knownAtMs;
    this.mark();
  }

  /** Renews the high-water mark. */
  mark(): void {
    placeMark(this.disk, this.dir, this.#place, this.signer);
  }

  writeEntries(entries: readonly LogEntry[]): void {
    let text = "";
    let hasCheckpoint = false;
    for (const entry of entries) {
      text += this.#chained(entry);
      if (this.#place.end.seq % LINES_BETWEEN_CHECKPOINTS !== 0) continue;
      text += this.#checkpoint(false);
      hasCheckpoint = true;
    }
    this.#append(text);
    if (hasCheckpoint) this.mark();
  }

  /** Writes the state beside the segment, and the line that names it. */
  keep(kept: Kept): void {
    const { files, end } = this.#place;
    const state = writeState(this.disk, this.dir, files.segment, end, kept);
    this.#append(this.#checkpoint(false, state));
    removeStates(this.disk, this.dir, state.file);
  }

  /** Closes the segment with a last checkpoint. */
  close(): void {
    this.#append(this.#checkpoint(true));
    this.mark();
  }

  /** Begins the next segment; the present one must be closed. */
  begin(beginning: Beginning): void {
    const { files, end } = this.#place;
    this.#goOn(beginSegment(this.disk, this.dir, files.segment + 1, end.previous, beginning));
    this.mark();
    // The header has the state.
    removeStates(this.disk, this.dir, null);
  }

  #goOn({ names, samplesBytes, ...place }: JournalPlace): void {
    this.#place = place;
    this.#batches = new BatchWriter(this.disk, place.files, names, samplesBytes);
  }

  #append(text: string): void {
    const { files, logBytes } = this.#place;
    const bytes = Buffer.from(text);
    this.disk.append(files.log, bytes, logBytes);
    this.disk.sync(files.log);
    this.#place = { ...this.#place, logBytes: logBytes + bytes.length };
  }

  #chained(entry: LogEntry): string {
    const { line, end } = chainEntry(this.#place.end, entry, sha256);
    this.#place = { ...this.#place, end };
    return `${line}\n`;
  }

  #checkpoint(closes: boolean, state?: StateFile): string {
    const text = checkpointText(this.#place.end, closes);
    const signature = this.signer === null ? null : this.signer(text);
    const content = state === undefined ? { closes, signature } : { closes, signature, state };
    return this.#chained({ kind: "checkpoint", content });
  }
}

/** Creates a segment that has only its header; atomic, whenever the host is stopped. */
export function beginSegment(
  disk: Disk,
  dir: string,
  segment: number,
  previous: string,
  { policy, state, nowMs, ...rest }: Beginning,
): JournalPlace {
  const files = filesOf(dir, segment);
  // A host that was stopped between the next two writes left samples without a log.
  if (disk.size(files.samples) > 0) disk.truncate(files.samples, 0);
  const batches = new BatchWriter(disk, files, [], 0);
  const columns = toCarry(policy, state.recent, nowMs);
  const carried = columns.length === 0 ? null : batches.write(columns, null);
  const live: LiveSegment = {
    ...rest,
    segment,
    highWater: true,
    previous,
    begunAtMs: nowMs,
    state: serialise({ ...state, recent: new Map() }),
    carried,
  };
  const header: LogEntry = { kind: "header", content: { ...headerOf(policy), live } };
  const { line, end } = chainEntry(CHAIN_START, header, sha256);
  const bytes = Buffer.from(`${line}\n`);
  disk.place(files.log, bytes);
  return {
    files,
    end,
    logBytes: bytes.length,
    samplesBytes: batches.bytes,
    names: carried?.series ?? [],
    begunAtMs: nowMs,
  };
}
