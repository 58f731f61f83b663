/**
 * Worlds that are called otherwise: other names, units, steps and seasons than those of the shipped
 * policies. Known truth, seeds, and weeks that a draft has not seen.
 */

import { join } from "node:path";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { DeploymentRow, HistoryTables, LabelRow } from "../../lab/history/tables.ts";
import { inferMetric, type ValueRange } from "../../lab/history/metric/infer.ts";
import { createHistory } from "../../lab/history/write.ts";
import { randomStream, uniform } from "../../lab/random.ts";
import { temporaryDirectory } from "../directories.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const START_MS = Date.parse("2026-06-01T00:00:00Z");

type Role = "latency" | "errors" | "availability" | "business" | "throughput" | "saturation";

interface Metric {
  readonly name: string;
  readonly role: Role;
  readonly stepMs: number;
  /** Its usual value, in its unit; a share of 1 for errors and availability in `whole`. */
  readonly level: number;
  /** Standard deviation of one sample: of the logarithm, for shares in percentage points. */
  readonly noise: number;
  /** Half of the way from night to day, in the same. */
  readonly season: number;
  /** What the whole of a share is: 1 or 100. */
  readonly whole?: number;
}

export interface WorldSpec {
  readonly name: string;
  readonly services: number;
  readonly days: number;
  readonly perWeek: number;
  readonly metrics: readonly Metric[];
}

const s15 = 15_000;
const m1 = MINUTE_MS;
const m5 = 5 * MINUTE_MS;
const h1 = 60 * MINUTE_MS;

/** The first half of each is what a draft is made of. */
export const WORLDS: readonly WorldSpec[] = [
  {
    name: "checkout, 15 s",
    ...{ services: 6, days: 14, perWeek: 10 },
    metrics: [
      metric("http_request_duration_seconds_p95", "latency", s15, 0.18, 0.1, 0.1),
      metric("failed_ratio", "errors", s15, 0.01, 0.3, 0, 1),
      metric("orders_per_minute", "business", s15, 40, 0.12, 0.3),
    ],
  },
  {
    name: "shop, 1 m",
    ...{ services: 6, days: 28, perWeek: 7 },
    metrics: [
      metric("latency_p95_ms", "latency", m1, 180, 0.08, 0.25),
      metric("error_rate", "errors", m1, 0.004, 0.15, 0, 1),
      metric("conversion_rate", "business", m1, 0.05, 0.08, 0.1),
    ],
  },
  {
    name: "lambda, 5 m",
    ...{ services: 8, days: 42, perWeek: 4 },
    metrics: [
      metric("functionDurationAvg_ms", "latency", m5, 90, 0.08, 0.2),
      metric("success_rate_pct.v1", "availability", m5, 0.995, 0.2, 0, 100),
      metric("concurrent_cpu_utilization", "saturation", m5, 35, 0.08, 0.25),
    ],
  },
  {
    name: "batch, 1 h",
    ...{ services: 12, days: 140, perWeek: 1 },
    metrics: [
      metric("job.elapsed.seconds", "latency", h1, 600, 0.1, 0.2),
      metric("jobs_failed_percent", "errors", h1, 0.01, 0.3, 0, 100),
      metric("jobs_processed", "throughput", h1, 5000, 0.08, 0.3),
    ],
  },
  {
    name: "mixed, 15 s, 5 m and 1 h",
    ...{ services: 6, days: 28, perWeek: 5 },
    metrics: [
      metric("rpc_latency_us", "latency", s15, 4000, 0.1, 0.1),
      metric("availability", "availability", m5, 0.998, 0.1, 0, 1),
      metric("signups", "business", h1, 300, 0.1, 0.3),
    ],
  },
];

function metric(
  name: string,
  role: Role,
  stepMs: number,
  level: number,
  noise: number,
  season: number,
  whole?: number,
): Metric {
  return { name, role, stepMs, level, noise, season, ...(whole === undefined ? {} : { whole }) };
}

/** What a deployment does to the metric of one role, until its watch is over. */
interface Effect {
  readonly startedAtMs: number;
  readonly role: Role;
  /** A regression; else a blip that heals after some samples. */
  readonly isBad: boolean;
  /** Samples that a short one takes; null: it stays. */
  readonly samples: number | null;
}

interface Deployed {
  readonly row: DeploymentRow;
  readonly label: LabelRow;
  readonly effects: readonly Effect[];
}

export interface MadeWorld {
  /** Its first half. */
  readonly seen: History;
  /** All samples, and only the deployments of the second half. */
  readonly fresh: History;
  readonly close: () => void;
}

/** @param blips share of good deployments that disturb for three samples */
export async function makeWorld(spec: WorldSpec, seed: number, blips = 0.1): Promise<MadeWorld> {
  const names = Array.from({ length: spec.services }, (_, at) => serviceOf(at));
  const deployed = names.flatMap((service) => deploymentsOf(spec, service, seed, blips));
  const middleMs = START_MS + (spec.days / 2) * DAY_MS;
  const endMs = START_MS + spec.days * DAY_MS;
  const [seen, fresh] = [
    await write(spec, seed, deployed, [START_MS, middleMs], START_MS),
    await write(spec, seed, deployed, [START_MS, endMs], middleMs),
  ];
  return {
    seen,
    fresh,
    close: () => {
      seen.close();
      fresh.close();
    },
  };
}

const serviceOf = (at: number): string => `svc-${String.fromCharCode(97 + at)}`;

function deploymentsOf(
  { name, days, perWeek, metrics }: WorldSpec,
  service: string,
  seed: number,
  blips: number,
): Deployed[] {
  const slowestMs = Math.max(...metrics.map(({ stepMs }) => stepMs));
  const gapMs = (7 * DAY_MS) / perWeek;
  const marginMs = Math.max(DAY_MS, 66 * slowestMs);
  const found: Deployed[] = [];
  for (
    let at = START_MS + marginMs;
    at < START_MS + days * DAY_MS - 14 * slowestMs - h1;
    at += gapMs
  ) {
    const key = [name, service, at] as const;
    const draw = (what: string): number => uniform(seed, what, ...key);
    const startedAtMs = Math.round(at + draw("when") * 0.4 * gapMs);
    const isBad = draw("bad") < 0.15;
    const isBlip = !isBad && draw("blip") < blips;
    const { role } = metrics[Math.floor(draw("role") * metrics.length)]!;
    const short = draw("short") < 0.25 ? 3 : null;
    const effect = { startedAtMs, role, isBad, samples: isBlip ? 3 : short };
    const deploymentId = `${service}/${startedAtMs}`;
    found.push({
      row: {
        ...{ deploymentId, service, environment: "production", kind: "code", kindSource: "code" },
        ...{ startedAtMs, finishedAtMs: null, version: null, author: null, stages: [] },
      },
      label: {
        ...{ deploymentId, label: isBad ? "regression" : "benign", basis: "the world" },
        ...{ labelledBy: null, labelledAtMs: null },
      },
      effects: isBad || isBlip ? [effect] : [],
    });
  }
  return found;
}

async function write(
  spec: WorldSpec,
  seed: number,
  deployed: readonly Deployed[],
  [fromMs, toMs]: readonly [number, number],
  deployedFromMs: number,
): Promise<History> {
  const dir = join(temporaryDirectory(), "history");
  const writer = await createHistory(dir);
  const ranges = new Map<string, ValueRange>();
  for (let at = 0; at < spec.services; at++) {
    const service = serviceOf(at);
    const own = deployed.filter(({ row }) => row.service === service);
    for (const one of [...spec.metrics].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const values = valuesOf(one, own, fromMs, toMs, seed, service);
      ranges.set(one.name, widened(ranges.get(one.name), values));
      const series = writer.addSeries({ service, metric: one.name, version: null }, "double");
      await writer.appendRegular(series, fromMs, one.stepMs, values, 0);
    }
  }
  const kept = deployed.filter(
    ({ row }) => row.startedAtMs >= deployedFromMs && row.startedAtMs < toMs - DAY_MS,
  );
  const tables: HistoryTables = {
    deployments: kept.map(({ row }) => row),
    labels: kept.map(({ label }) => label),
    ...{ tags: [], incidents: [], decisions: [], services: [], cases: [] },
    metricCatalog: spec.metrics.map(({ name }) => inferMetric(name, ranges.get(name))),
  };
  await writer.finish(tables, {
    ...{ madeBy: "a test", sources: [], dropped: [], warnings: [], loggingPolicy: null },
  });
  return openHistory(dir);
}

function widened(before: ValueRange | undefined, values: Float64Array): ValueRange {
  const { least, most, mean, aboveOne } = before ?? {
    least: Infinity,
    most: -Infinity,
    mean: 0,
    aboveOne: 0,
  };
  const sum = values.reduce((a, b) => a + b, 0);
  return {
    least: Math.min(least, ...minAndMax(values)),
    most: Math.max(most, ...minAndMax(values)),
    mean: before === undefined ? sum / values.length : mean,
    aboveOne: Math.max(aboveOne, values.filter((value) => value > 1.05).length / values.length),
  };
}

function minAndMax(values: Float64Array): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}

/** AR(1) noise with φ = 0.3 and a season of a day, and what deployments do. */
function valuesOf(
  one: Metric,
  deployed: readonly Deployed[],
  fromMs: number,
  toMs: number,
  seed: number,
  service: string,
): Float64Array {
  const { name, role, stepMs, level, noise, season, whole } = one;
  const random = randomStream(seed, `${name} ${service}`, 0);
  const normal = (): number => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    return radius * Math.cos(2 * Math.PI * random.next());
  };
  const effects = deployed.flatMap((each) => each.effects).filter((each) => each.role === role);
  const own = level * (0.7 + 0.6 * uniform(seed, "level", name, service));
  const count = Math.floor((toMs - fromMs) / stepMs);
  const values = new Float64Array(count);
  let ar = 0;
  for (let index = 0; index < count; index++) {
    const at = fromMs + index * stepMs;
    ar = 0.3 * ar + Math.sqrt(1 - 0.3 * 0.3) * normal();
    const daily = season * Math.sin((2 * Math.PI * (at % DAY_MS)) / DAY_MS);
    const harm = harmAt(effects, at, stepMs);
    values[index] =
      whole === undefined
        ? own *
          Math.exp(
            noise * ar + daily + (role === "business" || role === "throughput" ? -1.6 : 1) * harm,
          )
        : shareAt(role, level, 0.01 * (noise * ar) + daily, harm) * whole;
  }
  return values;
}

/** In the logarithm: 0.4 for harm that stays, 1.5 for short harm, 0.35 for a blip. */
function harmAt(effects: readonly Effect[], at: number, stepMs: number): number {
  for (const { startedAtMs, samples, isBad } of effects) {
    const lastsMs = samples === null ? Math.max(3 * h1, 14 * stepMs) : samples * stepMs;
    if (at < startedAtMs || at >= startedAtMs + lastsMs) continue;
    return samples === null ? 0.4 : isBad ? 1.5 : 0.35;
  }
  return 0;
}

function shareAt(role: Role, level: number, noise: number, harm: number): number {
  const worse = 0.08 * harm;
  const share =
    role === "errors" ? level + Math.abs(noise) + worse : level - Math.abs(noise) - worse;
  return Math.min(1, Math.max(0, share));
}
