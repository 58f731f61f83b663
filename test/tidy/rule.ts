/** What a rule is, and how it is run over one file. */

import type { Found } from "./source.ts";

export interface Rule {
  readonly name: string;
  /** What to do instead: the part of a finding that helps. */
  readonly instead: string;
  readonly applies: (path: string) => boolean;
  /** Pure: the same path and text give the same findings. */
  readonly check: (path: string, text: string) => readonly Found[];
  /** A line may be excused with `tidy-ok: reason` on it or above it. Never in engine/. */
  readonly excusable?: boolean;
}

export interface Finding extends Found {
  readonly path: string;
  readonly rule: string;
  readonly instead: string;
}

const EXCUSE = /tidy-ok: \w+/;

function excused(rule: Rule, path: string, lines: readonly string[], line: number): boolean {
  if (rule.excusable !== true || path.startsWith("engine/")) return false;
  return EXCUSE.test(lines[line - 1] ?? "") || EXCUSE.test(lines[line - 2] ?? "");
}

export function runRule(rule: Rule, path: string, text: string): Finding[] {
  if (!rule.applies(path)) return [];
  const all = rule.check(path, text);
  // Nearly all files are fine under nearly all rules: their lines are not asked for.
  if (all.length === 0) return [];
  const lines = text.split("\n");
  return all
    .filter((found) => !excused(rule, path, lines, found.line))
    .map((found) => ({ ...found, path, rule: rule.name, instead: rule.instead }));
}

export function formatFinding(finding: Finding): string {
  const { path, line, rule, what, instead } = finding;
  return `${path}:${line} ${rule} (${what.slice(0, 60)}) — ${instead}`;
}
