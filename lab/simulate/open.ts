/** Opens a world file and the policy that writes its history. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createWorld, parseWorld, type World } from "../../datasets/world/index.ts";
import type { Policy } from "../../engine/index.ts";
import type { SourceFile } from "../history/tables.ts";
import { loadPolicy } from "../policy/load.ts";
import { unreadable } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";

export interface OpenedWorld {
  readonly world: World;
  readonly loggingPolicy: Policy;
  readonly loggingPolicyFile: string;
  readonly sources: readonly SourceFile[];
}

/**
 * @param seed of everything in the world; the same seed gives the same world, bit for bit
 * @param change applied to the file's text; a scenario may change the world
 * @throws Problem when a file cannot be read, or is wrong
 */
export function openWorld(
  file: string,
  seed: number,
  change: (text: string) => string = (text) => text,
): OpenedWorld {
  let text: string;
  try {
    text = change(readFileSync(file, "utf8"));
  } catch (error) {
    throw unreadable(error, file, "world file", "The shipped worlds are in datasets/worlds.");
  }
  const world = createWorld(parseWorld(text, file), seed);
  const policyFile = loggingPolicyFile(file, world.spec.loggingPolicy);
  const hash = (content: string): string => createHash("sha256").update(content).digest("hex");
  return {
    world,
    loggingPolicy: loadPolicy(policyFile),
    loggingPolicyFile: policyFile,
    sources: [
      { source: `${basename(file)} with seed ${seed}`, sha256: hash(text), rows: null },
      {
        source: basename(policyFile),
        sha256: hash(readFileSync(policyFile, "utf8")),
        rows: null,
      },
    ],
  };
}

/** A path relative to the world file, or the name of a shipped policy. */
function loggingPolicyFile(worldFile: string, name: string): string {
  const relative = resolve(dirname(worldFile), name);
  if (/\.ya?ml$/.test(name)) return relative;
  const shipped = join(shippedDirectory("scenarios/policies"), `${name}.yaml`);
  if (existsSync(shipped)) return shipped;
  throw new Problem(`loggingPolicy: there is no policy called ${name}`, {
    file: worldFile,
    cure: "Name a policy of scenarios/policies, or give the path of a policy file.",
  });
}

/** The path of a folder that ships with Hindsight, both in the sources and in the built package. */
export function shippedDirectory(folder: string): string {
  for (const up of ["../..", "../../.."]) {
    const directory = resolve(import.meta.dirname, up, folder);
    if (existsSync(directory)) return directory;
  }
  throw new Error(`${folder} is missing from this installation`);
}
