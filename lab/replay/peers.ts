/**
 * Peers in a replay: which series a deployment's signals may be controlled by, and what the
 * engine makes of their past. Which services may be peers, and what they mean, the engine
 * says; this only finds their samples.
 */

import {
  controlKey,
  peerServices,
  selectionKey,
  selectPeers,
  seriesKey,
  servicesOf,
  watches,
  witnessesOf,
  type Departure,
  type PeerControl,
  type Policy,
  type PreparedContext,
  type SampleColumn,
  type SignalPolicy,
} from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { ServiceRow } from "../history/tables.ts";
import { callGraph } from "./callGraph.ts";
import type { Plan, PlannedDeployment, PlannedSeries } from "./plan.ts";

/** The signals that peers control, those that differ in limits alone once. */
export function controlledBy(policies: readonly Policy[]): readonly SignalPolicy[] {
  const found = new Map<string, SignalPolicy>();
  for (const signal of policies.flatMap(({ signals }) => signals)) {
    if (signal.control !== "peers") continue;
    const { of, counter } = signal;
    const key = [controlKey("", signal), selectionKey(signal), of, counter];
    found.set(JSON.stringify(key), signal);
  }
  return [...found.values()];
}

/** Adds to each deployment the series of its peers, where a signal asks for any. */
export function withPeers(
  controlled: readonly SignalPolicy[],
  deployments: Listed<PlannedDeployment>,
  services: readonly ServiceRow[],
  watched: ReadonlyMap<string, readonly PlannedSeries[]>,
  lookAheadMs: number,
): Listed<PlannedDeployment> {
  if (controlled.length === 0) return deployments;
  const graph = callGraph(services);
  const timezones = new Map(services.map(({ service, timezone }) => [service, timezone]));
  // By signal: a policy's peers must not depend on what other policies look at.
  const candidates = controlled.map((signal) =>
    [...watched]
      .filter(([, series]) => series.some(({ name }) => watches(signal, name)))
      .map(([service]) => ({ service, timezone: timezones.get(service) ?? null })),
  );
  return deployments.map((one) => {
    const { deployment, caseId, series } = one;
    const { startedAtMs, service } = deployment;
    const departures: Departure[] = [];
    const before: { service: string; atMs: number }[] = [];
    for (const { deployment: other, caseId: whose } of deployments) {
      const atMs = other.startedAtMs;
      if (whose !== caseId || other.service === service || atMs > startedAtMs + lookAheadMs)
        continue;
      if (atMs > startedAtMs) departures.push({ service: other.service, atMs, knownAtMs: atMs });
      else before.push({ service: other.service, atMs });
    }
    const dependencies = graph.dependencies(service);
    const peersOf = controlled.map(({ detector }, at): ReadonlySet<string> => {
      const since = before.filter(({ atMs }) => atMs >= startedAtMs - detector.baselineMs);
      const changed = new Set(since.map((earlier) => earlier.service));
      return new Set(peerServices(deployment, candidates[at]!, dependencies, changed));
    });
    const own = new Set(series.map(({ index }) => index));
    const metrics = new Set(series.map(({ name }) => name.metric));
    const names = new Set(peersOf.flatMap((each) => [...each]));
    const peers = [...names]
      .sort()
      .flatMap((name) =>
        watched
          .get(name)!
          .filter(
            ({ index, name }) =>
              name.version === null &&
              !own.has(index) &&
              metrics.has(name.metric) &&
              controlled.some((signal) => watches(signal, name)),
          ),
      );
    const leaving = departures.filter((left) => names.has(left.service));
    return { ...one, peers, peersOf, departures: leaving };
  });
}

/**
 * Adds to each deployment the series of its witnesses, where a policy asks for silence: it is
 * silent only while others report. They are read beside the series of its peers.
 */
export function withWitnesses(
  policies: readonly Policy[],
  deployments: Listed<PlannedDeployment>,
  watched: ReadonlyMap<string, readonly PlannedSeries[]>,
): Listed<PlannedDeployment> {
  if (policies.every(({ silenceMs }) => silenceMs === undefined)) return deployments;
  const names = [...watched.keys()].sort();
  return deployments.map((one) => {
    const known = new Set([...one.series, ...one.peers].map(({ index }) => index));
    const witnesses = witnessesOf(one.deployment.service, names).flatMap((name) =>
      watched.get(name)!.filter(({ index }) => !known.has(index)),
    );
    return { ...one, peers: [...one.peers, ...witnesses] };
  });
}

/**
 * What peers mean for every controlled series of a deployment.
 *
 * @param columns of the deployment's own series; `peers` of its peers'
 */
export function controlsFor(
  { controlled }: Plan,
  { deployment, peersOf }: PlannedDeployment,
  columns: readonly SampleColumn[],
  peers: readonly SampleColumn[],
  seasons: PreparedContext["seasons"],
): ReadonlyMap<string, PeerControl> {
  const controls = new Map<string, PeerControl>();
  for (const [at, signal] of controlled.entries()) {
    const services = servicesOf(signal, deployment);
    for (const column of columns) {
      const { service, metric } = column.series;
      if (!services.has(service) || !watches(signal, column.series)) continue;
      const key = seriesKey(column.series);
      const alike = peers.filter(
        ({ series }) => series.metric === metric && peersOf[at]!.has(series.service),
      );
      const season = seasons.get(key) ?? null;
      const control = selectPeers(signal, deployment.startedAtMs, column, alike, season);
      if (control !== null) controls.set(controlKey(key, signal), control);
    }
  }
  return controls;
}
