/**
 * Samples of the live host, from any Prometheus-compatible HTTP API (Prometheus, Thanos, Mimir,
 * VictoriaMetrics). README.md says how each kind of query is read, and why.
 *
 * Laws: the world's faults are problems, never exceptions, and what came all the same is given;
 * nothing is filled in. A sample that became visible late is given to whoever asks again.
 */

import { formatDuration } from "../../../engine/index.ts";
import type { Clock, MetricsSource, Taken, TakenColumn } from "../contract.ts";
import { metricsApi } from "./api.ts";
import { Joined, Sentences } from "./joined.ts";
import { leftOutText } from "./matrix.ts";
import { pieceReader, type Stretch } from "./pieces.ts";
import type { MetricQuery, MetricsSettings, SecretOf } from "./settings.ts";

/** Beyond it, times of the server cannot be compared with ours. */
const SKEW_AT_MOST_MS = 5_000;
/** After an outage, so much of what was missed is read again. */
const CATCH_UP_MS = 15 * 60_000;

/**
 * A source that asks `settings.url`. Keep it: it remembers how far it has read, how large an
 * answer may be, and how long the server wants to be left alone. Where `take` got no answer
 * the time before, it reads on from where it had come to, earlier than `fromMs`.
 *
 * @param bodyLimit bytes of one answer at most; smaller in tests
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

  const takeStretches = async (
    stretches: readonly Stretch[],
    problems: Sentences,
    signal: AbortSignal,
    onPiece: (query: MetricQuery, toMs: number, columns: readonly TakenColumn[]) => void,
  ): Promise<TakenColumn[]> => {
    // In the order of the queries, whichever is answered first.
    const taken = new Map(stretches.map(({ query }) => [query, new Joined()]));
    await eachAtOnce(settings.concurrency, stretches, async (stretch) => {
      const { query } = stretch;
      const restMs = api.restMs();
      if (restMs > 0) {
        const words = `the metrics API asked to be left alone, ${formatDuration(restMs)} more`;
        problems.add(words, query.metric);
        return;
      }
      const joined = taken.get(query)!;
      for await (const piece of pieces(stretch, signal)) {
        if (piece.failed !== null) {
          problems.add(`the metrics API ${piece.failed.words}`, query.metric);
          break;
        }
        for (const some of piece.leftOut) problems.add(leftOutText(some), query.metric);
        joined.add(piece.columns);
        onPiece(query, piece.toMs, piece.columns);
      }
    });
    const skewMs = api.skewMs() ?? 0;
    if (Math.abs(skewMs) > SKEW_AT_MOST_MS) {
      const ahead = skewMs > 0 ? "ahead of" : "behind";
      const by = formatDuration(Math.abs(skewMs));
      problems.add(`the metrics API has a clock that is ${by} ${ahead} ours`, null);
    }
    return [...taken.values()].flatMap(({ columns }) => columns);
  };

  return {
    async take(fromMs, toMs, signal): Promise<Taken> {
      const problems = new Sentences();
      const stretches = settings.queries.map((query): Stretch => {
        const missedFromMs = progress.get(query)!.readFrom(fromMs, toMs);
        return { query, services: null, fromMs: missedFromMs, toMs };
      });
      const columns = await takeStretches(stretches, problems, signal, (query, doneMs, part) =>
        progress.get(query)!.gave(part, doneMs),
      );
      for (const query of settings.queries) {
        const silentMs = progress.get(query)!.silentMs(fromMs, toMs);
        if (silentMs <= settings.staleMs || problems.about(query.metric)) continue;
        problems.add(`no sample of any service for ${formatDuration(silentMs)}`, query.metric);
      }
      return { columns, problems: problems.all() };
    },

    async takeOf(services, fromMs, toMs, signal): Promise<Taken> {
      if (services.length === 0) return { columns: [], problems: [] };
      const problems = new Sentences();
      const stretches = settings.queries.map((query): Stretch => ({
        query,
        services,
        fromMs,
        toMs,
      }));
      const columns = await takeStretches(stretches, problems, signal, () => undefined);
      return { columns, problems: problems.all() };
    },
  };
}

/** How far one metric has been read, and when something of it came. */
class Progress {
  #doneMs: number | null = null;
  #heardMs: number | null = null;

  readFrom(fromMs: number, toMs: number): number {
    if (this.#doneMs === null) return fromMs;
    return Math.min(fromMs, Math.max(this.#doneMs, toMs - CATCH_UP_MS));
  }

  gave(columns: readonly TakenColumn[], doneMs: number): void {
    this.#doneMs = Math.max(this.#doneMs ?? doneMs, doneMs);
    for (const { atMs } of columns) {
      const newestMs = atMs[atMs.length - 1]!;
      this.#heardMs = Math.max(this.#heardMs ?? newestMs, newestMs);
    }
  }

  /** Since when nothing has come, at the earliest since it is asked for. */
  silentMs(fromMs: number, toMs: number): number {
    this.#heardMs ??= fromMs;
    return toMs - this.#heardMs;
  }
}

/** Works through all of them, so many at once. */
async function eachAtOnce<Item>(
  most: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}
