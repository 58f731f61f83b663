/** Reads some small tables of a history, for a question that does not need the rest of it. */

import { join } from "node:path";
import { checkDigest } from "./checksums.ts";
import { openDuck } from "./duck.ts";
import { chooseLabels, type LabelChoice } from "./labels/choose.ts";
import { readManifest } from "./manifest.ts";
import { checkFile, readingFile } from "./open.ts";
import { readTable, TABLE_FILES } from "./tableFiles.ts";
import type { HistoryTables } from "./tables.ts";

type SmallTable = "decisions" | "labels";

/**
 * @param labels which labels count, as `openHistory` takes it
 * @throws Problem when a file is missing or damaged
 */
export async function readTables<Name extends SmallTable>(
  dir: string,
  names: readonly Name[],
  labels: LabelChoice = "both",
): Promise<Pick<HistoryTables, Name>> {
  const { files } = readManifest(dir);
  const duck = await openDuck();
  try {
    const tables = new Map<string, unknown>();
    for (const name of names) {
      const path = join(dir, TABLE_FILES[name].file);
      const told = files.find(({ file }) => file === TABLE_FILES[name].file);
      if (told !== undefined) checkFile(path, told.bytes);
      if (told?.sha256 !== undefined) checkDigest(path, told.sha256);
      const rows = await readingFile(path, () => readTable(duck.connection, dir, name));
      tables.set(name, name === "labels" ? chooseLabels(rows as never, labels).labels : rows);
    }
    return Object.fromEntries(tables) as Pick<HistoryTables, Name>;
  } finally {
    duck.close();
  }
}
