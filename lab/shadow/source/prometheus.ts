/**
 * The live host's source of samples: any Prometheus-compatible HTTP API (Prometheus, Thanos, Mimir,
 * VictoriaMetrics). README.md says how each kind of query is read, and why.
 *
 * Laws: faults of the API are returned as problems, never thrown, beside the samples that did
 * arrive; gaps are not filled. A sample that becomes visible late is returned when its time is
 * asked for again.
 */

import { formatDuration } from "../../../engine/index.ts";
import type { Clock, MetricsSource, Taken, TakenColumn } from "../contract.ts";
import { metricsApi } from "./api.ts";
import { Joined, Sentences } from "./joined.ts";
import { leftOutText } from "./matrix.ts";
import { pieceReader } from "./pieces.ts";
import type { MetricQuery, MetricsSettings, SecretOf } from "./settings.ts";

/** With a larger difference of the clocks, the server's times cannot be compared with ours. */
const SKEW_AT_MOST_MS = 5_000;
/** After an outage, how far back missed samples are still read. */
const CATCH_UP_MS = 15 * 60_000;

/**
 * A source that queries `settings.url`. Use one instance for all polls: it remembers how far it has
 * read, how large an answer may be, and how long the server asked not to be queried. After a failed
 * `take`, the next one reads from where the last good one ended, even if `fromMs` is later.
 *
 * @param bodyLimit the largest answer, in bytes; tests use a smaller one
 */
export function prometheusSource(
  settings: MetricsSettings,
  secretOf: SecretOf,
  clock: Clock,
  bodyLimit?: number,
): MetricsSource {
  const api = metricsApi(settings, secretOf, clock, bodyLimit);
  const pieces = pieceReader(api, settings);
  const progress = new Map(settings.queries.map((query) => [query, new Progress()]));

  const readOne = async (
    query: MetricQuery,
    services: readonly string[] | null,
    [fromMs, toMs]: readonly [number, number],
    problems: Sentences,
    signal: AbortSignal,
  ): Promise<{ columns: readonly TakenColumn[]; answered: boolean }> => {
    const { metric } = query;
    const restMs = api.restMs();
    if (restMs > 0) {
      const words = `the metrics API asked to be left alone, ${formatDuration(restMs)} more`;
      problems.add(words, metric);
      return { columns: [], answered: false };
    }
    // Reading a few services does not change how far all services were read.
    const known = services === null ? progress.get(query)! : new Progress();
    const joined = new Joined();
    let answered = true;
    const readFromMs = services === null ? known.readFrom(fromMs, toMs) : fromMs;
    const stretch = { query, services, fromMs: readFromMs, toMs };
    for await (const piece of pieces(stretch, signal)) {
      if (piece.failed !== null) {
        problems.add(`the metrics API ${piece.failed.words}`, metric);
        answered = false;
        break;
      }
      for (const leftOut of piece.leftOut) problems.add(leftOutText(leftOut), metric);
      joined.add(piece.columns);
      known.gave(piece.columns, piece.toMs);
    }
    const silentMs = services === null ? known.silentMs(fromMs, toMs) : 0;
    if (silentMs > settings.staleMs && !problems.about(metric)) {
      problems.add(`no sample of any service for ${formatDuration(silentMs)}`, metric);
    }
    return { columns: joined.columns, answered };
  };

  return {
    async take(fromMs, toMs, signal): Promise<Taken> {
      const problems = new Sentences();
      const { concurrency, queries } = settings;
      const parts = await eachAtOnce(concurrency, queries, (query) =>
        readOne(query, null, [fromMs, toMs], problems, signal),
      );
      const skewMs = api.skewMs() ?? 0;
      if (Math.abs(skewMs) > SKEW_AT_MOST_MS) {
        const ahead = skewMs > 0 ? "ahead of" : "behind";
        const by = formatDuration(Math.abs(skewMs));
        problems.add(`the metrics API has a clock that is ${by} ${ahead} ours`, null);
      }
      return {
        columns: parts.flatMap(({ columns }) => columns),
        problems: problems.all(),
        answered: parts.every(({ answered }) => answered),
      };
    },

    async takeOf(services, fromMs, toMs, signal, metrics): Promise<Taken> {
      if (services.length === 0) return { columns: [], problems: [] };
      const problems = new Sentences();
      const { concurrency, queries } = settings;
      const wanted = queries.filter(({ metric }) => metrics?.has(metric) ?? true);
      const parts = await eachAtOnce(concurrency, wanted, (query) =>
        readOne(query, services, [fromMs, toMs], problems, signal),
      );
      return { columns: parts.flatMap(({ columns }) => columns), problems: problems.all() };
    },
  };
}

/** How far one metric has been read, and the time of its newest sample. */
class Progress {
  #doneMs: number | null = null;
  #newestMs: number | null = null;

  readFrom(fromMs: number, toMs: number): number {
    if (this.#doneMs === null) return fromMs;
    return Math.min(fromMs, Math.max(this.#doneMs, toMs - CATCH_UP_MS));
  }

  gave(columns: readonly TakenColumn[], doneMs: number): void {
    this.#doneMs = Math.max(this.#doneMs ?? doneMs, doneMs);
    for (const { atMs } of columns) {
      const newestMs = atMs[atMs.length - 1]!;
      this.#newestMs = Math.max(this.#newestMs ?? newestMs, newestMs);
    }
  }

  /** How long there has been no sample; if there never was one, since the first request. */
  silentMs(fromMs: number, toMs: number): number {
    this.#newestMs ??= fromMs;
    return toMs - this.#newestMs;
  }
}

/** Runs `work` on all items, at most `most` at once; results are in the order of the items. */
async function eachAtOnce<Item, Result>(
  most: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, item] = next;
      results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}
