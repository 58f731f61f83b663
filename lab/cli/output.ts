/**
 * Where a command's words go: results to stdout, everything else to stderr, so
 * that `--json` prints one document and nothing else.
 */

import { styleText } from "node:util";
import { silent, type Progress } from "../progress.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";
import { fitted } from "./fit.ts";

/** A one-line progress bar on stderr, redrawn at most ten times a second. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return silent;
  let drawnAt = 0;
  return {
    update(done, total, what) {
      const now = performance.now();
      if (now - drawnAt < 100 && done < total) return;
      drawnAt = now;
      const width = 30;
      const filled = total > 0 ? Math.round((width * Math.min(done, total)) / total) : 0;
      const share = total > 0 ? Math.floor((100 * done) / total) : 0;
      stream.write(`\r\x1b[2K${"█".repeat(filled)}${"░".repeat(width - filled)} ${share}% ${what}`);
    },
    end() {
      stream.write("\r\x1b[2K");
    },
  };
}

/** Beside the results; broken between words where a person reads it in a terminal. */
export function note(text: string): void {
  process.stderr.write(`${fittedNote(text, process.stderr)}\n`);
}

const COLUMNS_AT_MOST = 80;

/** A log keeps its lines whole, so that it can be searched. */
export function fittedNote(
  text: string,
  { isTTY, columns = COLUMNS_AT_MOST }: { readonly isTTY?: boolean; readonly columns?: number },
): string {
  return isTTY === true ? fitted(text, Math.min(columns, COLUMNS_AT_MOST)) : text;
}

export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For a person to read; what may be pasted or piped into a file is printed as it is. */
export function printFitted(text: string): void {
  print(fitted(text, TERMINAL_COLUMNS));
}

/** The program as it was called, so that a command that is suggested can be pasted. */
export const PROGRAM = process.env["npm_command"] === undefined ? "hindsight" : "npx hindsight";

/** `2026-09-07 00:00 to 2026-09-10 23:59:30 UTC`, of instants in ISO 8601. */
export function spanText(from: string | null, to: string | null): string {
  if (from === null || to === null) return "none";
  const [start, end] = [from, to].map((iso) =>
    iso.replace("T", " ").replace(/(:00)?(\.000)?Z$/, ""),
  );
  return `${start} to ${end} UTC`;
}

/** Colour only where the stream is a terminal that wants it. */
export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
