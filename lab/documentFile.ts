/**
 * YAML files that people write for a command (budgets, accepted flips, …): read, checked
 * against a schema, every error with file, line and column, all of them at once.
 */

import { z } from "zod";
import { issueText, type JsonObject } from "../engine/index.ts";
import { FILE_LIMITS, PROBLEMS_SHOWN } from "./limits.ts";
import { Problem, Problems } from "./problem.ts";
import { parseYaml, placeIn, readText } from "./yaml.ts";

/**
 * @param what the kind of file in words, for the cure: "a budget file"
 * @throws Problem when the file cannot be read, is no YAML, or not what the schema wants
 */
export function readDocument<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  what: string,
): z.output<Schema> {
  const written = parseYaml(
    readText(file, "file", `Give the path of ${what}.`, FILE_LIMITS.letters),
    file,
  );
  const parsed = schema.safeParse(written.value());
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.flatMap(meant).flatMap((issue) => {
    const path = issue.path.filter((part) => typeof part !== "symbol");
    const paths =
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
    const message = issue.code === "unrecognized_keys" ? "unknown key" : issueText(issue.message);
    return paths.map((path) => ({ path, message }));
  });
  throw new Problems(
    // To find where a key is written takes longer the more there are.
    wrong.slice(0, PROBLEMS_SHOWN).map(({ path: one, message }) => {
      return new Problem(`${one.join(".")}: ${message}`, {
        file,
        ...placeIn(written, one),
      });
    }),
    Math.max(0, wrong.length - PROBLEMS_SHOWN),
  );
}

/** The JSON Schema of such files as they are written, so that editors complete and check them. */
export function documentJsonSchema(
  schema: z.ZodType,
  title: string,
  description: string,
): JsonObject {
  const { $schema, ...form } = z.toJSONSchema(schema, { io: "input" });
  return { $schema, title, description, ...form };
}

/** Of several forms, the one that was written: what is wrong with it lies deeper in the file. */
function meant(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const deepest = issue.errors
    .map((issues) => issues.flatMap(meant).filter(({ path }) => path.length > 0))
    .find((issues) => issues.length > 0);
  if (deepest === undefined) return [issue];
  return deepest.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
}
