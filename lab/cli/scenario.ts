/** `hindsight scenario`: policy unit tests and what-ifs. */

import { Command } from "commander";
import { scenarioJsonSchema } from "../scenario/schema.ts";
import { printJson } from "./output.ts";
import { scenarioFromCommand } from "./scenarioFrom.ts";
import { scenarioNewCommand } from "./scenarioNew.ts";
import { scenarioRunCommand } from "./scenarioRun.ts";
import { scenarioTestCommand } from "./scenarioTest.ts";

export function scenarioCommand(): Command {
  return new Command("scenario")
    .description("Scenario files: unit tests of policies, and what-ifs.")
    .addHelpText("after", "\nExample:\n  hindsight scenario test scenarios/")
    .addCommand(scenarioTestCommand())
    .addCommand(scenarioRunCommand())
    .addCommand(scenarioNewCommand())
    .addCommand(scenarioFromCommand())
    .addCommand(schemaCommand());
}

function schemaCommand(): Command {
  return new Command("schema")
    .description("Print the JSON Schema of scenario files, for editors.")
    .option("--json", "the same: it is one JSON document")
    .addHelpText("after", "\nExample:\n  hindsight scenario schema > scenario.schema.json")
    .action(() => printJson(scenarioJsonSchema()));
}
