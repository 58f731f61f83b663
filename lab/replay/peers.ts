/**
 * Peers in a replay: which series a deployment's signals may be controlled by, and what the
 * engine makes of their past. Which services may be peers, and what they mean, the engine
 * says; this only finds their samples.
 */

import {
  controlKey,
  matchesGlob,
  peerServices,
  selectPeers,
  seriesKey,
  servicesOf,
  type Departure,
  type PeerControl,
  type Policy,
  type PreparedContext,
  type SampleColumn,
  type SignalPolicy,
} from "../../engine/index.ts";
import type { ServiceRow } from "../history/tables.ts";
import { callGraph } from "./callGraph.ts";
import type { Plan, PlannedDeployment, PlannedSeries } from "./plan.ts";

type WithoutPeers = Omit<PlannedDeployment, "peers" | "departures">;

/** The controlled signals, those that differ in limits alone once. */
export function controlledBy(policies: readonly Policy[]): readonly SignalPolicy[] {
  const found = new Map<string, SignalPolicy>();
  for (const signal of policies.flatMap(({ signals }) => signals)) {
    if (signal.control === undefined) continue;
    const { metric, of, counter } = signal;
    found.set(JSON.stringify([controlKey("", signal), metric, of, counter]), signal);
  }
  return [...found.values()];
}

/** Adds to each deployment the series of its peers, where a signal asks for any. */
export function withPeers(
  controlled: readonly SignalPolicy[],
  deployments: readonly WithoutPeers[],
  services: readonly ServiceRow[],
  watched: ReadonlyMap<string, readonly PlannedSeries[]>,
  lookAheadMs: number,
): readonly PlannedDeployment[] {
  if (controlled.length === 0) {
    return deployments.map((one) => ({ ...one, peers: [], departures: [] }));
  }
  const graph = callGraph(services);
  const timezones = new Map(services.map(({ service, timezone }) => [service, timezone]));
  const candidates = [...watched.keys()].map((service) => ({
    service,
    timezone: timezones.get(service) ?? null,
  }));
  const baselineMs = Math.max(...controlled.map(({ detector }) => detector.baselineMs));
  return deployments.map((one) => {
    const { deployment, caseId, series } = one;
    const { startedAtMs, service } = deployment;
    const changed = new Set<string>();
    const departures: Departure[] = [];
    for (const { deployment: other, caseId: whose } of deployments) {
      if (whose !== caseId || other.service === service) continue;
      const atMs = other.startedAtMs;
      if (atMs > startedAtMs + lookAheadMs) continue;
      if (atMs > startedAtMs) departures.push({ service: other.service, atMs, knownAtMs: atMs });
      else if (atMs >= startedAtMs - baselineMs) changed.add(other.service);
    }
    const dependencies = graph.dependencies(service);
    const names = peerServices(deployment, candidates, dependencies, changed);
    const own = new Set(series.map(({ index }) => index));
    const metrics = new Set(series.map(({ name }) => name.metric));
    const peers = names.flatMap((name) =>
      watched
        .get(name)!
        .filter(
          ({ index, name: { metric, version } }) =>
            version === null &&
            !own.has(index) &&
            metrics.has(metric) &&
            controlled.some((signal) => matchesGlob(signal.metric, metric)),
        ),
    );
    const peerNames = new Set(names);
    return { ...one, peers, departures: departures.filter((left) => peerNames.has(left.service)) };
  });
}

/**
 * What peers mean for every controlled series of a deployment.
 *
 * @param columns of the deployment's own series; `peers` of its peers'
 */
export function controlsFor(
  { controlled }: Plan,
  { deployment }: PlannedDeployment,
  columns: readonly SampleColumn[],
  peers: readonly SampleColumn[],
  seasons: PreparedContext["seasons"],
): Readonly<Record<string, PeerControl>> {
  const controls: Record<string, PeerControl> = {};
  for (const signal of controlled) {
    const services = servicesOf(signal, deployment);
    for (const column of columns) {
      const { service, metric } = column.series;
      if (!services.has(service) || !matchesGlob(signal.metric, metric)) continue;
      const key = seriesKey(column.series);
      const alike = peers.filter(({ series }) => series.metric === metric);
      const season = seasons[key] ?? null;
      const control = selectPeers(signal, deployment.startedAtMs, column, alike, season);
      if (control !== null) controls[controlKey(key, signal)] = control;
    }
  }
  return controls;
}
