/**
 * `hindsight.yaml`: what the daily commands of a team have in common, so that they need no
 * flags. A flag wins over it.
 */

import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { own, type JsonObject } from "../../engine/index.ts";
import { pathFromHere } from "../directory.ts";
import { documentJsonSchema, readDocument } from "../documentFile.ts";
import { LABEL_CHOICES } from "../history/labels/choose.ts";
import { PEOPLE_WORDS } from "../people/choose.ts";
import { note } from "./output.ts";

const NAME = "hindsight.yaml";

const path = z.string({ error: "expected a path" }).min(1, { error: "expected a path" });

const configSchema = z.strictObject({
  history: path.optional().describe("The directory of the history."),
  policies: z
    .array(path, { error: "expected a list of policy files" })
    .min(1, { error: "expected at least one policy file" })
    .optional()
    .describe("Policy files. The first is in force; compare and serve take all of them."),
  people: path
    .optional()
    .describe(`Who answers proposals: ${PEOPLE_WORDS.join(", ")}, or a people file.`),
  costs: path.optional().describe("A costs file."),
  labels: z
    .enum(LABEL_CHOICES, { error: `expected one of ${LABEL_CHOICES.join(", ")}` })
    .optional()
    .describe("Which labels count."),
});

type Config = z.output<typeof configSchema>;

/** The JSON Schema with which editors complete and check a `hindsight.yaml`. */
export function configJsonSchema(): object {
  return documentJsonSchema(configSchema, "Hindsight configuration", "What commands share.");
}

/** The options that the file stands in for; of the policies all, or the one in force. */
interface Taken {
  readonly options: readonly (keyof Config | "policy" | "baseline")[];
  /** Words after which the command needs none of it. */
  readonly unless?: (command: Command) => boolean;
}

const SCORED = ["history", "people", "costs", "labels"] as const;
const TAKEN: JsonObject<Taken> = {
  inspect: { options: ["history"] },
  "policy suggest": { options: ["history", "labels"] },
  replay: { options: [...SCORED, "policy"] },
  compare: { options: [...SCORED, "policies"] },
  sweep: { options: [...SCORED, "policy"] },
  tags: { options: [...SCORED, "policy"] },
  gate: { options: [...SCORED, "baseline"] },
  serve: { options: [...SCORED, "policies"] },
  // A log and a report say themselves what they were made of.
  explain: {
    options: ["history", "people", "labels", "policy"],
    unless: ({ args }) => args.length > 0,
  },
  report: {
    options: [...SCORED, "policy"],
    unless: (command) => command.getOptionValue("check") !== undefined,
  },
  "scenario from": { options: ["history", "policy"] },
  "detect-bench": { options: ["history", "labels", "policy"] },
  "confidence learn": { options: ["history", "labels", "policy"] },
};

/**
 * Lets a command take what the file says in place of flags that were not given.
 *
 * @param called the words that call it, as in `policy suggest`
 */
export function takeFromConfig(command: Command, called: string): void {
  const taken = own(TAKEN, called);
  if (taken === undefined) return;
  command.option(
    "--config <file>",
    `take flags that are not given from it (${NAME}, found upwards)`,
  );
  command.hook("preAction", (_, asked) => {
    if (asked !== command || taken.unless?.(command) === true) return;
    const given = command.getOptionValue("config") as string | undefined;
    const file = given ?? configAbove(process.cwd());
    if (file === null) return;
    const config = readDocument(file, configSchema, `a ${NAME}`);
    const words = taken.options.flatMap((name) => take(command, name, config, dirname(file)));
    if (words.length > 0) note(`From ${pathFromHere(file)}: ${words.join(" ")}`);
  });
}

/** Takes one value where the command line has none; returns it as it would be typed. */
function take(
  command: Command,
  name: Taken["options"][number],
  config: Config,
  folder: string,
): readonly string[] {
  const flag = name === "policies" ? "policy" : name;
  const values = valuesOf(name, config, folder);
  if (values.length === 0) return [];
  if (!command.options.some((option) => option.attributeName() === flag)) {
    if (command.args.length > 0) return [];
    // An argument in place of an option: the history of `inspect`.
    command.processedArgs[0] = values[0];
    return values;
  }
  if (!["default", undefined].includes(command.getOptionValueSource(flag))) return [];
  command.setOptionValueWithSource(flag, name === "policies" ? values : values[0], "config");
  return values.map((value) => `--${flag} ${value}`);
}

function valuesOf(name: Taken["options"][number], config: Config, folder: string): string[] {
  const fromHere = (file: string): string => pathFromHere(resolve(folder, file));
  const { history, policies = [], people, costs, labels } = config;
  const isWord = PEOPLE_WORDS.some((word) => word === people);
  switch (name) {
    case "policies":
      return policies.map(fromHere);
    case "policy":
    case "baseline":
      return policies.slice(0, 1).map(fromHere);
    case "labels":
      return labels === undefined ? [] : [labels];
    case "people":
      return people === undefined ? [] : [isWord ? people : fromHere(people)];
    case "history":
      return history === undefined ? [] : [fromHere(history)];
    case "costs":
      return costs === undefined ? [] : [fromHere(costs)];
  }
}

/** The file in this folder or the nearest above it, but not beyond a repository's root. */
function configAbove(folder: string): string | null {
  const file = join(folder, NAME);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) return file;
  const above = dirname(folder);
  return above === folder || existsSync(join(folder, ".git")) ? null : configAbove(above);
}
