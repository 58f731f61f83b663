/**
 * A quarter of many services, each with some deployments and none with a signal: what a list has
 * to carry, without the samples that would take minutes to write.
 */

import { join } from "node:path";
import { createHistory } from "../../lab/history/write.ts";
import type { DeploymentRow, HistoryTables } from "../../lab/history/tables.ts";
import { temporaryDirectory } from "../directories.ts";

const FIRST_MS = Date.parse("2026-07-01T00:00:00Z");
const DAY_MS = 86_400_000;
const DAYS = 90;
const ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", null] as const;
const KINDS = ["code", "config", "migration"] as const;
const LABELS = ["benign", "regression", "expected_change"] as const;
const MINUTES = 240;

/** @returns its directory */
export async function manyServices(services: number, each: number): Promise<string> {
  const dir = join(temporaryDirectory(), "many");
  const writer = await createHistory(dir);
  const series = writer.addSeries(
    { service: nameOf(0), metric: "latency_p95_ms", version: null },
    "double",
  );
  const values = new Float64Array(MINUTES).fill(100);
  await writer.appendRegular(series, FIRST_MS, 60_000, values, 0);
  await writer.finish(tables(services, each), {
    madeBy: "a test",
    sources: [],
    dropped: [],
    warnings: [],
    loggingPolicy: null,
  });
  return dir;
}

const nameOf = (service: number): string => `service-${String(service).padStart(4, "0")}`;

function tables(services: number, each: number): HistoryTables {
  const count = services * each;
  const deployments: DeploymentRow[] = Array.from({ length: count }, (_, at) => {
    // Every service has its turn, and two start at once now and then.
    const service = (at * 7) % services;
    const kind = KINDS[at % 5] ?? "code";
    return {
      deploymentId: `${nameOf(service)}-${Math.floor(at / services)}`,
      service: nameOf(service),
      environment: "production",
      kind,
      kindSource: kind,
      startedAtMs: FIRST_MS + Math.floor((at * DAYS * 480) / count) * 180_000,
      finishedAtMs: null,
      version: `v${at % 40}`,
      author: at % 3 === 0 ? null : `person-${at % 50}`,
      stages: [],
    };
  });
  const some = deployments.filter((_, at) => at % 40 === 0);
  return {
    deployments,
    tags: [],
    incidents: some.map(({ deploymentId, service, startedAtMs }, at) => ({
      incidentId: `i-${at}`,
      deploymentId: at % 4 === 0 ? null : deploymentId,
      service,
      label: "bad-deployment",
      onsetAtMs: startedAtMs + 60_000,
      detectedAtMs: null,
      resolvedAtMs: null,
      resolvedBy: null,
      severity: null,
    })),
    labels: deployments.map(({ deploymentId }, at) => ({
      deploymentId,
      label: LABELS[at % 7] ?? "benign",
      basis: "by hand",
      labelledBy: null,
      labelledAtMs: null,
    })),
    decisions: some.map(({ deploymentId, startedAtMs }) => ({
      deploymentId,
      atMs: startedAtMs + DAY_MS / 24,
      what: "rollbackStarted",
      by: "ana",
      justification: null,
      confidence: null,
    })),
    proposals: [],
    services: Array.from({ length: services }, (_, at) => ({
      service: nameOf(at),
      team: at % 9 === 0 ? null : `team-${at % 40}`,
      criticality: null,
      timezone: ZONES[at % ZONES.length]!,
      dependsOn: [],
      revenuePerMinute: null,
    })),
    metricCatalog: [],
    cases: [],
  };
}
