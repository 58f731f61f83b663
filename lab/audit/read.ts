/** Reads a decision log, and refuses one whose chain is broken. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ChainEnd, Handled, LogEntry, LogHeader } from "../../engine/index.ts";
import {
  endChain,
  followLine,
  initialChain,
  readContext,
  readEnvelope,
} from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import { chainChecks, readLines } from "./verify.ts";

export interface LoggedEntry {
  /** Counted from 1. */
  readonly line: number;
  readonly entry: LogEntry;
  /** The content, exactly as written. */
  readonly text: string;
  /** The byte after the line's newline. */
  readonly endsAt: number;
  /** What the next line must chain to. */
  readonly end: ChainEnd;
}

/** The log in a run directory, or the path itself. */
export function logIn(path: string): string {
  const log = join(path, "decisions.jsonl");
  return existsSync(log) ? log : path;
}

/**
 * The entries of a log in order. Only if all are read without an error, the log is intact.
 *
 * @param open the log may still be written, so that its last checkpoint may be missing
 * @param skips lines that are checked but not parsed and not returned
 * @throws Problem where the chain is broken, or a log does not begin with a header
 */
export function* logEntries(
  file: string,
  open: boolean,
  skips: (kind: LogEntry["kind"], bytes: Buffer, line: number) => boolean = () => false,
): Generator<LoggedEntry> {
  const checks = chainChecks(null);
  let state = initialChain;
  let endsAt = 0;
  for (const { bytes, complete } of readLines(file)) {
    endsAt += bytes.length + 1;
    state = followLine(state, bytes, complete, checks);
    if (state.fault !== null) break;
    // The chain is broken: read the rest only to find out how.
    if (state.suspect !== null) continue;
    const { kind, content } = readEnvelope(bytes, checks.latin1)!;
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (state.lines > 1 && skips(kind, all, state.lines)) continue;
    const text = new TextDecoder().decode(bytes.subarray(content.from, content.to));
    const entry = entryOf({ kind, content: JSON.parse(text) as unknown } as LogEntry);
    if (state.lines === 1) checkHeader(file, entry);
    yield { line: state.lines, entry, text, endsAt, end: state.end };
  }
  const { fault, lines } = endChain(state, open);
  if (fault === null && lines > 0) return;
  if (lines === 0) {
    throw new Problem("the log is empty: not even its header is there", {
      file,
      cure: "Give a log that replay --out or compare --out wrote.",
    });
  }
  throw new Problem(`${fault!.kind}: ${fault!.what}`, {
    file,
    line: fault!.line,
    cure: "The log cannot be trusted from here on. `hindsight audit verify` looks at nothing else.",
  });
}

/** The entry as it was before it was written: the maps of a context are objects in JSON. */
function entryOf(entry: LogEntry): LogEntry {
  if (entry.kind !== "event" || entry.content.kind !== "contextPrepared") return entry;
  const context = readContext(entry.content.context);
  return { kind: "event", content: { ...entry.content, context } };
}

function checkHeader(file: string, entry: LogEntry): void {
  if (entry.kind === "header" && entry.content.format === "hindsight-decisions") return;
  throw new Problem("the log does not begin with a header, so its policy is unknown", {
    file,
    line: 1,
  });
}

/** One policy over one fleet, as it was logged. */
export interface LoggedSection {
  readonly header: LogHeader;
  readonly handled: readonly Handled[];
}

/** @throws Problem as `logEntries` does */
export function readSections(file: string, open: boolean): LoggedSection[] {
  const sections: { header: LogHeader; handled: Handled[] }[] = [];
  for (const { entry } of logEntries(file, open)) {
    const handled = sections.at(-1)?.handled;
    if (entry.kind === "header") sections.push({ header: entry.content, handled: [] });
    else if (entry.kind === "event") {
      const event = entry.content;
      if (event.kind !== "contextPrepared") handled!.push({ event, records: [] });
    } else if (entry.kind === "record") {
      const last = handled!.pop()!;
      handled!.push({ ...last, records: [...last.records, entry.content] });
    }
  }
  return sections;
}
