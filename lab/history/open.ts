/**
 * Opens a history: checks that it is one, that this version can read it and that
 * its files are whole, and holds its tables in memory. Samples stay on disk.
 *
 * Law: what cannot be read is refused with the file's name, never skipped.
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { onceCollected } from "../heap.ts";
import { operatingProblem } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";
import { beforeMs, loadBlockIndex, type PartIndex } from "./blockIndex.ts";
import { ANSWERS_FILE, readAnswers, type SeriesAnswers } from "./answerRuns.ts";
import { BLOCK_SAMPLES } from "./blocks.ts";
import { checkDigest } from "./checksums.ts";
import { duckAtNeed } from "./duck.ts";
import {
  chooseLabels,
  refuseNoDerived,
  type LabelChoice,
  type Labelling,
} from "./labels/choose.ts";
import { readManifest } from "./manifest.ts";
import { filedTables, readDeployments, readTable, TABLE_FILES } from "./tableFiles.ts";
import type {
  HistoryManifest,
  HistoryTables,
  LabelRow,
  ManifestFile,
  SeriesRow,
} from "./tables.ts";
import type { ReadMemory } from "./readMemory.ts";
import { streamStoredWindows, type FoundWindow, type WindowRequest } from "./windows.ts";

/** What a replay reads of a past, whether it is stored or a world makes it up as it is asked. */
export interface Past {
  /** For messages: where it lies, or what makes it. */
  readonly dir: string;
  readonly manifest: HistoryManifest;
  readonly tables: HistoryTables;
  /** `series[i].series === i`. */
  readonly series: readonly SeriesRow[];
  /**
   * The windows asked for, each once, by series, then roughly by end, in lists; empty ones too.
   * With `memory` their samples are good until it is reset.
   */
  readonly windows: (
    requests: readonly WindowRequest[],
    memory?: ReadMemory,
  ) => AsyncIterable<readonly FoundWindow[]> | Iterable<readonly FoundWindow[]>;
  /** Which labels are in `tables`, where some were derived. */
  readonly labelling?: Labelling;
  /** By series: the spacing of its samples; none where nobody can say. */
  readonly stepsMs: () => Promise<ReadonlyMap<number, number>>;
}

/** A past in Parquet. */
export interface History extends Past {
  /** By series: what its missing samples were, where that was kept. */
  readonly answers: ReadonlyMap<number, SeriesAnswers>;
  /** The labels as they are stored: given and derived side by side. */
  readonly storedLabels: readonly LabelRow[];
  /** To the database it is read with; for code inside lab/history. */
  readonly connect: () => Promise<DuckDBConnection>;
  /** Which block lies where; read once, when first asked for. */
  readonly blockIndex: () => Promise<readonly PartIndex[]>;
  close(): void;
}

const STORED = new WeakSet<Past>();

/** Is it what lies in its directory, and not something made of that with other rows in it? */
export function isStored(past: Past): past is History {
  return STORED.has(past);
}

/**
 * Opens the history in `dir`.
 *
 * @throws Problem when it is no directory or no history, is of a newer schema,
 * lacks a file, has a truncated one, or may not be read; or when `labels` asks for derived labels
 * and there are none.
 */
export async function openHistory(
  dir: string,
  options: { threads?: number; labels?: LabelChoice | undefined } = {},
): Promise<History> {
  const { labels: choice = "both" } = options;
  const manifest = readManifest(dir);
  for (const { file, bytes, sha256 } of manifest.files) {
    checkFile(join(dir, file), bytes);
    if (sha256 !== undefined) checkDigest(join(dir, file), sha256);
  }
  const duck = duckAtNeed(options);
  let connection: DuckDBConnection | null = null;
  try {
    const own = (connection = await duck.connect());
    const filed = filedTables({ proposals: (manifest.rows.proposals ?? 0) > 0 });
    const stored = Object.fromEntries(
      await readInTurn(filed, async (name) => [
        name,
        await readingFile(join(dir, TABLE_FILES[name].file), (): Promise<Iterable<unknown>> =>
          name === "deployments"
            ? readDeployments(own, dir, manifest.rows.deployments)
            : readTable(own, dir, name),
        ),
      ]),
    ) as unknown as HistoryTables;
    const { labels, labelling } = chooseLabels(stored.labels, choice);
    refuseNoDerived(dir, choice, labelling);
    const series = (await readingFile(join(dir, TABLE_FILES.series.file), () =>
      readTable(own, dir, "series"),
    )) as unknown as SeriesRow[];
    const answers = manifest.files.some(({ file }) => file === ANSWERS_FILE)
      ? await readingFile(join(dir, ANSWERS_FILE), () => readAnswers(own, join(dir, ANSWERS_FILE)))
      : new Map<number, SeriesAnswers>();
    let index: Promise<readonly PartIndex[]> | null = null;
    const blockIndex = (): Promise<readonly PartIndex[]> =>
      (index ??= loadBlockIndex(duck, dir, metricFiles(manifest)).finally(() => {
        // Samples are read without it, mostly, and it holds on to 45 MB of 500 million of them.
        onceCollected(() => duck.letGo());
      }));
    const history: History = {
      dir,
      manifest,
      tables: { ...stored, labels },
      storedLabels: stored.labels,
      ...(labelling === null ? {} : { labelling }),
      series,
      answers,
      windows: (requests, memory) => streamStoredWindows(history, requests, memory),
      stepsMs: async () => stepsOf(await blockIndex()),
      connect: () => duck.connect(),
      blockIndex,
      close: () => duck.letGo(),
    };
    // What is kept of a history goes by its digest, and so is for the labels that it is read with.
    if (labelling === null || choice === "both") STORED.add(history);
    return history;
  } catch (error) {
    duck.letGo();
    throw error;
  } finally {
    connection?.closeSync();
  }
}

/** A full block of such samples takes days: a short history may have none. */
const COARSE_MS = 240_000;

/**
 * The spacing of every series' samples, from its full blocks. A series without one has none, and is
 * read whole, unless its samples are even and coarse.
 */
function stepsOf(parts: readonly PartIndex[]): Map<number, number> {
  const steps = new Map<number, number>();
  for (const part of parts) {
    const { series, stepMs } = part;
    for (let row = 0; row < series.length; row++) {
      if (stepMs.at(row) >= COARSE_MS) steps.set(series[row]!, stepMs.at(row));
    }
  }
  for (const part of parts) {
    const { series, startMs } = part;
    for (let row = 0; row < series.length;) {
      const one = series[row]!;
      let leastMs = (steps.get(one) ?? Number.POSITIVE_INFINITY) * BLOCK_SAMPLES;
      for (; series[row] === one; row++) {
        const blockMs = beforeMs(part, row) - startMs[row]!;
        if (blockMs < leastMs) leastMs = blockMs;
      }
      if (Number.isFinite(leastMs)) steps.set(one, leastMs / BLOCK_SAMPLES);
    }
  }
  return steps;
}

function metricFiles({ files }: HistoryManifest): readonly ManifestFile[] {
  return files.filter(({ file }) => file.startsWith("metrics/"));
}

async function readInTurn<A, B>(items: readonly A[], read: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const item of items) results.push(await read(item));
  return results;
}

export function checkFile(path: string, bytes: number): void {
  let size: number;
  try {
    size = statSync(path).size;
    accessSync(path, constants.R_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      throw new Problem("this file of the history is missing", {
        file: path,
        cure: "Copy the history whole, or import or generate it again.",
      });
    }
    throw operatingProblem(error, path);
  }
  if (size !== bytes) {
    throw new Problem(
      size < bytes
        ? `this file is truncated: ${size} of ${bytes} bytes`
        : `this file was changed: ${size} bytes instead of ${bytes}`,
      { file: path, cure: "Copy the history whole, or import or generate it again." },
    );
  }
}

/** What DuckDB's complaint about a damaged file looks like. */
const DAMAGE =
  /Invalid Input Error|IO Error|Binder Error|TProtocol|Decompress|Parquet|read out of bounds/i;

/** Runs a read of one file; DuckDB's complaint about it becomes a `Problem` that names it. */
export async function readingFile<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const problem = operatingProblem(error, path);
    if (problem instanceof Problem || !(error instanceof Error)) throw problem;
    if (!DAMAGE.test(error.message)) {
      throw error;
    }
    throw new Problem(`this Parquet file is damaged (${error.message.split("\n")[0] ?? ""})`, {
      file: path,
      cure: "Copy the history whole, or import or generate it again.",
    });
  }
}
