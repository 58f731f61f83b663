/** `hindsight scenario test|run|new|from|schema`: policy unit tests and what-ifs. */

import { Command } from "commander";
import { scenarioTestCommand } from "./scenarioTest.ts";

export function scenarioCommand(): Command {
  return new Command("scenario")
    .description("Scenario files: unit tests of policies, and what-ifs.")
    .addHelpText("after", "\nExample:\n  hindsight scenario test scenarios/")
    .addCommand(scenarioTestCommand());
}
