/**
 * Directories of results: written beside their place and renamed into it, so that they are
 * whole or not there; replaced only by force, and only one of the same kind.
 */

import { readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { onInterrupt } from "./interrupt.ts";
import { makeDirectories, refuseUrl } from "./directory.ts";
import { operatingProblem } from "./operatingProblem.ts";
import { Problem } from "./problem.ts";
import {
  putInPlace,
  takeAwayLeftBehind,
  takeAwayUnfinished,
  unfinishedPath,
} from "./unfinished.ts";

export interface ResultKind {
  /** In words: "run". */
  readonly name: string;
  /** Files that one of this kind has, and nothing else. */
  readonly files: readonly string[];
}

/**
 * Asked before the long work begins, so that a taken place is not found at its end.
 *
 * @throws Problem when `dir` is not empty, and is not of this kind or is not to be replaced
 */
export function checkPlace(dir: string, kind: ResultKind, force: boolean): void {
  refuseUrl(dir);
  takeAwayLeftBehind(dirname(resolve(dir)));
  let names: string[];
  try {
    names = readdirSync(resolve(dir));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code === "ENOTDIR") throw new Problem("this is a file, not a directory", { file: dir });
    throw operatingProblem(error, dir);
  }
  if (names.length === 0) return;
  const isOfKind = kind.files.every((name) => names.includes(name));
  if (force && isOfKind) return;
  const what = isOfKind ? `there is a ${kind.name} already` : "this directory is not empty";
  throw new Problem(what, {
    file: dir,
    cure: isOfKind
      ? "Choose another --out, or add --force to replace it."
      : `Choose another --out; --force replaces only a directory that is a ${kind.name}.`,
  });
}

/**
 * @param write puts the files into the directory it is given
 * @throws Problem when `dir` is taken (see `checkPlace`) or cannot be written
 */
export async function writeWhole(
  dir: string,
  kind: ResultKind,
  force: boolean,
  write: (temporary: string) => void | Promise<void>,
): Promise<void> {
  checkPlace(dir, kind, force);
  const target = resolve(dir);
  const temporary = unfinishedPath(target);
  const forget = onInterrupt(() => takeAwayUnfinished(temporary));
  try {
    makeDirectories(temporary);
    await write(temporary);
    putInPlace(temporary, target);
  } catch (error) {
    takeAwayUnfinished(temporary);
    throw operatingProblem(error, dir);
  } finally {
    forget();
  }
}
