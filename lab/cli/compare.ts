/** `hindsight compare`: policies side by side on the same deployments. */

import { Command } from "commander";
import { answerTo, type Answer } from "../compare/answer.ts";
import { compareDocument } from "../compare/document.ts";
import { headlines, missedLine } from "../compare/headline.ts";
import { namedByFile } from "../compare/names.ts";
import { incumbentLines, incumbentsOf } from "../compare/incumbents.ts";
import {
  causesOfAll,
  differenceSentences,
  flipLines,
  flippedLines,
  scorecardTable,
  unlabelledLines,
} from "../compare/print.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { evaluateOptionsOf, runOptions, scaleOf, type EvaluateFlags } from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";
import { runWriter } from "./runOut.ts";
import { counted } from "../counted.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";

const FLIPS_SHOWN = 5;
const FLIPS_NAMED = 3;

export function compareCommand(): Command {
  return runOptions(
    new Command("compare")
      .description("Compare policies on one history: differences, and what ends differently.")
      .requiredOption(
        "--policy <file>",
        "a policy; give it twice or more, the first is the baseline",
        (file: string, files: string[] | undefined) => [...(files ?? []), file],
      ),
  )
    .option("--all", "print every row, and every deployment that ends differently")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight compare --history quarter " +
        "--policy scenarios/policies/full-autonomy.yaml \\\n" +
        "    --policy scenarios/policies/two-minute-override.yaml",
    )
    .action(async (flags: EvaluateFlags & { policy: string[]; all?: true }) => {
      if (flags.policy.length < 2) {
        throw new Problem("compare needs at least two policies", {
          cure: "Give --policy twice; for one policy use `hindsight replay`.",
        });
      }
      const policies = namedByFile(flags.policy.map(loadPolicy), flags.policy);
      const modelled = { limits: [] };
      const common = { ...evaluateOptionsOf(flags), ...scaleOf(flags), progress: progressBar() };
      const run = await runWriter(flags);
      const answer = await answerTo(
        flags.history,
        policies,
        { ...common, modelled },
        "scores",
        run,
      );
      if (flags.json) printJson(compareDocument(answer));
      else printComparison(answer, flags.all);
      for (const line of answer.manifest.notes) note(line);
      if (flags.out !== undefined) note(`Run written to ${flags.out}`);
    });
}

/** The answer in a sentence, scorecards, differences and the first flips, for a person. */
export function printComparison(evaluation: Answer, all = false): void {
  const { policies } = evaluation;
  for (const line of headlines(evaluation)) printFitted(line);
  printFitted(`\n${scorecardTable(policies, TERMINAL_COLUMNS, all)}`);
  for (const policy of policies) {
    const missed = missedLine(policy, all ? Number.POSITIVE_INFINITY : FLIPS_SHOWN);
    if (missed !== null) printFitted(missed);
  }
  for (const line of causesOfAll(evaluation)) printFitted(line);
  for (const line of unlabelledLines(evaluation.policies[0]!, FLIPS_SHOWN)) printFitted(line);
  printFitted("");
  for (const line of differenceSentences(evaluation)) printFitted(line);
  printFitted("");
  const incumbents = incumbentsOf(evaluation);
  if (incumbents !== null) {
    for (const line of incumbentLines(incumbents, FLIPS_NAMED)) printFitted(line);
    printFitted("");
  }
  const { draws } = evaluation.manifest;
  const drawn = draws > 1 ? ` in the first of ${draws} draws` : "";
  for (const line of endings(evaluation, drawn, all)) printFitted(line);
}

/** Which deployments end differently. */
function endings(answer: Answer, drawn: string, all: boolean): readonly string[] {
  const { policies, flips } = answer;
  if (flips.length === 0) return [`No deployment ends differently${drawn}.`];
  const most = all ? flips.length : FLIPS_SHOWN;
  const [, only, ...others] = policies;
  if (others.length > 0) return flippedLines(answer, drawn, most);
  return [
    `Under ${only!.policy.policy} ${counted(flips.length, "deployment")} ` +
      `${flips.length === 1 ? "ends" : "end"} differently${drawn}:`,
    ...flipLines(flips, most),
  ];
}
