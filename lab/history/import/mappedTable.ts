/**
 * One table of a mapping: files of any form, nested lists spread into rows, columns picked out of
 * what is then there. DuckDB reads; here its SELECT is put together, a step at a time, so that an
 * error can name the line of the mapping and the columns of the data.
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { statSync } from "node:fs";
import { z } from "zod";
import { own } from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import { identifier, quoted } from "../duck.ts";
import { isDiskFull } from "../../operatingProblem.ts";
import { mappedCsv, type MappedCsv } from "./mappedCsv.ts";
import { CURED, failing, type Place, type Relation } from "./relation.ts";
import type { Zone } from "./zone.ts";

const FORMATS = ["parquet", "csv", "json"] as const;
/** What a value of the source is, where it is not what the import expects. */
const UNITS = ["epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "decimal_comma"] as const;

const COLUMN = z.union(
  [
    z.string(),
    z.strictObject({ constant: z.union([z.string(), z.number()]) }),
    z.strictObject({ sql: z.string() }),
    z.strictObject({ of: z.string(), is: z.enum(UNITS) }),
  ],
  {
    error:
      "this is none of NAME, { constant: TEXT }, { sql: EXPRESSION } and " +
      `{ of: NAME, is: ${UNITS.join(" | ")} }`,
  },
);
const FILES = z.union([z.string(), z.array(z.string()).min(1)], {
  error: "this is neither a path nor a list of paths",
});
const LISTS = z.union([z.string(), z.array(z.string()).min(2)], {
  error: "this is neither a list's name nor two or more names of lists that go side by side",
});

export const TABLE = z.strictObject({
  files: FILES,
  format: z.enum(FORMATS).optional(),
  /** Between the fields of a CSV file; a comma where it is absent. */
  delimiter: z.string().length(1).optional(),
  /** Lists that become rows, one after the other; those in a list go side by side. */
  rows: z.array(LISTS).optional(),
  columns: z.record(z.string(), COLUMN).optional(),
  where: z.string().optional(),
});
export type MappedTable = z.infer<typeof TABLE>;

/** A table expression under construction. */
interface Step {
  readonly sql: string;
  readonly columns: ReadonlyMap<string, string>;
}

/**
 * The rows of a table of the mapping.
 *
 * @param shown as people know the files
 * @param required our columns that every file must have: DuckDB fills in those of other files
 * @throws Problem that names the line of the mapping, and the columns that there are
 */
export async function mappedRelation(
  connection: DuckDBConnection,
  table: MappedTable,
  paths: readonly string[],
  shown: string,
  zone: Zone | null,
  place: Place,
  required: readonly string[],
): Promise<Relation> {
  const describe = async (sql: string): Promise<Step> => {
    const reader = await connection.runAndReadAll(`DESCRIBE ${sql}`);
    const rows = reader.getRowObjectsJS() as { column_name: string; column_type: string }[];
    return {
      sql: `(${sql})`,
      columns: new Map(rows.map((row) => [row.column_name, row.column_type])),
    };
  };
  const spreads: { readonly step: Step; readonly at: number; readonly names: string }[] = [];
  const whyEmpty = async (): Promise<Problem | null> => {
    for (const { step, at, names } of spreads) {
      if (await hasRows(connection, step)) continue;
      const cure = `There is no element of ${names} in ${shown}. Was anything exported?`;
      return new Problem(`rows: the list is empty: ${names}`, { ...place(["rows", at]), cure });
    }
    return null;
  };
  /** The SELECT, or a problem at a place of the mapping with what there is. */
  const trying = async (
    sql: string,
    before: Step,
    path: readonly (string | number)[],
    what: string,
    file = shown,
  ): Promise<Step> => {
    try {
      return await describe(sql);
    } catch (error) {
      if (!(error instanceof Error) || isDiskFull(error)) throw error;
      const why = error.message.split("\n")[0]!.replace(/^\w+ Error: /, "");
      // An empty list has no fields either; its emptiness is the cause.
      const empty = await whyEmpty();
      throw empty ?? new Problem(`${what}: ${why}`, { ...place(path), cure: there(before, file) });
    }
  };
  const nothing: Step = { sql: "", columns: new Map() };
  const isCsv = (table.format ?? formatOf(paths[0]!)) === "csv";
  const csv = isCsv ? await mappedCsv(paths, table.delimiter) : null;
  const read = csv?.read ?? `SELECT * FROM ${readerOf(table, paths)}`;
  let step = await trying(read, nothing, ["files"], `${shown} cannot be read`);
  for (const [at, lists] of (table.rows ?? []).entries()) {
    const names = typeof lists === "string" ? [lists] : lists;
    const { file, line } = place(["rows", at]);
    const sql = spread(step, names, `${file}:${line}`);
    step = await trying(sql, step, ["rows", at], `rows: ${names.join(", ")}`);
    spreads.push({ step, at, names: names.join(", ") });
  }
  const columns = Object.entries(table.columns ?? {});
  for (const [ours, theirs] of columns) {
    const path = ["columns", ours];
    const sql = `SELECT ${expressionOf(step, theirs)} FROM ${step.sql}`;
    await trying(sql, step, path, `column ${ours}: ${JSON.stringify(theirs)}`);
  }
  for (const { read, file } of table.rows === undefined ? kindsOf(table, paths, csv) : []) {
    const alone = await describe(read);
    for (const ours of required) {
      const theirs = table.columns === undefined ? ours : own(table.columns, ours);
      if (theirs === undefined) continue;
      const sql = `SELECT ${expressionOf(alone, theirs)} FROM ${alone.sql}`;
      const what = `column ${ours} in ${file}: ${JSON.stringify(theirs)}`;
      await trying(sql, alone, ["columns", ours], what, file);
    }
  }
  const where = table.where === undefined ? "" : ` WHERE ${table.where}`;
  if (where !== "") {
    await trying(`SELECT * FROM ${step.sql}${where}`, step, ["where"], "where");
  }
  const sourced = (ours: string): string => {
    const { file, line } = place(["columns", ours]);
    return `${file}:${line}`;
  };
  const picked = columns.map(([ours, theirs]) => {
    return `${expressionOf(step, theirs, sourced(ours))} AS ${identifier(ours)}`;
  });
  const select = picked.length === 0 ? "*" : picked.join(", ");
  const last = await describe(`SELECT ${select} FROM ${step.sql}${where}`);
  return {
    file: shown,
    paths,
    isCsv: false,
    columns: last.columns,
    rejects: csv?.rejects ?? null,
    zone,
    place,
    whyEmpty,
    sql: `(SELECT *, row_number() OVER () AS hindsight_row FROM ${last.sql})`,
  };
}

/** Files that may differ in their columns. */
function kindsOf(
  table: MappedTable,
  paths: readonly string[],
  csv: MappedCsv | null,
): MappedCsv["kinds"] {
  const isParquet = (table.format ?? formatOf(paths[0]!)) === "parquet";
  const kinds =
    csv?.kinds ??
    (isParquet ? paths : []).map((file) => {
      return { read: `SELECT * FROM ${readerOf(table, [file])}`, file };
    });
  return kinds.length > 1 ? kinds : [];
}

async function hasRows(connection: DuckDBConnection, { sql }: Step): Promise<boolean> {
  try {
    const reader = await connection.runAndReadAll(`SELECT 1 FROM ${sql} LIMIT 1`);
    return reader.currentRowCount > 0;
  } catch (error) {
    // Data that cannot be read is there; the import says what is wrong with it.
    if (isDiskFull(error)) throw error;
    return true;
  }
}

function readerOf({ format }: MappedTable, paths: readonly string[]): string {
  const files = `[${paths.map(quoted).join(", ")}]`;
  if ((format ?? formatOf(paths[0]!)) === "parquet") {
    return `read_parquet(${files}, union_by_name = true)`;
  }
  // Labels differ from series to series: each stays a name, and does not become a MAP.
  return (
    `read_json(${files}, union_by_name = true, sample_size = -1, maximum_depth = -1, ` +
    "map_inference_threshold = -1, convert_strings_to_integers = false, " +
    `maximum_object_size = ${objectBytes(paths)}, timestampformat = 'never', ` +
    "dateformat = 'never')"
  );
}

const OBJECT_BYTES = 1 << 24;
const PACKED_TIMES = 16;

/** An answer of an API is one object, as long as its file. DuckDB sets twice that aside. */
function objectBytes(paths: readonly string[]): number {
  const sizes = paths.map(
    (path) => statSync(path).size * (path.endsWith(".gz") ? PACKED_TIMES : 1),
  );
  return Math.max(OBJECT_BYTES, ...sizes) + 1;
}

function formatOf(path: string): (typeof FORMATS)[number] {
  if (/\.(csv|tsv|txt)(\.gz)?$/i.test(path)) return "csv";
  return /\.(json|jsonl|ndjson)(\.gz)?$/i.test(path) ? "json" : "parquet";
}

/** Each element of the lists becomes a row; its column is called as the list is. */
function spread({ sql, columns }: Step, names: readonly string[], at: string): string {
  const lasts = names.map((name) => name.slice(name.lastIndexOf(".") + 1));
  const gone = lasts.filter((name) => columns.has(name)).map(identifier);
  const kept = gone.length === 0 ? "*" : `* EXCLUDE (${gone.join(", ")})`;
  const lengths = names.map((name) => `len(${pathOf(columns, name)})`);
  const isUneven = lengths.slice(1).map((length) => `${length} IS DISTINCT FROM ${lengths[0]!}`);
  const uneven = quoted(`the lists ${names.join(" and ")} are not equally long`);
  const lists = names.map((name, i) => {
    const list = pathOf(columns, name);
    const checked =
      isUneven.length === 0
        ? list
        : `CASE WHEN ${isUneven.join(" OR ")} THEN ${failing(at, uneven)} ELSE ${list} END`;
    return `unnest(${checked}) AS ${identifier(lasts[i]!)}`;
  });
  return `SELECT ${kept}, ${lists.join(", ")} FROM ${sql}`;
}

/** `metric.labels.service` and `pointlist[1]`, unless a column is called just that. */
function pathOf(columns: ReadonlyMap<string, string>, path: string): string {
  if (columns.has(path)) return identifier(path);
  const [, head = path, rest = ""] = /^([^.[]+)(.*)$/s.exec(path) ?? [];
  const steps = [...rest.matchAll(/\.([^.[]+)|\[(\d{1,6})\]/g)];
  if (steps.map(([step]) => step).join("") !== rest) return identifier(path);
  return steps.reduce(
    (inner, [, name, place]) =>
      name === undefined ? `${inner}[${place!}]` : `${inner}[${quoted(name)}]`,
    identifier(head),
  );
}

type Column = z.infer<typeof COLUMN>;

/** @param at the place in the mapping, for what only the data shows to be wrong */
function expressionOf({ columns }: Step, column: Column, at = ""): string {
  if (typeof column === "string") return pathOf(columns, column);
  if ("sql" in column) return `(${column.sql})`;
  if ("constant" in column) return quoted(String(column.constant));
  return inUnit(pathOf(columns, column.of), column.is, column.of, at);
}

const PER_SECOND = { epoch_s: 1, epoch_ms: 1e3, epoch_us: 1e6, epoch_ns: 1e9 } as const;
/** Seconds taken for milliseconds are times of January 1970; systems of ours are younger. */
const FIRST_SECOND = 946_684_800;
const LAST_SECOND = 4_102_444_800;

function inUnit(value: string, unit: (typeof UNITS)[number], name: string, at: string): string {
  const text = `CAST(${value} AS VARCHAR)`;
  const shown = `left(${text}, 60)`;
  if (unit === "decimal_comma") return decimalComma(text, shown, name, at);
  const perSecond = PER_SECOND[unit];
  const micros =
    unit === "epoch_ns"
      ? `CAST(${value} AS HUGEINT) // 1000`
      : `round(CAST(${value} AS DOUBLE) * ${1e6 / perSecond})`;
  const isIn = (scale: number): string =>
    `coalesce(TRY_CAST(${value} AS DOUBLE) BETWEEN ${FIRST_SECOND * scale} ` +
    `AND ${LAST_SECOND * scale}, false)`;
  const wrong = `${name} is no time in ${unit} between 2000 and 2100: `;
  const fitting = Object.entries(PER_SECOND).map(([other, scale]) => {
    return `WHEN ${isIn(scale)} THEN ${quoted(`${CURED}It would be one in ${other}.`)}`;
  });
  const cure = `CASE ${fitting.join(" ")} ELSE '' END`;
  return (
    `CASE WHEN ${value} IS NULL THEN NULL WHEN ${isIn(perSecond)} ` +
    `THEN make_timestamptz(CAST(${micros} AS BIGINT)) ` +
    `ELSE ${failing(at, `${quoted(wrong)} || ${shown} || ${cure}`)} END`
  );
}

/** Between thousands; an apostrophe stands there in Switzerland. */
const BETWEEN_THOUSANDS = ["\\.", "[\\s\\x{a0}\\x{202f}]", "['\\x{2019}]"];

/** A point that is not between groups of three digits is a decimal point: 0.25 is not 25. */
function decimalComma(text: string, shown: string, name: string, at: string): string {
  const groups = BETWEEN_THOUSANDS.map((sign) => `(${sign}\\d{3})+`).join("|");
  const whole = `([1-9]\\d{0,2}(${groups})|\\d+)(,\\d*)?|,\\d+`;
  const pattern = quoted(`[-+]?(${whole})([eE][-+]?\\d+)?`);
  const plain = `regexp_replace(${text}, '[.''\\s\\x{a0}\\x{202f}\\x{2019}]', '', 'g')`;
  const wrong = quoted(`${name} is no number with a decimal comma: `);
  const cure = quoted(`${CURED}Where values have decimal points, leave out is: decimal_comma.`);
  // A word such as n/a is a missing value, and is judged as in every other column.
  return (
    `CASE WHEN NOT regexp_matches(${text}, '\\d') THEN ${text} ` +
    `WHEN regexp_full_match(trim(${text}), ${pattern}) THEN replace(${plain}, ',', '.') ` +
    `ELSE ${failing(at, `${wrong} || ${shown} || ${cure}`)} END`
  );
}

const COLUMNS_SHOWN = 12;
const TYPE_SHOWN = 300;

/** What there is, with the fields inside of it. */
function there({ columns }: Step, shown: string): string {
  if (columns.size === 0)
    return "Is its format what its name says? Give format: csv, json or parquet.";
  const [only = ""] = columns.keys();
  const between = columns.size === 1 ? /[;\t|,]/.exec(only)?.[0] : undefined;
  if (between !== undefined) {
    return `There is only the column ${only}: write delimiter: ${JSON.stringify(between)}`;
  }
  const all = [...columns].slice(0, COLUMNS_SHOWN).map(([name, type]) => {
    const short = type.length > TYPE_SHOWN ? `${type.slice(0, TYPE_SHOWN)}…` : type;
    return `${name} ${short}`;
  });
  const more = columns.size > COLUMNS_SHOWN ? ` and ${columns.size - COLUMNS_SHOWN} more` : "";
  return `There are in ${shown}: ${all.join(", ")}${more}.`;
}
