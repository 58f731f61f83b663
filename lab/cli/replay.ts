/** `hindsight replay`: one policy over a history. */

import { Command } from "commander";
import { answerTo, type Answered } from "../compare/answer.ts";
import { calibrationLines } from "../compare/calibrationLines.ts";
import { replayDocument } from "../compare/document.ts";
import { missedLine, replayHeadline } from "../compare/headline.ts";
import { causesOfAll, scorecardTable, unlabelledLines, wastedLines } from "../compare/print.ts";
import { loadPolicy } from "../policy/load.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";
import { evaluateOptionsOf, runOptions, scaleOf, type EvaluateFlags } from "./options.ts";
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
      const options = { ...evaluateOptionsOf(flags), ...scaleOf(flags), progress: progressBar() };
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
        const [answered] = answer.policies as [Answered];
        printFitted(`${replayHeadline(answered)}\n`);
        printFitted(scorecardTable(answer.policies, TERMINAL_COLUMNS, flags.all ?? false));
        const missed = missedLine(answered, flags.all ? Number.POSITIVE_INFINITY : ROLLBACKS_SHOWN);
        if (missed !== null) printFitted(missed);
        for (const line of causesOfAll(answer)) printFitted(line);
        for (const line of calibrationLines(answered)) printFitted(line);
        for (const line of wastedLines(answer, ROLLBACKS_SHOWN)) printFitted(line);
        for (const line of unlabelledLines(answered, ROLLBACKS_SHOWN)) printFitted(line);
      }
      for (const line of answer.manifest.notes) note(line);
      if (flags.out !== undefined) note(`Run written to ${flags.out}`);
    });
}
