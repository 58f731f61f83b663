/**
 * Writes the samples of a journal into a history, with the times at which they became known.
 *
 * A journal is ordered by time, a history by series. To bound memory, the journal is read several
 * times, each time for a group of series with at most `SAMPLES_AT_ONCE` samples.
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

/** @returns warnings, in words */
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
      ordered.slice(from, to).map((series) => [keyOf(series.name), new SeriesSamples(series)]),
    );
    for (const column of columnsOf(segments)) gathered.get(keyOf(column.series))?.take(column);
    for (const samples of gathered.values()) repeated += await samples.write(writer);
    from = to;
  }
  return repeated === 0
    ? []
    : [`${repeated} samples came twice, or with another value later: the first counts`];
}

/** All samples of a journal, batch by batch. */
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
          // Carried samples repeat those of earlier segments, unless those were archived.
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

/** Collects all samples of one series. */
class SeriesSamples {
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

  /** @returns how many samples repeated the time of an earlier one, and were left out */
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
