/**
 * What a replay has to read: for every deployment the series its policies watch, and
 * of these only the stretches that a baseline, a watch or a season looks at.
 *
 * A deployment sees only its own case, and nothing from after the history's own
 * rollback: what follows it happened to the old version.
 */

import {
  ALL,
  BASELINE_REACH_MS,
  BASELINE_SAMPLES,
  compareEvents,
  DAY_MS,
  EXPOSURE_REACH_MS,
  isExposure,
  readsMetric,
  SEASON_DAYS,
  SEASON_MARGIN_MS,
  servicesOf,
  type ContextTag,
  type Departure,
  type Deployment,
  type DetectorSettings,
  type Policy,
  type SeriesName,
  type SignalPolicy,
  type StageReached,
} from "../../engine/index.ts";
import { listed, type Listed } from "../history/listed.ts";
import type { Past } from "../history/open.ts";
import type { WindowRequest } from "../history/windows.ts";
import { placesById, type Places } from "../history/places.ts";
import type { CaseRow, DeploymentRow } from "../history/tables.ts";
import { callGraph } from "./callGraph.ts";
import { rollbacksOf } from "./censor.ts";
import { inOrder, knowStarts, under } from "./order.ts";
import { passOn, withSources } from "./passedOn.ts";
import { controlledBy, withPeers } from "./peers.ts";

/** One deployment with everything about it that is not a sample. */
export interface PlannedDeployment {
  readonly deployment: Deployment;
  /** Nothing is decided about it before. */
  readonly knownAtMs: number;
  readonly tags: readonly ContextTag[];
  /** Deployments of services it calls whose tags a policy may pass on to it; mostly none. */
  readonly sources: readonly PlannedDeployment[];
  /** Of its rollout, in the order they were known. */
  readonly stages: readonly StageReached[];
  /** Null: the history is one recording. */
  readonly caseId: string | null;
  /** When history rolled it back: samples known later are not its own. Null when it did not. */
  readonly rolledBackAtMs: number | null;
  /** The series any policy watches. */
  readonly series: readonly PlannedSeries[];
  /** Series of services it does not touch, and when one of those is deployed as well. */
  readonly peers: readonly PlannedSeries[];
  /** Their services, for each of the plan's controlled signals. */
  readonly peersOf: readonly ReadonlySet<string>[];
  readonly departures: readonly Departure[];
}

export interface PlannedSeries {
  readonly index: number;
  readonly name: SeriesName;
  /** How far back its samples are wanted: coarse ones further, to fill a baseline. */
  readonly lookBackMs: number;
  /** How far back its noise is learned where it is continued: the same whoever asks. */
  readonly noiseBackMs: number;
  /** Whether any detector on it asks for the same time on earlier days. */
  readonly season: boolean;
}

export interface Plan {
  readonly deployments: Listed<PlannedDeployment>;
  /** Where in `deployments` an id stands. */
  readonly places: Places;
  /** Those of one case, service and environment, in the order they started. */
  readonly rows: readonly ArrayLike<number>[];
  /** Every series of the history that a policy's metrics match, whoever is deployed. */
  readonly matching: readonly PlannedSeries[];
  /** How far before a start a season is wanted, and how far after it a watch goes, at most. */
  readonly seasonBackMs: number;
  readonly lookAheadMs: number;
  readonly season: boolean;
  /** Does a policy calibrate on the past? Not where the past is cut for all alike. */
  readonly placebos: boolean;
  /** May a deployment be told tags of another one? */
  readonly passesOn: boolean;
  /** Signals that are controlled by peers. */
  readonly controlled: readonly SignalPolicy[];
}

/** What deployments of one service have in common. */
interface SharedByService {
  readonly about: Required<
    Pick<Deployment, "team" | "criticality" | "timezone" | "callers" | "dependants">
  >;
  readonly series: readonly PlannedSeries[];
}

/** A window of one deployment on one series, wanted for the watch or for a season's day. */
export interface PlannedWindow extends WindowRequest {
  readonly about: string;
  readonly deployment: number;
  /** 0 for the watch itself, k for the day k days before. */
  readonly day: number;
}

export async function planReplay(
  history: Past,
  policies: readonly Policy[],
  lookBackAtMostMs = Number.POSITIVE_INFINITY,
): Promise<Plan> {
  const { tables } = history;
  // Where blocks lie is read meanwhile.
  const stepping = history.stepsMs();
  const cases = tables.cases.length === 0 ? null : tables.deployments.map(caseIn(tables.cases));
  const { rows, starts } = inOrder(tables.deployments, cases);
  const graph = callGraph(tables.services);
  const services = new Map(tables.services.map((row) => [row.service, row]));
  const catalog = new Map(tables.metricCatalog.map((row) => [row.metric, row]));
  const signals = watchedBy(policies);
  const seasonal = lookBackAtMostMs === Number.POSITIVE_INFINITY;
  const steps = await stepping;
  const watched = new Map<string, PlannedSeries[]>();
  for (const row of history.series) {
    if (!signals.some((signal) => readsMetric(signal, row.metric))) continue;
    const detectors = detectorsOf(policies, row.metric);
    const lookBackMs = Math.max(0, ...detectors.map(({ baselineMs }) => baselineMs));
    const name: SeriesName = {
      service: row.service,
      metric: row.metric,
      version: row.version,
      percentagePoint: percentagePoint(catalog.get(row.metric)?.unit ?? "", row.metric),
      ...(catalog.get(row.metric)?.kind === "counter" ? { counter: true } : {}),
    };
    const fillMs = 1.5 * BASELINE_SAMPLES * (steps.get(row.series) ?? Number.POSITIVE_INFINITY);
    const filledMs = Math.min(BASELINE_REACH_MS, fillMs);
    const series: PlannedSeries = {
      index: row.series,
      name,
      lookBackMs: Math.min(
        Math.max(lookBackMs, filledMs) + earlier(signals, row.metric),
        lookBackAtMostMs,
      ),
      noiseBackMs: Math.min(Math.max(NOISE_MS, filledMs), lookBackAtMostMs),
      season: seasonal && detectors.some(({ season }) => season),
    };
    const list = watched.get(row.service);
    if (list === undefined) watched.set(row.service, [series]);
    else list.push(series);
  }
  const tagsOf = tagsAbout(tables.tags);
  const rollbacks = rollbacksOf(tables.decisions);
  // Whose series are watched depends on the service alone, and most have no tags or stages:
  // a history of years holds many deployments, and what they share is made once.
  const shared = new Map<string, SharedByService>();
  const sharedBy = (service: string): SharedByService =>
    under(shared, service, () => {
      const row = services.get(service);
      const about = {
        team: row?.team ?? null,
        criticality: row?.criticality ?? null,
        timezone: row?.timezone ?? null,
        callers: graph.callers(service),
        dependants: graph.dependants(service),
      };
      return { about, series: seriesFor(signals, { service, ...about }, watched) };
    });
  const alone = listed(tables.deployments.length, (at): PlannedDeployment => {
    const row = tables.deployments.at(at)!;
    const { about, series } = sharedBy(row.service);
    return {
      deployment: toDeployment(row, about),
      knownAtMs: row.knownAtMs ?? row.startedAtMs,
      tags: tagsOf(row),
      sources: NOTHING,
      stages: stagesOf(row),
      caseId: cases?.[at] ?? null,
      rolledBackAtMs: rollbacks.size === 0 ? null : (rollbacks.get(row.deploymentId) ?? null),
      series,
      peers: NOTHING,
      peersOf: NOTHING,
      departures: NOTHING,
    };
  });
  const lookAheadMs = Math.max(...policies.map(({ watchMs }) => watchMs));
  const controlled = controlledBy(policies);
  const deployments = withSources(
    policies,
    withPeers(controlled, alone, tables.services, watched, lookAheadMs),
    lookAheadMs,
  );
  knowStarts(deployments, starts);
  return {
    deployments,
    controlled,
    passesOn: passOn(policies),
    places: placesById(tables.deployments),
    rows,
    matching: [...watched.values()].flat().sort((a, b) => a.index - b.index),
    placebos:
      seasonal &&
      policies.some(({ signals }) => signals.some(({ calibrate }) => calibrate !== undefined)),
    seasonBackMs: Math.max(
      0,
      ...detectorsOf(policies).flatMap(({ season, baselineMs }) => (season ? baselineMs : [])),
    ),
    lookAheadMs,
    season: seasonal && detectorsOf(policies).some(({ season }) => season),
  };
}

const NOTHING: readonly never[] = [];
/** No shorter is the noise of a continuation learned from, however little a policy asks for. */
const NOISE_MS = 3_600_000;

/** Which tags of a table are about a deployment: its own, and those about its whole service. */
export function tagsAbout(
  table: readonly ContextTag[],
): (deployment: Pick<Deployment, "deploymentId" | "service">) => readonly ContextTag[] {
  const tagsOf = new Map<string, ContextTag[]>();
  for (const tag of table) {
    const list = tagsOf.get(tag.service);
    if (list === undefined) tagsOf.set(tag.service, [tag]);
    else list.push(tag);
  }
  if (table.length === 0) return () => NOTHING;
  const wide = new Set(table.flatMap((tag) => (tag.deploymentId === null ? [tag.service] : [])));
  const tagged = new Set(table.map(({ deploymentId }) => deploymentId));
  return ({ deploymentId: id, service }) => {
    if (!wide.has(service) && !tagged.has(id)) return NOTHING;
    const about = tagsOf.get(service) ?? NOTHING;
    return about.filter(({ deploymentId }) => deploymentId === null || deploymentId === id);
  };
}

/** The detectors that look at a metric, or all of them. */
function detectorsOf(policies: readonly Policy[], metric?: string): DetectorSettings[] {
  return policies.flatMap(({ signals }) =>
    signals
      .filter((signal) => metric === undefined || readsMetric(signal, metric))
      .map(({ detector }) => detector),
  );
}

/**
 * The windows of one deployment, in no particular order, added to `windows`; the id of each is
 * its place there.
 */
export function windowsOf(
  history: Past,
  plan: Plan,
  index: number,
  windows: PlannedWindow[] = [],
): PlannedWindow[] {
  const { deployment, caseId, rolledBackAtMs, series, peers } = plan.deployments.at(index)!;
  const { cases } = history.tables;
  const recording = caseId === null ? undefined : cases.find((row) => row.caseId === caseId);
  const startsAtMs = recording?.startsAtMs ?? Number.NEGATIVE_INFINITY;
  const endsAtMs = Math.min(
    recording?.endsAtMs ?? Number.POSITIVE_INFINITY,
    rolledBackAtMs === null ? Number.POSITIVE_INFINITY : rolledBackAtMs + 1,
  );
  const { deploymentId: about } = deployment;
  const wanted =
    peers.length === 0 ? series : [...series, ...peers.map((peer) => ({ ...peer, season: false }))];
  for (const { index: seriesIndex, lookBackMs, noiseBackMs, season } of wanted) {
    const watchBackMs = rolledBackAtMs === null ? lookBackMs : Math.max(lookBackMs, noiseBackMs);
    for (let day = 0; day <= (season ? SEASON_DAYS : 0); day++) {
      const shiftMs = day * DAY_MS;
      const marginMs = day === 0 ? 1 : SEASON_MARGIN_MS;
      const backMs = day === 0 ? watchBackMs : plan.seasonBackMs + marginMs;
      const fromMs = deployment.startedAtMs - backMs - shiftMs;
      const toMs = deployment.startedAtMs + plan.lookAheadMs - shiftMs + marginMs;
      const from = Math.max(fromMs, startsAtMs);
      const to = Math.min(toMs, day === 0 ? endsAtMs : deployment.startedAtMs);
      if (to <= from) continue;
      const id = windows.length;
      windows.push({
        id,
        series: seriesIndex,
        fromMs: from,
        toMs: to,
        about,
        deployment: index,
        day,
      });
    }
  }
  return windows;
}

/** The id of a deployment's case; null where it started in none. */
export function caseIn(cases: readonly CaseRow[]): (row: DeploymentRow) => string | null {
  return ({ deploymentId, startedAtMs }) => {
    // Recordings may overlap in time when they are of different systems; ids that
    // begin with the case's id decide, then the time.
    const inside = cases.filter(
      ({ startsAtMs, endsAtMs }) => startedAtMs >= startsAtMs && startedAtMs < endsAtMs,
    );
    const named = inside.find(({ caseId }) => deploymentId.startsWith(caseId)) ?? inside[0];
    return named?.caseId ?? null;
  };
}

/** What the policies look at, each signal once however many policies have it. */
function watchedBy(policies: readonly Policy[]): readonly SignalPolicy[] {
  const found = new Map<string, SignalPolicy>();
  for (const signal of policies.flatMap(({ signals }) => signals)) {
    const { metric, of, exposure } = signal;
    found.set(JSON.stringify([metric, of, exposure ?? null]), signal);
  }
  return [...found.values()];
}

/** How much earlier the first sample is wanted of a metric that stands behind another. */
function earlier(signals: readonly SignalPolicy[], metric: string): number {
  return signals.some(({ exposure }) => isExposure(exposure, metric)) ? EXPOSURE_REACH_MS : 0;
}

/** The series that any signal watches for a deployment, of its own service or of others. */
function seriesFor(
  signals: readonly SignalPolicy[],
  deployment: Parameters<typeof servicesOf>[1],
  watched: ReadonlyMap<string, readonly PlannedSeries[]>,
): readonly PlannedSeries[] {
  const found = new Map<number, PlannedSeries>();
  for (const signal of signals) {
    for (const service of servicesOf(signal, deployment)) {
      for (const series of watched.get(service) ?? []) {
        if (readsMetric(signal, series.name.metric)) found.set(series.index, series);
      }
    }
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

/**
 * What a live host would have been told of the rollout. A stage whose share nobody recorded
 * counts as all of the traffic, and one from before the start as of the start.
 */
function stagesOf({ deploymentId, startedAtMs, stages }: DeploymentRow): readonly StageReached[] {
  if (stages.length === 0) return NOTHING;
  return stages
    .map(({ share, atMs: recordedAtMs }): StageReached => {
      const atMs = Math.max(startedAtMs, recordedAtMs);
      const known = Math.min(1, Math.max(0, share ?? ALL));
      return { kind: "stageReached", atMs, knownAtMs: atMs, deploymentId, share: known };
    })
    .sort(compareEvents);
}

function toDeployment(row: DeploymentRow, about: SharedByService["about"]): Deployment {
  return {
    deploymentId: row.deploymentId,
    service: row.service,
    environment: row.environment,
    kind: row.kind,
    startedAtMs: row.startedAtMs,
    version: row.version,
    author: row.author,
    team: about.team,
    criticality: about.criticality,
    timezone: about.timezone,
    callers: about.callers,
    dependants: about.dependants,
  };
}

/** Metrics in per cent move one unit per percentage point, ratios in [0, 1] a hundredth. */
export function percentagePoint(unit: string, metric: string): number {
  return /^(%|percent|pct)$/i.test(unit) || /_(pct|percent)$/.test(metric) ? 1 : 0.01;
}
