/**
 * Reads a world file.
 *
 * Law: a file that passes is valid everywhere. Unknown keys are errors, all errors are reported at
 * once, and each names file, line, column and the cure.
 */

import { own, type JsonObject } from "../../engine/index.ts";
import { z } from "zod";
import { nearestNames } from "../../lab/explain/nearest.ts";
import { Problem, Problems } from "../../lab/problem.ts";
import { parseYaml, placeIn } from "../../lab/yaml.ts";
import { worldSchema, type WorldSpec } from "./spec.ts";

type Path = readonly (string | number)[];

/** The schema of a key without its checks and without `optional`. */
function bare(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap());
  if (schema instanceof z.ZodPipe) return bare(schema.in);
  return schema;
}

/** The keys a map may have at this path, for the cure of a misspelt one. */
function keysAt(path: Path): readonly string[] {
  let schema: unknown = worldSchema;
  for (const part of path) {
    const shape = schema instanceof z.ZodObject ? (schema.shape as JsonObject) : {};
    schema = bare(own(shape, String(part)));
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/**
 * Checks a world file's text. `file` is only for messages; nothing is opened here.
 *
 * @throws Problems naming every error at once, each as file:line:column with its cure.
 */
export function parseWorld(text: string, file: string): WorldSpec {
  const written = parseYaml(text, file);
  const checked = worldSchema.safeParse(written.document.toJS() as unknown);
  if (checked.success) return checked.data;
  throw new Problems(checked.error.issues.flatMap(explain));

  function explain(issue: z.core.$ZodIssue): Problem[] {
    const path = issue.path.filter((part) => typeof part !== "symbol");
    if (issue.code === "unrecognized_keys") {
      const known = keysAt(path);
      return issue.keys.map((key) => {
        const [meant] = nearestNames(key, known, 1);
        const cure = `Did you mean ${meant!}? Known here: ${known.join(", ")}.`;
        return new Problem(`unknown key "${key}"`, { ...at([...path, key]), cure });
      });
    }
    const value: unknown = path.length === 0 ? text : written.document.getIn(path);
    if (value === undefined) {
      const cure = "Add it; datasets/worlds/quarter.yaml shows every key that must be there.";
      return [new Problem(`"${path.join(".")}" is missing`, { ...at(path), cure })];
    }
    const [what, cure] = issue.message.replace(/^Invalid input: /, "").split("|");
    return [
      new Problem(`${path.join(".") || "world file"}: ${what!}`, {
        ...at(path),
        cure: cure ?? "See datasets/worlds/quarter.yaml for a file that is right.",
      }),
    ];
  }

  function at(path: Path): { file: string; line: number; column: number } {
    return { file, ...placeIn(written, path) };
  }
}
