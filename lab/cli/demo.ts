/** `hindsight demo`: the whole story on a generated quarter, from one command. */

import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { compareDocument } from "../compare/document.ts";
import { evaluate } from "../compare/evaluate.ts";
import { checkRunPlace, writeRun } from "../compare/runDirectory.ts";
import { pathFromHere } from "../directory.ts";
import { readManifest } from "../history/manifest.ts";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { generateHistory } from "../simulate/generate.ts";
import { openWorld, shippedDirectory } from "../simulate/open.ts";
import { printComparison } from "./compare.ts";
import { wholeNumber } from "./options.ts";
import { note, printJson, PROGRAM, progressBar } from "./output.ts";

const POLICIES = ["full-autonomy", "two-minute-override", "five-minute-override", "human-approval"];

/** Of people's luck, and of what history hid. */
const DRAWS = 5;

interface Flags {
  readonly dir: string;
  readonly seed: number;
  readonly json?: true;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description("Generate a quarter, compare four policies on it, and say what differs.")
    .option("--dir <dir>", "where the quarter and the run go", ".hindsight")
    .option("--seed <n>", "seed of the quarter", wholeNumber(0), 7)
    .option("--json", "print the comparison as JSON")
    .addHelpText("after", "\nExample:\n  hindsight demo")
    .action(async (flags: Flags) => {
      const worldFile = join(shippedDirectory("datasets/worlds"), "quarter.yaml");
      const opened = openWorld(worldFile, flags.seed);
      const directory = join(flags.dir, `quarter-${flags.seed}`);
      const progress = progressBar();
      const wanted = opened.sources.map(({ sha256 }) => sha256).join(" ");
      const run = join(flags.dir, "run");
      checkDirectory(flags.dir);
      checkRunPlace(run, true);
      const reused =
        existsSync(directory) &&
        readManifest(directory)
          .sources.map(({ sha256 }) => sha256)
          .join(" ") === wanted;
      if (reused) note(`Using the quarter in ${directory}.`);
      else {
        note(`Generating a quarter of 40 services into ${directory} …`);
        await generateHistory(opened.world, opened.loggingPolicy, directory, {
          force: true,
          madeBy: `hindsight ${ENGINE_VERSION} generate quarter --seed ${flags.seed}`,
          sources: opened.sources,
          progress,
        });
      }
      const folder = shippedDirectory("scenarios/policies");
      const policies = POLICIES.map((name) => loadPolicy(join(folder, `${name}.yaml`)));
      const history = await openHistory(directory);
      try {
        const evaluation = await evaluate(history, policies, {
          people: "modelled",
          draws: DRAWS,
          seed: 1,
          replicates: 1000,
          modelled: { limits: [] },
          progress,
        });
        await writeRun(run, evaluation, true);
        if (flags.json) printJson(compareDocument(evaluation));
        else printComparison(evaluation);
        for (const line of evaluation.manifest.notes) note(line);
        note(
          `\nPeople answer as those of this quarter did (--people modelled, ${DRAWS} draws).\n` +
            `The run is in ${run}; the history in ${directory}. Next:\n` +
            nextCommands(directory, folder, run, evaluation.flips[0]?.deploymentId),
        );
      } finally {
        history.close();
      }
    });
}

/** What one would want to see then, as it can be pasted. */
function nextCommands(
  history: string,
  policies: string,
  run: string,
  deployment: string | undefined,
): string {
  const folder = pathFromHere(policies);
  const asked = `--history ${history} --people modelled`;
  const policy = (name: string): string => join(folder, `${name}.yaml`);
  return [
    `inspect ${history}`,
    `policy suggest --history ${history} --out ${join(dirname(run), "suggested.yaml")}`,
    ...(deployment === undefined
      ? []
      : [
          `explain --history ${history} --policy ${policy("two-minute-override")} ` +
            `--deployment ${deployment}`,
        ]),
    `serve ${asked} --policy ${policy("full-autonomy")} --policy ${policy("two-minute-override")}`,
    `report ${asked} --quarter 2026Q3 --policy ${policy("two-minute-override")} ` +
      `--candidate ${policy("five-minute-override")} --out ${join(dirname(run), "report.html")}`,
  ]
    .map((command) => `  ${PROGRAM} ${command}`)
    .join("\n");
}

function checkDirectory(dir: string): void {
  if (!existsSync(dir) || statSync(dir).isDirectory()) return;
  throw new Problem("this is a file, not a directory", {
    file: dir,
    cure: "Choose another --dir.",
  });
}
