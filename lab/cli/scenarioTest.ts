/** `hindsight scenario test`: scenario files as unit tests of policies. */

import { Command } from "commander";
import { checkScenario, type Checked } from "../scenario/check.ts";
import { checkedDocument, checkedJunit, checkedText, summaryText } from "../scenario/print.ts";
import { readScenarios, scenarioFiles } from "../scenario/read.ts";
import { withSamples } from "../scenario/samples.ts";
import { updatedText } from "../scenario/update.ts";
import { note, print, printJson, progressBar } from "./output.ts";
import { writeWholeFile } from "./textFile.ts";

const EXIT_FAILED = 1;

interface Flags {
  readonly update?: true;
  readonly junit?: string;
  readonly json?: true;
}

export function scenarioTestCommand(): Command {
  return new Command("test")
    .description("Run scenarios and hold them against what they expect.")
    .argument("<paths...>", "scenario files, or directories that hold some")
    .option("--update", "rewrite unmet expectations into what happened; read the diff afterwards")
    .option("--junit <file>", "write JUnit XML for a CI server")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExits with 0 when every expectation is met, 1 when one is not, 2 for a wrong file.\n" +
        "\nExamples:\n  hindsight scenario test scenarios/ --junit scenarios.xml" +
        "\n  hindsight scenario test scenarios/stories/two-minutes-silence.yaml --update",
    )
    .action(async (paths: string[], flags: Flags) => {
      const began = performance.now();
      const scenarios = readScenarios(scenarioFiles(paths));
      const updated: string[] = [];
      const all = await withSamples(
        async (samples) => {
          const checked: Checked[] = [];
          for (const scenario of scenarios) {
            const one = await checkScenario(scenario, samples);
            checked.push(one);
            if (flags.json !== true) print(checkedText(one));
            if (flags.update !== true || one.unmet.length === 0) continue;
            writeWholeFile(one.file, updatedText(scenario.source, one.unmet));
            updated.push(one.file);
          }
          return checked;
        },
        { progress: progressBar() },
      );
      if (flags.junit !== undefined) writeWholeFile(flags.junit, checkedJunit(all));
      if (flags.json) printJson(checkedDocument(all, updated));
      else print(summaryText(all, (performance.now() - began) / 1000));
      for (const file of updated) note(`${file}: rewritten; read its diff before you commit it`);
      const failed = all.some(({ unmet }) => unmet.length > 0);
      process.exitCode = failed && flags.update !== true ? EXIT_FAILED : 0;
    });
}
