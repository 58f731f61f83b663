/** The directory of a sweep: manifest and results, whole or not there. */

import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { onInterrupt } from "../cli/interrupt.ts";
import { makeDirectories } from "../directory.ts";
import { operatingProblem } from "../history/duck.ts";
import { Problem } from "../problem.ts";
import type { sweepDocument } from "./document.ts";

/**
 * Asked before the long work begins.
 *
 * @throws Problem when `dir` is taken, and is no sweep or is not to be replaced
 */
export function checkSweepPlace(dir: string, force: boolean): void {
  if (!existsSync(dir)) return;
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    throw operatingProblem(error, dir);
  }
  if (names.length === 0) return;
  const isSweep = names.includes("sweep.json");
  if (force && isSweep) return;
  throw new Problem(isSweep ? "there is a sweep already" : "this directory is not empty", {
    file: dir,
    cure: isSweep
      ? "Choose another --out, or add --force to replace it."
      : "Choose another --out; --force replaces only a directory that is a sweep.",
  });
}

/** @throws Problem when it cannot be written */
export function writeSweep(
  dir: string,
  { manifest, ...results }: ReturnType<typeof sweepDocument>,
  force: boolean,
): void {
  checkSweepPlace(dir, force);
  const target = resolve(dir);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.unfinished`);
  const forget = onInterrupt(() => rmSync(temporary, { recursive: true, force: true }));
  try {
    makeDirectories(temporary);
    const write = (name: string, document: unknown): void =>
      writeFileSync(join(temporary, name), `${JSON.stringify(document, null, 2)}\n`);
    write("manifest.json", manifest);
    write("sweep.json", results);
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw operatingProblem(error, dir);
  } finally {
    forget();
  }
}
