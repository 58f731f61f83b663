/**
 * The plan of a replay: everything about its deployments that is not a sample, and which series
 * each is judged by. How much of a series is read is in plannedWindows.ts.
 *
 * Law: a deployment sees only its own case, and nothing from after history's own rollback, because
 * what follows that happened to the old version.
 */

import {
  ALL,
  BASELINE_SAMPLES,
  baselineReachMs,
  compareEvents,
  EXPOSURE_REACH_MS,
  GAPS_TIMES,
  isExposure,
  readsSeries,
  seasonShape,
  selectionKey,
  servicesOf,
  type AgentProposed,
  type ContextTag,
  type Departure,
  type Deployment,
  type DetectorSettings,
  type Policy,
  type SeasonShape,
  type SeriesName,
  type SignalPolicy,
  type StageReached,
} from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import { listed, type Listed } from "../history/listed.ts";
import { namesOf } from "../history/metric/seriesName.ts";
import type { Past } from "../history/open.ts";
import { placesById, type Places } from "../history/places.ts";
import type { CaseRow, DeploymentRow } from "../history/tables.ts";
import { callGraph } from "./callGraph.ts";
import { rollbacksOf } from "./censor.ts";
import { inOrder, knowStarts } from "./order.ts";
import { passOn, withSources } from "./passedOn.ts";
import { controlledBy, withPeers, withWitnesses } from "./peers.ts";
import { wordsByDeployment } from "./words.ts";

/** One deployment with everything about it that is not a sample. */
export interface PlannedDeployment {
  readonly deployment: Deployment;
  /** When it became known: nothing is decided about it before. */
  readonly knownAtMs: number;
  readonly tags: readonly ContextTag[];
  /** Deployments of services it calls whose tags a policy may pass on to it; mostly none. */
  readonly sources: readonly PlannedDeployment[];
  /** The stages its rollout reached, in the order in which they became known. */
  readonly stages: readonly StageReached[];
  /** What agents proposed about it; absent: nothing. */
  readonly words?: readonly AgentProposed[];
  /** The recording it belongs to; null where the history is a single one. */
  readonly caseId: string | null;
  /** When history rolled it back: samples known later are not its own. Null when it did not. */
  readonly rolledBackAtMs: number | null;
  /** The series that any policy watches for it. */
  readonly series: readonly PlannedSeries[];
  /** Series of its peers: services that it does not touch. */
  readonly peers: readonly PlannedSeries[];
  /** The services of its peers, for each of the plan's controlled signals. */
  readonly peersOf: readonly ReadonlySet<string>[];
  /** Peers that were deployed while it was watched, and so ceased to be peers. */
  readonly departures: readonly Departure[];
}

export interface PlannedSeries {
  readonly index: number;
  readonly name: SeriesName;
  /** How far back its samples are read: further where they are coarse, to fill a baseline. */
  readonly lookBackMs: number;
  /** How far back its noise is learned where it is continued; the same under all policies. */
  readonly noiseBackMs: number;
  /** What is read of earlier days; null where no detector on it asks for them. */
  readonly season: SeasonShape | null;
}

export interface Plan {
  readonly deployments: Listed<PlannedDeployment>;
  /** The place in `deployments` of each id. */
  readonly places: Places;
  /** A row for each case, service and environment: places of its deployments as they started. */
  readonly rows: readonly ArrayLike<number>[];
  /** Every series of the history that a policy's signals match, in the order of their index. */
  readonly matching: readonly PlannedSeries[];
  /** The longest watch of any policy. */
  readonly lookAheadMs: number;
  /** Does any policy ask for a season? */
  readonly season: boolean;
  /** Does any policy calibrate its limits on the past? */
  readonly placebos: boolean;
  /** Does any policy pass tags of a deployment on to its callers? */
  readonly passesOn: boolean;
  /** Does any series belong to one version? Then a new version is judged by the old one. */
  readonly versions: boolean;
  /** The signals of all policies that are controlled by peers. */
  readonly controlled: readonly SignalPolicy[];
  /** The places of deployments about which agents proposed anything. */
  readonly spokenOf: ReadonlySet<number>;
}

/** What deployments of one service have in common. */
interface SharedByService {
  readonly about: Required<
    Pick<Deployment, "team" | "criticality" | "timezone" | "callers" | "dependants">
  >;
  readonly series: readonly PlannedSeries[];
}

/**
 * Plans a replay of these policies.
 *
 * @param lookBackAtMostMs cuts off how far back any sample is read; then there are no seasons and
 *   no calibration either. Left out, each policy gets what it asks for
 */
export async function planReplay(
  history: Past,
  policies: readonly Policy[],
  lookBackAtMostMs = Number.POSITIVE_INFINITY,
): Promise<Plan> {
  const { tables } = history;
  // This reads the files, so it is begun first and awaited when it is needed.
  const stepping = history.stepsMs();
  const cases = tables.cases.length === 0 ? null : tables.deployments.map(caseIn(tables.cases));
  const { rows, starts } = inOrder(tables.deployments, cases);
  const signals = watchedBy(policies);
  const isWhole = lookBackAtMostMs === Number.POSITIVE_INFINITY;
  const watched = watchedSeries(history, policies, signals, await stepping, lookBackAtMostMs);
  const alone = deploymentsAlone(tables, cases, signals, watched);
  const lookAheadMs = Math.max(...policies.map(({ watchMs }) => watchMs));
  const controlled = controlledBy(policies);
  const deployments = withSources(
    policies,
    withWitnesses(
      policies,
      withPeers(controlled, alone, tables.services, watched, lookAheadMs),
      watched,
    ),
    lookAheadMs,
  );
  knowStarts(deployments, starts);
  const places = placesById(tables.deployments);
  const spokenOf = new Set(
    (tables.proposals ?? []).flatMap((row) => places.get(row.deploymentId) ?? []),
  );
  const matching = [...watched.values()].flat().sort((a, b) => a.index - b.index);
  return {
    deployments,
    controlled,
    passesOn: passOn(policies),
    places,
    spokenOf,
    rows,
    matching,
    versions: matching.some(({ name }) => name.version !== null),
    placebos:
      isWhole &&
      policies.some(({ signals }) => signals.some(({ calibrate }) => calibrate !== undefined)),
    lookAheadMs,
    season: isWhole && detectorsOf(policies).some(({ season }) => season),
  };
}

/** By service: every series of the history that any signal reads, and how much of it. */
function watchedSeries(
  history: Past,
  policies: readonly Policy[],
  signals: readonly SignalPolicy[],
  stepsMs: Awaited<ReturnType<Past["stepsMs"]>>,
  lookBackAtMostMs: number,
): Map<string, PlannedSeries[]> {
  const names = namesOf(history);
  const watched = new Map<string, PlannedSeries[]>();
  const seasonBackMs = Math.max(
    0,
    ...detectorsOf(policies).flatMap(({ season, baselineMs }) => (season ? baselineMs : [])),
  );
  for (const row of history.series) {
    const name = names[row.series]!;
    if (!signals.some((signal) => readsSeries(signal, name))) continue;
    const detectors = detectorsOf(policies, name);
    const lookBackMs = Math.max(0, ...detectors.map(({ baselineMs }) => baselineMs));
    const stepMs = stepsMs.get(row.series) ?? Number.POSITIVE_INFINITY;
    const filledMs = Math.max(
      0,
      ...detectors.map((detector) => {
        const samples = detector.baselineSamples ?? BASELINE_SAMPLES;
        return Math.min(baselineReachMs(detector), GAPS_TIMES * samples * stepMs);
      }),
    );
    getOrMake(watched, row.service, () => []).push({
      index: row.series,
      name,
      lookBackMs: Math.min(
        Math.max(lookBackMs, filledMs) + earlier(signals, row.metric),
        lookBackAtMostMs,
      ),
      noiseBackMs: Math.min(Math.max(NOISE_MS, filledMs), lookBackAtMostMs),
      season:
        lookBackAtMostMs === Number.POSITIVE_INFINITY
          ? seasonOn(detectors, stepsMs.get(row.series) ?? null, seasonBackMs)
          : null,
    });
  }
  return watched;
}

/** The season that the detectors on a series want; at least as long as any policy's baseline. */
function seasonOn(
  detectors: readonly DetectorSettings[],
  stepMs: number | null,
  atLeastMs: number,
): SeasonShape | null {
  const shapes = detectors.flatMap((one) => (one.season ? [seasonShape(stepMs, one)] : []));
  if (shapes.length === 0) return null;
  const backMs = Math.max(atLeastMs, ...shapes.map((shape) => shape.backMs));
  return { slotMs: shapes[0]!.slotMs, backMs };
}

/**
 * The deployments without what others mean for them: no peers and no tags of other services.
 * Each is made when it is asked for, because a history of years holds many. What depends on the
 * service alone is made once for all of its deployments.
 */
function deploymentsAlone(
  tables: Past["tables"],
  cases: readonly (string | null)[] | null,
  signals: readonly SignalPolicy[],
  watched: ReadonlyMap<string, readonly PlannedSeries[]>,
): Listed<PlannedDeployment> {
  const graph = callGraph(tables.services);
  const services = new Map(tables.services.map((row) => [row.service, row]));
  const tagsOf = tagsAbout(tables.tags);
  const rollbacks = rollbacksOf(tables.decisions);
  const words = wordsByDeployment(tables.proposals ?? []);
  const shared = new Map<string, SharedByService>();
  const sharedBy = (service: string): SharedByService =>
    getOrMake(shared, service, () => {
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
  return listed(tables.deployments.length, (at): PlannedDeployment => {
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
      ...(words.has(row.deploymentId) ? { words: words.get(row.deploymentId)! } : {}),
    };
  });
}

const NOTHING: readonly never[] = [];
/** The noise of a continuation is learned from at least so long, however short a baseline is. */
const NOISE_MS = 3_600_000;

/** A function that finds a deployment's tags: its own, and those about its whole service. */
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

/** The detectors of all policies, or those of signals that read this series. */
function detectorsOf(policies: readonly Policy[], series?: SeriesName): DetectorSettings[] {
  return policies.flatMap(({ signals }) =>
    signals
      .filter((signal) => series === undefined || readsSeries(signal, series))
      .map(({ detector }) => detector),
  );
}

/** A function that finds the id of a deployment's case; null where it started in none. */
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

/** The signals of all policies, of those that read the same series only one. */
function watchedBy(policies: readonly Policy[]): readonly SignalPolicy[] {
  const found = new Map<string, SignalPolicy>();
  for (const signal of policies.flatMap(({ signals }) => signals)) {
    const { of, exposure } = signal;
    found.set(JSON.stringify([selectionKey(signal), of, exposure ?? null]), signal);
  }
  return [...found.values()];
}

/** How much further back a metric is read where it is the exposure of another one. */
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
        if (readsSeries(signal, series.name)) found.set(series.index, series);
      }
    }
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

/**
 * The stages of a rollout as a live host would have been told of them. A stage without a recorded
 * share counts as all of the traffic, and one from before the start as reached at the start.
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
