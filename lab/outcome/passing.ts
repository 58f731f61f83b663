/**
 * Learns how the effects of good deployments pass in a history, from its deployments labelled
 * `benign`; of one that it rolled back only the samples up to then count.
 *
 * What is learned of a metric follows from the history alone. It does not depend on the policies,
 * nor on which other metrics are watched.
 */

import { ratesOf, readsSeries, type Policy } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import { namesOf } from "../history/metric/seriesName.ts";
import type { Past } from "../history/open.ts";
import type { DeploymentRow } from "../history/tables.ts";
import { assemble, type SampleWindow, type WindowRequest } from "../history/windows.ts";
import { uniform } from "../random.ts";
import { rollbacksOf } from "../replay/censor.ts";
import {
  excursionsOf,
  HALF_LIFE_SAMPLES,
  noiseOf,
  stoppingOf,
  type Excursion,
  type Passing,
  type Stopping,
} from "../replay/excursions.ts";
import { caseIn } from "../replay/plan.ts";

/** From about so many deployments: if a twentieth of them shows an excursion, that is enough. */
const DEPLOYMENTS_ABOUT = 500;
const HOUR_MS = 3_600_000;
const PAST_AT_LEAST = 16;

/** What was learned of each metric, kept because a sweep asks again and again. */
const KNOWN = new WeakMap<Past, Map<string, Stopping>>();

/**
 * How effects pass on the metrics that these policies watch. Where history rolled back no benign
 * deployment nothing needs it, and nothing is read.
 */
export async function passingOf(history: Past, policies: readonly Policy[]): Promise<Passing> {
  const { labels, decisions } = history.tables;
  const rollbacks = rollbacksOf(decisions);
  if (rollbacks.size === 0) return {};
  const benign = new Set<string>();
  for (const { deploymentId, label } of labels) if (label === "benign") benign.add(deploymentId);
  if (![...rollbacks.keys()].some((id) => benign.has(id))) return {};
  const known = KNOWN.get(history) ?? new Map<string, Stopping>();
  KNOWN.set(history, known);
  const signals = policies.flatMap((policy) => policy.signals);
  const watched = new Set(
    namesOf(history)
      .filter((name) => signals.some((signal) => readsSeries(signal, name)))
      .map(({ metric }) => metric),
  );
  const unknown = new Set([...watched].filter((metric) => !known.has(metric)));
  if (unknown.size > 0) {
    const found = await excursionsAmong(history, benign, rollbacks, unknown);
    for (const metric of unknown) known.set(metric, stoppingOf(found.get(metric) ?? []));
  }
  return Object.fromEntries([...watched].sort().map((metric) => [metric, known.get(metric)!]));
}

/** What a window is read for. */
interface Asked {
  readonly metric: string;
  readonly startedAtMs: number;
  /** When history rolled the deployment back; Infinity where it did not. */
  readonly cutAtMs: number;
  /** Of a counter it is the rate that has excursions. */
  readonly isCounter: boolean;
}

/** By metric: the excursions after benign deployments. */
async function excursionsAmong(
  history: Past,
  benign: ReadonlySet<string>,
  rollbacks: ReadonlyMap<string, number>,
  metrics: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly Excursion[]>> {
  const { deployments } = history.tables;
  const share = DEPLOYMENTS_ABOUT / benign.size;
  const chosen = deployments.filter(
    ({ deploymentId: id }) => benign.has(id) && (share >= 1 || uniform("passing", id) < share),
  );
  const spanOf = spansOf(history, chosen);
  const seriesOf = new Map<string, { readonly index: number; readonly metric: string }[]>();
  for (const { service, metric, series: index } of history.series) {
    if (!metrics.has(metric)) continue;
    getOrMake(seriesOf, service, () => []).push({ index, metric });
  }
  const counters = new Set(
    history.tables.metricCatalog.flatMap(({ kind, metric }) => (kind === "counter" ? metric : [])),
  );
  const about: Asked[] = [];
  const asked: WindowRequest[] = [];
  for (const row of chosen) {
    const { service, startedAtMs, deploymentId } = row;
    const { fromMs, toMs } = spanOf(row);
    const cutAtMs = rollbacks.get(deploymentId) ?? Number.POSITIVE_INFINITY;
    for (const { index, metric } of seriesOf.get(service) ?? []) {
      asked.push({ id: asked.length, series: index, fromMs, toMs: Math.min(toMs, cutAtMs + 1) });
      about.push({ startedAtMs, cutAtMs, metric, isCounter: counters.has(metric) });
    }
  }
  const found = new Map<string, Excursion[]>();
  for await (const windows of history.windows(asked)) {
    for (const { id, window } of windows) {
      const { metric, ...times } = about[id]!;
      const excursions = excursionsIn(assemble([window])[0]!, times);
      getOrMake(found, metric, () => []).push(...excursions);
    }
  }
  return found;
}

/** An hour before and after a start, within its recording and up to the service's next start. */
function spansOf(
  { tables: { deployments, cases } }: Past,
  chosen: readonly DeploymentRow[],
): (row: DeploymentRow) => { readonly fromMs: number; readonly toMs: number } {
  const startsOf = new Map(chosen.map(({ service }) => [service, [] as number[]]));
  deployments.forEach(({ service, startedAtMs }) => startsOf.get(service)?.push(startedAtMs));
  const idOf = caseIn(cases);
  return (row) => {
    const { service, startedAtMs } = row;
    const id = cases.length === 0 ? null : idOf(row);
    const recording = cases.find(({ caseId }) => caseId === id);
    let toMs = Math.min(startedAtMs + HOUR_MS, recording?.endsAtMs ?? Number.POSITIVE_INFINITY);
    for (const ms of startsOf.get(service)!) if (ms > startedAtMs) toMs = Math.min(toMs, ms);
    const fromMs = startedAtMs - HOUR_MS;
    return { fromMs: Math.max(fromMs, recording?.startsAtMs ?? fromMs), toMs };
  };
}

function excursionsIn(
  window: SampleWindow,
  { startedAtMs, cutAtMs, isCounter }: Omit<Asked, "metric">,
): readonly Excursion[] {
  const { atMs, knownAtMs } = window;
  const values = isCounter ? ratesOf(window, startedAtMs) : window.values;
  const past: number[] = [];
  const since: number[] = [];
  values.forEach((value, at) => {
    if (!Number.isFinite(value) || knownAtMs[at]! > cutAtMs) return;
    if (atMs[at]! < startedAtMs) past.push(value);
    else since.push(value);
  });
  if (past.length < PAST_AT_LEAST || since.length === 0) return [];
  const isLog = [...past, ...since].every((value) => value > 0);
  const scaled = isLog ? past.map(Math.log) : past;
  const level = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const effects = since.map((value) => (isLog ? Math.log(value) : value) - level);
  const residuals = Float64Array.from(scaled, (value) => value - level);
  return excursionsOf(effects, noiseOf(residuals));
}

/** With fewer seen to stop, a fifth or more of what is drawn comes from the fixed rule. */
const SEEN_AT_LEAST = 5;

/** Notes for a run: on which metrics the fixed rule decides because hardly any were seen. */
export function passingNotes(passing: Passing): readonly string[] {
  const few = Object.entries(passing).filter(([, { seen }]) => seen < SEEN_AT_LEAST);
  if (few.length === 0) return [];
  const names = few.map(([metric, { seen }]) => `${metric} (${seen} seen to stop)`).join(", ");
  return [
    `Good deployments that history rolled back go on by a fixed rule, half gone after ` +
      `${HALF_LIFE_SAMPLES} samples, where its others say little of how they pass: ${names}.`,
  ];
}
