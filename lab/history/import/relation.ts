/**
 * Something to import rows from, as DuckDB sees it: a CSV file (plain or gzipped),
 * a Parquet file, or a mapped SELECT. Rows are numbered in file order, so that
 * whatever is wrong can be named by file and line.
 */

import { own, type JsonObject } from "../../../engine/index.ts";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import type { DuckDBConnection } from "@duckdb/node-api";
import { isDiskFull, operatingProblem } from "../../operatingProblem.ts";
import { Problem } from "../../problem.ts";
import { identifier, quoted } from "../duck.ts";
import type { SourceFile } from "../tables.ts";
import { locateRecords } from "./lines.ts";
import type { Zone } from "./zone.ts";

/** Where something stands in a mapping file. */
export type Place = (path: readonly (string | number)[]) => {
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

/** A source of rows of one table. */
export interface Relation {
  /** As shown to people: the file's name, or the glob of a mapping. */
  readonly file: string;
  readonly paths: readonly string[];
  readonly isCsv: boolean;
  /** A table expression with our columns and the row's ordinal `hindsight_row`, from 1. */
  readonly sql: string;
  /** Column name to DuckDB type. */
  readonly columns: ReadonlyMap<string, string>;
  /** Where DuckDB puts the lines it cannot read. */
  readonly rejects: string | null;
  /** Of JSON Lines, whose rows are numbered by their lines: those that could not be read. */
  readonly unreadable?: readonly UnreadableLine[];
  /** Of times that name none; null: such a time is an error. */
  readonly zone: Zone | null;
  /** Where the mapping file describes the table; absent without a mapping. */
  readonly place?: Place;
  /** Why a mapped table has no rows, where the mapping tells. */
  readonly whyEmpty?: () => Promise<Problem | null>;
}

export interface UnreadableLine {
  readonly line: number;
  readonly why: string;
}

let rejectTables = 0;

/** A CSV file; its header names the columns. */
export async function csvRelation(
  path: string,
  file: string,
  zone: Zone | null = null,
): Promise<Relation> {
  const header = await readHeader(path, file);
  const repeated = header.find((name, i) => header.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw new Problem(`the column "${repeated}" is there twice`, {
      file,
      line: 1,
      cure: "Give every column its own name.",
    });
  }
  const rejects = newRejects();
  return {
    file,
    paths: [path],
    isCsv: true,
    columns: new Map(header.map((name) => [name, "VARCHAR"])),
    rejects,
    zone,
    sql: `(SELECT *, row_number() OVER () AS hindsight_row
      FROM ${csvReader([path], header, ",", rejects)})`,
  };
}

/** A name for a table of the lines that DuckDB cannot read. */
export function newRejects(): string {
  return `rejects_${++rejectTables}`;
}

/** Reads CSV files of one header without guessing; lines that do not fit go to `rejects`. */
export function csvReader(
  paths: readonly string[],
  header: readonly string[],
  delimiter: string,
  rejects: string,
): string {
  const columns = header.map((name) => `${quoted(name)}: 'VARCHAR'`).join(", ");
  return `read_csv([${paths.map(quoted).join(", ")}],
      auto_detect = false, header = true, delim = ${quoted(delimiter)}, quote = '"', escape = '"',
      columns = {${columns}}, ignore_errors = true, store_rejects = true, rejects_limit = 0,
      rejects_table = ${quoted(rejects)}, rejects_scan = ${quoted(`${rejects}_scan`)})`;
}

/** Parquet files as they are. */
export async function parquetRelation(
  connection: DuckDBConnection,
  paths: readonly string[],
  file: string,
  zone: Zone | null,
): Promise<Relation> {
  const body = `SELECT * FROM read_parquet([${paths.map(quoted).join(", ")}])`;
  const columns = await describe(connection, body, file);
  return {
    file,
    paths,
    isCsv: false,
    columns,
    rejects: null,
    zone,
    sql: `(SELECT *, row_number() OVER () AS hindsight_row FROM (${body}))`,
  };
}

/**
 * Rows that were read from files of another form, which have the same columns.
 *
 * @param ordinals of the rows; absent: they are numbered as they come
 */
export async function tableRelation(
  connection: DuckDBConnection,
  table: string,
  paths: readonly string[],
  rows: readonly JsonObject<string | null>[],
  ordinals?: readonly number[],
): Promise<Relation> {
  const columns = Object.keys(rows[0] ?? {});
  const name = identifier(`rows_of_${table}`);
  const types = columns.map((column) => `${identifier(column)} VARCHAR`).join(", ");
  await connection.run(`CREATE OR REPLACE TABLE ${name} (hindsight_row INTEGER, ${types})`);
  const appender = await connection.createAppender(`rows_of_${table}`);
  for (const [index, row] of rows.entries()) {
    appender.appendInteger(ordinals?.[index] ?? index + 1);
    for (const column of columns) {
      const text = own(row, column) ?? null;
      if (text === null) appender.appendNull();
      else appender.appendVarchar(text);
    }
    appender.endRow();
  }
  appender.closeSync();
  return {
    file: paths.join(", "),
    paths,
    isCsv: false,
    columns: new Map(columns.map((column) => [column, "VARCHAR"])),
    rejects: null,
    zone: null,
    sql: name,
  };
}

async function describe(
  connection: DuckDBConnection,
  sql: string,
  file: string,
): Promise<Map<string, string>> {
  try {
    const reader = await connection.runAndReadAll(`DESCRIBE ${sql}`);
    const rows = reader.getRowObjectsJS() as { column_name: string; column_type: string }[];
    return new Map(rows.map((row) => [row.column_name, row.column_type]));
  } catch (error) {
    throw relationProblem(error, file);
  }
}

/** Marks an error that SQL of ours raises, so that it is not taken for damage to a file. */
const OURS = "hindsight at ";
/** Between the text of such an error and its cure. */
export const CURED = "\n  ";

/**
 * SQL that fails with a problem of ours.
 *
 * @param at `file:line`
 * @param what SQL of a text
 */
export function failing(at: string, what: string): string {
  return `error(${quoted(`${OURS}${at}: `)} || ${what})`;
}

/** DuckDB's complaint about a source as a `Problem` that names it. */
export function relationProblem(error: unknown, file: string): unknown {
  // Staging reads here and writes there: whoever knows the target names the full disk.
  if (isDiskFull(error)) return error;
  const problem = operatingProblem(error, file);
  if (problem instanceof Problem || !(error instanceof Error)) return problem;
  const ours = new RegExp(`${OURS}(.+?):(\\d+): (.*)$`, "s").exec(error.message);
  if (ours !== null) {
    const [, mapping, line, what] = ours;
    const [first = "", cure] = what!.split(CURED, 2);
    const where = { file: mapping!, line: Number(line) };
    return new Problem(first, cure === undefined ? where : { ...where, cure });
  }
  return new Problem(`DuckDB cannot read this: ${error.message.split("\n")[0] ?? ""}`, {
    file,
    cure: "Check that the file is whole and its columns are what the import expects.",
  });
}

/** DuckDB's type of a time in UTC; its other types of times name no zone. */
export const ZONED = "TIMESTAMP WITH TIME ZONE";

/** A column as text in SQL; times in ISO 8601, with Z where they have a zone; lists with ";". */
export function textOf(relation: Relation, column: string): string {
  const type = relation.columns.get(column)!;
  const name = identifier(column);
  if (type === "VARCHAR") return name;
  if (type.startsWith("TIMESTAMP")) {
    const format = `%Y-%m-%dT%H:%M:%S.%g${type === ZONED ? "Z" : ""}`;
    return `strftime(make_timestamp(epoch_us(${name})), '${format}')`;
  }
  if (type.endsWith("[]")) return `array_to_string(${name}, ';')`;
  return `CAST(${name} AS VARCHAR)`;
}

/** Fails when a required column is missing; the message lists what is there. */
export function requireColumns(relation: Relation, needed: readonly string[]): void {
  const missing = needed.filter((column) => !relation.columns.has(column));
  if (missing.length === 0) return;
  const what = `missing ${missing.length === 1 ? "column" : "columns"}: ${missing.join(", ")}`;
  const { file, place } = relation;
  if (place !== undefined) {
    const cure = `Add to columns, such as ${missing[0]!}: NAME of a column in ${file}.`;
    throw new Problem(what, { ...place(["columns"]), cure });
  }
  throw new Problem(what, { file, line: 1, cure: cureOf([...relation.columns.keys()]) });
}

/** Spreadsheets of half the world write semicolons, and then there is one column. */
function cureOf(columns: readonly string[]): string {
  const [only = ""] = columns;
  const between = columns.length === 1 ? /[;\t|]/.exec(only)?.[0] : undefined;
  if (between === undefined) return `It has ${columns.join(", ")}; rename or add what is missing.`;
  const what = between === "\t" ? "tabs" : `"${between}"`;
  return `Its fields stand between ${what}: write it with commas, and a point in numbers.`;
}

/** The names in the first line of a CSV file. */
export async function readHeader(path: string, file: string, delimiter = ","): Promise<string[]> {
  let head = "";
  try {
    const raw = createReadStream(path, { end: 1 << 20 });
    const text = path.endsWith(".gz") ? raw.pipe(createGunzip({ finishFlush: 2 })) : raw;
    text.setEncoding("utf8");
    raw.on("error", (error) => text.destroy(error));
    for await (const part of text) {
      head += String(part);
      if (head.includes("\n")) break;
    }
    raw.destroy();
  } catch (error) {
    const problem = operatingProblem(error, file);
    if (problem instanceof Problem || !String(error).includes("incorrect header")) throw problem;
    throw new Problem("this is not a gzip file", {
      file,
      cure: "Compress it again, or rename it.",
    });
  }
  const line = head.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0] ?? "";
  if (line.trim() === "") {
    throw new Problem("this file is empty: it has no header line", {
      file,
      cure: "The first line names the columns.",
    });
  }
  const names: string[] = [];
  let open = "";
  for (const part of line.split(delimiter)) {
    open += part;
    // A delimiter between quotes belongs to a name.
    if ((open.split('"').length - 1) % 2 === 1) open += delimiter;
    else {
      names.push(open.trim().replace(/^"(.*)"$/s, (_, name: string) => name.replaceAll('""', '"')));
      open = "";
    }
  }
  return open === "" ? names : [...names, open.trim()];
}

/** Physical lines of rows (by ordinal) and of the lines DuckDB refused. */
export interface Places {
  /** `metrics.csv.gz:17`, in the order asked for; `metrics.parquet row 17` for Parquet. */
  readonly rows: readonly string[];
  readonly rejected: readonly { readonly place: string; readonly why: string }[];
}

/** Names the places of rows; reads the file once more only when there is something to name. */
export async function placesOf(
  connection: DuckDBConnection,
  relation: Relation,
  ordinals: readonly number[],
): Promise<Places> {
  const { file, unreadable } = relation;
  if (unreadable !== undefined) {
    const rejected = unreadable.map(({ line, why }) => ({ place: `${file}:${line}`, why }));
    return { rows: ordinals.map((line) => `${file}:${line}`), rejected };
  }
  const byOrdinal = ordinals.map((n) => `${file} row ${n}`);
  if (relation.rejects === null) return { rows: byOrdinal, rejected: [] };
  const reader = await connection.runAndReadAll(
    `SELECT file_path AS path, CAST(line_byte_position AS DOUBLE) AS byte,
         any_value(error_message) AS why
       FROM ${relation.rejects} JOIN ${relation.rejects}_scan USING (scan_id, file_id)
       GROUP BY ALL ORDER BY path, byte`,
  );
  const rejects = reader.getRowObjectsJS() as { path: string; byte: number; why: string }[];
  const rejected: { place: string; why: string }[] = [];
  let rows = byOrdinal;
  for (const path of relation.paths) {
    const isOnly = relation.paths.length === 1;
    const here = isOnly ? rejects : rejects.filter((reject) => reject.path === path);
    // Rows of a mapping may be elements of lists, or some of the lines only.
    const asked = relation.isCsv ? ordinals : [];
    if (asked.length === 0 && here.length === 0) continue;
    const bytes = here.map(({ byte }) => byte);
    const { ordinalLines, rejectLines } = await locateRecords(path, asked, bytes);
    const shown = relation.isCsv ? relation.file : path;
    if (relation.isCsv) rows = ordinalLines.map((line) => `${shown}:${line}`);
    for (const [i, line] of rejectLines.entries()) {
      rejected.push({ place: `${shown}:${line}`, why: here[i]!.why });
    }
  }
  return { rows, rejected };
}

/** Size-independent SHA-256 of the files of a source, in order. */
export async function sourceOf(relation: Relation, rows: number | null): Promise<SourceFile> {
  const hash = createHash("sha256");
  for (const path of relation.paths) {
    for await (const part of createReadStream(path)) hash.update(part as Buffer);
  }
  return { source: relation.file, sha256: hash.digest("hex"), rows };
}
