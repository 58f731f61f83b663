/** `hindsight confidence`: how sure a policy may be, learned from labels. */

import { Command } from "commander";
import { confidenceDocument } from "../confidence/document.ts";
import { learnConfidence } from "../confidence/learnFrom.ts";
import { loadModel, modelOf } from "../confidence/modelFile.ts";
import { confidenceText, modelText } from "../confidence/print.ts";
import type { LabelChoice } from "../history/labels/choose.ts";
import { openHistory } from "../history/open.ts";
import { loadPolicy } from "../policy/load.ts";
import { duration, labelsOption, wholeNumber } from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";
import { writeWholeFile } from "./textFile.ts";

interface Flags {
  readonly history: string;
  readonly policy: string;
  readonly within?: number;
  readonly past?: number;
  readonly seed: number;
  readonly out?: string;
  readonly model?: string;
  readonly labels?: LabelChoice;
  readonly json?: true;
}

const EXAMPLE =
  "\nExample:\n  hindsight confidence learn --history quarter " +
  "--policy scenarios/policies/default.yaml --out confidence.json";

export function confidenceCommand(): Command {
  return new Command("confidence")
    .description("Learn from labels how often a policy's alarms are regressions.")
    .addCommand(learnCommand())
    .addCommand(checkCommand())
    .addHelpText("after", EXAMPLE);
}

function learnCommand(): Command {
  return new Command("learn")
    .description("Learn a confidence from a history's labels, and test it walk-forward.")
    .requiredOption("--history <dir>", "a history with labels")
    .requiredOption("--policy <file>", "the policy whose alarms are judged")
    .option("--within <duration>", "judge a change on this long only, such as 8m", duration)
    .option("--past <duration>", "show a change this much of its past only, such as 11m", duration)
    .option("--seed <n>", "seed of the intervals and bands", wholeNumber(0), 1)
    .option("--out <file>", "write what was learned, its cases and its test (JSON)")
    .option("--model <file>", "write the model alone: coefficients, labels, origin (JSON)")
    .addOption(labelsOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(async (flags: Flags) => {
      const policy = loadPolicy(flags.policy);
      const history = await openHistory(flags.history, { labels: flags.labels });
      try {
        const learned = await learnConfidence(history, policy, {
          seed: flags.seed,
          withinMs: flags.within ?? null,
          historyMs: flags.past ?? null,
          progress: progressBar(),
        });
        const document = confidenceDocument(learned);
        if (flags.out !== undefined) {
          writeWholeFile(flags.out, `${JSON.stringify(document, null, 2)}\n`);
          note(`Written to ${flags.out}.`);
        }
        if (flags.model !== undefined) {
          writeWholeFile(flags.model, `${JSON.stringify(modelOf(learned), null, 2)}\n`);
          note(`Model written to ${flags.model}.`);
        }
        if (flags.json) printJson(document);
        else printFitted(confidenceText(learned));
      } finally {
        history.close();
      }
    });
}

function checkCommand(): Command {
  return new Command("check")
    .description("Say everything that is wrong with a model, or what it rests on.")
    .argument("<file>", "a model that `confidence learn --model` wrote")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  hindsight confidence check model.json")
    .action((file: string, flags: { json?: true }) => {
      const { model, digest } = loadModel(file);
      if (flags.json) printJson({ file, digest, model });
      else printFitted(modelText(model, digest));
    });
}
