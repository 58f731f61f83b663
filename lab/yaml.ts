/**
 * YAML with its places: every error can name the line and the column it is about. All YAML is
 * parsed here, within limits that are checked before the work: 4 KB of `{` end a process that gives
 * them to the parser as they are, and 300 bytes of aliases are a document of millions of values.
 */

import { readFileSync, readSync, statSync } from "node:fs";
import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  visit,
  type Document,
} from "yaml";
import { FILE_LIMITS, type DocumentLimits } from "./limits.ts";
import { unreadable } from "./operatingProblem.ts";
import { LimitProblem, Problem, Problems } from "./problem.ts";
import { checkOutline } from "./yamlOutline.ts";

/** A text as it is written. */
export interface Written {
  readonly document: Document;
  readonly lines: LineCounter;
  /** What the document says, as plain values. */
  readonly value: () => unknown;
}

/** Named in place of a file: standard input, or standard output where one is written. */
export const STANDARD = "-";

/**
 * @param file `-` is standard input
 * @param what the kind of file, for "no such …"
 * @param letters a longer file is not read
 * @throws Problem when it cannot be read
 */
export function readText(
  file: string,
  what: string,
  cure: string,
  letters: number = Number.POSITIVE_INFINITY,
): string {
  let text: string;
  try {
    // No letter has more than four bytes.
    if (file === STANDARD) text = readStandardInput(4 * letters);
    else {
      if (statSync(file).size > 4 * letters) throw tooLong(file, letters);
      text = readFileSync(file, "utf8");
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw unreadable(error, file, what, cure);
  }
  if (text.length > letters) throw tooLong(file, letters);
  return text;
}

/** @throws LimitProblem beyond so many bytes: a pipe may never end */
function readStandardInput(bytes: number): string {
  const parts: Buffer[] = [];
  let size = 0;
  for (;;) {
    const part = Buffer.alloc(65_536);
    const read = readSync(0, part);
    if (read === 0) break;
    size += read;
    if (size > bytes) throw tooLong(STANDARD, bytes / 4);
    parts.push(part.subarray(0, read));
  }
  if (size === 0) {
    throw new Problem("standard input is empty", {
      file: STANDARD,
      cure: "Pipe the file in, and write - for one file only: input can be read once.",
    });
  }
  return Buffer.concat(parts).toString("utf8");
}

function tooLong(file: string, letters: number): Problem {
  return new LimitProblem(`this is longer than ${letters} letters`, {
    file,
    cure: "Check the path: no such file needs as much.",
  });
}

/** What follows a first error of syntax is mostly the parser's loss of its way. */
const ERRORS_SHOWN = 3;

/** Schemas drop this key without a word, and what is written under it would not count. */
const UNUSABLE_KEY = "__proto__";

/** @throws Problem when it is no YAML, beyond the limits, or has a key that cannot be used */
export function parseYaml(
  text: string,
  file: string,
  limits: DocumentLimits = FILE_LIMITS,
): Written {
  checkOutline(text, file, limits);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
  });
  if (document.errors.length > 0) throw syntaxProblems(document, lines, file);
  const unusable = unusableKeys(document, lines, file);
  if (unusable.length > 0) throw new Problems(unusable);
  checkAliases(document, lines, file, limits);
  return { document, lines, value: () => document.toJS({ maxAliasCount: -1 }) as unknown };
}

/**
 * The documents of a text that may hold several; their errors are theirs to tell.
 *
 * @throws Problem when it is beyond the limits
 */
export function parseYamlDocuments(
  text: string,
  file: string,
  lines: LineCounter,
): readonly Document[] {
  checkOutline(text, file, FILE_LIMITS);
  return [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })];
}

function syntaxProblems({ errors }: Document, lines: LineCounter, file: string): Problems {
  const more = errors.length - ERRORS_SHOWN;
  return new Problems(
    errors.slice(0, ERRORS_SHOWN).map((error, place) => {
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

/** An alias inside what it stands for has no end; others must not multiply beyond the limits. */
function checkAliases(
  document: Document,
  lines: LineCounter,
  file: string,
  { entries }: DocumentLimits,
): void {
  const anchors = new Map<string, unknown>();
  const sizes = new Map<unknown, number>();
  const wrong = (node: unknown, what: string, cure: string): Problem => {
    const at = (node as { readonly range?: readonly number[] | null }).range?.[0] ?? 0;
    const { line, col } = lines.linePos(at);
    return new LimitProblem(what, { file, line, column: col, cure });
  };
  const sizeOf = (node: unknown): number => {
    if (isPair(node)) return sizeOf(node.key) + sizeOf(node.value);
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) {
        throw wrong(node, `there is no anchor &${node.source} before`, "Write the value out.");
      }
      const size = sizes.get(target);
      if (size !== undefined) return size;
      throw wrong(node, `*${node.source} stands inside of &${node.source}`, "Write the value out.");
    }
    if (!isScalar(node) && !isCollection(node)) return 1;
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    let size = 1;
    for (const item of isCollection(node) ? node.items : []) size += sizeOf(item);
    if (size > 2 * entries) {
      throw wrong(
        node,
        `with its aliases this has more than ${2 * entries} values`,
        "Use fewer aliases.",
      );
    }
    sizes.set(node, size);
    return size;
  };
  sizeOf(document.contents);
}

/**
 * What a short text says, such as a value on the command line.
 *
 * @throws Problem as `parseYaml` does
 */
export function yamlValue(text: string, place: string, limits: DocumentLimits): unknown {
  return parseYaml(text, place, limits).value();
}

/** Where a path is written, from 1: its key, its value, or the nearest parent that exists. */
export function placeIn(
  { document, lines }: Pick<Written, "document" | "lines">,
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
