/** Samples put together from pieces, and what went wrong said once for all metrics. */

import { listed } from "../../history/import/findings.ts";
import type { SeriesName } from "../../../engine/index.ts";
import type { TakenColumn } from "../contract.ts";

/** `service`, or `service@version`: a series among those of one metric. */
export function keyOf({ service, version }: Pick<SeriesName, "service" | "version">): string {
  return version === null ? service : `${service}@${version}`;
}

/** Columns of one metric, piece after piece in time order. */
export class Joined {
  #columns: readonly TakenColumn[] = [];
  #byKey: Map<string, { series: SeriesName; atMs: number[]; values: number[] }> | null = null;

  /** A single piece, as mostly, is not copied. */
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

/** Sentences about metrics; one that is true of many names them all. */
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

  /** In an order of their own: answers come in any. */
  all(): string[] {
    return [...this.#metrics]
      .map(([words, metrics]) =>
        metrics.length === 0 ? words : `${listed([...metrics].sort(), 3)}: ${words}`,
      )
      .sort();
  }
}
