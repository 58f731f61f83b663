/** Joins the pieces of one metric, and merges equal problems of several metrics. */

import { listed } from "../../history/import/findings.ts";
import type { SeriesName } from "../../../engine/index.ts";
import type { TakenColumn } from "../contract.ts";

/** `service`, or `service@version`: identifies a series of one metric. */
export function keyOf({ service, version }: Pick<SeriesName, "service" | "version">): string {
  return version === null ? service : `${service}@${version}`;
}

/** The columns of one metric; pieces are added in time order. */
export class Joined {
  #columns: readonly TakenColumn[] = [];
  #byKey: Map<string, { series: SeriesName; atMs: number[]; values: number[] }> | null = null;

  /** The usual case, a single piece, is not copied. */
  add(columns: readonly TakenColumn[]): void {
    if (columns.length === 0) return;
    if (this.#columns.length === 0 && this.#byKey === null) {
      this.#columns = columns;
      return;
    }
    this.#byKey ??= new Map();
    for (const column of [...this.#columns, ...columns]) {
      const key = keyOf(column.series);
      let joined = this.#byKey.get(key);
      if (joined === undefined) {
        joined = { series: column.series, atMs: [], values: [] };
        this.#byKey.set(key, joined);
      }
      for (const at of column.atMs) joined.atMs.push(at);
      for (const value of column.values) joined.values.push(value);
    }
    this.#columns = [];
  }

  get columns(): readonly TakenColumn[] {
    return this.#byKey === null ? this.#columns : [...this.#byKey.values()];
  }
}

/** Collects problems; one that several metrics share becomes one sentence that names them all. */
export class Sentences {
  readonly #metrics = new Map<string, string[]>();

  /** @param metric null when it is about none in particular */
  add(words: string, metric: string | null): void {
    const metrics = this.#metrics.get(words) ?? [];
    this.#metrics.set(words, metrics);
    if (metric !== null && !metrics.includes(metric)) metrics.push(metric);
  }

  about(metric: string): boolean {
    return [...this.#metrics.values()].some((metrics) => metrics.includes(metric));
  }

  /** Sorted, because answers arrive in any order. */
  all(): string[] {
    return [...this.#metrics]
      .map(([words, metrics]) =>
        metrics.length === 0 ? words : `${listed([...metrics].sort(), 3)}: ${words}`,
      )
      .sort();
  }
}
