/** `hindsight scenario new`: a scenario to start from. */

import { existsSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { Problem } from "../problem.ts";
import { starterText } from "../scenario/starter.ts";
import { print, printJson, PROGRAM } from "./output.ts";
import { writeWholeFile } from "./textFile.ts";

export function scenarioNewCommand(): Command {
  return new Command("new")
    .description("Write a commented scenario that passes, to start from.")
    .argument("[name]", "what it is called; also the file's name", "starter")
    .option("--out <file>", "where it goes (default: NAME.yaml here)")
    .option("--force", "replace a file that is there already")
    .option("--json", "print where it is as JSON")
    .addHelpText("after", "\nExample:\n  hindsight scenario new night-migration")
    .action((name: string, flags: { out?: string; force?: true; json?: true }) => {
      if (/[/\\]/.test(name)) {
        throw new Problem("a scenario's name is no path", {
          file: name,
          cure: `Say where it goes with --out: scenario new ${basename(name)} --out ${name}`,
        });
      }
      const stem = basename(name.toLowerCase(), ".yaml").replace(/[^a-z0-9]+/g, "-");
      const file = flags.out ?? `${stem}.yaml`;
      checkFree(file, flags.force);
      writeWholeFile(file, starterText(name.replace(/\.ya?ml$/, ""), file));
      if (flags.json) printJson({ file });
      else print(`Written to ${file}. It passes: ${PROGRAM} scenario test ${file}`);
    });
}

/** @throws Problem when a file is there already and is not to be replaced */
export function checkFree(file: string, force: boolean | undefined): void {
  if (force === true || !existsSync(file)) return;
  throw new Problem("there is a file already", {
    file,
    cure: "Choose another --out, or add --force to replace it.",
  });
}
