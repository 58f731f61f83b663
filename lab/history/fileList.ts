/** The files of a history as its manifest lists them. */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { valuesRangesOf } from "./blockIndex.ts";
import { fileDigest, frameChecksum } from "./checksums.ts";
import type { HistoryManifest } from "./tables.ts";

/** Every Parquet file of a history with its size and checksums, by name. */
export async function listFiles(
  connection: DuckDBConnection,
  dir: string,
): Promise<HistoryManifest["files"]> {
  const isParquet = (name: string): boolean => name.endsWith(".parquet");
  const sized = (file: string): { file: string; bytes: number } => ({
    file,
    bytes: statSync(join(dir, file)).size,
  });
  const parts = readdirSync(join(dir, "metrics")).filter(isParquet).sort();
  const paths = parts.map((name) => join(dir, "metrics", name));
  const ranges = await valuesRangesOf(connection, paths);
  return [
    ...readdirSync(dir)
      .filter(isParquet)
      .map((file) => ({ ...sized(file), sha256: fileDigest(join(dir, file)) })),
    ...parts.map((name, at) => {
      const values = ranges[at]!;
      const frame = frameChecksum(paths[at]!, values);
      return { ...sized(`metrics/${name}`), frame, ...(values === null ? {} : { values }) };
    }),
  ].sort((a, b) => (a.file < b.file ? -1 : 1));
}
