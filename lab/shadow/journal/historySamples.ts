/**
 * The samples of a journal into a history, with the moments at which they became known.
 *
 * A journal has them by time and a history by series. So that memory stays flat however long
 * the journal is, it is read once for every so many samples, each time for other series.
 */

import {
  isBatch,
  type SampleColumn,
  type SamplesBatch,
  type SeriesName,
} from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import type { Progress } from "../../progress.ts";
import { readBatch } from "./batches.ts";
import { realDisk } from "./disk.ts";
import type { SegmentFiles } from "./segments.ts";
import { compareNames, type HistoryWriter } from "../../history/write.ts";

const SAMPLES_AT_ONCE = 20_000_000;

type Name = Pick<SeriesName, "service" | "metric" | "version">;

interface Counted {
  readonly name: Name;
  samples: number;
}

/** @returns what is to be said about them */
export async function writeSamples(
  segments: readonly SegmentFiles[],
  writer: HistoryWriter,
  progress: Progress,
): Promise<string[]> {
  const counted = new Map<string, Counted>();
  for (const { series, values } of columnsOf(segments)) {
    const key = keyOf(series);
    const known = counted.get(key);
    if (known === undefined) counted.set(key, { name: nameOf(series), samples: values.length });
    else known.samples += values.length;
  }
  const ordered = [...counted.values()].sort((a, b) => compareNames(a.name, b.name));
  let repeated = 0;
  for (let from = 0; from < ordered.length;) {
    progress.update(from, ordered.length, "writing samples");
    let to = from;
    for (let samples = 0; to < ordered.length; to++) {
      samples += ordered[to]!.samples;
      if (to > from && samples > SAMPLES_AT_ONCE) break;
    }
    const gathered = new Map(
      ordered.slice(from, to).map((one) => [keyOf(one.name), new Part(one)]),
    );
    for (const column of columnsOf(segments)) gathered.get(keyOf(column.series))?.take(column);
    for (const part of gathered.values()) repeated += await part.write(writer);
    from = to;
  }
  return repeated === 0
    ? []
    : [`${repeated} samples came twice, or with another value later: the first counts`];
}

/** Every batch of a journal; what is carried into a segment is in the ones before. */
function* columnsOf(segments: readonly SegmentFiles[]): Generator<SampleColumn> {
  const disk = realDisk();
  try {
    for (const [at, files] of segments.entries()) {
      const names: SeriesName[] = [];
      const read = (batch: SamplesBatch, line: number): SampleColumn[] =>
        readBatch(disk, files, batch, names, line);
      for (const { line, entry } of logEntries(files.log, at === segments.length - 1)) {
        if (entry.kind === "header") {
          const carried = entry.content.live?.carried ?? null;
          const columns = carried === null ? [] : read(carried, line);
          // Of a journal whose beginning was archived it is all that is left.
          if (at === 0) yield* columns;
        } else if (entry.kind === "samples" && isBatch(entry.content)) {
          yield* read(entry.content, line);
        }
      }
    }
  } finally {
    disk.close();
  }
}

/** All samples of one series. */
class Part {
  readonly #atMs: Float64Array;
  readonly #knownAtMs: Float64Array;
  readonly #values: Float64Array;
  #length = 0;

  constructor(private readonly counted: Counted) {
    this.#atMs = new Float64Array(counted.samples);
    this.#knownAtMs = new Float64Array(counted.samples);
    this.#values = new Float64Array(counted.samples);
  }

  take({ atMs, knownAtMs, values }: SampleColumn): void {
    this.#atMs.set(atMs, this.#length);
    this.#knownAtMs.set(knownAtMs, this.#length);
    this.#values.set(values, this.#length);
    this.#length += values.length;
  }

  /** @returns how many were there before */
  async write(writer: HistoryWriter): Promise<number> {
    const series = writer.addSeries(this.counted.name, "double");
    const order = Uint32Array.from(this.#atMs, (_, index) => index).sort(
      (a, b) => this.#atMs[a]! - this.#atMs[b]! || a - b,
    );
    const first = order.filter(
      (at, place) => place === 0 || this.#atMs[at] !== this.#atMs[order[place - 1]!],
    );
    const pick = (from: Float64Array): Float64Array => Float64Array.from(first, (at) => from[at]!);
    const atMs = pick(this.#atMs);
    const known = pick(this.#knownAtMs);
    const delays = Int32Array.from(known, (ms, index) => ms - atMs[index]!);
    await writer.appendIrregular(series, atMs, pick(this.#values), delays);
    return order.length - first.length;
  }
}

function nameOf({ service, metric, version }: Name): Name {
  return { service, metric, version };
}

function keyOf({ service, metric, version }: Name): string {
  return JSON.stringify([service, metric, version]);
}
