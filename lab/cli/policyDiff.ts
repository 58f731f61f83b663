/** `hindsight policy diff`: what two policies do differently. */

import { Command } from "commander";
import { diffPolicies } from "../../engine/index.ts";
import { loadPolicy } from "../policy/load.ts";
import { print, printJson } from "./output.ts";

export function diffCommand(): Command {
  return new Command("diff")
    .description("Say what two policies do differently, with all they extend.")
    .argument("<before>", "the policy in force")
    .argument("<after>", "the policy that would replace it")
    .option("--exit-code", "end with 1 where they differ")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy diff scenarios/policies/two-minute-override.yaml \\\n" +
        "    scenarios/policies/five-minute-override.yaml",
    )
    .action((before: string, after: string, flags: { exitCode?: true; json?: true }) => {
      const [a, b] = [loadPolicy(before), loadPolicy(after)];
      const differences = diffPolicies(a, b);
      const same = a.digest === b.digest;
      if (flags.json) {
        const side = (file: string, { policy, digest }: typeof a) => ({ file, policy, digest });
        printJson({ before: side(before, a), after: side(after, b), same, differences });
      } else if (same) {
        print(`The same policy, ${a.digest.slice(0, 12)}.`);
      } else {
        for (const { text } of differences) print(text);
      }
      if (flags.exitCode === true && !same) process.exitCode = 1;
    });
}
