/** `hindsight generate`: write a history from a world file. */

import { Command } from "commander";
import type { Window, World } from "../../datasets/world/index.ts";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import { generateHistory } from "../simulate/generate.ts";
import { openWorld } from "../simulate/open.ts";
import { instant } from "./moment.ts";
import { wholeNumber } from "./options.ts";
import { note, print, printJson, PROGRAM, progressBar } from "./output.ts";
import { counted, countText } from "../counted.ts";

interface Flags {
  readonly out: string;
  readonly seed: number;
  readonly from?: number;
  readonly to?: number;
  readonly force?: true;
  readonly json?: true;
}

export function generateCommand(): Command {
  return new Command("generate")
    .description("Write a history from a world file, with the truth known.")
    .argument("<world>", "a world file, such as datasets/worlds/quarter.yaml")
    .requiredOption("--out <dir>", "where the history goes")
    .option("--seed <n>", "the same seed gives the same history", wholeNumber(0), 1)
    .option("--from <time>", "only from this instant, such as 2026-09-21T00:00:00Z", instant)
    .option("--to <time>", "only up to this instant; what is left out is not drawn", instant)
    .option("--force", "replace a history that is there already")
    .option("--json", "print the manifest as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight generate datasets/worlds/quarter.yaml --out quarter --seed 7" +
        "\n\nA window alone is the same as that window of the whole.",
    )
    .action(async (file: string, flags: Flags) => {
      const { world, loggingPolicy, sources } = openWorld(file, flags.seed);
      const window = windowOf(world, flags);
      const part = window === null ? "" : ` --from ${iso(window.fromMs)} --to ${iso(window.toMs)}`;
      const what = `generate ${world.spec.world} --seed ${flags.seed}${part}`;
      const manifest = await generateHistory(world, loggingPolicy, flags.out, {
        force: flags.force ?? false,
        madeBy: `hindsight ${ENGINE_VERSION} ${what}`,
        ...(window === null ? {} : { window }),
        sources,
        progress: progressBar(),
      });
      if (flags.json) {
        printJson(manifest);
        return;
      }
      const { samples, rows } = manifest;
      print(
        `${flags.out}: ${countText(samples)} samples, ` +
          `${counted(rows.deployments, "deployment")}, ` +
          `${counted(rows.incidents, "incident")}, ` +
          `${counted(rows.decisions, "decision")} of ${loggingPolicy.policy}.`,
      );
      note(`Look inside with: ${PROGRAM} inspect ${flags.out}`);
    });
}

const iso = (atMs: number): string => new Date(atMs).toISOString();

/** @throws Problem when there is nothing of this world in it */
function windowOf({ startMs, endMs }: World, { from, to }: Flags): Window | null {
  if (from === undefined && to === undefined) return null;
  const window = { fromMs: from ?? startMs, toMs: to ?? endMs };
  if (window.fromMs >= startMs && window.toMs <= endMs && window.fromMs < window.toMs) {
    return window;
  }
  throw new Problem("the window is empty or leaves the world", {
    cure:
      `This world goes from ${iso(startMs)} to ${iso(endMs)}; ` +
      "raise its length to look further: a window costs nothing of what lies before it.",
  });
}
