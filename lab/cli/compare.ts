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
import { meaningLine } from "../compare/meanings.ts";
import { smallHistoryLines } from "../compare/needed.ts";
import type { WhichPairs } from "../compare/pairs.ts";
import { scoredWeeks } from "../compare/within.ts";
import { readManifest } from "../history/manifest.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { evaluateOptionsOf, runOptions, portsFrom, type EvaluateFlags } from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";
import { runWriter } from "./runOut.ts";
import { counted } from "../counted.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";

const FLIPS_SHOWN = 5;
const FLIPS_NAMED = 3;
/** Pairs grow with the square of the policies: of more, `--json` has all with `--all`. */
const ALL_OF_AT_MOST = 6;

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
    .option(
      "--all",
      "print every row, every pair of policies and every deployment that ends differently",
    )
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
      const common = {
        ...(await evaluateOptionsOf(flags)),
        ...portsFrom(flags),
        progress: progressBar(),
      };
      const run = await runWriter(flags);
      const answer = await answerTo(
        flags.history,
        policies,
        { ...common, modelled, pairs: pairsAsked(policies.length, flags.all, flags.json) },
        "scores",
        run,
      );
      if (flags.json) printJson(compareDocument(answer));
      else {
        const weeks = scoredWeeks(readManifest(flags.history), common.within);
        printComparison(answer, flags.all, weeks);
      }
      for (const line of answer.manifest.notes) note(line);
      if (flags.out !== undefined) note(`Run written to ${flags.out}`);
    });
}

/** Pairs without the first policy: the nearest to the question, or all. */
function pairsAsked(policies: number, all = false, json = false): WhichPairs {
  if (policies < 3) return "none";
  return all || (json && policies <= ALL_OF_AT_MOST) ? "all" : "nearest";
}

/**
 * The answer in a sentence, scorecards, differences and the first flips, for a person.
 *
 * @param weeks of the history that were scored; null where there is none
 */
export function printComparison(
  evaluation: Answer,
  all = false,
  weeks: number | null = null,
): void {
  const lines = comparisonLines(evaluation, all, weeks);
  for (const line of lines) printFitted(line);
  const meaning = meaningLine(lines.join("\n"));
  if (meaning !== null) printFitted(`\n${meaning}`);
}

function comparisonLines(evaluation: Answer, all: boolean, weeks: number | null): string[] {
  const { policies, pairs, manifest } = evaluation;
  const { draws } = manifest;
  const drawn = draws > 1 ? ` in the first of ${draws} draws` : "";
  const incumbents = incumbentsOf(evaluation);
  const left = policies.length > 3 && pairs?.length === 1;
  return [
    ...headlines(evaluation),
    ...smallHistoryLines(evaluation, weeks),
    ...(left ? ["Of the others, the two that cost least stand here; --all has every pair."] : []),
    `\n${scorecardTable(policies, TERMINAL_COLUMNS, all)}`,
    ...policies.flatMap((policy) => {
      const missed = missedLine(policy, all ? Number.POSITIVE_INFINITY : FLIPS_SHOWN);
      return missed === null ? [] : [missed];
    }),
    ...causesOfAll(evaluation),
    ...unlabelledLines(policies[0]!, FLIPS_SHOWN),
    "",
    ...differenceSentences(evaluation),
    "",
    ...(incumbents === null ? [] : [...incumbentLines(incumbents, FLIPS_NAMED), ""]),
    ...endings(evaluation, drawn, all),
  ];
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
