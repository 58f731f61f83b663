/** `hindsight scenario from`: one deployment of a history as a scenario. */

import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Command } from "commander";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import { cutOut } from "../scenario/cut.ts";
import { cutText } from "../scenario/cutText.ts";
import { shippedDirectory } from "../simulate/open.ts";
import { note, print, printJson } from "./output.ts";
import { checkFree } from "./scenarioNew.ts";
import { writeWholeFile } from "./textFile.ts";

interface Flags {
  readonly history: string;
  readonly deployment: string;
  readonly policy?: string;
  readonly out: string;
  readonly force?: true;
  readonly json?: true;
}

export function scenarioFromCommand(): Command {
  return new Command("from")
    .description("Cut one deployment out of a history, as a scenario that needs no history.")
    .requiredOption("--history <dir>", "the history it is in")
    .requiredOption("--deployment <id>", "the deployment")
    .option("--policy <file>", "the policy it is held against (the shipped default, written out)")
    .requiredOption("--out <file>", "the scenario file")
    .option("--force", "replace a file that is there already")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight scenario from --history quarter \\\n" +
        "    --deployment pricing-20260907-1 --policy current.yaml --out pricing.yaml",
    )
    .action(async (flags: Flags) => {
      checkFree(flags.out, flags.force);
      const shipped = join(shippedDirectory("scenarios/policies"), "default.yaml");
      const policy = loadPolicy(flags.policy ?? shipped);
      const history = await openHistory(flags.history);
      try {
        const cut = await cutOut(history, flags.deployment, policy);
        const behind =
          flags.policy === undefined
            ? writtenOut(shipped)
            : ` ${JSON.stringify(relative(dirname(flags.out), flags.policy))}`;
        writeWholeFile(flags.out, cutText(cut, behind, flags.history, policy.policy));
        const { end, commands } = cut.run.happened;
        const document = { file: flags.out, deployment: flags.deployment, end, commands };
        if (flags.json) printJson({ ...document, notes: cut.notes });
        else print(`${flags.out}: ends ${end ?? "undecided"} under ${policy.policy}`);
        for (const line of cut.notes) note(line);
      } finally {
        history.close();
      }
    });
}

/** A policy file as a block below `policy:`. */
function writtenOut(file: string): string {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return ["", ...lines.filter((line) => !line.startsWith("#"))]
    .map((line, index) => (index === 0 || line === "" ? line : `  ${line}`))
    .join("\n");
}
