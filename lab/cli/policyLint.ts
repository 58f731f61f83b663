/** `hindsight policy lint`: what in an incumbent will go wrong, found by running it. */

import { Command, InvalidArgumentError } from "commander";
import type { JsonObject } from "../../engine/index.ts";
import { lintFiles } from "../policy/lint/lint.ts";
import type { LintFinding } from "../policy/lint/finding.ts";
import type { Problem } from "../problem.ts";
import { note, print, printJson } from "./output.ts";

interface Flags {
  readonly arg: ReadonlyMap<string, string>;
  readonly json?: true;
}

const EXIT_FOUND = 1;
const EXIT_NOT_LINTED = 3;

export function lintCommand(): Command {
  return new Command("lint")
    .description(
      "Say what in AnalysisTemplates and Rollouts of Argo, in Canaries of Flagger, or in alerting\n" +
        "rules of Prometheus goes wrong: without data, on NaN, in an outage of the metrics, or\n" +
        "always. Ends with 1 where it finds something, and with 3 where it finds nothing but a\n" +
        "part cannot be linted.",
    )
    .argument("<files...>", "YAML files, several documents each")
    .option(
      "--arg <name=value>",
      "the value of an argument, as often as needed",
      argument,
      new Map(),
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy lint deploy/rollout.yaml deploy/analysis.yaml \\\n" +
        "    --arg service-name=checkout",
    )
    .action((files: readonly string[], { arg: args, json }: Flags) => {
      const { findings, problems } = lintFiles(files, { args });
      if (json) printJson({ findings, notLinted: problems.map(placed) });
      else say(findings, problems, files.length);
      if (findings.length > 0) process.exitCode = EXIT_FOUND;
      else if (problems.length > 0) process.exitCode = EXIT_NOT_LINTED;
    });
}

function argument(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [name = "", ...value] = text.split("=");
  if (name === "" || value.length === 0) {
    throw new InvalidArgumentError("expected an argument such as service-name=checkout");
  }
  return new Map([...before, [name, value.join("=")]]);
}

function placed({ what, where }: Problem): JsonObject<string | number | null> {
  const { file = null, line = null, column = null, cure = null } = where;
  return { file, line, column, message: what, cure };
}

function say(findings: readonly LintFinding[], problems: readonly Problem[], files: number): void {
  for (const { file, line, column, subject, what, mend } of findings) {
    print(`${file}:${line}:${column}: ${subject}: ${what}`);
    if (mend === null) continue;
    for (const [place, text] of mend.split("\n").entries()) {
      print(`  ${place === 0 ? "mend:" : "     "} ${text}`);
    }
  }
  for (const { message } of problems) note(`not linted: ${message}`);
  const noun = findings.length === 1 ? "finding" : "findings";
  note(`${findings.length} ${noun} in ${files} ${files === 1 ? "file" : "files"}.`);
}
