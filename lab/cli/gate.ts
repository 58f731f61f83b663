/** `hindsight gate`: may this policy change be merged? */

import { Command } from "commander";
import { distinctlyNamed, evaluate } from "../compare/evaluate.ts";
import { checkRunPlace, writeRun } from "../compare/runDirectory.ts";
import { DEFAULT_BUDGET, loadAcceptedFlips, loadBudget } from "../gate/budget.ts";
import { gateDocument, gateJunit, gateMarkdown, gateText } from "../gate/formats.ts";
import { gateOf, type GateVerdict } from "../gate/gate.ts";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import { writeWholeFile } from "./textFile.ts";
import { evaluateOptions, evaluateOptionsOf, scaleOf, type EvaluateFlags } from "./options.ts";
import { note, print, printJson, progressBar } from "./output.ts";

const EXIT: Readonly<Record<GateVerdict, number>> = { pass: 0, fail: 1, inconclusive: 3 };
const WEEK_MS = 604_800_000;

interface GateFlags extends EvaluateFlags {
  readonly baseline: string;
  readonly candidate: string;
  readonly budget?: string;
  readonly acceptedFlips?: string;
  readonly junit?: string;
  readonly markdown?: string;
}

export function gateCommand(): Command {
  return evaluateOptions(
    new Command("gate")
      .description("Judge a policy change against a budget: pass, fail or inconclusive.")
      .requiredOption("--baseline <file>", "the policy in force")
      .requiredOption("--candidate <file>", "the policy that would replace it"),
  )
    .option("--budget <file>", "how much worse each field may become (YAML)")
    .option("--accepted-flips <file>", "deployments that may end as the candidate ends them")
    .option("--junit <file>", "write JUnit XML for a CI server")
    .option("--markdown <file>", "write a pull request comment")
    .addHelpText(
      "after",
      "\nExits with 0 for pass, 1 for fail, 3 for inconclusive.\n" +
        "\nExample:\n  hindsight gate --history quarter --baseline current.yaml \\\n" +
        "    --candidate next.yaml --budget scenarios/gate/budget.yaml --junit gate.xml",
    )
    .action(async (flags: GateFlags) => {
      const policies = distinctlyNamed(loadPolicy(flags.baseline), loadPolicy(flags.candidate));
      const budget = flags.budget === undefined ? DEFAULT_BUDGET : loadBudget(flags.budget);
      const accepted =
        flags.acceptedFlips === undefined ? [] : loadAcceptedFlips(flags.acceptedFlips);
      if (flags.out !== undefined) checkRunPlace(flags.out, flags.force ?? false);
      const history = await openHistory(flags.history);
      try {
        const progress = progressBar();
        const options = { ...evaluateOptionsOf(flags), ...scaleOf(flags), progress };
        const evaluation = await evaluate(history, policies, options);
        const { from, to } = history.manifest;
        const lengthMs = Date.parse(to ?? "") - Date.parse(from ?? "");
        const weeks = Number.isNaN(lengthMs) ? 0 : lengthMs / WEEK_MS;
        const gate = gateOf(evaluation, budget, accepted, weeks);
        if (flags.out !== undefined) await writeRun(flags.out, evaluation, flags.force ?? false);
        if (flags.junit !== undefined) writeWholeFile(flags.junit, gateJunit(evaluation, gate));
        if (flags.markdown !== undefined)
          writeWholeFile(flags.markdown, gateMarkdown(evaluation, gate));
        if (flags.json) printJson(gateDocument(evaluation, gate));
        else print(gateText(evaluation, gate));
        for (const line of evaluation.manifest.notes) note(line);
        process.exitCode = EXIT[gate.verdict];
      } finally {
        history.close();
      }
    });
}
