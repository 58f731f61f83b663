/**
 * Placebo watches of a history: every calibrated signal on every series that its metric
 * matches, once, at a grid of times that starts with the first sample and knows no deployment.
 * Which of them a deployment may use is asked anew for each: those that were over before
 * it started, in the same recording.
 */

import {
  calibrate,
  calibrationKey,
  placeboKey,
  placeboWatches,
  seriesKey,
  SETTLES_MS,
  type CalibratedLimit,
  type Disturbance,
  type PlaceboWatch,
  selectionKey,
  watches,
  type Policy,
  type SeriesName,
  type SignalPolicy,
} from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import type { Past } from "../history/open.ts";
import { streamWindows } from "../history/windows.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

/** One calibrated signal; signals that agree on everything but the metric share it. */
interface Setting {
  readonly policy: Policy;
  readonly signal: SignalPolicy;
  /** By `selectionKey`: those that ask for it. */
  readonly asking: Map<string, SignalPolicy>;
  /** By series key. */
  readonly watches: Map<string, readonly PlaceboWatch[]>;
  /** By metric: the watches of all services. */
  readonly families: Map<string, (readonly PlaceboWatch[])[]>;
}

export interface PlaceboHistory {
  readonly settings: readonly Setting[];
  /** Where each recording begins. */
  readonly caseStarts: ReadonlyMap<string, number>;
}

/** Null when no policy calibrates. */
export async function preparePlacebos(
  history: Past,
  plan: Plan,
  policies: readonly Policy[],
  progress: Progress,
): Promise<PlaceboHistory | null> {
  if (!plan.placebos) return null;
  const settings = settingsOf(policies);
  // All services, also those that nobody deploys or not yet: a family must not know who will.
  const all = plan.matching.filter(({ name }) =>
    settings.some(({ asking }) => isWatched(asking, name)),
  );
  const disturbances = disturbancesOf(history);
  const requests = all.map(({ index }, id) => {
    return { id, series: index, fromMs: -8.64e15, toMs: 8.64e15 };
  });
  let done = 0;
  for await (const { id, window } of streamWindows(history, requests)) {
    const { name } = all[id]!;
    const column = { series: name, ...window };
    for (const setting of settings) {
      if (!isWatched(setting.asking, name)) continue;
      const times = gridOver(window.atMs, setting.signal.calibrate!.everyMs);
      const spoilt = disturbances.get(name.service) ?? [];
      const signal = { ...setting.signal, metric: name.metric, role: undefined };
      const watches = placeboWatches(setting.policy, signal, column, times, spoilt);
      setting.watches.set(seriesKey(name), watches);
      const family = setting.families.get(name.metric);
      if (family === undefined) setting.families.set(name.metric, [watches]);
      else family.push(watches);
    }
    progress.update(++done, all.length, "watching quiet stretches");
  }
  const caseStarts = new Map(
    history.tables.cases.map(({ caseId, startsAtMs }) => [caseId, startsAtMs]),
  );
  return { settings, caseStarts };
}

/** The limits of one deployment's series, from what was over before it. */
export function placebosFor(
  { settings, caseStarts }: PlaceboHistory,
  { deployment, caseId, series }: PlannedDeployment,
): ReadonlyMap<string, CalibratedLimit> {
  const placebos = new Map<string, CalibratedLimit>();
  const notBeforeMs = (caseId === null ? null : caseStarts.get(caseId)) ?? -8.64e15;
  for (const { policy, signal, watches, families } of settings) {
    for (const { name } of series) {
      const own = watches.get(seriesKey(name));
      if (own === undefined) continue;
      const key = placeboKey(seriesKey(name), signal, policy.watchMs);
      const family = families.get(name.metric)!;
      const limit = calibrate(signal, deployment.startedAtMs, own, family, notBeforeMs);
      placebos.set(key, limit);
    }
  }
  return placebos;
}

function settingsOf(policies: readonly Policy[]): readonly Setting[] {
  const settings = new Map<string, Setting>();
  for (const policy of policies) {
    for (const signal of policy.signals) {
      if (signal.calibrate === undefined) continue;
      const key = calibrationKey(signal, policy.watchMs);
      const known = settings.get(key);
      const selection = selectionKey(signal);
      if (known !== undefined) known.asking.set(selection, signal);
      else {
        const asking = new Map([[selection, signal]]);
        settings.set(key, { policy, signal, asking, watches: new Map(), families: new Map() });
      }
    }
  }
  return [...settings.values()];
}

function isWatched(asking: ReadonlyMap<string, SignalPolicy>, name: SeriesName): boolean {
  return [...asking.values()].some((signal) => watches(signal, name));
}

/** Whole multiples of the spacing, so that every series has the same times. */
function gridOver(atMs: Float64Array, everyMs: number): number[] {
  const times: number[] = [];
  if (atMs.length === 0) return times;
  const lastMs = atMs[atMs.length - 1]!;
  for (let at = Math.ceil(atMs[0]! / everyMs) * everyMs; at < lastMs; at += everyMs) {
    times.push(at);
  }
  return times;
}

/** Deployments and incidents by service, each with what it may still stir up afterwards. */
function disturbancesOf({ tables }: Past): ReadonlyMap<string, readonly Disturbance[]> {
  const found = new Map<string, Disturbance[]>();
  const add = (service: string, one: Disturbance): void => {
    const list = found.get(service);
    if (list === undefined) found.set(service, [one]);
    else list.push(one);
  };
  for (const { service, startedAtMs, knownAtMs = startedAtMs } of tables.deployments) {
    const toMs = startedAtMs + SETTLES_MS;
    add(service, { fromMs: startedAtMs, toMs, knownAtMs });
  }
  for (const { service, onsetAtMs, detectedAtMs, resolvedAtMs } of tables.incidents) {
    // One that nobody noticed and nobody ended is written down later than it can be used.
    const knownAtMs = detectedAtMs ?? resolvedAtMs ?? Number.POSITIVE_INFINITY;
    const toMs = (resolvedAtMs ?? onsetAtMs) + SETTLES_MS;
    add(service, { fromMs: onsetAtMs, toMs, knownAtMs });
  }
  return found;
}
