/**
 * The truth about a world as the tables of a history.
 *
 * Law: labels and onsets come from the world's own recipe, never from a detector
 * (their basis says `generated-truth`), so scoring against them is not circular.
 * Only an incident's end depends on what was done: it ends by itself, or when a
 * rollback has helped.
 */

import type {
  DecisionRow,
  DeploymentRow,
  HistoryTables,
  IncidentRow,
  LabelRow,
  MetricRow,
  ServiceRow,
  TagRow,
} from "../../lab/history/tables.ts";
import { proposalsOf } from "./agents.ts";
import { deploymentsBetween, TAG_MAX_MS, type WorldDeployment } from "./deployments.ts";
import type { Effect, WorldMetric } from "./effects.ts";
import { episodesBetween, type Episode } from "./incidents.ts";
import type { Interventions } from "./active.ts";
import { DAY_MS, EFFECT_MAX_MS, metricsOf, type World } from "./world.ts";

/** What each metric is, for the catalog. */
const CATALOG: Readonly<Record<WorldMetric, Omit<MetricRow, "metric">>> = {
  latency_p50_ms: { unit: "ms", worse: "up", kind: "latency" },
  latency_p95_ms: { unit: "ms", worse: "up", kind: "latency" },
  latency_p99_ms: { unit: "ms", worse: "up", kind: "latency" },
  error_rate: { unit: "ratio", worse: "up", kind: "ratio" },
  throughput_rps: { unit: "requests/s", worse: "down", kind: "rate" },
  saturation: { unit: "ratio", worse: "up", kind: "gauge" },
  conversion_rate: { unit: "ratio", worse: "down", kind: "business" },
  requests_total: { unit: "requests", worse: "down", kind: "counter" },
};

export function metricCatalog(world: World): readonly MetricRow[] {
  return metricsOf(world).map((metric) => ({ metric, ...CATALOG[metric] }));
}

/** The harm a regression did, given when a rollback took effect. */
export interface Harm {
  readonly onsetAtMs: number;
  /** When the metrics were back. */
  readonly resolvedAtMs: number;
  readonly resolvedBy: "rollback" | "fix";
  /**
   * The same time weighed by the share of traffic that was reached: what a regression
   * cost that was caught at its canary stage, in minutes of all traffic.
   */
  readonly fullTrafficMs: number;
}

/**
 * What a regression did before it was over; null for everything that is not a
 * regression, and for one that was rolled back before it could do any harm.
 */
export function harmOf(deployment: WorldDeployment, rolledBackAtMs: number | null): Harm | null {
  const { onsetAtMs, naturalEndAtMs } = deployment;
  if (deployment.label !== "regression" || onsetAtMs === null || naturalEndAtMs === null)
    return null;
  const harm = (resolvedAtMs: number, resolvedBy: Harm["resolvedBy"]): Harm => {
    const haltedMs = rolledBackAtMs ?? Infinity;
    const fullTrafficMs = exposedMs(deployment, onsetAtMs, resolvedAtMs, haltedMs);
    return { onsetAtMs, resolvedAtMs, resolvedBy, fullTrafficMs };
  };
  if (rolledBackAtMs === null || !deployment.reversible) return harm(naturalEndAtMs, "fix");
  const recoveredAtMs = rolledBackAtMs + deployment.recoveryMs;
  if (recoveredAtMs <= onsetAtMs) return null;
  if (recoveredAtMs >= naturalEndAtMs) return harm(naturalEndAtMs, "fix");
  return harm(recoveredAtMs, "rollback");
}

/**
 * What a rollback broke by itself: of a deployment that cannot be rolled back, in a
 * world where that hurts. Null for every other rollback, and for none.
 */
export function rollbackHarmOf(
  { startedAtMs, rollbackHarms, rollbackEffects }: WorldDeployment,
  rolledBackAtMs: number | null,
): Harm | null {
  if (rolledBackAtMs === null || !rollbackHarms) return null;
  const lastMs = Math.max(...rollbackEffects.map(({ endsMs }) => endsMs));
  const resolvedAtMs = Math.min(rolledBackAtMs + lastMs, startedAtMs + EFFECT_MAX_MS);
  const fullTrafficMs = resolvedAtMs - rolledBackAtMs;
  if (fullTrafficMs <= 0) return null;
  return { onsetAtMs: rolledBackAtMs, resolvedAtMs, resolvedBy: "fix", fullTrafficMs };
}

/** Time from one instant to another, each part by the share of traffic reached in it. */
function exposedMs(
  { startedAtMs, exposure }: WorldDeployment,
  fromMs: number,
  toMs: number,
  haltedMs: number,
): number {
  return exposure.reduce((sum, { share, afterMs }, index) => {
    const next = exposure[index + 1];
    const reachedMs = startedAtMs + afterMs;
    if (reachedMs > haltedMs) return sum;
    const leftMs = next === undefined ? Infinity : startedAtMs + next.afterMs;
    // A rollout that was rolled back never left the stage it was in.
    const until = leftMs > haltedMs ? toMs : Math.min(toMs, leftMs);
    return sum + share * Math.max(0, until - Math.max(fromMs, reachedMs));
  }, 0);
}

/** By the worst of its effects: errors of 5 points or latency doubled is `sev1`. */
function severityOf(effects: readonly Effect[]): string {
  const worst = Math.max(
    0,
    ...effects.map(({ change, metric, size }) => {
      if (change === "additive") return metric === "error_rate" ? size * 20 : size;
      return metric === "error_rate" ? size / 20 : Math.abs(size);
    }),
  );
  return worst >= 1 ? "sev1" : worst >= 0.4 ? "sev2" : "sev3";
}

/** The deployed service, or the caller that suffers when it is only the caller. */
function sufferer(deployment: WorldDeployment): string {
  const touched = deployment.effects.map(({ service }) => service);
  return touched.includes(deployment.service) ? deployment.service : touched[0]!;
}

function deploymentIncidents(
  deployments: readonly WorldDeployment[],
  decisions: readonly DecisionRow[],
  interventions: Interventions,
): readonly IncidentRow[] {
  const noticedAtMs = new Map<string, number>();
  for (const { deploymentId, what, atMs } of decisions) {
    if (what !== "proposed" && what !== "paged") continue;
    noticedAtMs.set(deploymentId, Math.min(atMs, noticedAtMs.get(deploymentId) ?? Infinity));
  }
  return deployments.flatMap((deployment): readonly IncidentRow[] => {
    const { deploymentId, cause, onsetAtMs, naturalEndAtMs, effects } = deployment;
    const rolledBackAtMs = interventions(deploymentId);
    const broken = rollbackIncident(deployment, rolledBackAtMs);
    const harm = harmOf(deployment, rolledBackAtMs);
    if (harm !== null) {
      return [
        ...broken,
        {
          incidentId: `incident-${deploymentId}`,
          deploymentId,
          service: sufferer(deployment),
          label: `bad-deployment:${cause}`,
          onsetAtMs: harm.onsetAtMs,
          detectedAtMs: noticedAtMs.get(deploymentId) ?? null,
          resolvedAtMs: harm.resolvedAtMs,
          resolvedBy: harm.resolvedBy,
          severity: severityOf(effects),
        },
      ];
    }
    if (cause !== "coincident_incident" && cause !== "dependency_failure") return broken;
    return [
      ...broken,
      {
        incidentId: `incident-${deploymentId}`,
        deploymentId: null,
        service: deployment.service,
        label: `unrelated:${cause}`,
        onsetAtMs: onsetAtMs!,
        detectedAtMs: null,
        resolvedAtMs: naturalEndAtMs,
        resolvedBy: null,
        severity: severityOf(effects),
      },
    ];
  });
}

/** Nobody's deployment: the deployment's own label must not become one of a regression. */
function rollbackIncident(
  deployment: WorldDeployment,
  rolledBackAtMs: number | null,
): readonly IncidentRow[] {
  const harm = rollbackHarmOf(deployment, rolledBackAtMs);
  if (harm === null) return [];
  return [
    {
      incidentId: `rollback-${deployment.deploymentId}`,
      deploymentId: null,
      service: deployment.service,
      label: "rollback-harm:irreversible",
      onsetAtMs: harm.onsetAtMs,
      detectedAtMs: null,
      resolvedAtMs: harm.resolvedAtMs,
      resolvedBy: harm.resolvedBy,
      severity: severityOf(deployment.rollbackEffects),
    },
  ];
}

const EPISODE_LABEL: Readonly<Record<Episode["kind"], string | null>> = {
  incident: "unrelated:incident",
  reached: "unrelated:dependency_failure",
  shock: "unrelated:regional_shock",
  // Error bursts and lost telemetry are not incidents.
  burst: null,
  outage: null,
};

function backgroundIncidents(world: World, { fromMs, toMs }: Window): readonly IncidentRow[] {
  return world.services.flatMap(({ name, bornAtMs }) =>
    episodesBetween(world, name, Math.max(fromMs, bornAtMs), toMs)
      .filter(({ kind, startMs }) => EPISODE_LABEL[kind] !== null && startMs >= bornAtMs)
      .map(({ episodeId, kind, startMs, endMs, effects }) => ({
        incidentId: episodeId,
        deploymentId: null,
        service: name,
        label: EPISODE_LABEL[kind]!,
        onsetAtMs: startMs,
        detectedAtMs: null,
        resolvedAtMs: endMs,
        resolvedBy: null,
        severity: severityOf(effects),
      })),
  );
}

function deploymentRow(deployment: WorldDeployment): DeploymentRow {
  const { deploymentId, service, kind, kindSource, startedAtMs, finishedAtMs } = deployment;
  const { version, author, stages } = deployment;
  const environment = "production";
  return {
    deploymentId,
    service,
    environment,
    kind,
    kindSource,
    startedAtMs,
    finishedAtMs,
    version,
    author,
    stages,
  };
}

function labelRow({ deploymentId, label, startedAtMs }: WorldDeployment): LabelRow {
  return {
    deploymentId,
    label,
    basis: "generated-truth",
    labelledBy: "world",
    // The day after, so that nothing learns a label while the deployment is watched.
    labelledAtMs: startedAtMs + DAY_MS,
  };
}

function byText<Row>(
  ...keys: readonly ((row: Row) => string | number)[]
): (a: Row, b: Row) => number {
  return (a, b) => {
    for (const key of keys) {
      const left = key(a);
      const right = key(b);
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  };
}

/** From inclusive, to exclusive, epoch ms. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Every table but the samples, given what the logging run decided and when its
 * rollbacks took effect. Rows are in a fixed order, whatever order `decisions` came in.
 *
 * Of a window: the deployments that start in it with all that belongs to them, other
 * incidents that touch it, and tags of whole services that are in force in it. Nothing
 * outside is drawn, and every row is as in the tables of the whole.
 */
export function truthTables(
  world: World,
  decisions: readonly DecisionRow[],
  interventions: Interventions,
  window: Window = { fromMs: world.startMs, toMs: world.endMs },
): HistoryTables {
  const deployments = deploymentsBetween(world, null, window.fromMs, window.toMs);
  const standing = deploymentsBetween(world, null, window.fromMs - TAG_MAX_MS, window.fromMs)
    .flatMap(({ tags }) => tags)
    .filter((tag) => tag.deploymentId === null && tag.validUntilMs! > window.fromMs);
  const services = world.services.map(
    ({ name, team, criticality, timezone, dependsOn, revenuePerMinute }): ServiceRow => ({
      service: name,
      team,
      criticality,
      timezone,
      dependsOn,
      revenuePerMinute,
    }),
  );
  const proposals = proposalsOf(world, deployments);
  return {
    ...(proposals.length === 0 ? {} : { proposals }),
    deployments: deployments.map(deploymentRow),
    tags: [...standing, ...deployments.flatMap(({ tags }) => tags)].sort(
      byText<TagRow>(
        (row) => row.knownAtMs,
        (row) => row.service,
        (row) => row.deploymentId ?? "",
        (row) => row.tag,
      ),
    ),
    incidents: [
      ...deploymentIncidents(deployments, decisions, interventions),
      ...backgroundIncidents(world, window),
    ].sort(
      byText<IncidentRow>(
        (row) => row.onsetAtMs,
        (row) => row.incidentId,
      ),
    ),
    labels: deployments.map(labelRow).sort(byText<LabelRow>((row) => row.deploymentId)),
    decisions: [...decisions].sort(
      byText<DecisionRow>(
        (row) => row.atMs,
        (row) => row.deploymentId,
        (row) => row.what,
      ),
    ),
    services,
    metricCatalog: metricCatalog(world),
    cases: [],
  };
}
