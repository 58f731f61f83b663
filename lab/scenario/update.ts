/**
 * Rewrites unmet expectations to what happened. Only the differing values change, so comments and
 * layout stay.
 */

import { isNode, stringify } from "yaml";
import type { Unmet } from "./check.ts";
import type { Source } from "./policies.ts";

const COLUMNS = 100;

/** The file's text with every unmet expectation replaced by what happened. */
export function updatedText({ document, text }: Source, unmet: readonly Unmet[]): string {
  const changes = unmet.flatMap(({ path, becomes }) => {
    const node = document.getIn(path, true);
    if (!isNode(node) || node.range == null) return [];
    return [{ from: node.range[0], to: node.range[1], value: becomes }];
  });
  // From the end of the file, so that no change shifts the position of another.
  changes.sort((a, b) => b.from - a.from);
  return changes.reduce(
    (at, { from, to, value }) => `${at.slice(0, from)}${written(at, from, value)}${at.slice(to)}`,
    text,
  );
}

function written(text: string, from: number, value: unknown): string {
  const lineStart = text.lastIndexOf("\n", from - 1) + 1;
  const before = text.slice(lineStart, from);
  if (!Array.isArray(value)) return scalar(value);
  const items = value.map((item) => JSON.stringify(item));
  const indent = " ".repeat(before.length - before.trimStart().length);
  // Is the value on a line of its own, or behind its key?
  const isOwnLine = before.trim() === "";
  const block = text[from] === "-";
  if (block && items.length > 0) return items.map((item) => `- ${item}`).join(`\n${indent}`);
  const flow = `[${items.join(", ")}]`;
  if (before.length + flow.length <= COLUMNS) return flow;
  const inner = isOwnLine ? `${indent}  ` : `${indent}    `;
  const close = isOwnLine ? indent : `${indent}  `;
  const body = `[\n${inner}${items.join(`,\n${inner}`)},\n${close}]`;
  return isOwnLine ? body : `\n${close}${body}`;
}

function scalar(value: unknown): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}
