/** Directories: how they are made, and how a place in one is told. */

import { existsSync, mkdirSync } from "node:fs";
import { dirname, isAbsolute, relative } from "node:path";
import { Problem } from "./problem.ts";

/**
 * Makes `path` and the parents it lacks; returns the outermost one made, null when all
 * were there. Not `mkdirSync` with `recursive`: that never returns below a directory
 * that refuses children with ENOENT, such as /proc.
 *
 * @throws Problem where no directory can be, or the file system's own error
 */
export function makeDirectories(path: string): string | null {
  if (existsSync(path)) return null;
  const outermost = makeDirectories(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
    throw new Problem("this directory cannot be made here", {
      file: path,
      cure: "Choose a place below an ordinary directory.",
    });
  }
  return outermost ?? path;
}

/** A path as one would type it here: relative where it lies below the working directory. */
export function pathFromHere(path: string): string {
  const here = relative(process.cwd(), path);
  return here === "" || here.startsWith("..") || isAbsolute(here) ? path : here;
}
