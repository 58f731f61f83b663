/** Turns errors of the schema into problems with file, line and cure. */

import type { z } from "zod";
import { issueText, own, type JsonObject } from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import { nearest } from "../sweep/paths.ts";
import { placeIn } from "../yaml.ts";
import type { Path } from "./expectation.ts";
import type { Source } from "./policies.ts";

/** All errors, each with its place; an unknown key gets a suggestion. */
export function problemsOf(
  source: Source,
  error: z.ZodError,
  schema: z.ZodType,
  under: Path = [],
): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = [...under, ...issue.path.filter((part) => typeof part !== "symbol")];
    const place = (at: Path) => ({ file: source.file, ...placeIn(source, at) });
    if (issue.code === "unrecognized_keys") {
      const known = keysAt(schema, issue.path);
      return issue.keys.map((key) => {
        const near = nearest(key, known);
        const cure = near === null ? `It has ${known.join(", ")}.` : `Did you mean \`${near}\`?`;
        const where = path.length === 0 ? "" : ` in ${path.join(".")}`;
        return new Problem(`unknown key \`${key}\`${where}`, { ...place([...path, key]), cure });
      });
    }
    return [issueProblem(source, path, issueText(issue.message))];
  });
}

/** @param message `what|cure`, or what alone */
export function issueProblem(source: Source, path: Path, message: string): Problem {
  const [what, cure] = message.split("|");
  const named = path.length === 0 ? "" : `${path.join(".")}: `;
  const place = { file: source.file, ...placeIn(source, path) };
  return new Problem(`${named}${what!}`, { ...place, ...(cure === undefined ? {} : { cure }) });
}

/** The keys that the schema allows at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema;
  for (const part of path) {
    at = bare(at);
    const { shape, element, valueType } = at as JsonObject;
    at = isObject(shape) ? own(shape as JsonObject, String(part)) : (element ?? valueType);
  }
  return shapes(at).flatMap((shape) => Object.keys(shape));
}

/** The object shapes that a schema, or its alternatives, allow. */
function shapes(schema: unknown): object[] {
  const { shape, options } = bare(schema) as {
    readonly shape?: object;
    readonly options?: unknown;
  };
  if (isObject(shape)) return [shape];
  return Array.isArray(options) ? options.flatMap(shapes) : [];
}

/** The schema without `optional`, `nullable` and `default`. */
function bare(schema: unknown): object {
  let at = schema as { readonly def?: { readonly innerType?: unknown } };
  while (at?.def?.innerType !== undefined) at = at.def.innerType as typeof at;
  return at ?? {};
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
