/** One deployment as history has it: what was declared, what people did, what was watched. */

import { formatTime, readsSeries, servicesOf, type Policy } from "../../../engine/index.ts";
import { recordedLesson } from "../../explain/recorded.ts";
import { incidentsByDeployment } from "../../history/incidents.ts";
import { namesOf } from "../../history/metric/seriesName.ts";
import type { History } from "../../history/open.ts";
import { rollbacksOf } from "../../replay/censor.ts";
import { tagsAbout, type PlannedDeployment } from "../../replay/plan.ts";
import type { DeploymentDetail, Lane, WatchedSeries } from "../contract/deployments.ts";
import { Refusal } from "../problems.ts";
import { factsOf } from "./facts.ts";

const HOUR_MS = 3_600_000;

export interface Watching {
  readonly id: string;
  readonly policy: Policy;
}

const time = (atMs: number | null): string | null => (atMs === null ? null : formatTime(atMs));

/** @throws Refusal when there is no such deployment */
export function deploymentOf(
  history: History,
  deploymentId: string,
  planned: PlannedDeployment | null,
  policies: readonly Watching[],
  lanes: readonly Lane[] | null,
): DeploymentDetail {
  const { tables } = history;
  const row = tables.deployments.find((one) => one.deploymentId === deploymentId);
  if (row === undefined) {
    throw new Refusal("not-found", `There is no deployment ${deploymentId}.`);
  }
  const facts = factsOf(history);
  const { team, criticality, timezone } = facts(row);
  const label = tables.labels.find((one) => one.deploymentId === deploymentId);
  const incident = incidentsByDeployment(tables.incidents).get(deploymentId);
  const tags = tagsAbout(tables.tags)(row);
  const decisions = tables.decisions
    .filter((one) => one.deploymentId === deploymentId)
    .sort((a, b) => a.atMs - b.atMs);
  const rolledBackAtMs = rollbacksOf(decisions).get(deploymentId) ?? null;
  const recorded = {
    startedAtMs: row.startedAtMs,
    rolledBackAtMs,
    decisions,
    label: facts.label(deploymentId),
    incident: incident ?? null,
    tags,
  };
  const longestMs = Math.max(HOUR_MS, ...policies.map(({ policy }) => policy.watchMs));
  return {
    deploymentId,
    service: row.service,
    environment: row.environment,
    kind: row.kind,
    kindSource: row.kindSource,
    version: row.version,
    author: row.author,
    team,
    criticality,
    timezone,
    startedAt: formatTime(row.startedAtMs),
    finishedAt: time(row.finishedAtMs),
    stages: row.stages.map(({ share, atMs }) => ({ share, at: formatTime(atMs) })),
    label: facts.label(deploymentId),
    labelBasis: label?.basis ?? null,
    incident:
      incident === undefined
        ? null
        : {
            incidentId: incident.incidentId,
            label: incident.label,
            onsetAt: formatTime(incident.onsetAtMs),
            detectedAt: time(incident.detectedAtMs),
            resolvedAt: time(incident.resolvedAtMs),
            resolvedBy: incident.resolvedBy,
            severity: incident.severity,
          },
    tags: tags.map((tag) => ({
      tag: tag.tag,
      value: tag.value,
      signal: tag.signal,
      ofDeployment: tag.deploymentId !== null,
      validFrom: time(tag.validFromMs),
      validUntil: time(tag.validUntilMs),
      knownAt: formatTime(tag.knownAtMs),
      givenBy: tag.givenBy,
      approvedBy: tag.approvedBy,
    })),
    decisions: decisions.map(({ atMs, what, by, justification, confidence }) => ({
      at: formatTime(atMs),
      what,
      by,
      justification,
      confidence,
    })),
    rolledBackAt: time(rolledBackAtMs),
    recorded: recordedLesson(recorded),
    window: {
      from: formatTime(row.startedAtMs - HOUR_MS),
      to: formatTime(row.startedAtMs + longestMs + HOUR_MS / 2),
    },
    series: planned === null ? [] : watchedSeries(history, planned, policies),
    lanes,
  };
}

function watchedSeries(
  history: History,
  { deployment }: PlannedDeployment,
  policies: readonly Watching[],
): WatchedSeries[] {
  const catalog = new Map(history.tables.metricCatalog.map((row) => [row.metric, row]));
  const names = namesOf(history);
  return history.series.flatMap(({ series, service, metric, version }) => {
    const watchedBy = policies.flatMap(({ id, policy }) =>
      policy.signals
        .filter(
          (one) => readsSeries(one, names[series]!) && servicesOf(one, deployment).has(service),
        )
        .map((signal) => ({ policy: id, signal: signal.name })),
    );
    if (watchedBy.length === 0) return [];
    const known = catalog.get(metric);
    const unit = known?.unit ?? null;
    return [{ series, service, metric, version, unit, worse: known?.worse ?? null, watchedBy }];
  });
}
