/**
 * Times at which a flag is a false alarm. First of all: the same history with pretended deployments
 * in the place of the real ones, at times when nothing happened: whatever is flagged there is a
 * false alarm.
 *
 * Bias: unrecorded deployments and incidents are among them, so a limit chosen on them is
 * on the careful side.
 */

import { SETTLES_MS } from "../../engine/index.ts";
import type { Past, History } from "../history/open.ts";
import type { SeriesQuality } from "../history/quality.ts";
import type { DeploymentRow } from "../history/tables.ts";
import { uniform } from "../random.ts";

/** More quiet watches than this would take minutes and say hardly more. */
const WATCHES_AT_MOST = 480;
const HOUR_MS = 3_600_000;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @returns null where no service was ever left alone for so long */
export function quietPast(
  history: History,
  measured: readonly SeriesQuality[],
  { baselineMs, watchMs }: { readonly baselineMs: number; readonly watchMs: number },
): Past | null {
  const { tables, series } = history;
  const deployed = new Set(tables.deployments.map(({ service }) => service));
  const spans = new Map<string, Span>();
  for (const { series: index, firstMs, lastMs } of measured) {
    const { service } = series[index]!;
    if (deployed.size > 0 && !deployed.has(service)) continue;
    const known = spans.get(service);
    const fromMs = Math.min(firstMs, known?.fromMs ?? firstMs);
    spans.set(service, { fromMs, toMs: Math.max(lastMs, known?.toMs ?? lastMs) });
  }
  const disturbances = disturbancesOf(history);
  const starts = [...spans].flatMap(([service, span]) =>
    timesIn(service, span, Math.max(watchMs, HOUR_MS)).flatMap((startedAtMs) => {
      const [fromMs, toMs] = [startedAtMs - baselineMs, startedAtMs + watchMs];
      if (fromMs < span.fromMs || toMs > span.toMs) return [];
      const spoilt = (disturbances.get(service) ?? []).some(
        (one) => one.fromMs < toMs && one.toMs > fromMs,
      );
      if (spoilt || !isInOneCase(tables.cases, fromMs, toMs)) return [];
      return [{ service, startedAtMs }];
    }),
  );
  if (starts.length === 0) return null;
  const kept = spread(starts);
  const deployments = kept
    .map(({ service, startedAtMs }): DeploymentRow => ({
      deploymentId: `quiet/${service}/${startedAtMs}`,
      service,
      environment: "production",
      kind: "code",
      kindSource: "quiet",
      startedAtMs,
      finishedAtMs: null,
      version: null,
      author: null,
      stages: [],
    }))
    .sort((a, b) => a.startedAtMs - b.startedAtMs || (a.deploymentId < b.deploymentId ? -1 : 1));
  const emptied = { labels: [], incidents: [], decisions: [], tags: [] };
  return { ...history, tables: { ...tables, ...emptied, deployments } };
}

/**
 * The same history with only those deployments that are labelled benign: what is flagged there is a
 * false alarm too, of the kind that quiet watches do not show. Null where none is.
 */
export function benignPast(history: History): Past | null {
  const { labels, deployments } = history.tables;
  const benign = new Set(
    labels.flatMap(({ label, deploymentId }) => (label === "benign" ? deploymentId : [])),
  );
  const kept = deployments.filter(({ deploymentId }) => benign.has(deploymentId));
  if (kept.length === 0) return null;
  const stride = Math.ceil(kept.length / WATCHES_AT_MOST);
  const rows = kept.filter((_, at) => at % stride === 0);
  return { ...history, tables: { ...history.tables, deployments: rows } };
}

/** Times a watch apart; each service begins at its own moment, so that no hour is preferred. */
function timesIn(service: string, { fromMs, toMs }: Span, everyMs: number): number[] {
  const first = fromMs + Math.floor(uniform(1, "quiet", service) * everyMs);
  const count = Math.max(0, Math.floor((toMs - first) / everyMs));
  return Array.from({ length: count }, (_, at) => first + at * everyMs);
}

/** At most `WATCHES_AT_MOST`, evenly over services and time. */
function spread<Item>(starts: readonly Item[]): readonly Item[] {
  const count = Math.min(starts.length, WATCHES_AT_MOST);
  return Array.from(
    { length: count },
    (_, at) => starts[Math.floor((at * starts.length) / count)]!,
  );
}

function isInOneCase(cases: History["tables"]["cases"], fromMs: number, toMs: number): boolean {
  return (
    cases.length === 0 || cases.some((one) => one.startsAtMs <= fromMs && toMs <= one.endsAtMs)
  );
}

/** By service: everything that may move it, with the time until it has settled. */
function disturbancesOf({ tables }: History): ReadonlyMap<string, readonly Span[]> {
  const found = new Map<string, Span[]>();
  const add = (service: string, span: Span): void =>
    void found.set(service, [...(found.get(service) ?? []), span]);
  for (const { service, startedAtMs } of tables.deployments)
    add(service, { fromMs: startedAtMs, toMs: startedAtMs + SETTLES_MS });
  for (const { service, onsetAtMs, resolvedAtMs } of tables.incidents)
    add(service, { fromMs: onsetAtMs, toMs: (resolvedAtMs ?? onsetAtMs) + SETTLES_MS });
  return found;
}
