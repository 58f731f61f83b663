/** `hindsight explain`: one decision as a tree. */

import { Command, Option } from "commander";
import { explanationMermaid, explanationText } from "../../engine/index.ts";
import { explanationDocument, openingIn } from "../explain/document.ts";
import { explainHistory, explainLog, type Explanation } from "../explain/find.ts";
import type { LabelChoice } from "../history/labels/choose.ts";
import type { PeopleChoice } from "../people/choose.ts";
import { loadPolicy } from "../policy/load.ts";
import { logIn } from "../audit/read.ts";
import { Problem } from "../problem.ts";
import { labelsOption, peopleOf, peopleOption, wholeNumber } from "./options.ts";
import { print, printFitted, printJson, progressBar } from "./output.ts";

interface Flags {
  readonly deployment: string;
  readonly history?: string;
  readonly policy?: string;
  readonly people?: PeopleChoice;
  readonly seed: number;
  readonly labels?: LabelChoice;
  readonly format: "text" | "mermaid" | "json";
  readonly json?: true;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description("Draw the decisions about one deployment as a tree anybody can read.")
    .argument("[log]", "a decision log, in place of --history")
    .requiredOption("--deployment <id>", "the deployment")
    .option("--history <dir>", "the history to replay")
    .option("--policy <file>", "the policy; for a log with several, the name of the one meant")
    .addOption(peopleOption())
    .option("--seed <n>", "seed of modelled people", wholeNumber(0), 1)
    .addOption(labelsOption())
    .addOption(
      new Option("--format <form>", "how it is drawn")
        .choices(["text", "mermaid", "json"])
        .default("text"),
    )
    .option("--json", "print one JSON document, as --format json does")
    .addHelpText(
      "after",
      "\nExamples:\n  hindsight explain run/decisions.jsonl --deployment d-42\n" +
        "  hindsight explain --history quarter --deployment d-42 \\\n" +
        "    --policy scenarios/policies/default.yaml --format mermaid",
    )
    .action(async (log: string | undefined, flags: Flags) => {
      const explanation = await explanationOf(log, flags);
      if (flags.json || flags.format === "json") printJson(explanationDocument(explanation));
      else if (flags.format === "mermaid") print(explanationMermaid(explanation.tree));
      else {
        for (const { who, says } of openingIn(explanation)) printFitted(`${who}: ${says}`);
        if (explanation.lesson !== undefined) print("");
        print(explanationText(explanation.tree));
      }
    });
}

async function explanationOf(log: string | undefined, flags: Flags): Promise<Explanation> {
  const { history, policy, deployment, seed, labels } = flags;
  if (log !== undefined && history === undefined) {
    return explainLog(logIn(log), deployment, policy ?? null);
  }
  if (log === undefined && history !== undefined && policy !== undefined) {
    const loaded = loadPolicy(policy);
    const people = await peopleOf({ ...flags, history });
    return explainHistory(history, loaded, deployment, people, seed, progressBar(), labels);
  }
  throw new Problem("a decision is explained from a log, or from a history and a policy", {
    cure: "Give LOG, or --history DIR and --policy FILE.",
  });
}
