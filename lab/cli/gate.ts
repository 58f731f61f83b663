/** `hindsight gate`: may this policy change be merged? */

import { Command } from "commander";
import { answerTo } from "../compare/answer.ts";
import { distinctlyNamed } from "../compare/names.ts";
import { scoredWeeks } from "../compare/within.ts";
import { DEFAULT_BUDGET, limitsOf, loadAcceptedFlips, loadBudget } from "../gate/budget.ts";
import { gateDocument, gateJunit, gateMarkdown, gateText } from "../gate/formats.ts";
import { gateOf, type GateVerdict } from "../gate/gate.ts";
import { readManifest } from "../history/manifest.ts";
import { loadPolicy } from "../policy/load.ts";
import { writeWholeFile } from "./textFile.ts";
import { evaluateOptionsOf, runOptions, portsFrom, type EvaluateFlags } from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";
import { runWriter } from "./runOut.ts";

const EXIT: Readonly<Record<GateVerdict, number>> = { pass: 0, fail: 1, inconclusive: 3 };

interface GateFlags extends EvaluateFlags {
  readonly baseline: string;
  readonly candidate: string;
  readonly budget?: string;
  readonly acceptedFlips?: string;
  readonly junit?: string;
  readonly markdown?: string;
}

export function gateCommand(): Command {
  return runOptions(
    new Command("gate")
      .description("Judge a policy change against a budget: pass, fail or inconclusive.")
      .requiredOption("--baseline <file>", "the policy in force; - is standard input")
      .requiredOption("--candidate <file>", "the policy that would replace it"),
  )
    .option("--budget <file>", "how much worse each field may become (YAML)")
    .option("--accepted-flips <file>", "deployments that may end as the candidate ends them")
    .option("--junit <file>", "write JUnit XML for a CI server")
    .option("--markdown <file>", "write a pull request comment; - is standard output")
    .addHelpText(
      "after",
      "\nExits with 0 for pass, 1 for fail, 3 for inconclusive.\n" +
        "\nExample:\n  hindsight gate --history quarter --baseline current.yaml \\\n" +
        "    --candidate next.yaml --budget scenarios/gate/budget.yaml --from 28d --junit gate.xml",
    )
    .action(async (flags: GateFlags) => {
      const policies = distinctlyNamed(loadPolicy(flags.baseline), loadPolicy(flags.candidate));
      const budget = flags.budget === undefined ? DEFAULT_BUDGET : loadBudget(flags.budget);
      const accepted =
        flags.acceptedFlips === undefined ? [] : loadAcceptedFlips(flags.acceptedFlips);
      const run = await runWriter(flags);
      const options = {
        ...(await evaluateOptionsOf(flags)),
        ...portsFrom(flags),
        progress: progressBar(),
      };
      const modelled = { limits: limitsOf(budget) };
      const asked = { ...options, modelled };
      const answer = await answerTo(flags.history, policies, asked, "scores", run);
      const weeks = scoredWeeks(readManifest(flags.history), options.within);
      const gate = gateOf(answer, budget, accepted, weeks);
      if (flags.junit !== undefined) writeWholeFile(flags.junit, gateJunit(answer, gate));
      if (flags.markdown !== undefined) {
        writeWholeFile(flags.markdown, gateMarkdown(answer, gate, weeks));
      }
      if (flags.json) printJson(gateDocument(answer, gate));
      else printFitted(gateText(answer, gate, weeks));
      for (const line of answer.manifest.notes) note(line);
      process.exitCode = EXIT[gate.verdict];
    });
}
