/**
 * The comments of a policy file that a change makes untrue: those on a changed line and right above
 * it go. The head of the file may be untrue as well, which cannot be checked: it stays, quoted as
 * the words of the policy that was changed.
 */

import { isMap, isNode, isScalar, Lexer, type Document } from "yaml";
import type { Written } from "../yaml.ts";

/** A value of the file that is changed. */
export interface Replaced {
  readonly path: readonly string[];
  /** As it will be written; null: it goes. */
  readonly to: string | null;
}

interface Comment {
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
  /** Nothing else stands on its line. */
  readonly alone: boolean;
}

const NAMED_AT_MOST = 5;
const LETTERS_AT_MOST = 60;
const EDITORS = /^#\s*yaml-language-server/;

export function withoutUntrue(
  text: string,
  { document, lines }: Pick<Written, "document" | "lines">,
  replaced: readonly Replaced[],
): string {
  const comments = commentsOf(text);
  const first = lines.linePos(isNode(document.contents) ? document.contents.range![0] : 0).line;
  const head = comments.filter(({ line }) => line < first);
  const untrue = new Set<Comment>();
  for (const { path } of replaced) {
    const place = rangeOf(document, path);
    if (place === null) continue;
    const [from, to] = place.map((offset) => lines.linePos(offset).line) as [number, number];
    for (const one of comments) if (one.line >= from && one.line <= to) untrue.add(one);
    const above = new Map(comments.filter(({ alone }) => alone).map((one) => [one.line, one]));
    for (let line = from - 1; line >= first; line--) {
      const one = above.get(line);
      if (one === undefined) break;
      untrue.add(one);
    }
  }
  let rest = text;
  for (const { start, end, alone } of [...untrue].sort((a, b) => b.start - a.start)) {
    // The whole line, or what stands behind a value.
    const before = text.slice(0, start).replace(alone ? /[^\n]*$/ : /[ \t]+$/, "");
    rest = rest.slice(0, before.length) + rest.slice(alone ? end + 1 : end);
  }
  const prose = head.find((one) => !EDITORS.test(text.slice(one.start, one.end)));
  if (prose === undefined) return rest;
  const name = document.get("policy");
  const whose = typeof name === "string" ? name : "the policy";
  const said = [`# Changed from ${whose}: ${changesText(text, document, replaced)}.`, "#"];
  const lead = [...said, `# What ${whose} says of itself:`, ""].join("\n");
  return rest.slice(0, prose.start) + lead + rest.slice(prose.start);
}

function commentsOf(text: string): readonly Comment[] {
  const found: Comment[] = [];
  let start = 0;
  let line = 1;
  let isScalarNext = false;
  let alone = true;
  for (const token of new Lexer().lex(text)) {
    // Words of the lexer itself, which stand nowhere in the text.
    if (token === "\u0002" || token === "\u0018" || token === "\u001f") {
      isScalarNext = token === "\u001f";
      continue;
    }
    const end = start + token.length;
    if (token.startsWith("#") && !isScalarNext) found.push({ start, end, line, alone });
    const lineEnd = token.lastIndexOf("\n");
    if (lineEnd >= 0) alone = true;
    if (token.slice(lineEnd + 1).trim() !== "") alone = false;
    for (const letter of token) if (letter === "\n") line++;
    isScalarNext = false;
    start = end;
  }
  return found;
}

/** From the first letter of the key, or of an entry of a list, to the last of its value. */
function rangeOf(document: Document, path: readonly string[]): readonly [number, number] | null {
  const value = document.getIn(path, true);
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1))
    : undefined;
  const key = isNode(pair?.key) ? pair.key.range : null;
  const range = isNode(value) ? value.range : null;
  const from = key?.[0] ?? range?.[0];
  if (from === undefined) return null;
  return [from, Math.max(from, (range?.[1] ?? key?.[1] ?? from) - 1)];
}

function changesText(text: string, document: Document, replaced: readonly Replaced[]): string {
  const named = replaced.slice(0, NAMED_AT_MOST).map(({ path, to }) => {
    const node = document.getIn(path, true);
    const range = isNode(node) ? node.range : null;
    const from = range == null ? "unset" : shortened(text.slice(range[0], range[1]));
    return `${path.join(".")} ${from} → ${to === null ? "removed" : shortened(to)}`;
  });
  const more = replaced.length - named.length;
  return named.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** In one line: a comment has no other. */
function shortened(value: string): string {
  const plain = value.replace(/\s+/g, " ").trim();
  return plain.length <= LETTERS_AT_MOST ? plain : `${plain.slice(0, LETTERS_AT_MOST - 1)}…`;
}
