/**
 * The history the benchmark measures on: services tiled by deployments, so that every
 * block is needed and every sample is read once, and the same samples once more as a
 * plain long table, for DuckDB's bare scan.
 *
 * Cheap, deterministic noise; one deployment in twenty makes latency a third worse, so
 * that the paths of proposals and rollbacks are walked too.
 */

import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { openDuck, quoted } from "../../lab/history/duck.ts";
import { createHistory } from "../../lab/history/write.ts";
import type { DeploymentRow, HistoryTables } from "../../lab/history/tables.ts";
import { counter, normalAt } from "../../lab/random.ts";

const STEP_MS = 10_000;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 5);
/** A year of one series. */
const YEAR_SAMPLES = (365 * 24 * HOUR_MS) / STEP_MS;
/** Samples are written in runs of this many. */
const RUN_SAMPLES = 65_536;

/** In the order of their names, as series are written. */
const METRICS = [
  { metric: "conversion_rate", unit: "ratio", worse: "down", kind: "business", level: 0.03 },
  { metric: "error_rate", unit: "ratio", worse: "up", kind: "ratio", level: 0.002 },
  { metric: "latency_p95_ms", unit: "ms", worse: "up", kind: "latency", level: 180 },
] as const;

export interface World {
  readonly services: number;
  readonly samplesPerSeries: number;
  /** From one deployment of a service to the next; its windows take two hours. */
  readonly everyMs: number;
}

/** Windows cover everything, or a fifth of it. */
export const COVERED = { whole: 2 * HOUR_MS, fifth: 10 * HOUR_MS } as const;

/** A world of so many samples: services with about a year of history, one at least. */
export function worldOf(samples: number, everyMs: number): World {
  const services = Math.max(1, Math.round(samples / (YEAR_SAMPLES * METRICS.length)));
  const samplesPerSeries = Math.round(samples / (services * METRICS.length));
  return { services, samplesPerSeries, everyMs };
}

export function samplesOf({ services, samplesPerSeries }: World): number {
  return services * samplesPerSeries * METRICS.length;
}

const nameOf = (service: number): string => `service-${String(service).padStart(4, "0")}`;

/** Services are staggered, so that no instant is theirs alone. */
function startsOf(world: World, service: number): number[] {
  const starts: number[] = [];
  const endMs = START_MS + world.samplesPerSeries * STEP_MS;
  const firstMs = START_MS + HOUR_MS + ((service * 7) % 120) * STEP_MS;
  for (let at = firstMs; at + HOUR_MS <= endMs; at += world.everyMs) starts.push(at);
  return starts;
}

const isRegression = (service: number, ordinal: number): boolean =>
  (service * 7 + ordinal) % 20 === 0;

function tablesOf(world: World): HistoryTables {
  const services = Array.from({ length: world.services }, (_, service) => service);
  const deployments = services.flatMap((service) =>
    startsOf(world, service).map((startedAtMs, ordinal): DeploymentRow => {
      const deploymentId = `${nameOf(service)}-${String(ordinal).padStart(5, "0")}`;
      return {
        deploymentId,
        service: nameOf(service),
        environment: "production",
        kind: "code",
        kindSource: "code",
        startedAtMs,
        finishedAtMs: null,
        version: null,
        author: null,
        stages: [],
      };
    }),
  );
  return {
    deployments,
    tags: [],
    incidents: [],
    labels: [],
    decisions: [],
    services: services.map((service) => ({
      service: nameOf(service),
      team: "bench",
      criticality: "medium",
      timezone: null,
      dependsOn: [],
      revenuePerMinute: null,
    })),
    metricCatalog: METRICS.map(({ metric, unit, worse, kind }) => ({ metric, unit, worse, kind })),
    cases: [],
  };
}

/** Writes the history; returns how long the writer took, without drawing the samples. */
export async function writeWorld(dir: string, world: World): Promise<{ writeMs: number }> {
  const began = performance.now();
  let drawMs = 0;
  const writer = await createHistory(dir);
  for (let service = 0; service < world.services; service++) {
    const starts = startsOf(world, service);
    for (const { metric, level } of METRICS) {
      const series = writer.addSeries({ service: nameOf(service), metric, version: null }, "float");
      const bad =
        metric === "latency_p95_ms" ? starts.filter((_, i) => isRegression(service, i)) : [];
      for (let from = 0; from < world.samplesPerSeries; from += RUN_SAMPLES) {
        const drawing = performance.now();
        const length = Math.min(RUN_SAMPLES, world.samplesPerSeries - from);
        const values = drawRun(series, from, length, level, bad);
        drawMs += performance.now() - drawing;
        await writer.appendRegular(series, START_MS + from * STEP_MS, STEP_MS, values, 0);
      }
    }
  }
  const about = { madeBy: "bench", sources: [], dropped: [], warnings: [], loggingPolicy: null };
  await writer.finish(tablesOf(world), about);
  return { writeMs: performance.now() - began - drawMs };
}

function drawRun(
  series: number,
  from: number,
  length: number,
  level: number,
  badStarts: readonly number[],
): Float32Array {
  const { a, b } = counter("bench", series);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = level * (1 + 0.04 * normalAt(a, b, from + i));
  for (const startMs of badStarts) {
    const first = Math.max(0, (startMs - START_MS) / STEP_MS + 30 - from);
    const last = Math.min(length, (startMs + HOUR_MS - START_MS) / STEP_MS - from);
    for (let i = first; i < last; i++) values[i] = values[i]! * 1.33;
  }
  return values;
}

/** The same samples as plain rows: series INTEGER, ts TIMESTAMP, value FLOAT. */
export async function writeLongTable(dir: string, file: string): Promise<{ bytes: number }> {
  const spill = `${file}.spill`;
  const duck = await openDuck({ spillDirectory: spill });
  try {
    await duck.connection.run(
      `COPY (
         SELECT series,
                make_timestamp(epoch_us(start_at) + 1000 * step_ms * unnest(range(len("values")))) AS ts,
                unnest("values") AS value
           FROM read_parquet(${quoted(join(dir, "metrics", "*.parquet"))})
       ) TO ${quoted(file)} (FORMAT parquet, PARQUET_VERSION V2)`,
    );
  } finally {
    duck.close();
    rmSync(spill, { recursive: true, force: true });
  }
  return { bytes: statSync(file).size };
}
