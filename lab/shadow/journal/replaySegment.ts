/**
 * Replays a segment: feeds its inputs to the engine's `handle` again and compares every line that
 * comes out with the line in the log.
 */

import {
  CHAIN_START,
  ENGINE_VERSION,
  canonicalJson,
  handle,
  initialController,
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
  type StateFile,
} from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import { Problem } from "../../problem.ts";
import { Outstanding } from "../outstanding.ts";
import { readBatch, readBlock } from "./batches.ts";
import type { BatchBlock } from "./blocks.ts";
import { saysNothingOfSamples } from "./carried.ts";
import type { Kept, KeptAt } from "./checkpoint.ts";
import type { Disk } from "./disk.ts";
import { entriesOf, fromLog } from "./entries.ts";
import { Gathered } from "./gathered.ts";
import type { JournalPlace } from "./journal.ts";
import type { SegmentFiles } from "./segments.ts";

export interface SegmentDifference {
  /** Line of the log, counted from 1. */
  readonly line: number;
  /** The line in the log, and the line that comes out now; null: there is none. */
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
  /** The first difference, at which the replay stops; null: there is none. */
  readonly difference: SegmentDifference | null;
  readonly closed: boolean;
  /** The latest `knownAtMs` of all inputs. */
  readonly lastMs: number;
  /** The end of the last line that belongs to an input. */
  readonly place: JournalPlace;
  /** The number of lines at the end whose input is missing: a crash interrupted their write. */
  readonly loose: number;
  /** Entries that the last input leads to and that are missing in the log. */
  readonly unwritten: readonly LogEntry[];
}

export type ReachedState = (state: StateFile, line: number, at: ChainEnd, now: () => Kept) => void;

interface Line {
  readonly line: number;
  readonly kind: LogEntry["kind"];
  readonly text: string;
}

/**
 * Yields between lines.
 *
 * @param recent samples from before the segment, by series
 * @param open the segment may still be written: not closed, its last write incomplete
 * @param from the state at a line of this log: the inputs before it are not handled again, only
 *   their samples are read. Null: from the beginning
 * @param reached is called at each state that the log names, with what was made again up to there
 * @throws Problem where the chain is broken, or samples are missing or altered
 */
export function* replaySegment(
  disk: Pick<Disk, "read" | "size">,
  files: SegmentFiles,
  recent: ControllerState["recent"],
  open: boolean,
  from: KeptAt | null = null,
  reached: ReachedState = () => undefined,
): Generator<void, SegmentReplay> {
  const replay = new Replay(disk, files);
  let closed = false;
  // A header has `seq` 0 and is line 1, so the line with that `seq` is one further.
  const fromLine = from === null ? 1 : from.at.seq + 1;
  let gathered: Gathered | null = null;
  let at = CHAIN_START;
  const skips: Parameters<typeof logEntries>[2] = (kind, bytes, line) =>
    line < fromLine && saysNothingOfSamples(kind, bytes);
  for (const { line, entry, text, endsAt, end } of logEntries(files.log, open, skips)) {
    const { kind, content } = entry;
    if (kind === "header") {
      replay.begin(content, recent, from === null);
      if (from !== null) gathered = new Gathered(replay.names, recent, content.policy);
    } else if (line < fromLine) {
      if (kind === "samples" && isBatch(content)) gathered!.add(replay.blockOf(content, line));
      if (kind === "event" && content.kind === "policyChanged") gathered!.under(content.policy);
    } else if (kind === "checkpoint") {
      if (line === fromLine) replay.goOn(from!, gathered!.all);
      else if (content.state !== undefined) reached(content.state, line, at, () => replay.kept);
      closed = content.closes;
    } else replay.take({ line, kind, text }, entry);
    replay.matched(endsAt, end);
    at = end;
    if (replay.difference !== null) break;
    yield;
  }
  return replay.result(closed);
}

class Replay {
  difference: SegmentDifference | null = null;
  #header!: LogHeader;
  #policy!: Policy;
  #state!: ControllerState;
  #outstanding!: Outstanding;
  #logged: Line[] = [];
  #made: LogEntry[] = [];
  /** The series of the segment so far, by number. */
  readonly names: SeriesName[] = [];
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

  /** @param withState false: `goOn` will give the state */
  begin(header: LogHeader, recent: ControllerState["recent"], withState: boolean): void {
    const { live } = header;
    if (live === undefined) {
      throw new Problem("this is no journal of a live host", { file: this.files.log, line: 1 });
    }
    this.#header = header;
    this.#policy = header.policy;
    const state = withState ? restore(live.state) : initialController;
    this.#state = { ...state, recent };
    this.#outstanding = new Outstanding(live, this.#state);
    this.#lastMs = live.begunAtMs;
    this.names.push(...(live.carried?.series ?? []));
    this.#samplesBytes = live.carried?.bytes ?? 0;
    this.#isSameEngine = header.engineVersion === ENGINE_VERSION;
  }

  /** Goes on from a state that was written down at this line. */
  goOn(kept: Kept, recent: ControllerState["recent"]): void {
    this.#policy = kept.policy;
    this.#state = { ...kept.state, recent };
    this.#outstanding = new Outstanding(kept, this.#state);
    this.#lastMs = kept.lastMs;
  }

  /** What a host would write down now. */
  get kept(): Kept {
    const { all: errands, recordedOnly } = this.#outstanding;
    const { act } = this.#header.live!;
    const [policy, state, lastMs] = [this.#policy, this.#state, this.#lastMs];
    return { policy, state, errands, recordedOnly, act, lastMs };
  }

  /** The samples of an input that is not handled again. */
  blockOf(batch: SamplesBatch, line: number): BatchBlock {
    this.#samplesBytes = batch.offset + batch.bytes;
    return readBlock(this.disk, this.files, batch, this.names, line);
  }

  /** Feeds the engine with a line that is an input; other lines are compared by `matched`. */
  take(line: Line, entry: LogEntry): void {
    const { kind, content } = entry;
    if (kind === "samples") {
      if (!isBatch(content)) return;
      this.#feed(this.#samplesOf(content, line.line), content);
      // The first entry made is this very line, so there is nothing to compare.
      this.#made.shift();
      return;
    }
    this.#logged.push(line);
    if (kind === "record") this.#decisions++;
    if (kind !== "event") return;
    if (content.kind === "signalJudged") this.#judgements++;
    else this.#feed(content.kind === "contextPrepared" ? fromLog(content) : content, null);
  }

  /** Compares logged lines with made entries as far as there are both; sets `difference`. */
  matched(endsAt: number, end: ChainEnd): void {
    const pairs = Math.min(this.#logged.length, this.#made.length);
    for (let index = 0; index < pairs; index++) {
      const [line, made] = [this.#logged[index]!, this.#made[index]!];
      const now = canonicalJson(made.content);
      if (made.kind === line.kind && this.#isSame(line.text, now)) continue;
      this.difference = { line: line.line, logged: line.text, now };
      return;
    }
    this.#logged.splice(0, pairs);
    this.#made.splice(0, pairs);
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
        names: this.names,
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
    const columns = readBatch(this.disk, this.files, batch, this.names, line);
    this.#samplesBytes = batch.offset + batch.bytes;
    return { kind: "samplesTaken", atMs, knownAtMs: atMs, columns };
  }

  /** Another engine version may have written the log: its number alone is no difference. */
  #isSame(logged: string, now: string): boolean {
    if (logged === now) return true;
    if (this.#isSameEngine) return false;
    const version = /"engineVersion":"[^"]*"/g;
    return logged.replace(version, "") === now.replace(version, "");
  }
}
