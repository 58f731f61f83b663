/** `hindsight sweep`: many variations of one policy, and whether one of them is worth it. */

import { Command, Option } from "commander";
import { loadBudget } from "../gate/budget.ts";
import { openHistory } from "../history/open.ts";
import { parseDimension } from "../sweep/dimension.ts";
import { checkSweepPlace, writeSweep } from "../sweep/directory.ts";
import { sweepDocument } from "../sweep/document.ts";
import { meaningLine } from "../compare/meanings.ts";
import { sweepText } from "../sweep/print.ts";
import { OFFERED, offeredSignals } from "../suggest/offered.ts";
import { sweep } from "../sweep/sweep.ts";
import { checkDesign, openBase } from "../sweep/variations.ts";
import {
  evaluateOptionsOf,
  measureOptions,
  portsFrom,
  scaleOptions,
  stretchOptions,
  wholeNumber,
  type EvaluateFlags,
} from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";

interface SweepFlags extends EvaluateFlags {
  readonly policy: string;
  readonly vary?: string[];
  readonly design: "grid" | "sobol";
  readonly points: number;
  readonly budget?: string;
}

export function sweepCommand(): Command {
  return scaleOptions(
    stretchOptions(
      measureOptions(
        new Command("sweep")
          .description("Try many variations of a policy; recommend one only if it survives.")
          .requiredOption("--policy <file>", "the policy you have, which is varied")
          .option(
            "--vary <path=values>",
            "a path of the policy and its values: a list, or FROM..TO/COUNT (evenly; COUNTlog: " +
              "in the logarithm); give it once for each path, `*` stands for every key; " +
              `${OFFERED}, or nothing: what this history has and the policy does not watch`,
            (text: string, all: string[] | undefined) => [...(all ?? []), text],
          )
          .addOption(
            new Option("--design <kind>", "every combination, or scrambled Sobol points")
              .choices(["grid", "sobol"])
              .default("grid"),
          )
          .option("--points <n>", "points of a Sobol design", wholeNumber(2), 512)
          .option(
            "--on <url>",
            "have the workers of a Redis or Valkey work on it (redis://HOST:PORT); see `worker`",
          ),
      ),
    ),
  )
    .option("--budget <file>", "how much worse a recommended change may make each field (YAML)")
    .option("--out <dir>", "write the sweep: its manifest, and every variation")
    .option("--force", "replace a sweep that is there already")
    .addHelpText(
      "after",
      "\nExamples:\n  hindsight sweep --history quarter " +
        "--policy scenarios/policies/two-minute-override.yaml\n" +
        "  hindsight sweep --history quarter " +
        "--policy scenarios/policies/two-minute-override.yaml \\\n" +
        "    --vary tiers.override.window=1m,2m,5m --vary 'signals.*.hold=0s..120s/5'",
    )
    .action(async (flags: SweepFlags) => {
      const vary = flags.vary ?? [OFFERED];
      const written = vary.filter((one) => one !== OFFERED).map(parseDimension);
      checkDesign(written, { kind: flags.design, points: flags.points });
      const base = openBase(flags.policy);
      const budget = flags.budget === undefined ? undefined : loadBudget(flags.budget);
      const options = { ...(await evaluateOptionsOf(flags)), ...portsFrom(flags) };
      if (flags.out !== undefined) checkSweepPlace(flags.out, flags.force ?? false);
      const history = await openHistory(flags.history, { labels: flags.labels });
      try {
        const design = { kind: flags.design, points: flags.points, seed: flags.seed };
        const progress = progressBar();
        // First, so that a written path may lead into an offered signal.
        const dimensions = vary.includes(OFFERED)
          ? [await offeredSignals(history, base, progress), ...written]
          : written;
        const swept = await sweep(history, base, vary, dimensions, design, {
          ...options,
          budget,
          progress,
        });
        if (flags.out !== undefined) {
          await writeSweep(flags.out, sweepDocument(swept), flags.force ?? false);
        }
        if (flags.json) printJson(sweepDocument(swept));
        else {
          const text = sweepText(swept);
          printFitted(text);
          const meaning = meaningLine(text);
          if (meaning !== null) printFitted(`\n${meaning}`);
        }
        for (const line of swept.manifest.notes) note(line);
        if (flags.out !== undefined) note(`Sweep written to ${flags.out}`);
      } finally {
        history.close();
      }
    });
}
