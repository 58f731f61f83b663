/** What queries answered in a history, as it was known when an incumbent asked. */

import {
  answerFrom,
  elementOf,
  LOOK_BACK_MS,
  type Answer,
  type Answering,
  type Question,
} from "../../engine/index.ts";
import type { Past } from "./open.ts";
import { streamWindows, type WindowRequest } from "./windows.ts";

/** One question about the series of a service. */
export interface Asked {
  readonly service: string;
  /** `query` is the metric under which the history keeps its answers. */
  readonly question: Question;
  /** Nothing that was known later counts. */
  readonly atMs: number;
  /** The deployment's new version: its series are the canary's. */
  readonly version: string | null;
}

/** Each question's answer, in their order. Series that the history does not have answer nothing. */
export async function answersOf(history: Past, asked: readonly Asked[]): Promise<Answer[]> {
  const seriesOf = new Map<string, number[]>();
  for (const { series, service, metric } of history.series) {
    const key = JSON.stringify([service, elementOf(metric).query]);
    const known = seriesOf.get(key);
    if (known === undefined) seriesOf.set(key, [series]);
    else known.push(series);
  }
  const requests: (WindowRequest & { readonly of: number })[] = [];
  asked.forEach(({ service, question: { query, fromMs, toMs } }, of) => {
    for (const series of seriesOf.get(JSON.stringify([service, query])) ?? []) {
      const id = requests.length;
      requests.push({ id, series, fromMs: fromMs - LOOK_BACK_MS, toMs: toMs + 1, of });
    }
  });
  const columns = asked.map((): Answering[] => []);
  for await (const { id, window } of streamWindows(history, requests)) {
    const { series, of } = requests[id]!;
    const { service, metric, version } = history.series[series]!;
    // What a percentage point of it is says nothing about an answer.
    const name = { service, metric, version, percentagePoint: 1 };
    columns[of]!.push({ column: { series: name, ...window } });
  }
  return asked.map(({ question, atMs, version }, of) =>
    answerFrom(columns[of]!, question, atMs, version),
  );
}
