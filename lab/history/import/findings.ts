/**
 * What an import left out, merged or doubted, gathered while it runs: every row
 * that is not in the history is counted here with its reason and a place to look.
 */

import type { Dropped } from "../tables.ts";

const EXAMPLES = 3;
/** Merging loses nothing, so `--strict` lets it pass. */
export const MERGED = "exact duplicate, merged";

export class Findings {
  readonly #dropped = new Map<
    string,
    { table: string; reason: string; rows: number; examples: string[] }
  >();
  readonly #warnings: string[] = [];

  /** Counts rows left out for a reason; up to three places are kept. */
  drop(table: string, reason: string, rows: number, examples: readonly string[]): void {
    if (rows === 0) return;
    const key = `${table}\n${reason}`;
    let entry = this.#dropped.get(key);
    if (entry === undefined)
      this.#dropped.set(key, (entry = { table, reason, rows: 0, examples: [] }));
    entry.rows += rows;
    entry.examples.push(...examples.slice(0, EXAMPLES - entry.examples.length));
  }

  warn(text: string): void {
    if (!this.#warnings.includes(text)) this.#warnings.push(text);
  }

  get dropped(): Dropped[] {
    return [...this.#dropped.values()];
  }

  /** Everything left out, merged duplicates aside. */
  get losses(): Dropped[] {
    return this.dropped.filter(({ reason }) => reason !== MERGED);
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }
}

/** "a, b, c and 4 more": a list that stays readable. */
export function listed(names: readonly string[], most = 5): string {
  if (names.length <= most) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}
