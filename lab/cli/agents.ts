/** `hindsight agents`: how often agents that propose are right, and how sure they should be. */

import { Command } from "commander";
import { judgeAgents } from "../confidence/agents.ts";
import { agentsText } from "../confidence/printAgents.ts";
import type { LabelChoice } from "../history/labels/choose.ts";
import { openHistory } from "../history/open.ts";
import { labelsOption, wholeNumber } from "./options.ts";
import { printFitted, printJson } from "./output.ts";

interface Flags {
  readonly history: string;
  readonly seed: number;
  readonly labels?: LabelChoice;
  readonly json?: true;
}

export function agentsCommand(): Command {
  return new Command("agents")
    .description("Judge what AI agents proposed: how often right, how overconfident, by kind.")
    .requiredOption("--history <dir>", "a history with proposals and labels")
    .option("--seed <n>", "seed of the intervals and bands", wholeNumber(0), 1)
    .addOption(labelsOption())
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nThe worth of a threshold: compare two policies whose `agents:` differ in it.\n" +
        "\nExample:\n  hindsight agents --history quarter",
    )
    .action(async (flags: Flags) => {
      const history = await openHistory(flags.history, { labels: flags.labels });
      try {
        const judged = judgeAgents(history, flags.seed);
        const { manifest, agents } = judged;
        const head = { format: "hindsight-agents", version: 1, ...manifest };
        if (flags.json) printJson({ manifest: head, agents });
        else if (agents.length > 0) printFitted(agentsText(judged));
        else
          printFitted("This history has no proposals of agents: nothing to judge (proposals.csv).");
      } finally {
        history.close();
      }
    });
}
