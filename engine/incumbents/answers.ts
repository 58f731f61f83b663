/**
 * Answers of queries, from the samples of a watch.
 *
 * A history that was imported from queries keeps apart what each evaluation answered
 * (`AnswerKind`). In any other history a missing sample is NaN, which is read as no series.
 */

import type { SampleColumn } from "../event.ts";
import { firstAfter, firstFrom } from "../detect/baseline/columns.ts";
import { elementOf } from "./elements.ts";
import type { Answer, AnswerSeries, Question } from "./incumbent.ts";

/** What one evaluation of a query answered, as `SampleColumn.answers` has it. */
export const AnswerKind = {
  /** A finite number. */
  value: 0,
  /** A series whose value is NaN, such as 0/0. */
  nan: 1,
  /** No series. */
  none: 2,
  /** The query failed: the API was down, or refused it. */
  failed: 3,
  /** A series whose value is infinite; detectors see a missing sample. */
  infinite: 4,
  minusInfinite: 5,
} as const;

/** As long as Prometheus looks back for the newest sample of a series. */
export const LOOK_BACK_MS = 300_000;

const FAILED: Answer = { kind: "failed" };

/** One series that a query may be answered from. */
export interface Answering {
  readonly column: SampleColumn;
  /** Of this vector element; absent: those that its metric names. */
  readonly labels?: ReadonlyMap<string, string>;
}

/**
 * The answer to one question as it was known at `atMs`.
 *
 * @param columns those of the query's metric, with ascending `atMs`
 * @param version the new version; series of it are the canary's, all other versions are stable
 */
export function answerFrom(
  columns: readonly Answering[],
  { scope, fromMs, toMs }: Question,
  atMs: number,
  version: string | null,
): Answer {
  const series: AnswerSeries[] = [];
  for (const { column, labels = elementOf(column.series.metric).labels } of columns) {
    const isOwn = isInScope(column, scope, version);
    // A query of all versions that failed, failed for each of them.
    if (!isOwn && column.series.version !== null) continue;
    const found = fromMs === toMs ? instant(column, toMs, atMs) : range(column, fromMs, toMs, atMs);
    if (found === "failed") return FAILED;
    if (isOwn && found !== null) series.push({ labels: labelsOf(column, labels), ...found });
  }
  return { kind: "series", series };
}

function labelsOf(
  { series }: SampleColumn,
  labels: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const all = new Map([["service", series.service], ...labels]);
  return series.version === null ? all : all.set("version", series.version);
}

function isInScope(
  { series }: SampleColumn,
  scope: Question["scope"],
  version: string | null,
): boolean {
  if (scope === "all") return true;
  if (series.version === null) return false;
  return (scope === "canary") === (series.version === version);
}

type Found = Pick<AnswerSeries, "atMs" | "values"> | "failed" | null;

/** The newest answer that was known, unless it is older than Prometheus would look back. */
function instant(column: SampleColumn, toMs: number, knownToMs: number): Found {
  const at = lastKnown(column, toMs, knownToMs);
  if (at < 0 || column.atMs[at]! <= toMs - LOOK_BACK_MS) return null;
  const kind = kindAt(column, at);
  if (kind === AnswerKind.failed) return "failed";
  if (kind === AnswerKind.none) return null;
  return { atMs: Float64Array.of(toMs), values: Float64Array.of(valueOf(column, at, kind)) };
}

/** A range fails only where every evaluation in it failed: the others were answered. */
function range(column: SampleColumn, fromMs: number, toMs: number, knownToMs: number): Found {
  const times: number[] = [];
  const values: number[] = [];
  let [asked, failed] = [0, 0];
  for (let at = firstFrom(column.atMs, fromMs, 0); at < column.atMs.length; at++) {
    if (column.atMs[at]! > toMs) break;
    if (column.knownAtMs[at]! > knownToMs) continue;
    const kind = kindAt(column, at);
    asked++;
    if (kind === AnswerKind.failed) failed++;
    if (kind === AnswerKind.failed || kind === AnswerKind.none) continue;
    times.push(column.atMs[at]!);
    values.push(valueOf(column, at, kind));
  }
  if (times.length > 0)
    return { atMs: Float64Array.from(times), values: Float64Array.from(values) };
  return failed > 0 && failed === asked ? "failed" : null;
}

function valueOf({ values }: SampleColumn, at: number, kind: number): number {
  if (kind === AnswerKind.infinite) return Infinity;
  return kind === AnswerKind.minusInfinite ? -Infinity : values[at]!;
}

function kindAt({ values, answers }: SampleColumn, at: number): number {
  if (answers !== undefined) return answers[at]!;
  return Number.isNaN(values[at]!) ? AnswerKind.none : AnswerKind.value;
}

/** Binary search: the newest sample up to `toMs` that was known by `knownToMs`; -1 for none. */
function lastKnown({ atMs, knownAtMs }: SampleColumn, toMs: number, knownToMs: number): number {
  let at = firstAfter(atMs, toMs, 0) - 1;
  while (at >= 0 && knownAtMs[at]! > knownToMs) at--;
  return at;
}
