/** Directories: how they are made, and how a place in one is told. */

import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, relative } from "node:path";
import { Problem } from "./problem.ts";

/**
 * Nothing here reads or writes over a network: `s3://bucket/quarter` would be a directory called
 * `s3:` below the working directory.
 *
 * @throws Problem where the path is a URL
 */
export function refuseUrl(path: string): void {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(path)) return;
  throw new Problem("this is a URL, and a directory is needed", {
    file: path,
    cure: "Mount the bucket as a directory (rclone, s3fs, gcsfuse), and say where it is.",
  });
}

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

/**
 * Refuses a link where we are going to write: it may lead anywhere.
 *
 * @throws Problem when there is something else than a directory
 */
export function refuseLink(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isDirectory()) return;
  const what = stat.isSymbolicLink() ? "this is a symbolic link" : "this is a file";
  throw new Problem(`${what}, and a directory of the lab is needed`, {
    file: pathFromHere(path),
    cure: "Remove it, or choose another --out.",
  });
}

/** See `makeDirectories` and `refuseLink`. */
export function makeOwnDirectory(path: string): void {
  refuseLink(path);
  makeDirectories(path);
}

/** Writes a file whole or not at all. A link in its place is replaced, and not followed. */
export function writeOwnFile(file: string, text: string): void {
  const unfinished = `${file}.unfinished`;
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, text, { flag: "wx" });
  renameSync(unfinished, file);
}

/** A path as one would type it here: relative where it lies below the working directory. */
export function pathFromHere(path: string): string {
  const here = relative(process.cwd(), path);
  return here === "" || here.startsWith("..") || isAbsolute(here) ? path : here;
}
