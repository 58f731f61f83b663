/**
 * Makes a segment again from its inputs, through the same `handle`, and holds every line that
 * comes out against the one that was written.
 */

import {
  ENGINE_VERSION,
  canonicalJson,
  handle,
  isBatch,
  restore,
  type ChainEnd,
  type ControllerState,
  type Event,
  type LogEntry,
  type LogHeader,
  type Policy,
  type SamplesBatch,
  type SamplesTaken,
  type SeriesName,
} from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import { Problem } from "../../problem.ts";
import { Outstanding } from "../outstanding.ts";
import { readBatch } from "./batches.ts";
import type { Disk } from "./disk.ts";
import { entriesOf, fromLog } from "./entries.ts";
import type { JournalPlace } from "./journal.ts";
import type { SegmentFiles } from "./segments.ts";

export interface SegmentDifference {
  /** Of the log, counted from 1. */
  readonly line: number;
  /** As it is written, and as it comes out; null: nothing. */
  readonly logged: string | null;
  readonly now: string | null;
}

export interface SegmentReplay {
  readonly header: LogHeader;
  readonly policy: Policy;
  readonly state: ControllerState;
  readonly outstanding: Outstanding;
  readonly inputs: number;
  readonly judgements: number;
  readonly decisions: number;
  /** The first: nothing after it can be compared. */
  readonly difference: SegmentDifference | null;
  readonly closed: boolean;
  /** The newest moment that anything was known at. */
  readonly lastMs: number;
  /** Up to the last line that belongs to an input. */
  readonly place: JournalPlace;
  /** Lines at the end that belong to no input: the write of theirs was torn. */
  readonly loose: number;
  /** What comes of the last input and was not written any more. */
  readonly unwritten: readonly LogEntry[];
}

interface Line {
  readonly line: number;
  readonly kind: LogEntry["kind"];
  readonly text: string;
}

/**
 * @param recent samples from before the segment, by series
 * @param open it need not be closed, and its last write may be torn
 * @throws Problem where the chain is broken or the samples are not those of the log
 */
export function replaySegment(
  disk: Pick<Disk, "read" | "size">,
  files: SegmentFiles,
  recent: ControllerState["recent"],
  open: boolean,
): SegmentReplay {
  const replay = new Replay(disk, files);
  let closed = false;
  for (const { line, entry, text, endsAt, end } of logEntries(files.log, open)) {
    if (entry.kind === "header") replay.begin(entry.content, recent);
    else if (entry.kind === "checkpoint") closed = entry.content.closes;
    else replay.take({ line, kind: entry.kind, text }, entry);
    replay.matched(endsAt, end);
    if (replay.difference !== null) break;
  }
  return replay.result(closed);
}

class Replay {
  difference: SegmentDifference | null = null;
  #header!: LogHeader;
  #policy!: Policy;
  #state!: ControllerState;
  #outstanding = new Outstanding([]);
  #logged: Line[] = [];
  #made: LogEntry[] = [];
  readonly #names: SeriesName[] = [];
  #place: Pick<JournalPlace, "end" | "logBytes"> | null = null;
  #samplesBytes = 0;
  #lastMs = 0;
  #inputs = 0;
  #judgements = 0;
  #decisions = 0;
  #isSameEngine = true;

  constructor(
    private readonly disk: Pick<Disk, "read" | "size">,
    private readonly files: SegmentFiles,
  ) {}

  begin(header: LogHeader, recent: ControllerState["recent"]): void {
    const { live } = header;
    if (live === undefined) {
      throw new Problem("this is no journal of a live host", { file: this.files.log, line: 1 });
    }
    this.#header = header;
    this.#policy = header.policy;
    this.#state = { ...restore(live.state), recent };
    this.#outstanding = new Outstanding(live.errands);
    this.#lastMs = live.begunAtMs;
    this.#names.push(...(live.carried?.series ?? []));
    this.#samplesBytes = live.carried?.bytes ?? 0;
    this.#isSameEngine = header.engineVersion === ENGINE_VERSION;
  }

  take(line: Line, entry: LogEntry): void {
    const { kind, content } = entry;
    if (kind === "samples") {
      if (!isBatch(content)) return;
      this.#feed(this.#samplesOf(content, line.line), content);
      // The line is what we were fed, so it is the same by itself.
      this.#made.shift();
      return;
    }
    this.#logged.push(line);
    if (kind === "record") this.#decisions++;
    if (kind !== "event") return;
    if (content.kind === "signalJudged") this.#judgements++;
    else this.#feed(content.kind === "contextPrepared" ? fromLog(content) : content, null);
  }

  /** Holds what was made against what was written, as far as both go. */
  matched(endsAt: number, end: ChainEnd): void {
    const both = Math.min(this.#logged.length, this.#made.length);
    for (let index = 0; index < both; index++) {
      const [line, made] = [this.#logged[index]!, this.#made[index]!];
      const now = canonicalJson(made.content);
      if (made.kind === line.kind && this.#isSame(line.text, now)) continue;
      this.difference = { line: line.line, logged: line.text, now };
      return;
    }
    this.#logged.splice(0, both);
    this.#made.splice(0, both);
    if (this.#logged.length === 0) this.#place = { end, logBytes: endsAt };
  }

  result(closed: boolean): SegmentReplay {
    return {
      header: this.#header,
      policy: this.#policy,
      state: this.#state,
      outstanding: this.#outstanding,
      inputs: this.#inputs,
      judgements: this.#judgements,
      decisions: this.#decisions,
      difference: this.difference,
      closed,
      lastMs: this.#lastMs,
      place: {
        files: this.files,
        ...this.#place!,
        samplesBytes: this.#samplesBytes,
        names: this.#names,
        begunAtMs: this.#header.live!.begunAtMs,
      },
      loose: this.#logged.length,
      unwritten: this.#made,
    };
  }

  #feed(event: Event, batch: SamplesBatch | null): void {
    this.#inputs++;
    if (event.kind === "policyChanged") this.#policy = event.policy;
    const step = handle(this.#policy, this.#state, event);
    this.#state = step.state;
    this.#lastMs = Math.max(this.#lastMs, event.knownAtMs);
    this.#outstanding.take(event, step);
    this.#made.push(...entriesOf(event, step.handled, batch));
  }

  #samplesOf(batch: SamplesBatch, line: number): SamplesTaken {
    const atMs = batch.knownAtMs!;
    const columns = readBatch(this.disk, this.files, batch, this.#names, line);
    this.#samplesBytes = batch.offset + batch.bytes;
    return { kind: "samplesTaken", atMs, knownAtMs: atMs, columns };
  }

  #isSame(logged: string, now: string): boolean {
    if (logged === now) return true;
    if (this.#isSameEngine) return false;
    const version = /"engineVersion":"[^"]*"/g;
    return logged.replace(version, "") === now.replace(version, "");
  }
}
