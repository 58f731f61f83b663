/** The history as the first screen shows it: from its tables alone, no sample is read. */

import { announcedRollback } from "../../explain/announced.ts";
import { canAnswer } from "../../history/answers.ts";
import { countLabels } from "../../history/import/importHistory.ts";
import type { History } from "../../history/open.ts";
import type { HistorySummary } from "../contract/history.ts";
import { stretchesOf } from "./scored.ts";

export function historySummary(history: History): HistorySummary {
  const { manifest, tables, series } = history;
  const deploymentsOf = counted(tables.deployments.map(({ service }) => service));
  const catalog = new Map(tables.metricCatalog.map((row) => [row.metric, row]));
  const known = new Map(tables.services.map((row) => [row.service, row]));
  const services = sorted([
    ...series.map(({ service }) => service),
    ...known.keys(),
    ...deploymentsOf.keys(),
  ]);
  const { total: deployments, ...labels } = countLabels(tables);
  const announced = announcedRollback(tables);
  return {
    madeBy: manifest.madeBy,
    digest: manifest.digest,
    from: manifest.from,
    to: manifest.to,
    samples: manifest.samples,
    missingSamples: manifest.missingSamples,
    series: manifest.seriesCount,
    services: services.map((service) => {
      const row = known.get(service);
      return {
        service,
        team: row?.team ?? null,
        criticality: row?.criticality ?? null,
        timezone: row?.timezone ?? null,
        dependsOn: row?.dependsOn ?? [],
        deployments: deploymentsOf.get(service) ?? 0,
      };
    }),
    teams: sorted(tables.services.flatMap(({ team }) => (team === null ? [] : [team]))),
    tags: [...counted(tables.tags.map(({ tag }) => tag))].map(([tag, given]) => ({ tag, given })),
    metrics: [...counted(series.map(({ metric }) => metric))].map(([metric, count]) => ({
      metric,
      unit: catalog.get(metric)?.unit ?? null,
      worse: catalog.get(metric)?.worse ?? null,
      kind: catalog.get(metric)?.kind ?? null,
      series: count,
    })),
    deployments,
    stretches: stretchesOf(history),
    labels,
    deploymentKinds: [...counted(tables.deployments.map(({ kind }) => kind))].map(
      ([kind, deployments]) => ({ kind, deployments }),
    ),
    incidents: tables.incidents.length,
    decisions: tables.decisions.length,
    cases: tables.cases.map(({ caseId, startsAtMs, endsAtMs }) => ({
      caseId,
      startsAt: new Date(startsAtMs).toISOString(),
      endsAt: new Date(endsAtMs).toISOString(),
    })),
    canAnswer: canAnswer(tables, series),
    announcedRollback:
      announced === null
        ? null
        : {
            deploymentId: announced.deploymentId,
            timezone: announced.timezone,
            rolledBackAt: new Date(announced.rolledBackAtMs).toISOString(),
          },
    dropped: manifest.dropped.map(({ table, reason, rows }) => ({ table, reason, rows })),
    warnings: manifest.warnings,
  };
}

/** In the order of the names. */
function counted<Name extends string>(names: readonly Name[]): Map<Name, number> {
  const counts = new Map<Name, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
