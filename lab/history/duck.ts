/**
 * DuckDB as the lab uses it: in memory, offline, its memory and threads bounded.
 *
 * Laws: no INSTALL and no network, ever; timestamps become integer milliseconds
 * once, here, with a check that nothing was lost.
 */

import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { assert } from "../../engine/index.ts";

export interface DuckOptions {
  /** 1 for golden runs; more only makes scans faster, never different. */
  readonly threads?: number;
  /** Where sorts may spill; without it they must fit into memory. */
  readonly spillDirectory?: string;
  readonly memoryLimit?: string;
}

/** One private in-memory database with a connection; close both. */
export interface Duck {
  readonly connection: DuckDBConnection;
  /** A further connection, for a query that streams beside another. */
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

export async function openDuck(options: DuckOptions = {}): Promise<Duck> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(options.threads ?? 2),
    memory_limit: options.memoryLimit ?? "2GB",
    temp_directory: options.spillDirectory ?? "",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    // A history is read once from end to end: what was read would be kept for nobody, and
    // memory would grow with the history.
    enable_external_file_cache: "false",
  });
  const connection = await instance.connect();
  return {
    connection,
    connect: () => instance.connect(),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** A database that is there while somebody reads with it. */
export interface DuckAtNeed {
  /** Opens it where it is not. Whoever asks closes the connection. */
  connect(): Promise<DuckDBConnection>;
  /**
   * Closes it until it is asked for again; connections that are out, or were asked for, stay
   * good. No sooner, and only when nothing that came of it is left, does DuckDB give back what
   * it read with.
   */
  letGo(): void;
}

export function duckAtNeed(options: DuckOptions = {}): DuckAtNeed {
  let opened: Promise<Duck> | null = null;
  /** Those that somebody still waits for: a database that is closed makes none. */
  const asked = new Set<Promise<unknown>>();
  return {
    connect() {
      const connection = (opened ??= openDuck(options)).then((duck) => duck.connect());
      asked.add(connection);
      const had = (): unknown => asked.delete(connection);
      connection.then(had, had);
      return connection;
    },
    letGo() {
      const duck = opened;
      opened = null;
      void Promise.allSettled(asked).then(() =>
        duck?.then(
          (open) => open.close(),
          () => undefined,
        ),
      );
    },
  };
}

/** A string literal in SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An identifier in SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A DuckDB TIMESTAMP's microseconds as whole milliseconds; a finer time is an invariant error. */
export function microsToMs(micros: bigint): number {
  const number = Number(micros);
  assert(Number.isSafeInteger(number), "a stored time fits into a safe integer");
  assert(number % 1000 === 0, "a stored time is a whole millisecond");
  return number / 1000;
}

/**
 * The typed array inside a vector: already a copy of DuckDB's memory. It is private
 * in the types, but reading item by item costs more than the detector.
 */
export function itemsOf<T extends object>(
  vector: object,
  type: abstract new (...args: never[]) => T,
): T {
  const { items } = vector as { readonly items?: unknown };
  assert(items instanceof type, `a vector of ${type.name}`);
  return items;
}

/** Milliseconds as ISO 8601, UTC; null stays null. */
export function iso(atMs: number): string;
export function iso(atMs: number | null): string | null;
export function iso(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
