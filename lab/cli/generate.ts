/** `hindsight generate`: write a history from a world file. */

import { Command } from "commander";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { generateHistory } from "../simulate/generate.ts";
import { openWorld } from "../simulate/open.ts";
import { wholeNumber } from "./options.ts";
import { note, print, printJson, progressBar } from "./output.ts";

interface Flags {
  readonly out: string;
  readonly seed: number;
  readonly force?: true;
  readonly json?: true;
}

export function generateCommand(): Command {
  return new Command("generate")
    .description("Write a history from a world file, with the truth known.")
    .argument("<world>", "a world file, such as datasets/worlds/quarter.yaml")
    .requiredOption("--out <dir>", "where the history goes")
    .option("--seed <n>", "the same seed gives the same history", wholeNumber(0), 1)
    .option("--force", "replace a history that is there already")
    .option("--json", "print the manifest as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight generate datasets/worlds/quarter.yaml --out quarter --seed 7",
    )
    .action(async (file: string, flags: Flags) => {
      const { world, loggingPolicy, sources } = openWorld(file, flags.seed);
      const manifest = await generateHistory(world, loggingPolicy, flags.out, {
        force: flags.force ?? false,
        madeBy: `hindsight ${ENGINE_VERSION} generate ${world.spec.world} --seed ${flags.seed}`,
        sources,
        progress: progressBar(),
      });
      if (flags.json) {
        printJson(manifest);
        return;
      }
      const { samples, rows } = manifest;
      print(
        `${flags.out}: ${samples.toLocaleString("en-US")} samples, ` +
          `${rows.deployments} deployments, ` +
          `${rows.incidents} incidents, ${rows.decisions} decisions of ${loggingPolicy.policy}.`,
      );
      note(`Look inside with: hindsight inspect ${flags.out}`);
    });
}
