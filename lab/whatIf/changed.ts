/** Changes values in the text of a policy file; comments stay. */

import { parse, parseDocument, type Document } from "yaml";
import { Problem } from "../problem.ts";

export interface PathChange {
  /** `tiers.override.window`, `assign.2.tier`. */
  readonly path: string;
  /** As written in a policy file; null removes the key. */
  readonly value: string | null;
}

/** @throws Problem for a value that is not YAML, or a path that goes through a plain value */
export function changedText(text: string, changes: readonly PathChange[]): string {
  if (changes.length === 0) return text;
  const document = parseDocument(text);
  for (const { path, value } of changes) change(document, path, value);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function change(document: Document, path: string, value: string | null): void {
  const parts = path.split(".");
  if (parts[0] === "extends") {
    throw new Problem("extends: what a policy rests on is not changed here", {
      cure: "Change the policy file.",
    });
  }
  try {
    if (value === null) {
      if (document.hasIn(parts)) document.deleteIn(parts);
    } else document.setIn(parts, plain(document, value));
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw new Problem(`${path}: ${why}`, {
      cure: "The path and its value are written as in the policy file.",
    });
  }
}

/** Parses a value; a plain one keeps the comment behind the old value. */
function plain(document: Document, text: string): unknown {
  const value: unknown = parse(text, { logLevel: "error" });
  return typeof value === "object" && value !== null
    ? document.createNode(value, { flow: true })
    : value;
}
