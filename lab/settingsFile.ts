/**
 * Small YAML files of settings (people, costs): read, checked against a schema, every
 * error at its line and column with its cure. Unknown keys are errors, so a misspelt
 * setting is never a default in silence.
 */

import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { Problem, Problems } from "./problem.ts";

/** @throws Problems naming all that is wrong; `example` is a file that is right */
export function readSettings<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  example: string,
): z.output<Schema> {
  const cure = `${example} is a file that is right.`;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new Problem(missing ? "no such file" : "cannot be read", { file, cure });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problemAt = (offset: number, what: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return new Problem(what, { file, line: Math.max(1, line), column: Math.max(1, col), cure });
  };
  if (document.errors.length > 0) {
    throw new Problems(document.errors.map(({ pos, message }) => problemAt(pos[0], message)));
  }
  const checked = schema.safeParse(document.toJS() ?? {});
  if (checked.success) return checked.data;
  throw new Problems(
    checked.error.issues.flatMap((issue) => {
      if (issue.code !== "unrecognized_keys") {
        const name = issue.path.join(".");
        return [problemAt(offsetOf(document, issue.path), `${name}: ${issue.message}`)];
      }
      return issue.keys.map((key) =>
        problemAt(offsetOf(document, [...issue.path, key]), `unknown key "${key}"`),
      );
    }),
  );
}

/** Where a path is written: the key that names it, or the nearest parent that exists. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    if (!isMap(parent)) continue;
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path[length - 1]);
    if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
  }
  return 0;
}
