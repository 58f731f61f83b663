/**
 * The logging policy of a generated history: decides every deployment of a world, and when each
 * rollback took effect.
 *
 * Runs the real engine on the world's samples, one deployment at a time. The world keeps
 * deployments of a service so far apart that no decision depends on another; therefore any window
 * of a world can be generated alone. A policy with a season reads a week back, which would break
 * this, so it is refused.
 */

import {
  advanceWatch,
  BASELINE_SAMPLES,
  lookBackOf,
  readsSeries,
  startWatch,
  takeColumns,
  type DecisionEvent,
  type Deployment,
  type Policy,
  type SampleColumn,
} from "../../engine/index.ts";
import {
  deploymentById,
  generateSamples,
  knownDelaysMs,
  metricCatalog,
  metricsOf,
  sampleIndexAt,
  serviceTags,
  type Interventions,
  type World,
  type WorldDeployment,
} from "../../datasets/world/index.ts";
import { namedMetric } from "../history/metric/seriesName.ts";
import type { DecisionRow } from "../history/tables.ts";
import { modelled } from "../people/modelled.ts";
import type { Responder } from "../people/recorded.ts";
import { Problem } from "../problem.ts";
import { foldDecisions, type Folded } from "../replay/fold.ts";
import { decisionRows } from "./decisionRows.ts";

/** How long before a deployment a service-wide tag may have been given and still be in force. */
const WEEK_MS = 604_800_000;

export interface Log {
  /** The decisions about one deployment, in time order. */
  readonly decisionsOf: (deployment: WorldDeployment) => readonly DecisionRow[];
  readonly interventions: Interventions;
}

/**
 * Decides each deployment at most once and only when asked, so a window costs only its own work.
 *
 * @throws Problem where the policy uses a season
 */
export function logWorld(world: World, policy: Policy): Log {
  if (policy.signals.some(({ detector }) => detector.season)) {
    throw new Problem(`the logging policy ${policy.policy} uses a season`, {
      cure: "Set `season: false` on its detectors: a generated window must not depend on a week.",
    });
  }
  const people = modelled((deploymentId) => {
    const { service, label } = deploymentById(world, deploymentId)!;
    const { timezone, team } = world.byName.get(service)!;
    return { timezone, team, truthIsBad: label === "regression" };
  }, world.spec.people.seed);
  const decided = new Map<string, { rows: readonly DecisionRow[]; effectMs: number | null }>();
  const decide = (deployment: WorldDeployment) => {
    const known = decided.get(deployment.deploymentId);
    if (known !== undefined) return known;
    // Its own rollback is being decided here, so it cannot have ended its effect.
    const others: Interventions = (id) =>
      id === deployment.deploymentId ? null : interventions(id);
    const folded = decideOne(world, policy, people, deployment, others);
    const made = { rows: decisionRows(policy, folded), effectMs: effectOf(folded) };
    decided.set(deployment.deploymentId, made);
    return made;
  };
  const interventions: Interventions = (id) => {
    const deployment = deploymentById(world, id);
    return deployment === null ? null : decide(deployment).effectMs;
  };
  return { decisionsOf: (deployment) => decide(deployment).rows, interventions };
}

function decideOne(
  world: World,
  policy: Policy,
  people: Responder,
  given: WorldDeployment,
  interventions: Interventions,
): Folded {
  const service = world.byName.get(given.service)!;
  const deployment: Deployment = {
    deploymentId: given.deploymentId,
    service: given.service,
    environment: "production",
    kind: given.kind,
    startedAtMs: given.startedAtMs,
    version: given.version,
    author: given.author,
    team: service.team,
    criticality: service.criticality,
    timezone: service.timezone,
  };
  const lookBackMs = Math.max(
    ...policy.signals.map((signal) => {
      const { baselineSamples } = signal.detector;
      const filledMs = 1.5 * (baselineSamples ?? BASELINE_SAMPLES) * world.stepMs;
      return baselineSamples === undefined ? Math.max(filledMs, lookBackOf(signal)) : filledMs;
    }),
  );
  const fromMs = given.startedAtMs - lookBackMs;
  const toMs = given.startedAtMs + policy.watchMs + 1;
  const firstMs = world.startMs + Math.max(0, sampleIndexAt(world, fromMs)) * world.stepMs;
  const delays = knownDelaysMs(world, given.service, fromMs, toMs);
  const columns: SampleColumn[] = [];
  const catalog = new Map(metricCatalog(world).map((row) => [row.metric, row]));
  for (const metric of metricsOf(world)) {
    const about = namedMetric(metric, catalog.get(metric) ?? null);
    if (!policy.signals.some((signal) => readsSeries(signal, about))) continue;
    const values = generateSamples(world, given.service, metric, fromMs, toMs, interventions);
    if (values.length === 0) continue;
    const atMs = Float64Array.from(values, (_, index) => firstMs + index * world.stepMs);
    columns.push({
      series: { ...about, service: given.service, version: null },
      atMs,
      knownAtMs: atMs.map((at, i) => at + (typeof delays === "number" ? delays : delays[i]!)),
      values,
    });
  }
  const tags = [
    ...given.tags.filter(({ deploymentId }) => deploymentId !== null),
    ...serviceTags(world, given.service, given.startedAtMs - WEEK_MS, toMs),
  ];
  const watch = takeColumns(policy, startWatch(policy, deployment, tags), columns);
  const { judgements } = advanceWatch(policy, watch, watch.endsAtMs);
  const { startedAtMs } = given;
  const events: DecisionEvent[] = [
    { kind: "deploymentStarted", atMs: startedAtMs, knownAtMs: startedAtMs, deployment },
    ...tags.map((tag): DecisionEvent => {
      const { knownAtMs } = tag;
      return { kind: "deploymentTagged", atMs: knownAtMs, knownAtMs, tag };
    }),
    ...judgements,
  ];
  return foldDecisions(policy, events, people, {
    rollBack: () => ({ durationMs: given.rollbackMs, succeeds: given.rollbackSucceeds }),
  });
}

/** When the rollback was complete; null where there was none. */
function effectOf({ records }: Folded): number | null {
  return records.find(({ end }) => end === "rolledBack")?.knownAtMs ?? null;
}
