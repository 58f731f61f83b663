/** `hindsight replay`: one policy over a history. */

import { Command } from "commander";
import { answerTo, type Answer, type Answered } from "../compare/answer.ts";
import { calibrationLines } from "../compare/calibrationLines.ts";
import { replayDocument } from "../compare/document.ts";
import { missedLine, replayHeadline } from "../compare/headline.ts";
import { causesOfAll, scorecardTable, unlabelledLines, wastedLines } from "../compare/print.ts";
import { meaningLine } from "../compare/meanings.ts";
import { loadPolicy } from "../policy/load.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";
import { evaluateOptionsOf, runOptions, portsFrom, type EvaluateFlags } from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";
import { runWriter } from "./runOut.ts";

const ROLLBACKS_SHOWN = 5;

export function replayCommand(): Command {
  return runOptions(
    new Command("replay")
      .description("Replay a history under one policy: scorecard and outcomes.")
      .requiredOption("--policy <file>", "the policy"),
  )
    .option("--all", "print every row, and every regression that was missed")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight replay --history quarter " +
        "--policy scenarios/policies/two-minute-override.yaml",
    )
    .action(async (flags: EvaluateFlags & { policy: string; all?: true }) => {
      const policy = loadPolicy(flags.policy);
      const options = {
        ...(await evaluateOptionsOf(flags)),
        ...portsFrom(flags),
        progress: progressBar(),
      };
      const answer = await answerTo(
        flags.history,
        [policy],
        // A scorecard shows nothing of what was quiet.
        { ...options, glances: flags.json !== true && flags.out === undefined },
        flags.json ? "outcomes" : "scores",
        await runWriter(flags),
      );
      if (flags.json) printJson(replayDocument(answer));
      else {
        const lines = replayLines(answer, flags.all ?? false);
        for (const line of lines) printFitted(line);
        const meaning = meaningLine(lines.join("\n"));
        if (meaning !== null) printFitted(`\n${meaning}`);
      }
      for (const line of answer.manifest.notes) note(line);
      if (flags.out !== undefined) note(`Run written to ${flags.out}`);
    });
}

function replayLines(answer: Answer, all: boolean): string[] {
  const [answered] = answer.policies as [Answered];
  const missed = missedLine(answered, all ? Number.POSITIVE_INFINITY : ROLLBACKS_SHOWN);
  return [
    `${replayHeadline(answered)}\n`,
    scorecardTable(answer.policies, TERMINAL_COLUMNS, all),
    ...(missed === null ? [] : [missed]),
    ...causesOfAll(answer),
    ...calibrationLines(answered),
    ...wastedLines(answer, ROLLBACKS_SHOWN),
    ...unlabelledLines(answered, ROLLBACKS_SHOWN),
  ];
}
