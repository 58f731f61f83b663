/**
 * YAML files that people write for a command (budgets, accepted flips, …): read, checked
 * against a schema, every error with file, line and column, all of them at once.
 */

import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { Problem, Problems } from "./problem.ts";

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "no permission",
  EISDIR: "this is a directory",
};

/**
 * @param what the kind of file in words, for the cure: "a budget file"
 * @throws Problem when the file cannot be read, is no YAML, or not what the schema wants
 */
export function readDocument<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  what: string,
): z.output<Schema> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new Problem(UNREADABLE[code] ?? code, { file, cure: `Give the path of ${what}.` });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    throw new Problems(
      document.errors.map((error) => new Problem(error.message, at(error.pos[0]))),
    );
  }
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => {
    const path = issue.path.filter((part) => typeof part !== "symbol");
    const paths =
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
    return paths.map((one) => {
      const unknown = issue.code === "unrecognized_keys";
      const message = unknown ? "unknown key" : issue.message.replace(/^Invalid input: /, "");
      return new Problem(`${one.join(".")}: ${message}`, at(offsetOf(document, one)));
    });
  });
  throw new Problems(problems);
}

/** Where a path is written: its key, its value, or the nearest parent that exists. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)) {
      return Number(node.range[0]);
    }
  }
  return 0;
}
