/**
 * The atomic writer of histories, for importers and the world generator.
 *
 * Laws: everything is written into a hidden sibling directory and renamed at the
 * end, so a history is whole or absent. What is stored, and its digest, depends on
 * the samples alone, never on how their run was cut into calls.
 */

import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { assert } from "../../engine/index.ts";
import { onInterrupt } from "../interrupt.ts";
import { makeDirectories, refuseUrl } from "../directory.ts";
import { operatingProblem } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";
import {
  putInPlace,
  takeAwayLeftBehind,
  takeAwayUnfinished,
  unfinishedPath,
} from "../unfinished.ts";
import { AnswerRuns } from "./answerRuns.ts";
import { MANIFEST, manifestSum } from "./checksums.ts";
import { BlockPacker } from "./pack.ts";
import { iso, openDuck, type Duck } from "./duck.ts";
import { listFiles } from "./fileList.ts";
import { readManifestText } from "./manifest.ts";
import { PartFiles, type Storage } from "./partFiles.ts";
import { canonicalLines, filedIn, sortTables, writeTables } from "./tableFiles.ts";
import {
  SCHEMA_VERSION,
  SCHEMA_WITH_ANSWERS,
  NEWEST_SCHEMA,
  type Dropped,
  type HistoryManifest,
  type HistoryTables,
  type SeriesRow,
  type SourceFile,
} from "./tables.ts";

/** Where a history came from and what was left out of it. */
export interface About {
  readonly madeBy: string;
  readonly sources: readonly SourceFile[];
  readonly dropped: readonly Dropped[];
  readonly warnings: readonly string[];
  readonly loggingPolicy: HistoryManifest["loggingPolicy"];
}

export interface HistoryWriter {
  /**
   * Begins a series and returns its index. Call in ascending order of service,
   * metric, version (null first), by code unit. FLOAT keeps 7 digits of a value.
   */
  addSeries(
    series: { service: string; metric: string; version: string | null },
    storage: Storage,
  ): number;
  /**
   * Appends evenly spaced samples of the series added last, in time order. NaN
   * (or an infinite value) is a missing scrape.
   */
  appendRegular(
    series: number,
    startMs: number,
    stepMs: number,
    values: Float64Array | Float32Array,
    knownDelayMs: number,
  ): Promise<void>;
  /**
   * Appends samples at strictly ascending whole milliseconds; delays are ms after each.
   *
   * @param answers what each evaluation of a query answered (`AnswerKind`); absent: not known
   */
  appendIrregular(
    series: number,
    atMs: Float64Array,
    values: Float64Array | Float32Array,
    knownDelayMs: number | Int32Array,
    answers?: Uint8Array,
  ): Promise<void>;
  /** Writes the tables and the manifest and renames the whole into place. */
  finish(tables: HistoryTables, about: About): Promise<HistoryManifest>;
  /** Removes everything half-written; safe to call at any time, and twice. */
  abort(): Promise<void>;
  /** A directory inside the unfinished history for scratch files; gone at the end. */
  readonly scratchDirectory: string;
}

/**
 * Opens a writer for a history at `dir`.
 *
 * @throws Problem when something is there already; `force` replaces it, but only
 * when it is a history.
 */
export async function createHistory(
  dir: string,
  options: { force?: boolean } = {},
): Promise<HistoryWriter> {
  refuseUrl(dir);
  const target = resolve(dir);
  takeAwayLeftBehind(dirname(target));
  checkTarget(target, dir, options.force ?? false);
  const place = preparePlace(target, dir);
  try {
    const duck = await openDuck({ spillDirectory: join(place.temporary, ".scratch") });
    return new Writer(target, dir, place, duck);
  } catch (error) {
    place.remove();
    throw operatingProblem(error, dir);
  }
}

function checkTarget(target: string, shown: string, force: boolean): void {
  const found = lookAt(target, shown);
  if (found === "nothing" || found === "empty") return;
  if (found === "file") {
    throw new Problem("this is a file, not a directory", {
      file: shown,
      cure: "Choose another --out.",
    });
  }
  const isHistory = readManifestText(target)?.includes('"hindsight-history"') ?? false;
  if (force && isHistory) return;
  throw new Problem(isHistory ? "there is a history already" : "this directory is not empty", {
    file: shown,
    cure: isHistory
      ? "Choose another --out, or add --force to replace it."
      : "Choose another --out; --force replaces only a directory that is a history.",
  });
}

function lookAt(target: string, shown: string): "nothing" | "empty" | "file" | "directory" {
  try {
    if (!statSync(target).isDirectory()) return "file";
    return readdirSync(target).length === 0 ? "empty" : "directory";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "nothing";
    throw operatingProblem(error, shown);
  }
}

interface Place {
  /** The hidden sibling everything is written into. */
  readonly temporary: string;
  /** Takes the sibling away, and parents that were made for it. */
  remove(): void;
  forget(): void;
}

function preparePlace(target: string, shown: string): Place {
  const parent = dirname(target);
  const temporary = unfinishedPath(target);
  let firstMade: string | null = null;
  const remove = (): void => {
    takeAwayUnfinished(temporary);
    if (firstMade !== null) removeEmpty(parent, firstMade);
  };
  // Before the first directory is there: an interrupt in between would leave it behind.
  const takeBack = onInterrupt(remove);
  try {
    firstMade = makeDirectories(parent);
    makeDirectories(temporary);
    mkdirSync(join(temporary, "metrics"));
    mkdirSync(join(temporary, ".scratch"));
    return {
      temporary,
      remove: () => {
        takeBack();
        remove();
      },
      forget: takeBack,
    };
  } catch (error) {
    takeBack();
    remove();
    throw operatingProblem(error, shown);
  }
}

/** Removes directories from `inner` up to `outer` as long as they are empty. */
function removeEmpty(inner: string, outer: string): void {
  for (let path = inner; path.startsWith(outer); path = dirname(path)) {
    try {
      rmdirSync(path);
    } catch {
      return;
    }
  }
}

class Writer implements HistoryWriter {
  readonly scratchDirectory: string;
  readonly #series: SeriesRow[] = [];
  readonly #samplesHash = createHash("sha256");
  readonly #files: Readonly<Record<Storage, PartFiles>>;
  readonly #packer: BlockPacker;
  readonly #answers = new AnswerRuns();
  #state: "open" | "finished" | "aborted" = "open";

  constructor(
    private readonly target: string,
    private readonly shown: string,
    private readonly place: Place,
    private readonly duck: Duck,
  ) {
    const metrics = join(place.temporary, "metrics");
    this.scratchDirectory = join(place.temporary, ".scratch");
    this.#files = {
      float: new PartFiles(duck.connection, metrics, "float"),
      double: new PartFiles(duck.connection, metrics, "double"),
    };
    this.#packer = new BlockPacker(this.#files, this.#samplesHash);
  }

  addSeries(
    { service, metric, version }: { service: string; metric: string; version: string | null },
    storage: Storage,
  ): number {
    assert(this.#state === "open", "the writer is open");
    const last = this.#series.at(-1);
    assert(
      last === undefined || compareNames(last, { service, metric, version }) < 0,
      `series arrive in order and once: ${service}/${metric}`,
    );
    const series = this.#series.length;
    this.#series.push({ series, service, metric, version });
    this.#packer.begin(series, storage);
    return series;
  }

  async appendRegular(
    series: number,
    startMs: number,
    stepMs: number,
    values: Float64Array | Float32Array,
    knownDelayMs: number,
  ): Promise<void> {
    assert(Number.isSafeInteger(stepMs) && stepMs > 0, "the step is a whole number of ms above 0");
    await this.#guard(series, () =>
      this.#packer.append(startMs, stepMs, null, values, knownDelayMs),
    );
  }

  async appendIrregular(
    series: number,
    atMs: Float64Array,
    values: Float64Array | Float32Array,
    knownDelayMs: number | Int32Array,
    answers?: Uint8Array,
  ): Promise<void> {
    assert(atMs.length === values.length, "every sample has a time and a value");
    if (answers !== undefined) this.#answers.add(series, atMs, values, answers);
    await this.#guard(series, () => this.#packer.append(0, 0, atMs, values, knownDelayMs));
  }

  async finish(tables: HistoryTables, about: About): Promise<HistoryManifest> {
    assert(this.#state === "open", "the writer is open");
    try {
      await this.#packer.finish();
      await this.#files.float.finish();
      await this.#files.double.finish();
      const sorted = sortTables(tables);
      await writeTables(this.duck.connection, this.place.temporary, sorted, this.#series);
      await this.#answers.write(this.duck.connection, this.place.temporary);
      const files = await listFiles(this.duck.connection, this.place.temporary);
      const manifest = this.#manifest(sorted, about, files);
      const text = `${JSON.stringify(manifest, null, 2)}\n`;
      writeFileSync(join(this.place.temporary, MANIFEST), text);
      const sum = manifestSum(text);
      writeFileSync(join(this.place.temporary, sum.file), sum.text);
      this.duck.close();
      rmSync(this.scratchDirectory, { recursive: true, force: true });
      syncTree(this.place.temporary);
      putInPlace(this.place.temporary, this.target);
      sync(dirname(this.target));
      this.place.forget();
      this.#state = "finished";
      return manifest;
    } catch (error) {
      await this.abort();
      throw operatingProblem(error, this.shown);
    }
  }

  abort(): Promise<void> {
    if (this.#state === "open") {
      this.#state = "aborted";
      try {
        this.duck.close();
      } catch {
        // Closing twice is no news; the files are what must go.
      }
      this.place.remove();
    }
    return Promise.resolve();
  }

  async #guard(series: number, work: () => Promise<void>): Promise<void> {
    assert(this.#state === "open", "the writer is open");
    assert(series === this.#series.length - 1, "samples belong to the series added last");
    try {
      await work();
    } catch (error) {
      await this.abort();
      throw operatingProblem(error, this.shown);
    }
  }

  /** The oldest that says all that is stored: an older program reads what it understands. */
  #schemaOf({ proposals = [] }: HistoryTables): number {
    if (proposals.length > 0) return NEWEST_SCHEMA;
    return this.#answers.isEmpty ? SCHEMA_VERSION : SCHEMA_WITH_ANSWERS;
  }

  #manifest(tables: HistoryTables, about: About, files: HistoryManifest["files"]): HistoryManifest {
    const hash = createHash("sha256");
    hash.update(this.#samplesHash.digest());
    this.#answers.digestInto(hash);
    for (const line of canonicalLines(tables, this.#series)) hash.update(line);
    const { samples, missing, firstMs, lastMs } = this.#packer;
    return {
      format: "hindsight-history",
      schemaVersion: this.#schemaOf(tables),
      madeBy: about.madeBy,
      from: Number.isFinite(firstMs) ? iso(firstMs) : null,
      to: Number.isFinite(lastMs) ? iso(lastMs) : null,
      samples,
      missingSamples: missing,
      ...(this.#answers.isEmpty ? {} : { answers: this.#answers.counts() }),
      seriesCount: this.#series.length,
      rows: Object.fromEntries(
        filedIn(tables).map((name) => [name, tables[name]!.length]),
      ) as HistoryManifest["rows"],
      sources: about.sources,
      dropped: about.dropped,
      warnings: about.warnings,
      files,
      digest: hash.digest("hex"),
      loggingPolicy: about.loggingPolicy,
    };
  }
}

/** The order of series: service, metric, version by code unit, no version first. */
export function compareNames(
  a: { service: string; metric: string; version: string | null },
  b: { service: string; metric: string; version: string | null },
): number {
  const left = [a.service, a.metric, a.version ?? ""] as const;
  const right = [b.service, b.metric, b.version ?? ""] as const;
  for (let i = 0; i < 3; i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1;
  }
  return (a.version === null ? 0 : 1) - (b.version === null ? 0 : 1);
}

function syncTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else sync(path);
  }
  sync(directory);
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
