/** Files that a command writes beside what it prints. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Problem } from "../problem.ts";
import { takeAwayLeftBehind, unfinishedPath } from "../unfinished.ts";

/** Whole or not at all: what a CI server reads is never half a document. */
export function writeWholeFile(file: string, text: string): void {
  const temporary = unfinishedPath(resolve(file));
  takeAwayLeftBehind(dirname(temporary));
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    const code = String((error as NodeJS.ErrnoException).code);
    throw new Problem(`cannot be written: ${code}`, { file, cure: "Choose another place." });
  }
}
