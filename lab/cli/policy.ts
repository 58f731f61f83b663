/** `hindsight policy`: work on policy files. */

import { Command } from "commander";
import { policyJsonSchema } from "../../engine/index.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem, Problems } from "../problem.ts";
import { diffCommand } from "./policyDiff.ts";
import { resolveCommand } from "./policyResolve.ts";
import { note, print, printJson } from "./output.ts";

interface Checked {
  readonly file: string;
  readonly policy: string | null;
  readonly digest: string | null;
  readonly errors: readonly string[];
}

const EXAMPLE = "\nExample:\n  hindsight policy check scenarios/policies/*.yaml";

export function policyCommand(): Command {
  return new Command("policy")
    .description("Work on policy files.")
    .addHelpText("after", EXAMPLE)
    .addCommand(checkCommand())
    .addCommand(diffCommand())
    .addCommand(resolveCommand())
    .addCommand(schemaCommand());
}

function checkCommand(): Command {
  return new Command("check")
    .description("Say everything that is wrong with policy files, with all they extend.")
    .argument("<files...>", "policy files")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action((files: readonly string[], flags: { json?: true }) => {
      const checked = files.map(checkFile);
      const wrong = checked.filter(({ errors }) => errors.length > 0);
      if (flags.json) printJson({ files: checked });
      else {
        for (const { file, policy, digest } of checked) {
          if (digest !== null) print(`${file}: ${policy}, ${digest.slice(0, 12)}`);
        }
      }
      for (const error of wrong.flatMap(({ errors }) => errors)) note(error);
      if (wrong.length > 0) process.exitCode = 2;
    });
}

function schemaCommand(): Command {
  return new Command("schema")
    .description("Print the JSON Schema of policy files, for editors.")
    .option("--json", "the same: it is one JSON document")
    .addHelpText("after", "\nExample:\n  hindsight policy schema > policy.schema.json")
    .action(() => printJson(policyJsonSchema()));
}

function checkFile(file: string): Checked {
  try {
    const { policy, digest } = loadPolicy(file);
    return { file, policy, digest, errors: [] };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const all = error instanceof Problems ? error.all : [error];
    return { file, policy: null, digest: null, errors: all.map(({ message }) => message) };
  }
}
