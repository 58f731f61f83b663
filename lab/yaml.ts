/** YAML with its places: every error can name the line and the column it is about. */

import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, parseDocument, visit, type Document } from "yaml";
import { unreadable } from "./operatingProblem.ts";
import { Problem, Problems } from "./problem.ts";

/** A text as it is written. */
export interface Written {
  readonly document: Document;
  readonly lines: LineCounter;
}

/**
 * @param what the kind of file, for "no such …"
 * @throws Problem when it cannot be read
 */
export function readText(file: string, what: string, cure: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(error, file, what, cure);
  }
}

/** What follows a first error of syntax is mostly the parser's loss of its way. */
const ERRORS_SHOWN = 3;

/** Schemas drop this key without a word, and what is written under it would not count. */
const UNUSABLE_KEY = "__proto__";

/**
 * @throws Problems when it is no YAML, or a key cannot be used; the first of them each with its
 *   place
 */
export function parseYaml(text: string, file: string): Written {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length === 0) {
    const unusable = unusableKeys(document, lines, file);
    if (unusable.length > 0) throw new Problems(unusable);
    return { document, lines };
  }
  const more = document.errors.length - ERRORS_SHOWN;
  throw new Problems(
    document.errors.slice(0, ERRORS_SHOWN).map((error, place) => {
      const { line, col } = lines.linePos(error.pos[0]);
      const last = more > 0 && place === ERRORS_SHOWN - 1;
      return new Problem(error.message, {
        file,
        line,
        column: col,
        cure: `Mend the YAML at this place${last ? `; ${more} more may follow from it` : ""}.`,
      });
    }),
  );
}

/** The first keys of a document that no schema can keep. */
export function unusableKeys(document: Document, lines: LineCounter, file: string): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== UNUSABLE_KEY || key.range == null) return;
      const { line, col } = lines.linePos(key.range[0]);
      const cure = "Choose another name.";
      const what = `\`${UNUSABLE_KEY}\` cannot be a key`;
      problems.push(new Problem(what, { file, line, column: col, cure }));
    },
  });
  return problems.slice(0, ERRORS_SHOWN);
}

/** Where a path is written, from 1: its key, its value, or the nearest parent that exists. */
export function placeIn(
  { document, lines }: Written,
  path: readonly (string | number)[],
): { readonly line: number; readonly column: number } {
  const { line, col } = lines.linePos(offsetOf(document, path));
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

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
