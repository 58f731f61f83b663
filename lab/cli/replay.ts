/** `hindsight replay`: one policy over a history. */

import { Command } from "commander";
import { calibrationLines } from "../compare/calibrationLines.ts";
import { replayDocument } from "../compare/document.ts";
import { evaluate } from "../compare/evaluate.ts";
import { scorecardTable, wastedLines } from "../compare/print.ts";
import { checkRunPlace, writeRun } from "../compare/runDirectory.ts";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import {
  evaluateOptions,
  evaluateOptionsOf,
  scaleOf,
  signerOf,
  type EvaluateFlags,
} from "./options.ts";
import { note, print, printJson, progressBar } from "./output.ts";

const WASTED_SHOWN = 5;

export function replayCommand(): Command {
  return evaluateOptions(
    new Command("replay")
      .description("Replay a history under one policy: scorecard and outcomes.")
      .requiredOption("--policy <file>", "the policy"),
  )
    .addHelpText(
      "after",
      "\nExample:\n  hindsight replay --history quarter " +
        "--policy scenarios/policies/two-minute-override.yaml",
    )
    .action(async (flags: EvaluateFlags & { policy: string }) => {
      const policy = loadPolicy(flags.policy);
      const options = { ...evaluateOptionsOf(flags), ...scaleOf(flags) };
      if (flags.out !== undefined) checkRunPlace(flags.out, flags.force ?? false);
      const signer = signerOf(flags);
      const history = await openHistory(flags.history);
      try {
        const progress = progressBar();
        const evaluation = await evaluate(history, [policy], {
          ...options,
          progress,
          digestSamples: flags.out !== undefined,
          // A scorecard shows nothing of what was quiet.
          glances: flags.json !== true && flags.out === undefined,
        });
        if (flags.out !== undefined) {
          await writeRun(flags.out, evaluation, flags.force ?? false, signer);
        }
        if (flags.json) printJson(replayDocument(evaluation));
        else {
          print(scorecardTable(evaluation.policies));
          for (const line of calibrationLines(evaluation.policies[0]!)) print(line);
          for (const line of wastedLines(evaluation, WASTED_SHOWN)) print(line);
        }
        for (const line of evaluation.manifest.notes) note(line);
        if (flags.out !== undefined) note(`Run written to ${flags.out}`);
      } finally {
        history.close();
      }
    });
}
