/** `hindsight scenario run`: scenarios as experiments. */

import { Command } from "commander";
import { experimentDocument, experimentText, runScenario } from "../scenario/experiment.ts";
import { readScenarios, scenarioFiles } from "../scenario/read.ts";
import { withSamples } from "../scenario/samples.ts";
import { printFitted, printJson, progressBar } from "./output.ts";

interface Flags {
  readonly whole?: true;
  readonly trace?: true;
  readonly json?: true;
}

export function scenarioRunCommand(): Command {
  return new Command("run")
    .description("Run scenarios as experiments: a row for each policy, and what differs.")
    .argument("<paths...>", "scenario files, or directories that hold some")
    .option("--whole", "the world as its file has it, not what the scenario cuts out of it")
    .option("--trace", "every decision about a deployment that is written out, and why")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  hindsight scenario run scenarios/stories/two-minutes-silence.yaml --trace" +
        "\n  hindsight scenario run scenarios/stories/mttr-by-autonomy.yaml --whole",
    )
    .action(async (paths: string[], flags: Flags) => {
      const scenarios = readScenarios(scenarioFiles(paths));
      const progress = progressBar();
      const documents: object[] = [];
      await withSamples(
        async (samples) => {
          for (const scenario of scenarios) {
            const experiment = await runScenario(scenario, samples, progress);
            if (flags.json === true) documents.push(experimentDocument(experiment));
            else printFitted(`${experimentText(experiment, flags.trace ?? false)}\n`);
          }
        },
        { whole: flags.whole ?? false, progress },
      );
      if (flags.json) printJson({ scenarios: documents });
    });
}
