/** `hindsight policy schema`: JSON Schemas of policies and of files beside them. */

import { Argument, Command } from "commander";
import { incumbentJsonSchema, policyJsonSchema, own, type JsonObject } from "../../engine/index.ts";
import { acceptedFlipsJsonSchema, budgetJsonSchema } from "../gate/budget.ts";
import { peopleJsonSchema } from "../people/peopleFile.ts";
import { costsJsonSchema } from "../score/costs.ts";
import { configJsonSchema } from "./configFile.ts";
import { printJson } from "./output.ts";

/** What a team writes beside its policies has a schema as well. */
const SCHEMAS: JsonObject<() => object> = {
  policy: policyJsonSchema,
  incumbent: incumbentJsonSchema,
  people: peopleJsonSchema,
  costs: costsJsonSchema,
  config: configJsonSchema,
  budget: budgetJsonSchema,
  "accepted-flips": acceptedFlipsJsonSchema,
};

export function schemaCommand(): Command {
  return new Command("schema")
    .description("Print the JSON Schema of policies, or of files beside them, for editors.")
    .addArgument(
      new Argument("[kind]", "what kind of file").choices(Object.keys(SCHEMAS)).default("policy"),
    )
    .option("--json", "the same: it is one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  hindsight policy schema > policy.schema.json\n" +
        "  hindsight policy schema budget > budget.schema.json",
    )
    .action((kind: string) => printJson(own(SCHEMAS, kind)!()));
}
