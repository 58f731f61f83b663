/**
 * Files of Kubernetes objects: several YAML documents each, with the place of every key. They come
 * from outside, so their size, their aliases and their depth are bounded.
 */

import { isMap, isScalar, LineCounter, type Document } from "yaml";
import { own, type JsonObject } from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import { parseYamlDocuments, placeIn, readText, unusableKeys } from "../../yaml.ts";

export type Path = readonly (string | number)[];

export interface PlaceInFile {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One object of a file. */
export interface KubernetesObject {
  readonly file: string;
  /** `kind`, such as `Rollout`; null where the document has none. */
  readonly kind: string | null;
  /** `metadata.name`; null where the document has none. */
  readonly name: string | null;
  readonly value: JsonObject;
  /** Where a key is written, or the nearest of its parents. */
  readonly placeOf: (path: Path) => PlaceInFile;
}

export interface ReadDocuments {
  readonly objects: readonly KubernetesObject[];
  readonly problems: readonly Problem[];
}

const LARGEST_CHARACTERS = 4_000_000;
const MOST_DOCUMENTS = 2000;
const MOST_ALIASES = 100;
/** What follows a first error of syntax is mostly the parser's loss of its way. */
const SYNTAX_ERRORS_SHOWN = 3;

/**
 * @param what the kind of file, for "no such …"
 * @throws Problem when it cannot be read
 */
export function readDocuments(file: string, what: string): ReadDocuments {
  return documentsOf(readText(file, what, `Give the path of a ${what}.`), file);
}

export function documentsOf(text: string, file: string): ReadDocuments {
  if (text.length > LARGEST_CHARACTERS) {
    const cure = `Files of up to ${LARGEST_CHARACTERS / 1_000_000} million characters are read.`;
    return { objects: [], problems: [new Problem("the file is too long", { file, cure })] };
  }
  const lines = new LineCounter();
  const documents = parsed(text, file, lines);
  if (documents instanceof Problem) return { objects: [], problems: [documents] };
  const objects: KubernetesObject[] = [];
  const problems: Problem[] = [];
  for (const document of documents) {
    const read = objectOf(document, file, lines, text);
    if (read === null) continue;
    if ("value" in read) objects.push(read);
    else problems.push(...read);
  }
  return { objects, problems };
}

function parsed(text: string, file: string, lines: LineCounter): readonly Document[] | Problem {
  try {
    const documents = parseYamlDocuments(text, file, lines);
    if (documents.length <= MOST_DOCUMENTS) return documents;
    return new Problem(`the file has more than ${MOST_DOCUMENTS} documents`, {
      file,
      cure: "Give it in parts.",
    });
  } catch (error) {
    if (error instanceof Problem) return error;
    if (error instanceof RangeError) return tooDeep(file);
    throw error;
  }
}

function tooDeep(file: string): Problem {
  return new Problem("the YAML is nested too deep", { file, cure: "Give a flatter file." });
}

/** Null for an empty document, as between two `---`. */
function objectOf(
  document: Document,
  file: string,
  lines: LineCounter,
  text: string,
): KubernetesObject | readonly Problem[] | null {
  const at = (offset: number): PlaceInFile => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  // The parser keeps an overflow of the stack as an error of syntax.
  if (document.errors.some(({ message }) => message.includes("call stack"))) return [tooDeep(file)];
  if (document.errors.length > 0) {
    return document.errors
      .slice(0, SYNTAX_ERRORS_SHOWN)
      .map(({ message, pos }) => new Problem(message, { ...at(pos[0]), cure: syntaxCure(text) }));
  }
  if (document.contents === null) return null;
  const unusable = unusableKeys(document, lines, file);
  if (unusable.length > 0) return unusable;
  const start = at(document.contents.range?.[0] ?? 0);
  const value = valueOf(document, file);
  if (value instanceof Problem) return [new Problem(value.what, { ...start, ...value.where })];
  if (value === null) return null;
  if (typeof value !== "object" || Array.isArray(value) || !isMap(document.contents)) {
    return [
      new Problem("expected a Kubernetes object", { ...start, cure: "Remove the document." }),
    ];
  }
  const kind = textAt(document, ["kind"]);
  const name = textAt(document, ["metadata", "name"]);
  const placeOf = (path: Path): PlaceInFile => ({ file, ...placeIn({ document, lines }, path) });
  return { file, kind, name, value: value as JsonObject, placeOf };
}

function syntaxCure(text: string): string {
  return /\{\{-?\s*(?:\.|include|if|range|with|toYaml)/.test(text)
    ? "This is a Helm template: render it first with `helm template`."
    : "Mend the YAML at this place.";
}

function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  } catch (error) {
    if (error instanceof RangeError) return tooDeep(file);
    if (!(error instanceof ReferenceError)) throw error;
    return new Problem("the YAML has too many aliases", { cure: "Write their values out." });
  }
}

function textAt(document: Document, path: Path): string | null {
  const node: unknown = document.getIn(path, true);
  return isScalar(node) && typeof node.value === "string" ? node.value : null;
}

/** @param cure none where the message says it all */
export function problemAt(
  { object, path }: { readonly object: KubernetesObject; readonly path: Path },
  what: string,
  cure?: string,
): Problem {
  const of = object.name === null ? "" : ` (${object.kind ?? "object"} ${object.name})`;
  return new Problem(`${what}${of}`, {
    ...object.placeOf(path),
    ...(cure === undefined ? {} : { cure }),
  });
}

/** Adds a problem at a place under `path`. */
export function refuse(
  reading: {
    readonly object: KubernetesObject;
    readonly path: Path;
    readonly problems: Problem[];
  },
  under: Path,
  what: string,
  cure: string,
): void {
  const { object, path, problems } = reading;
  problems.push(problemAt({ object, path: [...path, ...under] }, what, cure));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is written at a path; undefined where a part of it is missing. */
export function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = own(found as JsonObject, part);
  }
  return found;
}
