/**
 * Fits text for a person into a terminal: sentences are broken between words and go on below
 * their own beginning; a table that is too wide is turned, so that each of its rows is a block.
 */

import { stripVTControlCharacters } from "node:util";

/** The text with no line over `columns`; commands to paste and single long words stay whole. */
export function fitted(text: string, columns: number): string {
  if (!Number.isFinite(columns)) return text;
  const lines = text.split("\n");
  const out: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    const end = line.startsWith("┌") ? lines.findIndex((one, i) => i > at && one[0] === "└") : -1;
    if (end < 0) out.push(...wrapped(line, columns));
    else {
      const table = lines.slice(at, end + 1);
      out.push(...(widthOf(line) <= columns ? table : turned(table, columns)));
      at = end;
    }
  }
  return out.join("\n");
}

/** Colours take no room. */
function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** A command, at the start of its line or after a colon, is pasted whole. */
const COMMAND = /(^|: )(npx )?hindsight [a-z]/;
/** Where a sentence begins: behind the spaces and a mark or a number of a list. */
const BEGINNING = /^ *(?:[-+−?·…*•] +|\d+\. +|(?=\S))/;
/** Names with their values in a second column. */
const PAIR = /^( *\S.*? {2,})\S/;

function wrapped(line: string, columns: number): string[] {
  if (widthOf(line) <= columns || COMMAND.test(line.trim())) return [line];
  const pair = PAIR.exec(line)?.[1] ?? "";
  const start = pair !== "" && pair.length <= columns / 2 ? pair : BEGINNING.exec(line)![0];
  const indent = " ".repeat(Math.min(start.length, Math.floor(columns / 2)));
  const out: string[] = [];
  let current = start;
  let isEmpty = true;
  for (const word of line.slice(start.length).split(" ")) {
    if (!isEmpty && widthOf(current) + 1 + widthOf(word) > columns) {
      out.push(current.trimEnd());
      current = indent;
      isEmpty = true;
    }
    // A digest beside a name finds room below it.
    if (isEmpty && widthOf(current + word) > columns) {
      if (current.trim() !== "") out.push(current.trimEnd());
      current = "    ";
    }
    current += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...out, current];
}

function cellsOf(line: string): string[] {
  return line
    .split("│")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** A block for each row: its first cell, then the titles of the others with their values. */
function turned(table: readonly string[], columns: number): string[] {
  const [titles = [], ...rows] = table.filter((line) => line.startsWith("│")).map(cellsOf);
  const width = Math.max(...titles.slice(1).map((title) => title.length));
  return rows.flatMap(([first = "", ...cells]) => [
    ...wrapped(first, columns),
    ...cells.flatMap((cell, at) =>
      cell === "" ? [] : wrapped(`  ${(titles[at + 1] ?? "").padEnd(width)}  ${cell}`, columns),
    ),
  ]);
}
