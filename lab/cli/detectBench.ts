/** `hindsight detect-bench`: how good detection is on labelled history. */

import { Command } from "commander";
import { benchDetection } from "../detectBench/bench.ts";
import { benchTable } from "../detectBench/print.ts";
import type { LabelChoice } from "../history/labels/choose.ts";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import { duration, labelsOption, wholeNumber } from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";

const EXIT_INCONCLUSIVE = 3;

interface Flags {
  readonly history: string;
  readonly policy: string;
  readonly within?: number;
  readonly past?: number;
  readonly seed: number;
  readonly replicates: number;
  readonly labels?: LabelChoice;
  readonly json?: true;
}

export function detectBenchCommand(): Command {
  return new Command("detect-bench")
    .description("Score a policy's detection on labelled history, beside the baselines.")
    .requiredOption("--history <dir>", "a history with labels")
    .requiredOption("--policy <file>", "the policy whose signals are judged")
    .option("--within <duration>", "judge a change on this long only, such as 8m", duration)
    .option("--past <duration>", "show a change this much of its past only, such as 11m", duration)
    .option("--seed <n>", "seed of the coin and the bootstrap", wholeNumber(0), 1)
    .option("--replicates <n>", "bootstrap samples behind every interval", wholeNumber(100), 1000)
    .addOption(labelsOption())
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight detect-bench --history nezha " +
        "--policy scenarios/policies/default.yaml --within 8m\n" +
        "Exit code 3: no metric of the history is watched, or no deployment could be judged.",
    )
    .action(async (flags: Flags) => {
      const policy = loadPolicy(flags.policy);
      const history = await openHistory(flags.history, { labels: flags.labels });
      try {
        const bench = await benchDetection(history, policy, {
          withinMs: flags.within ?? null,
          historyMs: flags.past ?? null,
          seed: flags.seed,
          replicates: flags.replicates,
          progress: progressBar(),
        });
        if (flags.json) printJson(bench);
        else if (bench.rows.length > 0) printFitted(benchTable(bench.rows));
        if (bench.inconclusive !== null) {
          note(`Inconclusive: ${bench.inconclusive}.`);
          process.exitCode = EXIT_INCONCLUSIVE;
        }
        for (const line of bench.notes) note(line);
      } finally {
        history.close();
      }
    });
}
