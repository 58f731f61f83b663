/**
 * Reads the past of a metrics API for `import prometheus`. It uses the queries and the reader of
 * the live host, so that a replay sees what the host would have seen.
 *
 * Laws: samples go piece by piece into Parquet files in the scratch directory, never all into
 * memory; a piece that cannot be read fails the import, because a gap would look like an outage.
 */

import { formatDuration } from "../../../engine/index.ts";
import { iso, type Duck } from "../../history/duck.ts";
import { Findings } from "../../history/import/findings.ts";
import type { SampleSource } from "../../history/import/importHistory.ts";
import { parquetRelation } from "../../history/import/relation.ts";
import { Zone } from "../../history/import/zone.ts";
import { Problem } from "../../problem.ts";
import type { Clock } from "../contract.ts";
import { metricsApi, type MetricsApi } from "./api.ts";
import { pieceReader, type Failure, type PieceReader } from "./pieces.ts";
import { SampleRows } from "./sampleRows.ts";
import type { MetricQuery, MetricsSettings, SecretOf } from "./settings.ts";
import { readTemplates, type Templates } from "./templates.ts";

export interface PastRequest {
  readonly settings: MetricsSettings;
  readonly secretOf: SecretOf;
  readonly clock: Clock;
  /** Included, like `toMs`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Queries of incumbents' files, whose answers are kept apart; null: none. */
  readonly templates?: Templates | null;
  /** Both numbers are ms of time read, added up over all queries. */
  readonly onProgress: (doneMs: number, totalMs: number, metric: string) => void;
}

/** Bytes. Less than a live host allows: pieces can be smaller, and parsing takes six times this. */
const BODY_LIMIT = 24 * 1024 * 1024;
const TRIES = 6;
const NEVER = new AbortController().signal;

/** @throws Problem when the API cannot be read, or has no sample of any query */
export async function readPast(
  request: PastRequest,
  { connection }: Duck,
  scratch: string,
): Promise<SampleSource> {
  const { settings, clock, fromMs, toMs } = request;
  const api = metricsApi(settings, request.secretOf, clock, BODY_LIMIT);
  const pieces = pieceReader(api, settings, ["tooLarge", "tooSlow"]);
  const { templates = null } = request;
  const rows = new SampleRows(connection, scratch, templates !== null);
  const findings = new Findings();
  const stretchMs = toMs - fromMs;
  const empty: string[] = [];
  const spoilt = new Map<string, string>();
  for (const [index, query] of settings.queries.entries()) {
    let samples = 0;
    for await (const piece of piecesWithRetries(api, pieces, query, request)) {
      for (const column of piece.columns) {
        await rows.add(column);
        samples += column.atMs.length;
      }
      for (const { reason, samples: lost, example } of piece.leftOut) {
        const where = example === null ? query.metric : `${query.metric} of ${example}`;
        findings.drop("metrics", reason, lost, [where]);
        if (!spoilt.has(query.metric)) spoilt.set(query.metric, reason);
      }
      const doneMs = index * stretchMs + piece.toMs - fromMs;
      request.onProgress(doneMs, settings.queries.length * stretchMs, query.metric);
    }
    if (samples === 0) empty.push(query.metric);
  }
  if (empty.length > 0 && empty.length < settings.queries.length) {
    const silent = empty.filter((metric) => !spoilt.has(metric));
    if (silent.length > 0) {
      findings.warn(`no sample at all of ${silent.join(", ")}: check the query and the time`);
    }
    for (const metric of empty) {
      const reason = spoilt.get(metric);
      if (reason !== undefined) findings.warn(`every sample of ${metric} was left out: ${reason}`);
    }
  }
  if (templates !== null) await readTemplates(templates, api, request, rows, findings);
  const paths = await rows.finish();
  if (paths.length === 0) {
    const [lost] = findings.dropped;
    if (lost !== undefined) {
      throw new Problem(`nothing that ${settings.url} answered can be used: ${lost.reason}`, {
        cure: "Mend the query, or the label that `service` names.",
      });
    }
    throw new Problem(`${settings.url} has no sample of any query`, {
      cure: `Look at the queries and at the time: ${iso(fromMs)} to ${iso(toMs)}.`,
    });
  }
  return {
    metrics: await parquetRelation(connection, paths, settings.url, new Zone("UTC")),
    dropped: findings.dropped,
    warnings: findings.warnings,
  };
}

/** The pieces of one query, with retries. @throws Problem for a lasting fault, or after `TRIES` */
async function* piecesWithRetries(
  api: MetricsApi,
  pieces: PieceReader,
  query: MetricQuery,
  { settings, clock, fromMs, toMs }: PastRequest,
) {
  let doneMs = fromMs - 1; // Pieces exclude their start, and `fromMs` is included.
  let tries = 0;
  while (doneMs < toMs) {
    let failure: Failure["failed"] | null = null;
    for await (const piece of pieces({ query, services: null, fromMs: doneMs, toMs }, NEVER)) {
      if (piece.failed !== null) {
        failure = piece.failed;
        break;
      }
      tries = 0;
      doneMs = piece.toMs;
      yield piece;
    }
    if (failure === null) return;
    if (!failure.passing || ++tries === TRIES) {
      const after = tries < 2 ? "" : ` (${tries} times, with longer and longer pauses)`;
      throw new Problem(`${query.metric}: the metrics API ${failure.words}${after}`, {
        file: settings.url,
        cure:
          `It was asked for what comes after ${iso(doneMs)}. ` +
          `Nothing was kept; timeout is ${formatDuration(settings.timeoutMs)}.`,
      });
    }
    await clock.wait(Math.max(api.restMs(), 500 * 2 ** tries), NEVER);
  }
}
