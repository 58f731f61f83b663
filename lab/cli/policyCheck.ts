/** `hindsight policy check`: every problem of policy files. */

import { Command } from "commander";
import { loadPlacedPolicy } from "../policy/load.ts";
import { Problem, Problems } from "../problem.ts";
import { note, print, printJson } from "./output.ts";

/** One problem, in the order in which an editor wants it. */
interface Found {
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
  readonly cure: string | null;
}

interface Checked {
  readonly file: string;
  readonly policy: string | null;
  readonly digest: string | null;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const EXIT_CHECK_FAILED = 1;
const EXIT_USAGE = 2;

const EXAMPLE =
  "\nExamples:\n  hindsight policy check scenarios/policies/*.yaml\n" +
  "  git show main:policy.yaml | hindsight policy check -";

export function checkCommand(): Command {
  return new Command("check")
    .description("Say everything that is wrong with policy files, with all they extend.")
    .argument("<files...>", "policy files; - is standard input")
    .option("--strict", "end with 1 where there are warnings")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action((files: readonly string[], flags: { json?: true; strict?: true }) => {
      const checked = files.map(checkFile);
      if (flags.json) {
        printJson({
          files: checked.map(({ errors, warnings, ...rest }) => ({
            ...rest,
            errors: errors.map(foundOf),
            warnings: warnings.map(foundOf),
          })),
        });
      } else for (const one of checked) say(one);
      const strict = flags.strict === true && checked.some(({ warnings }) => warnings.length > 0);
      if (checked.some(({ errors }) => errors.length > 0)) process.exitCode = EXIT_USAGE;
      else if (strict) process.exitCode = EXIT_CHECK_FAILED;
    });
}

function say({ file, policy, digest, errors, warnings }: Checked): void {
  if (digest !== null) print(`${file}: ${policy}, ${digest.slice(0, 12)}`);
  for (const { message } of errors) note(message);
  for (const { what, where } of warnings) note(new Problem(`warning: ${what}`, where).message);
}

function foundOf({ what, where }: Problem): Found {
  const { file = null, line = null, column = null, cure = null } = where;
  return { file, line, column, message: what, cure };
}

function checkFile(file: string): Checked {
  try {
    const { policy, smells } = loadPlacedPolicy(file);
    return { file, policy: policy.policy, digest: policy.digest, errors: [], warnings: smells() };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const errors = error instanceof Problems ? error.all : [error];
    return { file, policy: null, digest: null, errors, warnings: [] };
  }
}
