/**
 * The small tables of a history between memory and Parquet: one description of
 * their columns serves writing, reading and the digest.
 *
 * Laws: rows are sorted by content, so equal content gives equal files and an
 * equal digest; times are TIMESTAMP in the file and integer milliseconds here.
 */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { JSDuckDBValueConverter, type DuckDBConnection } from "@duckdb/node-api";
import { assert, own, jsonObject, type JsonObject } from "../../engine/index.ts";
import { DeploymentColumns } from "./deploymentRows.ts";
import { quoted } from "./duck.ts";
import type { Listed } from "./listed.ts";
import type { DeploymentRow, HistoryTables, SeriesRow, TableName } from "./tables.ts";

type ColumnKind = "text" | "time" | "number" | "integer" | "texts" | "stages";

interface Column {
  /** The name in the Parquet file. */
  readonly column: string;
  /** The name in the row. */
  readonly field: string;
  readonly kind: ColumnKind;
  /** Written, and part of the digest, only where a row has it. */
  readonly optional: boolean;
}

interface TableFile {
  readonly file: string;
  readonly columns: readonly Column[];
  /** Fields that order the rows; the whole row breaks ties. */
  readonly order: readonly string[];
}

function columns(text: string): Column[] {
  return text
    .trim()
    .split(/\s+/)
    .map((part) => {
      const [column, kind] = part.replace("?", "").split(":") as [string, ColumnKind | undefined];
      const camel = column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      return {
        column,
        field: kind === "time" ? `${camel}Ms` : camel,
        kind: kind ?? "text",
        optional: part.endsWith("?"),
      };
    });
}

/** File, columns and order of every table but the samples. */
export const TABLE_FILES: Readonly<Record<TableName | "series", TableFile>> = {
  deployments: {
    file: "deployments.parquet",
    columns: columns(
      `deployment_id service environment kind kind_source started_at:time finished_at:time
       version author stages:stages known_at:time?`,
    ),
    order: ["startedAtMs", "deploymentId"],
  },
  tags: {
    file: "tags.parquet",
    columns: columns(
      `deployment_id service tag value signal valid_from:time valid_until:time known_at:time
       given_by approved_by`,
    ),
    order: ["knownAtMs", "service", "deploymentId", "tag", "signal"],
  },
  incidents: {
    file: "incidents.parquet",
    columns: columns(
      `incident_id deployment_id service label onset_at:time detected_at:time resolved_at:time
       resolved_by severity`,
    ),
    order: ["onsetAtMs", "service", "incidentId"],
  },
  labels: {
    file: "labels.parquet",
    columns: columns(
      `deployment_id label basis labelled_by labelled_at:time derived? source? confidence:number?
       why? known_at:time? taken_back_at:time?`,
    ),
    order: ["deploymentId"],
  },
  decisions: {
    file: "decisions.parquet",
    columns: columns(
      "deployment_id at:time what by justification confidence:number propensity:number?",
    ),
    order: ["atMs", "deploymentId", "what"],
  },
  services: {
    file: "services.parquet",
    columns: columns(
      "service team criticality timezone depends_on:texts revenue_per_minute:number",
    ),
    order: ["service"],
  },
  metricCatalog: {
    file: "metric_catalog.parquet",
    columns: columns("metric unit worse kind role? confidence:number?"),
    order: ["metric"],
  },
  cases: {
    file: "cases.parquet",
    columns: columns("case_id starts_at:time ends_at:time"),
    order: ["startsAtMs", "caseId"],
  },
  proposals: {
    file: "proposals.parquet",
    columns: columns(
      `proposal_id deployment_id agent action confidence:number rationale proposed_at:time
       answered_by answer answered_at:time`,
    ),
    order: ["proposedAtMs", "deploymentId", "proposalId"],
  },
  series: {
    file: "series.parquet",
    columns: columns("series:integer service metric version"),
    order: ["series"],
  },
};

const TABLE_NAMES = Object.keys(TABLE_FILES).filter((name): name is TableName => name !== "series");

/** The tables that have a file: a history without proposals is as it was before there were any. */
export function filedTables(has: { readonly proposals: boolean }): readonly TableName[] {
  return TABLE_NAMES.filter((name) => name !== "proposals" || has.proposals);
}

/** The tables of these that have a file. */
export function filedIn({ proposals = [] }: HistoryTables): readonly TableName[] {
  return filedTables({ proposals: proposals.length > 0 });
}

type Row = JsonObject;

/** Every field of a row in the order of its columns: equal rows give equal text. */
function canonicalLine(table: TableFile, row: Row): string {
  return JSON.stringify(
    table.columns.flatMap(({ field, kind, optional }) => {
      const value = own(row, field);
      if (optional && value === undefined) return [];
      if (kind === "stages") {
        const stages = value as { share: number | null; atMs: number }[];
        return [stages.map((s) => [s.share, s.atMs])];
      }
      return [value ?? null];
    }),
  );
}

function compareValues(left: unknown, right: unknown): number {
  if (left === right) return 0;
  if (left === null || left === undefined) return -1;
  if (right === null || right === undefined) return 1;
  return (left as string | number) < (right as string | number) ? -1 : 1;
}

function sortRows(table: TableFile, rows: readonly Row[]): Row[] {
  const keyed = rows.map((row) => ({ row, line: canonicalLine(table, row) }));
  keyed.sort((a, b) => {
    for (const field of table.order) {
      const order = compareValues(own(a.row, field), own(b.row, field));
      if (order !== 0) return order;
    }
    return compareValues(a.line, b.line);
  });
  return keyed.map(({ row }) => row);
}

/** The tables with rows in their one order. */
export function sortTables(tables: HistoryTables): HistoryTables {
  const sorted = Object.fromEntries(
    filedIn(tables).map((name) => [
      name,
      sortRows(TABLE_FILES[name], tables[name] as unknown as readonly Row[]),
    ]),
  );
  return sorted as unknown as HistoryTables;
}

/** One canonical line a row, every table in turn: what the digest is taken over. */
export function* canonicalLines(
  tables: HistoryTables,
  series: readonly SeriesRow[],
): Generator<string> {
  for (const name of [...filedIn(tables), "series"] as const) {
    const rows = (name === "series" ? series : tables[name]) as unknown as readonly Row[];
    yield `${name} ${rows.length}\n`;
    for (const row of rows) yield `${canonicalLine(TABLE_FILES[name], row)}\n`;
  }
}

const JSON_TYPES: Readonly<Record<ColumnKind, string>> = {
  text: "VARCHAR",
  time: "BIGINT",
  number: "DOUBLE",
  integer: "INTEGER",
  texts: "VARCHAR[]",
  stages: "STRUCT(share DOUBLE, atMs BIGINT)[]",
};

function toFile({ column, field, kind }: Column): string {
  const source = `"${field}"`;
  switch (kind) {
    case "time":
      return `make_timestamp(${source} * 1000) AS ${column}`;
    case "stages":
      return `list_transform(${source},
        lambda s: {'share': s.share, 'at': make_timestamp(s.atMs * 1000)}) AS ${column}`;
    case "text":
    case "number":
    case "integer":
    case "texts":
      return `${source} AS "${column}"`;
  }
}

function fromFile({ column, field, kind }: Column): string {
  switch (kind) {
    case "time":
      return `CAST(epoch_ms("${column}") AS DOUBLE) AS "${field}"`;
    case "stages":
      // Most have none, and a list costs as much to read where it is empty.
      return `CASE WHEN len("${column}") > 0 THEN list_transform("${column}",
        lambda s: {'share': s.share, 'atMs': CAST(epoch_ms(s."at") AS DOUBLE)}) END AS "${field}"`;
    case "text":
    case "number":
    case "integer":
    case "texts":
      return `"${column}" AS "${field}"`;
  }
}

/** Writes every table to its Parquet file in `dir`; rows must already be sorted. */
export async function writeTables(
  connection: DuckDBConnection,
  dir: string,
  tables: HistoryTables,
  series: readonly SeriesRow[],
): Promise<void> {
  const scratch = join(dir, ".rows.ndjson");
  for (const name of [...filedIn(tables), "series"] as const) {
    const table = TABLE_FILES[name];
    const rows = (name === "series" ? series : tables[name]) as unknown as readonly Row[];
    writeFileSync(scratch, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const written = table.columns.filter(
      ({ field, optional }) => !optional || rows.some((row) => own(row, field) !== undefined),
    );
    const types = written.map((c) => `"${c.field}": ${quoted(JSON_TYPES[c.kind])}`);
    await connection.run(
      `COPY (SELECT ${written.map(toFile).join(", ")}
         FROM read_json(${quoted(scratch)}, format = 'newline_delimited',
           maximum_object_size = 67108864, columns = {${types.join(", ")}}))
       TO ${quoted(join(dir, table.file))} (FORMAT parquet, COMPRESSION zstd)`,
    );
  }
  rmSync(scratch);
}

/** Reads one small table; rows come back in the file's order. */
export async function readTable(
  connection: DuckDBConnection,
  dir: string,
  name: TableName | "series",
): Promise<Row[]> {
  const rows: Row[] = [];
  // A year of labels names the same people and reasons over and over.
  const texts = new Map<string, string>();
  const shared = (text: string): string => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
  await readRows(connection, dir, name, shared, (row) => rows.push(row));
  return rows;
}

/**
 * The same, kept as columns.
 *
 * @param rows as many as there probably are
 */
export async function readDeployments(
  connection: DuckDBConnection,
  dir: string,
  rows: number,
): Promise<Listed<DeploymentRow>> {
  const columns = new DeploymentColumns(rows);
  const own = (text: string): string => text;
  await readRows(connection, dir, "deployments", own, (row) => columns.add(row as never));
  return columns.rows();
}

async function readRows(
  connection: DuckDBConnection,
  dir: string,
  name: TableName | "series",
  textOf: (text: string) => string,
  take: (row: Row) => void,
): Promise<void> {
  const table = TABLE_FILES[name];
  const file = quoted(join(dir, table.file));
  const there = table.columns.some(({ optional }) => optional)
    ? await columnsOf(connection, file)
    : null;
  const read = table.columns.filter(
    ({ column, optional }) => !optional || there?.has(column) === true,
  );
  // A part of the answer at a time: all of it at once takes several times what is kept of it.
  const result = await connection.stream(
    `SELECT ${read.map(fromFile).join(", ")} FROM read_parquet(${file})`,
  );
  const valueOf = ({ kind }: Column, value: unknown): unknown => {
    if (kind === "time") checkTime(value as number | null);
    if (kind === "texts" || kind === "stages") return value ?? NOTHING;
    return typeof value === "string" ? textOf(value) : value;
  };
  for await (const chunk of result) {
    const values = chunk.convertColumns(JSDuckDBValueConverter);
    for (let at = 0; at < chunk.rowCount; at++) {
      const row = new Map<string, unknown>();
      for (let place = 0; place < read.length; place++) {
        const column = read[place]!;
        const value = valueOf(column, values[place]![at]);
        if (!column.optional || value !== null) row.set(column.field, value);
      }
      take(jsonObject(row));
    }
  }
}

const NOTHING: readonly never[] = [];

async function columnsOf(connection: DuckDBConnection, file: string): Promise<Set<unknown>> {
  const reader = await connection.runAndReadAll(`SELECT name FROM parquet_schema(${file})`);
  return new Set(reader.getRowsJS().map(([name]) => name));
}

function checkTime(atMs: number | null): void {
  assert(atMs === null || Number.isSafeInteger(atMs), "a stored time is a whole millisecond");
}
