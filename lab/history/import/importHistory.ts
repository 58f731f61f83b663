/**
 * One import from beginning to end: find the sources, read the tables, stream the
 * samples, and finish a history, or leave nothing behind.
 */

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ENGINE_VERSION, type DeploymentKind } from "../../../engine/index.ts";
import { operatingProblem } from "../../operatingProblem.ts";
import { refuseUrl } from "../../directory.ts";
import { Problem, Problems } from "../../problem.ts";
import { openDuck, type Duck } from "../duck.ts";
import { chooseLabels } from "../labels/choose.ts";
import type { Dropped, HistoryManifest, HistoryTables, Label, SourceFile } from "../tables.ts";
import { createHistory, type HistoryWriter } from "../write.ts";
import { NO_EXPORTS, type ExportTables } from "./exports/files.ts";
import { warnOfExtraColumns } from "./fields.ts";
import { Findings } from "./findings.ts";
import { jsonLinesRelation } from "./jsonLines.ts";
import { ANSWER, importMetrics } from "./metrics.ts";
import { csvRelation, parquetRelation, sourceOf, type Relation } from "./relation.ts";
import { SMALL_TABLES, type SmallTable } from "./tableRows.ts";
import { importTables } from "./tables.ts";
import type { Zone } from "./zone.ts";

export interface ImportOptions {
  readonly out: string;
  readonly force: boolean;
  /** Anything left out is an error. */
  readonly strict: boolean;
  /** Null when nobody said: `start` is assumed, and the manifest says so. */
  readonly timestamp: "start" | "end" | null;
}

/** Samples, and what was left out of them before they became a table. */
export interface SampleSource {
  /** service, metric, version, ts, value. */
  readonly metrics: Relation;
  readonly dropped: readonly Dropped[];
  readonly warnings: readonly string[];
}

/** Where the rows come from; made with an open database: Parquet is asked for its columns. */
export interface Sources {
  readonly madeBy: string;
  /**
   * Called once every small table has been read: a download may take minutes, and an error in
   * another file must not come after it.
   */
  readonly samples: () => Promise<SampleSource>;
  readonly small: ReadonlyMap<SmallTable, Relation>;
  readonly kinds: ReadonlyMap<string, DeploymentKind>;
  readonly scale: ReadonlyMap<string, number>;
  /** Of times that name none, where that was said. */
  readonly zone: Zone | null;
  readonly warnings: readonly string[];
  /** Rows that were left out before they became a table. */
  readonly dropped?: readonly Dropped[];
}

export interface ImportSummary {
  readonly manifest: HistoryManifest;
  readonly deployments: { readonly total: number } & Readonly<Record<Label, number>>;
}

/**
 * Imports what `find` finds into a new history at `options.out`; `find` may put files into
 * the scratch directory, which is gone at the end.
 *
 * @throws Problem for anything a person can mend; then nothing is left behind.
 */
export async function importHistory(
  find: (duck: Duck, scratch: string) => Promise<Sources>,
  options: ImportOptions,
): Promise<ImportSummary> {
  const writer = await createHistory(options.out, { force: options.force });
  let duck: Duck | null = null;
  try {
    duck = await openDuck({ spillDirectory: writer.scratchDirectory });
    return await importInto(writer, duck, await find(duck, writer.scratchDirectory), options);
  } catch (error) {
    await writer.abort();
    throw operatingProblem(error, options.out);
  } finally {
    duck?.close();
  }
}

async function importInto(
  writer: HistoryWriter,
  { connection }: Duck,
  sources: Sources,
  options: ImportOptions,
): Promise<ImportSummary> {
  const findings = new Findings();
  for (const warning of sources.warnings) findings.warn(warning);
  addDropped(findings, sources.dropped ?? []);
  if (options.timestamp === null) {
    findings.warn(
      "timestamps are read as the start of a bucket, so a sample counts one step later; " +
        "for the end of a bucket use --timestamp end",
    );
  }
  if (sources.zone !== null) {
    findings.warn(
      `times that name no zone are read as local time of ${sources.zone.name} ` +
        `(--timezone; time zone data ${process.versions.tz ?? "of an unknown version"})`,
    );
  }
  const small = await importTables(
    connection,
    { relations: sources.small, kinds: sources.kinds },
    findings,
  );
  if (options.strict) refuseLosses(findings);
  const samples = await sources.samples();
  for (const warning of samples.warnings) findings.warn(warning);
  addDropped(findings, samples.dropped);
  const metricColumns = ["service", "metric", "ts", "value", "version", ANSWER];
  warnOfExtraColumns(samples.metrics, metricColumns, findings);
  const metrics = await importMetrics(connection, samples.metrics, writer, findings, {
    timestamp: options.timestamp ?? "start",
    isCounter: (metric) => small.counterAmong(metric),
    scale: sources.scale,
  });
  const tables = small.tables(metrics);
  const { labels } = chooseLabels(tables.labels, "both");
  if (labels.length === 0) {
    findings.warn(
      "no deployment has a label: how often a policy would be wrong, and what it would miss, " +
        "cannot be told (labels.csv says good or bad)",
    );
  }
  if (options.strict) refuseLosses(findings);
  const manifest = await writer.finish(tables, {
    madeBy: sources.madeBy,
    sources: await listSources(sources, samples.metrics, metrics.rows, small.counts),
    dropped: findings.dropped,
    warnings: findings.warnings,
    loggingPolicy: null,
  });
  return { manifest, deployments: countLabels({ ...tables, labels }) };
}

function addDropped(findings: Findings, dropped: readonly Dropped[]): void {
  for (const { table, reason, rows, examples } of dropped) {
    findings.drop(table, reason, rows, examples);
  }
}

function refuseLosses({ losses }: Findings): void {
  if (losses.length === 0) return;
  throw new Problems(
    losses.map(
      ({ table, reason, rows, examples }) =>
        new Problem(`${table}: ${rows} rows: ${reason}`, {
          ...(examples[0] === undefined ? {} : { file: examples[0] }),
          cure: "Mend the rows, or leave out --strict to import without them.",
        }),
    ),
  );
}

async function listSources(
  sources: Sources,
  metrics: Relation,
  metricRows: number,
  counts: ReadonlyMap<SmallTable, number>,
): Promise<SourceFile[]> {
  const files = [await sourceOf(metrics, metricRows)];
  for (const [table, relation] of sources.small) {
    files.push(await sourceOf(relation, counts.get(table) ?? null));
  }
  return files;
}

/** Deployments by label; those without one are unknown. */
export function countLabels(
  tables: Pick<HistoryTables, "deployments" | "labels">,
): ImportSummary["deployments"] {
  const counts = {
    total: tables.deployments.length,
    regression: 0,
    benign: 0,
    expected_change: 0,
    unrelated_incident: 0,
    unknown: 0,
  };
  const labels = new Map(tables.labels.map(({ deploymentId, label }) => [deploymentId, label]));
  for (const { deploymentId } of tables.deployments)
    counts[labels.get(deploymentId) ?? "unknown"]++;
  return counts;
}

const ENDINGS = [".csv", ".csv.gz", ".parquet"] as const;
/** The forms of a small table; samples are too many to be read line by line. */
const SMALL_ENDINGS = [...ENDINGS, ".jsonl", ".jsonl.gz"] as const;

/** Samples that need not be fetched first. */
export function samplesThere(metrics: Relation): Sources["samples"] {
  return () => Promise.resolve({ metrics, dropped: [], warnings: [] });
}

/**
 * Finds the plain form in a directory: one file a table, CSV, gzipped CSV or Parquet; of a small
 * table also JSON Lines.
 */
export async function findPlainFiles(
  dir: string,
  duck: Duck,
  exports: ExportTables = NO_EXPORTS,
  zone: Zone | null = null,
): Promise<Sources> {
  const names = listDirectory(dir);
  const used = new Set<string>();
  const find = async (table: SmallTable | "metrics"): Promise<Relation | null> => {
    const endings = table === "metrics" ? ENDINGS : SMALL_ENDINGS;
    const found = endings
      .map((ending) => `${table}${ending}`)
      .filter((name) => names.includes(name));
    if (found.length > 1) {
      throw new Problem(`there are ${found.join(" and ")}: which one is meant?`, {
        file: dir,
        cure: "Keep one of them.",
      });
    }
    const [name] = found;
    if (name === undefined) return null;
    used.add(name);
    const path = join(dir, name);
    return table !== "metrics" && /\.jsonl(\.gz)?$/.test(name)
      ? jsonLinesRelation(table, path, name, duck, zone)
      : fileRelation(path, name, duck, zone);
  };
  const metrics = await find("metrics");
  const small = new Map<SmallTable, Relation>();
  for (const table of SMALL_TABLES) {
    const relation = await find(table);
    if (relation !== null) small.set(table, relation);
  }
  addExports(small, exports, dir);
  if (metrics === null || !small.has("deployments")) {
    throw new Problem(`there is no ${metrics === null ? "metrics" : "deployments"}.csv here`, {
      file: dir,
      cure:
        "An import needs metrics.csv (service,metric,ts,value) and " +
        "deployments.csv (deployment_id,service,deployed_at,kind); .csv.gz and .parquet will do.",
    });
  }
  const ignored = names.filter(
    (name) => !used.has(name) && SMALL_ENDINGS.some((ending) => name.endsWith(ending)),
  );
  return {
    madeBy: `hindsight ${ENGINE_VERSION} import csv`,
    samples: samplesThere(metrics),
    small,
    kinds: new Map(),
    scale: new Map(),
    zone,
    warnings: [
      ...(ignored.length > 0 ? [`files not used: ${ignored.join(", ")}`] : []),
      ...exports.warnings,
    ],
    dropped: exports.dropped,
  };
}

/** @throws Problem where a table comes from a file of its own as well: one must be the truth */
export function addExports(
  small: Map<SmallTable, Relation>,
  exports: ExportTables,
  where: string,
): void {
  for (const [table, relation] of exports.small) {
    if (small.has(table)) {
      throw new Problem(`${table} come from ${small.get(table)!.file} and from ${relation.file}`, {
        file: where,
        cure: "Give one of them.",
      });
    }
    small.set(table, relation);
  }
}

/** A table in a file of the plain form: CSV, gzipped CSV or Parquet. */
export function fileRelation(
  path: string,
  file: string,
  duck: Duck,
  zone: Zone | null,
): Promise<Relation> {
  if (!existsSync(path)) {
    throw new Problem("there is no such file", { file, cure: "Check the path." });
  }
  return path.endsWith(".parquet")
    ? parquetRelation(duck.connection, [path], file, zone)
    : csvRelation(path, file, zone);
}

function listDirectory(dir: string): string[] {
  refuseUrl(dir);
  try {
    if (!existsSync(dir)) {
      throw new Problem("there is no such directory", { file: dir, cure: "Check the path." });
    }
    if (!statSync(dir).isDirectory()) {
      throw new Problem("this is a file; an import takes the directory it lies in", { file: dir });
    }
    return readdirSync(dir).sort();
  } catch (error) {
    throw operatingProblem(error, dir);
  }
}
