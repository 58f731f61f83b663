/** Where a lab keeps what its visitors make: drafts, sweeps and the decision logs of runs. */

import { accessSync, constants, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { makeDirectories, refuseLink, refuseUrl } from "../directory.ts";
import { operatingProblem } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";

const FOLDERS = ["drafts", "runs", "sweeps"];

/**
 * Asked before anybody is let in: nothing is made until there is something to keep, and whoever
 * made it must not lose it then.
 *
 * @throws Problem when nothing can be kept in `dir`, or something else is
 */
export function checkRunDirectory(dir: string): void {
  refuseUrl(dir);
  const path = resolve(dir);
  let place = path;
  try {
    while (!existsSync(place)) place = dirname(place);
    if (!statSync(place).isDirectory()) {
      const below = place === path ? "" : `, and nothing can lie below it: ${dir}`;
      throw new Problem(`this is a file, not a directory${below}`, {
        file: place === path ? dir : place,
        cure: "Choose another --out.",
      });
    }
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw operatingProblem(error, dir);
  }
  if (place !== path) return tryToMake(path, dir);
  for (const folder of FOLDERS) refuseLink(join(path, folder));
  const names = readdirSync(path);
  if (names.length === 0 || names.some((name) => FOLDERS.includes(name))) return;
  throw new Problem("this directory is not empty, and not of a lab", {
    file: dir,
    cure: "Choose another --out: a new directory, or the one that an earlier lab kept things in.",
  });
}

/** No permission tells that /proc takes no directories: only the attempt does. */
function tryToMake(path: string, dir: string): void {
  try {
    const made = makeDirectories(path);
    if (made !== null) rmSync(made, { recursive: true });
  } catch (error) {
    throw operatingProblem(error, dir);
  }
}
