/** The numbers that worlds are fitted to, of recordings and of worlds, as rows of one table. */

import { basename } from "node:path";
import { openWorld } from "../../lab/simulate/open.ts";
import { quietOf, slowedOf } from "./fittedWorld.ts";
import { nab, nezha, petshop, type Bad, type Quiet } from "./recordings.ts";
import {
  coarser,
  correlation,
  courseOf,
  quartiles,
  residuals,
  shareOfHours,
  spreadOf,
  type Course,
  type Series,
} from "./statistics.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const QUIET_SEEDS = 2;
const DAYS = 2;

export interface Measured {
  readonly name: string;
  readonly rows: ReadonlyMap<string, string>;
}

/** Of fewer requests a sample, the noise is that of small numbers and says little of a platform. */
const ENOUGH_REQUESTS = 200;

function requestsOf(metrics: ReadonlyMap<string, Series>, stepMinutes: number): number {
  const rates = metrics.get("throughput_ops") ?? metrics.get("throughput_rps");
  const counts = metrics.get("requests");
  const known = (rates ?? counts ?? []).filter((value) => !Number.isNaN(value));
  const middle = known.sort((a, b) => a - b)[Math.floor(known.length / 2)] ?? 0;
  return rates === undefined ? middle : 60 * stepMinutes * middle;
}

export const LATENCY = ["latency_p90_s", "latency_p95_s", "latency_p95_ms"];
export const TRAFFIC = ["throughput_ops", "throughput_rps", "requests"];

export function residualsOf(
  quiet: Quiet,
  names: readonly string[],
  [least, below]: readonly [number, number] = [ENOUGH_REQUESTS, Infinity],
): ReadonlyMap<string, Series> {
  const found = new Map<string, Series>();
  for (const [service, metrics] of quiet.services) {
    const values = names.map((name) => metrics.get(name)).find((one) => one !== undefined);
    const requests = requestsOf(metrics, quiet.stepMinutes);
    if (values === undefined || requests < least || requests >= below) continue;
    found.set(service, residuals(values, 60 / quiet.stepMinutes));
  }
  return found;
}

/** Rank correlations of all pairs of services: where one calls the other, and elsewhere. */
export function pairsOf(
  quiet: Quiet,
  names: readonly string[],
): readonly [calling: boolean, number][] {
  const series = [...residualsOf(quiet, names)];
  return series.flatMap(([a, x], at) =>
    series.slice(at + 1).flatMap(([b, y]): [boolean, number][] => {
      const value = correlation(x, y);
      const calling = quiet.calls?.has(`${a} ${b}`) || quiet.calls?.has(`${b} ${a}`) || false;
      return value === null || Number.isNaN(value) ? [] : [[calling, value]];
    }),
  );
}

function quietRows(quiets: readonly Quiet[]): readonly [string, string][] {
  const spreads = (names: readonly string[], requests?: readonly [number, number]) =>
    quiets
      .flatMap((quiet) => [...residualsOf(quiet, names, requests).values()].map(spreadOf))
      .filter((one) => one !== null);
  const sds = (names: readonly string[], requests?: readonly [number, number]): string =>
    quartiles(
      spreads(names, requests).map(({ sd }) => sd),
      3,
    );
  const latency = spreads(LATENCY);
  const pairs = (names: readonly string[], calling: boolean): string =>
    quartiles(
      quiets
        .flatMap((quiet) => pairsOf(quiet, names).filter(([is]) => is === calling))
        .map(([, value]) => value),
    );
  return [
    ["latency: sd of the logarithm", sds(LATENCY)],
    ["latency: sd, fewer than 30 requests", sds(LATENCY, [0, 30])],
    ["latency: sd, 30 to 200 requests", sds(LATENCY, [30, 200])],
    [
      "latency: its core",
      quartiles(
        latency.map(({ core }) => core),
        3,
      ),
    ],
    ["latency: autocorrelation", quartiles(latency.map(({ phi }) => phi))],
    [
      "latency: 1 % quantile, in cores",
      quartiles(
        latency.map(({ low }) => low),
        1,
      ),
    ],
    [
      "latency: 99 % quantile, in cores",
      quartiles(
        latency.map(({ high }) => high),
        1,
      ),
    ],
    [
      "latency: hours with three samples in a row 10 % up",
      quartiles(
        quiets.flatMap((quiet) =>
          [...residualsOf(quiet, LATENCY).values()].map((one) =>
            shareOfHours(one, 60 / quiet.stepMinutes),
          ),
        ),
      ),
    ],
    ["latency: correlation, caller and called", pairs(LATENCY, true)],
    ["latency: correlation, other pairs", pairs(LATENCY, false)],
    ["traffic: sd of the logarithm", sds(TRAFFIC)],
    ["traffic: correlation, caller and called", pairs(TRAFFIC, true)],
    ["traffic: correlation, other pairs", pairs(TRAFFIC, false)],
    ["conversion: sd of the logarithm", sds(["conversion_rate"])],
  ];
}

function courseRows(name: string, bad: readonly Bad[]): readonly [string, string][] {
  const courses = bad
    .map(({ before, after }) => courseOf(before, after))
    .filter((one): one is Course => one !== null && one.peak > 0);
  return [
    [`${name}: peak`, quartiles(courses.map(({ peak }) => peak))],
    [`${name}: median of the peak`, quartiles(courses.map(({ medianShare }) => medianShare))],
    [`${name}: time above half the peak`, quartiles(courses.map(({ aboveHalf }) => aboveHalf))],
    [
      `${name}: above half the peak less than half of the time`,
      (courses.filter(({ aboveHalf }) => aboveHalf < 0.5).length / courses.length).toFixed(2),
    ],
    [
      `${name}: times it rose`,
      quartiles(
        courses.map(({ runs }) => runs),
        0,
      ),
    ],
  ];
}

export async function measureRecordings(data: string): Promise<readonly Measured[]> {
  const shop = await petshop(data);
  const of = (metric: string): readonly Bad[] => shop.bad.filter((one) => one.metric === metric);
  return [
    { name: "nezha", rows: new Map(quietRows(await nezha(data))) },
    {
      name: "petshop",
      rows: new Map([
        ...quietRows(shop.quiet),
        ...courseRows("slow", of("latency_avg_s")),
        ...courseRows("failing", of("availability_pct")),
      ]),
    },
    { name: "nab-aws", rows: new Map(courseRows("slow", await nab(data))) },
  ];
}

export function measureWorld(file: string): Measured {
  const worlds = SEEDS.map((seed) => openWorld(file, seed).world);
  const quiets = worlds.slice(0, QUIET_SEEDS).map(({ spec, seed }) => quietOf(spec, seed, DAYS));
  // Five minutes to a value, as in the recordings that have such courses.
  const slowed = worlds.flatMap(slowedOf).map(({ before, after, ...rest }) => ({
    ...rest,
    before: coarser(before, 5),
    after: coarser(after, 5),
  }));
  const bursts = slowed.filter(({ cause }) => cause === "bursts");
  return {
    name: basename(file, ".yaml"),
    rows: new Map([
      ...quietRows(quiets),
      ...courseRows("slow", slowed),
      ...(bursts.length === 0 ? [] : courseRows("slow, bursts alone", bursts)),
    ]),
  };
}

/** A row for each measure and a column for each recording or world, in Markdown. */
export function tableOf(columns: readonly Measured[]): readonly string[] {
  const names = [...new Set(columns.flatMap(({ rows }) => [...rows.keys()]))];
  return [
    `| measured | ${columns.map(({ name }) => name).join(" | ")} |`,
    `|---|${"---|".repeat(columns.length)}`,
    ...names.map(
      (name) => `| ${name} | ${columns.map(({ rows }) => rows.get(name) ?? "").join(" | ")} |`,
    ),
  ];
}
