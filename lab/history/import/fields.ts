/**
 * One row of a small table as text, and the readers that turn its fields into
 * values. A reader that cannot make sense of a field says why; the row is then
 * left out and counted, never guessed.
 */

import { own, type JsonObject } from "../../../engine/index.ts";
import type { DuckDBConnection } from "@duckdb/node-api";
import { MERGED, type Findings } from "./findings.ts";
import { dropRejected } from "./metrics.ts";
import { placesOf, relationProblem, requireColumns, textOf, type Relation } from "./relation.ts";
import { readZonedMs, repeatedIn, timeProblem } from "./times.ts";
import type { Zone } from "./zone.ts";

/** Why a row cannot be used; caught by `readRows`. */
export class UnreadableRow extends Error {}

/** Fields of one row by column; empty text and absent columns are null. */
export class Fields {
  constructor(
    readonly ordinal: number,
    private readonly values: JsonObject<string | null>,
    private readonly zone: Zone | null,
  ) {}

  text(column: string): string | null {
    const value = own(this.values, column)?.trim() ?? "";
    return value === "" ? null : value;
  }

  required(column: string): string {
    const value = this.text(column);
    if (value === null) throw new UnreadableRow(`${column} is empty`);
    return value;
  }

  number(column: string): number | null {
    const text = this.text(column);
    if (text === null) return null;
    const value = Number(text);
    if (!Number.isFinite(value)) throw new UnreadableRow(`${column} is not a number`);
    return value;
  }

  /** A share such as `0.25` or `25%`. */
  share(column: string): number | null {
    const text = this.text(column);
    if (text === null) return null;
    const value = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
    if (!(value >= 0 && value <= 1)) throw new UnreadableRow(`${column} is not a share`);
    return value;
  }

  /** Whole milliseconds of a time; one that cannot be read, or never was, stops the import. */
  timeMs(column: string): number | null {
    const text = this.text(column);
    if (text === null) return null;
    const atMs = readZonedMs(text, this.zone);
    if (atMs === "repeated") throw new UnreadableRow(`${column}: ${repeatedIn(this.zone!)}`);
    if (typeof atMs === "string") throw new UnreadableTime(column, text);
    return atMs;
  }

  requiredTimeMs(column: string): number {
    this.required(column);
    return this.timeMs(column)!;
  }

  oneOf<T extends string>(column: string, allowed: readonly T[]): T | null {
    const text = this.text(column);
    if (text === null) return null;
    const found = allowed.find((word) => word === text);
    if (found === undefined) {
      throw new UnreadableRow(`${column} is not one of ${allowed.join(", ")}`);
    }
    return found;
  }

  /** All fields, for finding exact duplicates. */
  get key(): string {
    return JSON.stringify(this.values);
  }
}

class UnreadableTime extends Error {
  constructor(
    readonly column: string,
    readonly text: string,
  ) {
    super();
  }
}

/** A row that could be read, and where it was. */
export interface Found<T> {
  readonly row: T;
  readonly ordinal: number;
}

/** One small table being imported. */
export interface TableReader {
  readonly rows: number;
  /** Names places of rows, `file:line`. */
  placesOf(ordinals: readonly number[]): Promise<readonly string[]>;
}

export interface TableColumns {
  readonly table: string;
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/**
 * Reads every row of a small table. Exact duplicates are merged, rows that cannot
 * be understood are dropped, both counted; extra columns are named in a warning.
 *
 * @throws Problem for a missing column or a time that cannot be read.
 */
export async function readRows<T>(
  connection: DuckDBConnection,
  relation: Relation,
  { table, required, optional }: TableColumns,
  findings: Findings,
  read: (fields: Fields) => T,
): Promise<{ found: Found<T>[]; reader: TableReader }> {
  requireColumns(relation, required);
  const known = [...required, ...optional].filter((column) => relation.columns.has(column));
  warnOfExtraColumns(relation, [...required, ...optional], findings);
  const all = await fetchFields(connection, relation, known);
  const names = async (ordinals: readonly number[]): Promise<readonly string[]> =>
    (await placesOf(connection, relation, ordinals)).rows;

  const seen = new Set<string>();
  const merged: number[] = [];
  const unreadable = new Map<string, number[]>();
  const found: Found<T>[] = [];
  for (const fields of all) {
    const { key } = fields;
    if (seen.has(key)) {
      merged.push(fields.ordinal);
      continue;
    }
    seen.add(key);
    try {
      found.push({ row: read(fields), ordinal: fields.ordinal });
    } catch (error) {
      if (error instanceof UnreadableTime) {
        const [place] = await names([fields.ordinal]);
        throw timeProblem(error.text, error.column, { place: place!, zone: relation.zone });
      }
      if (!(error instanceof UnreadableRow)) throw error;
      unreadable.set(error.message, [...(unreadable.get(error.message) ?? []), fields.ordinal]);
    }
  }
  findings.drop(table, MERGED, merged.length, await names(merged.slice(0, 3)));
  for (const [reason, ordinals] of unreadable) {
    const places = await names(ordinals.slice(0, 3));
    findings.drop(table, `unreadable line: ${reason}`, ordinals.length, places);
  }
  await dropRejected(connection, relation, table, findings);
  return { found, reader: { rows: all.length, placesOf: names } };
}

export function warnOfExtraColumns(
  relation: Relation,
  known: readonly string[],
  findings: Findings,
): void {
  const extra = [...relation.columns.keys()].filter((column) => !known.includes(column));
  if (extra.length > 0) findings.warn(`${relation.file}: columns not used: ${extra.join(", ")}`);
}

async function fetchFields(
  connection: DuckDBConnection,
  relation: Relation,
  columns: readonly string[],
): Promise<Fields[]> {
  try {
    const reader = await connection.runAndReadAll(
      `SELECT hindsight_row::DOUBLE AS hindsight_row,
         ${columns.map((column) => `${textOf(relation, column)} AS "${column}"`).join(", ")}
       FROM ${relation.sql} ORDER BY hindsight_row`,
    );
    return (reader.getRowObjectsJS() as JsonObject<string | null>[]).map(
      ({ hindsight_row, ...values }) => new Fields(Number(hindsight_row), values, relation.zone),
    );
  } catch (error) {
    throw relationProblem(error, relation.file);
  }
}
