/** Writes and reads the batches of samples beside a log; reading checks the log's digest. */

import { type SampleColumn, type SamplesBatch, type SeriesName } from "../../../engine/index.ts";
import { sha256 } from "../../policy/load.ts";
import { Problem } from "../../problem.ts";
import { decodeBlock, encodeBlock, openBlock, type BatchBlock } from "./blocks.ts";
import type { Disk } from "./disk.ts";
import type { SegmentFiles } from "./segments.ts";

/** Appends to the samples file of one segment. */
export class BatchWriter {
  readonly #numbers = new Map<string, number>();
  #bytes: number;

  constructor(
    private readonly disk: Disk,
    private readonly files: SegmentFiles,
    names: readonly SeriesName[],
    bytes: number,
  ) {
    names.forEach((name, number) => this.#numbers.set(identityOf(name), number));
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The batch is on disk when this returns. @param knownAtMs null: each sample has its own */
  write(columns: readonly SampleColumn[], knownAtMs: number | null): SamplesBatch {
    const series: SeriesName[] = [];
    const numberOf = (name: SeriesName): number => {
      const identity = identityOf(name);
      let number = this.#numbers.get(identity);
      if (number === undefined) {
        number = this.#numbers.size;
        this.#numbers.set(identity, number);
        series.push(name);
      }
      return number;
    };
    const bytes = encodeBlock(columns, numberOf, knownAtMs);
    const offset = this.#bytes;
    this.disk.append(this.files.samples, bytes, offset);
    this.disk.sync(this.files.samples);
    this.#bytes += bytes.length;
    return {
      file: this.files.samplesName,
      offset,
      bytes: bytes.length,
      digest: sha256(bytes),
      knownAtMs,
      samples: columns.reduce((sum, { values }) => sum + values.length, 0),
      series,
    };
  }
}

/**
 * @param names series of the segment so far, by number; the new ones of this batch are appended
 * @throws Problem with the line of the log whose samples are missing or altered
 */
export function readBatch(
  disk: Pick<Disk, "read" | "size">,
  files: SegmentFiles,
  batch: SamplesBatch,
  names: SeriesName[],
  line: number,
): SampleColumn[] {
  const decoded = (bytes: Uint8Array) => decodeBlock(bytes, names, batch.knownAtMs);
  return checked(disk, files, batch, names, line, decoded);
}

/** The same, as it lies in the file. @throws Problem as `readBatch` does */
export function readBlock(
  disk: Pick<Disk, "read" | "size">,
  files: SegmentFiles,
  batch: SamplesBatch,
  names: SeriesName[],
  line: number,
): BatchBlock {
  const opened = (bytes: Uint8Array) => openBlock(bytes, names.length, batch.knownAtMs);
  return checked(disk, files, batch, names, line, opened);
}

function checked<Read>(
  disk: Pick<Disk, "read" | "size">,
  { samples, log }: SegmentFiles,
  { offset, bytes, digest, series }: SamplesBatch,
  names: SeriesName[],
  line: number,
  read: (block: Uint8Array) => Read | null,
): Read {
  const there = disk.size(samples);
  if (there < offset + bytes) {
    throw new Problem(`${samples} ends at byte ${there}, before the samples of this line`, {
      file: log,
      line,
      cure: "Put the whole file back: a journal is of no use without the samples it names.",
    });
  }
  names.push(...series);
  const block = disk.read(samples, offset, bytes);
  const columns = sha256(block) === digest ? read(block) : null;
  if (columns !== null) return columns;
  throw new Problem(`${samples}: bytes ${offset} to ${offset + bytes} were altered`, {
    file: log,
    line,
    cure: "The log has the digest of what was there. Put the samples back.",
  });
}

/** Includes unit and role: a series that comes back with another one gets a new number. */
function identityOf(series: SeriesName): string {
  const { service, metric, version, percentagePoint, counter, role, worse, ratio } = series;
  const about = [role ?? null, worse ?? null, ratio ?? false];
  return JSON.stringify([service, metric, version, percentagePoint, counter ?? false, ...about]);
}
