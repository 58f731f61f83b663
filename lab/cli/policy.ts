/** `hindsight policy`: work on policy files. */

import { Command } from "commander";
import { loadCommands, type CommandMakers } from "./loadCommands.ts";

const COMMANDS: CommandMakers = {
  check: async () => (await import("./policyCheck.ts")).checkCommand(),
  diff: async () => (await import("./policyDiff.ts")).diffCommand(),
  import: async () => (await import("./policyImport.ts")).importCommand(),
  lint: async () => (await import("./policyLint.ts")).lintCommand(),
  resolve: async () => (await import("./policyResolve.ts")).resolveCommand(),
  schema: async () => (await import("./policySchema.ts")).schemaCommand(),
  suggest: async () => (await import("./policySuggest.ts")).suggestCommand(),
};

/** @param asked the one command below it that is needed; absent: all of them */
export async function policyCommand(asked?: string): Promise<Command> {
  const command = new Command("policy")
    .description("Work on policy files.")
    .addHelpText("after", "\nExample:\n  hindsight policy check scenarios/policies/*.yaml");
  for (const each of await loadCommands(COMMANDS, asked)) command.addCommand(each);
  return command;
}
