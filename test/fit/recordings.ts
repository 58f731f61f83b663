/** Recordings as plain CSV files: their quiet hours, and the course of what went wrong. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openDuck } from "../../lab/history/duck.ts";
import type { Series } from "./statistics.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** One quiet stretch: by service, the metrics at one step. */
export interface Quiet {
  readonly stepMinutes: number;
  readonly services: ReadonlyMap<string, ReadonlyMap<string, Series>>;
  /** `caller called`; null where the recording has no call graph. */
  readonly calls: ReadonlySet<string> | null;
}

/** Of one change that went wrong: values before it and after it. */
export interface Bad {
  readonly metric: string;
  readonly before: Series;
  readonly after: Series;
}

type Samples = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Rows of a small CSV file by column name; its values have no commas in the columns we read. */
function rowsOf(dir: string, file: string): readonly Readonly<Record<string, string>>[] {
  const [header, ...lines] = readFileSync(join(dir, file), "utf8").trim().split("\n");
  const names = header!.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ""]));
  });
}

/** Values by series (`service metric`, with a tab) and time. */
async function samplesOf(dir: string): Promise<Samples> {
  const duck = await openDuck();
  try {
    const file = join(dir, "metrics.csv.gz").replaceAll("'", "''");
    const reader = await duck.connection.runAndReadAll(
      `SELECT service || chr(9) || metric, epoch_ms(ts::TIMESTAMPTZ)::DOUBLE, value::DOUBLE
       FROM read_csv('${file}', header = true, all_varchar = true)`,
    );
    const samples = new Map<string, Map<number, number>>();
    for (const [series, atMs, value] of reader.getRows() as [string, number, number][]) {
      const values = samples.get(series) ?? new Map<number, number>();
      samples.set(series, values.set(atMs, value));
    }
    return samples;
  } finally {
    duck.close();
  }
}

function between(
  values: ReadonlyMap<number, number>,
  fromMs: number,
  toMs: number,
  stepMs: number,
): Series {
  const grid = new Array<number>(Math.max(0, Math.ceil((toMs - fromMs) / stepMs))).fill(Number.NaN);
  for (const [atMs, value] of values) {
    if (atMs >= fromMs && atMs < toMs) grid[Math.floor((atMs - fromMs) / stepMs)] = value;
  }
  return grid;
}

function stretch(
  samples: Samples,
  fromMs: number,
  toMs: number,
  stepMs: number,
  calls: Quiet["calls"],
): Quiet {
  const services = new Map<string, Map<string, Series>>();
  for (const [series, values] of samples) {
    const [service, metric] = series.split("\t") as [string, string];
    const metrics = services.get(service) ?? new Map<string, Series>();
    services.set(service, metrics.set(metric, between(values, fromMs, toMs, stepMs)));
  }
  return { stepMinutes: stepMs / MINUTE_MS, services, calls };
}

/** Nezha: from a quarter of an hour after each day's last fault to that day's end. */
export async function nezha(data: string): Promise<readonly Quiet[]> {
  const dir = join(data, "nezha-onlineboutique");
  const samples = await samplesOf(dir);
  const faults = rowsOf(dir, "incidents.csv").map(({ started_at }) => Date.parse(started_at!));
  const calls = new Set(
    rowsOf(dir, "services.csv").flatMap(({ service, depends_on }) =>
      depends_on!.split(";").map((called) => `${service!} ${called}`),
    ),
  );
  const days = [...new Set(faults.map((atMs) => Math.floor(atMs / DAY_MS)))];
  return days.map((day) => {
    const last = Math.max(...faults.filter((atMs) => Math.floor(atMs / DAY_MS) === day));
    return stretch(samples, last + 15 * MINUTE_MS, (day + 1) * DAY_MS, MINUTE_MS, calls);
  });
}

/** Petshop: its two recordings without an issue, and what users saw of each issue. */
export async function petshop(
  data: string,
): Promise<{ quiet: readonly Quiet[]; bad: readonly Bad[] }> {
  const dir = join(data, "petshop");
  const samples = await samplesOf(dir);
  const cases = rowsOf(dir, "cases.csv").map((row) => ({
    id: row["case_id"]!,
    fromMs: Date.parse(row["recording_starts_at"]!),
    toMs: Date.parse(row["recording_ends_at"]!),
  }));
  const stepMs = 5 * MINUTE_MS;
  const quiet = cases
    .filter(({ id }) => id.endsWith("/noissue"))
    .map(({ fromMs, toMs }) => stretch(samples, fromMs, toMs, stepMs, null));
  const bad = rowsOf(dir, "issues.csv").map(({ issue_id, target_timestamp, impacted_metric }) => {
    const { fromMs, toMs } = cases.find(({ id }) => id === issue_id)!;
    const metric = impacted_metric === "latency" ? "latency_avg_s" : "availability_pct";
    const values = samples.get(`PetSite\t${metric}`)!;
    // A bucket that holds the change belongs to what came after it.
    const before = Math.floor((Date.parse(target_timestamp!) - fromMs) / stepMs);
    const all = between(values, fromMs, toMs, stepMs);
    return { metric, before: all.slice(0, before), after: all.slice(before) };
  });
  return { quiet, bad };
}

/** NAB: an hour after each derived change before an anomaly, against the three hours before. */
export async function nab(data: string): Promise<readonly Bad[]> {
  const dir = join(data, "nab-aws");
  const samples = await samplesOf(dir);
  const bad = new Set(
    rowsOf(dir, "labels.csv")
      .filter(({ label }) => label === "bad")
      .map(({ deployment_id }) => deployment_id),
  );
  return rowsOf(dir, "deployments.csv")
    .filter(({ deployment_id }) => bad.has(deployment_id))
    .map(({ service, deployed_at }) => {
      const [series, values] = [...samples].find(([name]) => name.startsWith(`${service!}\t`))!;
      const atMs = Date.parse(deployed_at!) + 1;
      const stepMs = 5 * MINUTE_MS;
      return {
        metric: series.split("\t")[1]!,
        before: between(values, atMs - 3 * HOUR_MS, atMs, stepMs),
        after: between(values, atMs, atMs + HOUR_MS, stepMs),
      };
    });
}
