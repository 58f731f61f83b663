/** `hindsight demo`: the whole story on a generated quarter, in one screen, from one command. */

import { existsSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Command } from "commander";
import { stringify } from "yaml";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { compareDocument } from "../compare/document.ts";
import { evaluate } from "../compare/evaluate.ts";
import { checkRunPlace, writeRun } from "../compare/runDirectory.ts";
import { pathFromHere, writeOwnFile } from "../directory.ts";
import { announcedRollback, type AnnouncedRollback } from "../explain/announced.ts";
import { DEFAULT_BUDGET } from "../gate/budget.ts";
import { readManifest } from "../history/manifest.ts";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { verdictOf, type VerdictAsked } from "../server/views/verdict.ts";
import { generateHistory } from "../simulate/generate.ts";
import { openWorld, shippedDirectory } from "../simulate/open.ts";
import { printComparison } from "./compare.ts";
import { candidateOf, demoStory } from "./demoStory.ts";
import { wholeNumber } from "./options.ts";
import { note, print, printFitted, printJson, PROGRAM, progressBar } from "./output.ts";

/** Held against the policy that was in force. */
const CANDIDATES = [
  "full-autonomy",
  "two-minute-override",
  "five-minute-override",
  "human-approval",
];

/** Of people's luck, and of what history hid. */
const DRAWS = 5;

/** They answer as those of the quarter did. */
const PEOPLE = "modelled";

/** The verdict of the web lab's first page. */
const ASKED: VerdictAsked = { budget: DEFAULT_BUDGET, within: undefined, pairs: "baseline" };

interface Flags {
  readonly dir: string;
  readonly seed: number;
  readonly all?: true;
  readonly json?: true;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description(
      "Generate a quarter, hold four policies against the one in force, and tell it in one screen.",
    )
    .option("--dir <dir>", "where the quarter and the run go", ".hindsight")
    .option("--seed <n>", "seed of the quarter", wholeNumber(0), 7)
    .option("--all", "print the whole comparison, as `compare --all` does")
    .option("--json", "print the comparison as JSON")
    .addHelpText("after", "\nExamples:\n  hindsight demo\n  hindsight demo --seed 8 --all")
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
      const files = [
        opened.loggingPolicyFile,
        ...CANDIDATES.map((name) => join(shippedDirectory("scenarios/policies"), `${name}.yaml`)),
      ];
      const history = await openHistory(directory);
      try {
        const evaluation = await evaluate(history, files.map(loadPolicy), {
          people: PEOPLE,
          draws: DRAWS,
          seed: 1,
          replicates: 1000,
          modelled: { limits: [] },
          progress,
        });
        await writeRun(run, evaluation, true);
        if (flags.json) {
          printJson(compareDocument(evaluation));
          return;
        }
        if (flags.all) {
          printComparison(evaluation, true);
          for (const line of evaluation.manifest.notes) note(line);
        }
        const verdict = await verdictOf(history, evaluation, files, ASKED);
        const story = announcedRollback(history.tables);
        for (const line of demoStory(evaluation, verdict, story)) printFitted(line);
        const config = writeConfig(flags.dir, directory, files);
        const candidate = files[candidateOf(evaluation, verdict)]!;
        printFitted("Go on with:");
        for (const line of nextCommands(config, candidate, story)) print(`  ${line}`);
      } finally {
        history.close();
      }
    });
}

/** What daily commands take from a file: the history, the policies and the people of this demo. */
function writeConfig(dir: string, history: string, policies: readonly string[]): string {
  const fromThere = (path: string): string => relative(resolve(dir), resolve(path));
  const file = join(dir, "demo.yaml");
  writeOwnFile(
    file,
    "# Written by `hindsight demo`. The first policy was in force.\n" +
      stringify({
        history: fromThere(history),
        policies: policies.map(fromThere),
        people: PEOPLE,
      }),
  );
  return pathFromHere(resolve(file));
}

/** Three to go on with, as they can be pasted. */
function nextCommands(
  config: string,
  candidate: string,
  story: AnnouncedRollback | null,
): readonly string[] {
  const told = story === null ? [] : [["explain", `--deployment ${story.deploymentId}`]];
  const asked = [...told, ["gate", `--candidate ${pathFromHere(candidate)}`], ["serve"]];
  return asked.map(([name, ...flags]) => {
    const lines = [`${PROGRAM} ${name!}`];
    for (const flag of [...flags, `--config ${config}`]) {
      // Two columns before it, and a terminal of the usual width.
      const isFull = lines.at(-1)!.length + flag.length + 5 > 80;
      if (isFull) lines.push(`  ${flag}`);
      else lines.push(`${lines.pop()!} ${flag}`);
    }
    return lines.join(" \\\n  ");
  });
}

function checkDirectory(dir: string): void {
  if (!existsSync(dir) || statSync(dir).isDirectory()) return;
  throw new Problem("this is a file, not a directory", {
    file: dir,
    cure: "Choose another --dir.",
  });
}
