/** `hindsight tags`: what context tags were worth under a policy. */

import { Command } from "commander";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import { tagsBrief } from "../tags/brief.ts";
import { tagsDocument } from "../tags/document.ts";
import { tagsText } from "../tags/print.ts";
import { valueOfTags } from "../tags/value.ts";
import {
  evaluateOptionsOf,
  measureOptions,
  stretchOptions,
  type EvaluateFlags,
} from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";

export function tagsCommand(): Command {
  const command = measureOptions(
    new Command("tags")
      .description("Value context tags: none, as recorded, wrong, late, stale; by kind and team.")
      .requiredOption("--policy <file>", "the policy"),
  );
  return stretchOptions(command)
    .option("--all", "print every arm, kind of tag and deployment")
    .addHelpText(
      "after",
      "\nA history without tags is an answer too: nothing to value, exit code 0.\n" +
        "\nExample:\n  hindsight tags --history quarter " +
        "--policy scenarios/policies/two-minute-override.yaml",
    )
    .action(async (flags: EvaluateFlags & { policy: string; all?: true }) => {
      const policy = loadPolicy(flags.policy);
      const options = await evaluateOptionsOf(flags);
      const history = await openHistory(flags.history, { labels: flags.labels });
      try {
        const value = await valueOfTags(history, policy, { ...options, progress: progressBar() });
        if (flags.json) printJson(tagsDocument(value));
        else if (value === null) printFitted("This history has no tags: nothing to value.");
        else printFitted(flags.all ? tagsText(value) : tagsBrief(value));
        for (const line of value?.manifest.notes ?? []) note(line);
      } finally {
        history.close();
      }
    });
}
