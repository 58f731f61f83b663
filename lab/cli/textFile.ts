/** Files that a command writes beside what it prints. */

import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeDirectories } from "../directory.ts";
import { Problem } from "../problem.ts";
import { STANDARD } from "../yaml.ts";
import { takeAwayLeftBehind, unfinishedPath } from "../unfinished.ts";

/**
 * Whole or not at all: what a CI server reads is never half a document. What is no ordinary file
 * (/dev/stdout, /dev/null, a named pipe) is written to and never replaced, and a link is followed.
 *
 * @param file `-` is standard output
 * @throws Problem where it cannot be written
 */
export function writeWholeFile(file: string, text: string): void {
  if (file === STANDARD) {
    process.stdout.write(text);
    return;
  }
  try {
    const target = resolve(file);
    const found = statSync(target, { throwIfNoEntry: false });
    if (found === undefined) replace(target, text);
    else if (found.isFile()) replace(realpathSync(target), text);
    else writeFileSync(target, text);
  } catch (error) {
    if (error instanceof Problem) throw error;
    const code = String((error as NodeJS.ErrnoException).code);
    throw new Problem(`cannot be written: ${code}`, { file, cure: "Choose another place." });
  }
}

function replace(target: string, text: string): void {
  const temporary = unfinishedPath(target);
  takeAwayLeftBehind(dirname(temporary));
  try {
    makeDirectories(dirname(target));
    writeFileSync(temporary, text);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
