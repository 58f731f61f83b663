/**
 * A file that says by which metric of a history each query of an incumbent is answered. Queries are
 * found by their text, so nothing is guessed from a name, and a query without an entry is refused.
 */

import { z } from "zod";
import { readDocument } from "../../documentFile.ts";
import { Problem, Problems } from "../../problem.ts";
import type { Bound, WrittenQuery } from "./policyFile.ts";

const bound = {
  /** What the history calls the answers. */
  metric: z.string().min(1).max(500),
  /** An answer is the history's value times this, plus that. */
  times: z.number().optional(),
  plus: z.number().optional(),
};

const BINDINGS = z.strictObject({
  series: z
    .array(
      z.union([
        z.strictObject({ query: z.string().min(1).max(10_000), ...bound }),
        z.strictObject({ builtIn: z.string().min(1).max(200), ...bound }),
      ]),
    )
    .min(1)
    .max(1_000),
});

export type Binding = z.infer<typeof BINDINGS>["series"][number];

/** @throws Problem where the file cannot be read, or is no such file */
export function readBindings(file: string): readonly Binding[] {
  return readDocument(file, BINDINGS, "a file of series").series;
}

/**
 * The metric of every query, by its name.
 *
 * @param file of the bindings, for errors
 * @throws Problems with every query that no entry has, or that several have
 */
export function boundBy(
  bindings: readonly Binding[],
  queries: readonly WrittenQuery[],
  file: string,
): ReadonlyMap<string, Bound> {
  const found = new Map<string, Bound>();
  const problems: Problem[] = [];
  for (const query of queries) {
    const own = bindings.filter((binding) => isAbout(binding, query));
    const [first] = own;
    const text = query.expr === null ? `the built-in ${query.name}` : `\`${query.expr}\``;
    if (first === undefined) {
      const cure = "Add an entry with its `query` or `builtIn`, and the `metric` of the history.";
      problems.push(new Problem(`no entry for ${query.name}: ${text}`, { file, cure }));
    } else if (own.length > 1) {
      const cure = "Keep one of them.";
      problems.push(new Problem(`${own.length} entries for ${text}`, { file, cure }));
    } else {
      const { metric, times, plus } = first;
      found.set(query.name, { metric, times, plus });
    }
  }
  if (problems.length > 0) throw new Problems(problems);
  return found;
}

function isAbout(binding: Binding, { name, expr }: WrittenQuery): boolean {
  if ("builtIn" in binding) return expr === null && binding.builtIn === name;
  return expr !== null && patternOf(binding.query).test(plain(expr));
}

/** Texts and placeholders stay as they are; else white space means nothing to PromQL. */
const TOKEN = /\{\{[^{}]*\}\}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[\w:.]+|[^\s\w]/g;
const PLACEHOLDER = /\{\{[^{}]*\}\}/g;

function plain(query: string): string {
  return (query.match(TOKEN) ?? []).join(" ");
}

/** A placeholder of the template, such as `{{args.service-name}}`, stands for any value. */
function patternOf(query: string): RegExp {
  const parts = plain(query)
    .split(PLACEHOLDER)
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join("[^\"'`]*?")}$`);
}
