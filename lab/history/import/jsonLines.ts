/**
 * A small table as JSON Lines: one object a line, its keys are the columns of the CSV form. Rows
 * are numbered by their lines, so that whatever is wrong is named by file and line.
 */

import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import type { JsonObject } from "../../../engine/index.ts";
import { operatingProblem } from "../../operatingProblem.ts";
import { Problem } from "../../problem.ts";
import { identifier, type Duck } from "../duck.ts";
import { tableRelation, type Relation, type UnreadableLine } from "./relation.ts";
import { columnsOf, type SmallTable } from "./tableRows.ts";
import type { Zone } from "./zone.ts";

/** A longer line is left out unread: no row of a table comes near it. */
const LINE_AT_MOST = 1 << 20;
/** So many keys that no column has are named in the warning about them. */
const EXTRA_NAMED = 20;

/** @throws Problem for a file that cannot be read, or of which no line is an object */
export async function jsonLinesRelation(
  table: SmallTable,
  path: string,
  file: string,
  { connection }: Duck,
  zone: Zone | null,
): Promise<Relation> {
  const { required, optional } = columnsOf(table);
  const known = new Set([...required, ...optional]);
  const found = new Set<string>();
  const extra = new Set<string>();
  const rows: JsonObject<string | null>[] = [];
  const lines: number[] = [];
  const unreadable: UnreadableLine[] = [];
  for await (const { line, text } of linesOf(path, file)) {
    if (text?.trim() === "") continue;
    try {
      const fields = fieldsOf(text, known, extra);
      for (const name of Object.keys(fields)) found.add(name);
      rows.push(fields);
      lines.push(line);
    } catch (error) {
      unreadable.push({ line, why: error instanceof Error ? error.message : String(error) });
    }
  }
  const [first] = unreadable;
  if (rows.length === 0 && first !== undefined) {
    throw new Problem(first.why, {
      file,
      line: first.line,
      cure: `Write one JSON object a line, with the columns of ${table}.csv.`,
    });
  }
  if (rows.length === 0) return nothingIn(path, file, required);
  const columns = [...found];
  const full = rows.map((row) =>
    Object.fromEntries(columns.map((name) => [name, row[name] ?? null])),
  );
  const relation = await tableRelation(connection, table, [path], full, lines);
  const types = [...columns, ...extra].map((name) => [name, "VARCHAR"] as const);
  return { ...relation, file, zone, columns: new Map(types), unreadable };
}

/** A file without a row, such as the log of an agent that proposed nothing. */
function nothingIn(path: string, file: string, required: readonly string[]): Relation {
  const none = required.map((name) => `'' AS ${identifier(name)}`).join(", ");
  return {
    ...{ file, paths: [path], isCsv: false, rejects: null, zone: null, unreadable: [] },
    columns: new Map(required.map((name) => [name, "VARCHAR"])),
    sql: `(SELECT 0 AS hindsight_row, ${none} WHERE false)`,
  };
}

/** The fields of one line that the table has columns for. */
function fieldsOf(
  text: string | null,
  known: ReadonlySet<string>,
  extra: Set<string>,
): JsonObject<string | null> {
  if (text === null) throw new Error("the line is longer than 1 MiB");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error("the line is no JSON");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new Error("the line is no JSON object");
  }
  const entries: [string, string | null][] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (known.has(name)) entries.push([name, textOf(name, value)]);
    else if (extra.size < EXTRA_NAMED) extra.add(name);
  }
  return Object.fromEntries(entries);
}

/** As the CSV form writes it: the items of a list with ";". */
function textOf(name: string, value: unknown): string | null {
  if (value === null) return null;
  const items = (Array.isArray(value) ? value : [value]) as unknown[];
  const texts = items.map((item) => {
    if (typeof item === "string") return item;
    if (typeof item === "number" || typeof item === "boolean") return String(item);
    throw new Error(`${name} is no text, number or list of them`);
  });
  return texts.join(";");
}

/** Numbered lines; the text of one that is too long is null. */
async function* linesOf(
  path: string,
  file: string,
): AsyncGenerator<{ readonly line: number; readonly text: string | null }> {
  const raw = createReadStream(path);
  const bytes = path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  raw.on("error", (error) => bytes.destroy(error));
  const decoder = new StringDecoder("utf8");
  let line = 1;
  let open: string | null = "";
  const add = (part: string): void => {
    open = open === null || open.length + part.length > LINE_AT_MOST ? null : open + part;
  };
  try {
    for await (const chunk of bytes) {
      const [first = "", ...others] = decoder.write(chunk as Buffer).split("\n");
      add(line === 1 && open === "" ? first.replace(/^\uFEFF/, "") : first);
      for (const other of others) {
        yield { line, text: open };
        line++;
        open = "";
        add(other);
      }
    }
  } catch (error) {
    if (!String(error).includes("incorrect header")) throw operatingProblem(error, file);
    throw new Problem("this is not a gzip file", {
      file,
      cure: "Compress it again, or rename it.",
    });
  }
  yield { line, text: open };
}
