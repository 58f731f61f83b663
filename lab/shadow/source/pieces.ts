/**
 * Reads one metric over a range of time in pieces that the server can answer: at most 11,000 points
 * of a range query, and answers that fit into memory. A piece that turns out too large is halved,
 * and the smaller size is remembered.
 */

import { readMatrix, type MatrixRead } from "./matrix.ts";
import type { Answer, MetricsApi, Trouble } from "./api.ts";
import { keepServices, limitAge, ofServices } from "./promql.ts";
import type { MetricQuery, MetricsSettings } from "./settings.ts";

/** With more services than this, filtering by name costs the server more than sending all. */
const NAMED_AT_MOST = 50;
/** Points of one range query. Prometheus refuses more than 11,000 a series. */
const POINTS_AT_MOST = 10_000;
const SAMPLES_AT_MOST_MS = 6 * 3_600_000;

export interface Piece extends MatrixRead {
  /** The end of what was read. */
  readonly toMs: number;
  readonly failed: null;
}

/** Nothing from `fromMs` on could be read. */
export interface Failure {
  readonly fromMs: number;
  readonly failed: {
    readonly words: string;
    /** May a later try succeed? */
    readonly passing: boolean;
  };
}

export interface Stretch {
  readonly query: MetricQuery;
  /** Null reads all services. */
  readonly services: readonly string[] | null;
  readonly fromMs: number;
  readonly toMs: number;
}

export type PieceReader = (
  stretch: Stretch,
  signal: AbortSignal,
) => AsyncGenerator<Piece | Failure, void, undefined>;

/**
 * Reads after `fromMs` and up to `toMs`, in time order; a failure is the last thing it yields.
 *
 * @param halves the troubles after which a smaller piece is tried at once; a live host leaves out
 *   `tooSlow`, so as not to press a slow server
 */
export function pieceReader(
  api: MetricsApi,
  settings: MetricsSettings,
  halves: readonly Trouble["kind"][] = ["tooLarge"],
): PieceReader {
  const fitting = new Map<string, number>();
  return async function* pieces({ query, services, fromMs, toMs }, signal) {
    const { stepMs } = settings;
    const key = `${query.metric} ${services === null}`;
    const most = query.isSelector ? SAMPLES_AT_MOST_MS : POINTS_AT_MOST * stepMs;
    const wanted = services === null ? null : new Set(services);
    let doneMs = fromMs;
    while (doneMs < toMs) {
      const endMs = endOfPiece(query, doneMs, toMs, fitting.get(key) ?? most, stepMs);
      const answer = await ask(api, settings, query, services, doneMs, endMs, signal);
      if (answer === null) {
        doneMs = endMs;
        continue;
      }
      if (!answer.ok) {
        const { kind, words } = answer.trouble;
        const half = Math.floor((endMs - doneMs) / 2 / stepMs) * stepMs;
        if (halves.includes(kind) && half >= stepMs) {
          fitting.set(key, half);
          continue;
        }
        yield { fromMs: doneMs, failed: { words, passing: ["passing", "tooSlow"].includes(kind) } };
        return;
      }
      const read = readMatrix(answer.body, query, doneMs, endMs);
      if (read.columns === null) {
        const words = `gave no answer that can be used: ${read.problem}`;
        yield { fromMs: doneMs, failed: { words, passing: true } };
        return;
      }
      const columns = read.columns.filter(({ series }) => wanted?.has(series.service) !== false);
      yield { ...read, columns, toMs: endMs, failed: null };
      doneMs = endMs;
    }
  };
}

/** Pieces of an expression end on its grid, so that every point is read exactly once. */
function endOfPiece(
  { isSelector }: MetricQuery,
  fromMs: number,
  toMs: number,
  mostMs: number,
  stepMs: number,
): number {
  if (fromMs + mostMs >= toMs) return toMs;
  return isSelector ? fromMs + mostMs : Math.floor((fromMs + mostMs) / stepMs) * stepMs;
}

/** @returns null when no point of the grid lies in the piece, so there is nothing to ask */
function ask(
  api: MetricsApi,
  { stepMs, staleMs, timeoutMs }: MetricsSettings,
  { query, isSelector, serviceLabel }: MetricQuery,
  services: readonly string[] | null,
  fromMs: number,
  toMs: number,
  signal: AbortSignal,
): Promise<Answer> | null {
  const timeout = `${timeoutMs}ms`;
  if (isSelector) {
    const selector = services === null ? query : ofServices(query, serviceLabel, services);
    const range = `${selector}[${toMs - fromMs}ms]`;
    return api.ask("query", { query: range, time: seconds(toMs), timeout }, signal);
  }
  const first = (Math.floor(fromMs / stepMs) + 1) * stepMs;
  const last = Math.floor(toMs / stepMs) * stepMs;
  if (first > last) return null;
  const limited = limitAge(query, staleMs);
  const expression =
    services === null || services.length > NAMED_AT_MOST
      ? limited
      : keepServices(limited, serviceLabel, services);
  return api.ask(
    "query_range",
    {
      query: expression,
      start: seconds(first),
      end: seconds(last),
      step: seconds(stepMs),
      timeout,
      // VictoriaMetrics: do not answer from the cache, which may miss the newest samples.
      nocache: "1",
    },
    signal,
  );
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
