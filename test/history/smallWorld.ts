/** The small world of these tests, its history, and what `evaluate` says about it. */

import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { compareDocument } from "../../lab/compare/document.ts";
import { evaluate, type Evaluation, type PeopleChoice } from "../../lab/compare/evaluate.ts";
import type { Past } from "../../lab/history/open.ts";
import type { HistoryManifest } from "../../lab/history/tables.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { generateHistory } from "../../lab/simulate/generate.ts";
import { openWorld, type OpenedWorld } from "../../lab/simulate/open.ts";
import { temporaryDirectory } from "../directories.ts";
import { madeOnce } from "../once.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const WORLD_FILE = join(ROOT, "test/history/small-world.yaml");

/** Generous, for machines that do other things as well. */
export const HOOK_MS = 240_000;

export function policyFile(name: string): string {
  return join(ROOT, `scenarios/policies/${name}.yaml`);
}

export function shipped(name: string): Policy {
  return loadPolicy(policyFile(name));
}

/** A world nobody has asked anything yet: nothing is remembered in it. */
export function freshWorld(seed = 7): OpenedWorld {
  return openWorld(WORLD_FILE, seed);
}

/** Generates the small world into `dir`. */
export function generateSmall(dir: string, seed = 7): Promise<HistoryManifest> {
  return generate(freshWorld(seed), dir);
}

function generate(opened: OpenedWorld, dir: string): Promise<HistoryManifest> {
  const { world, loggingPolicy, sources } = opened;
  return generateHistory(world, loggingPolicy, dir, {
    force: false,
    madeBy: "a test",
    sources,
    progress: silent,
  });
}

/** The history of the small world, seed 7, made once in a run: to be read, not to be changed. */
export function smallHistory(): Promise<string> {
  return madeOnce(join(tmpdir(), "small-world"), (dir) => generateSmall(dir));
}

/** The same world with three services in place of eight: for what many evaluations are made of. */
export function fewServices(): string {
  const file = join(temporaryDirectory(), "few-services.yaml");
  const text = readFileSync(WORLD_FILE, "utf8");
  writeFileSync(file, text.replace("count: 8", "count: 3").replace("teams: 3", "teams: 2"));
  return file;
}

/** The history of {@link fewServices}, seed 7, as {@link smallHistory} is made. */
export function fewHistory(): Promise<string> {
  return madeOnce(join(tmpdir(), "few-services"), (dir) =>
    generate(openWorld(fewServices(), 7), dir),
  );
}

export function evaluated(
  history: Past,
  policies: readonly Policy[],
  people: PeopleChoice = "absent",
  replicates = 200,
): Promise<Evaluation> {
  const options = { people, seed: 1, replicates, progress: silent, digestSamples: true };
  return evaluate(history, policies, options);
}

/** The JSON of `compare` but for `manifest.timing`, the one thing that may differ. */
export function timeless(evaluation: Evaluation): string {
  const { manifest, ...rest } = compareDocument(evaluation);
  return JSON.stringify({ manifest: { ...manifest, timing: null }, ...rest });
}
