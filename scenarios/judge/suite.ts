/**
 * The labelled suite of families.yaml: cases drawn from a seed, and the history they
 * make, one recording and one deployment a case.
 *
 * Laws: a case depends on the seed, its family and its number alone, so another family
 * or more cases change nothing that was there. The harm multiplies the values; before
 * the change nothing is planted.
 */

import { own } from "../../engine/index.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import type { HistoryTables } from "../../lab/history/tables.ts";
import { createHistory } from "../../lab/history/write.ts";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import { sha256 } from "../../lab/policy/load.ts";

const range = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high);
const familySchema = z.strictObject({
  label: z.enum(["benign", "regression"]),
  core: z.boolean(),
  on: z.enum(["one", "all"]).default("one"),
  /** The noise starts afresh at the change, this many times as wide. */
  freshNoise: range.optional(),
  /** Values are `times` as high from minute `from` for `lasts` minutes, `leaves` after that. */
  shift: z
    .strictObject({
      times: range,
      from: range.default([0, 0]),
      lasts: range.optional(),
      leaves: range.default([1, 1]),
    })
    .optional(),
  variance: range.optional(),
  spikes: z.strictObject({ times: range, count: range }).optional(),
  drift: z.strictObject({ times: range, lasts: z.int().positive() }).optional(),
});
const suiteSchema = z.strictObject({
  minutes: z.strictObject({ before: z.int().positive(), after: z.int().positive() }),
  cases: z.int().positive(),
  metrics: z.record(
    z.string(),
    z.strictObject({ unit: z.string(), kind: z.enum(["gauge", "ratio", "latency"]), level: range }),
  ),
  noise: z.strictObject({ spread: range, autocorrelation: range }),
  families: z.record(z.string(), familySchema),
});

export type Suite = z.infer<typeof suiteSchema>;
type Family = z.infer<typeof familySchema>;
type Range = z.infer<typeof range>;

export interface JudgeCase {
  readonly id: string;
  readonly family: string;
  readonly label: "benign" | "regression";
  /** The minute after the change at which harm begins; null where there is none. */
  readonly onset: number | null;
  readonly harmed: readonly string[];
  /** By metric: the samples, and what each was multiplied by on purpose. */
  readonly samples: ReadonlyMap<string, Float64Array>;
  readonly factors: ReadonlyMap<string, Float64Array>;
}

const MINUTE_MS = 60_000;
/** Far enough apart that no case's baseline could reach into the one before. */
const APART_MS = 2 * 3_600_000;
const FIRST_MS = Date.parse("2026-03-02T00:00:00Z");
const FILE = join(import.meta.dirname, "families.yaml");

export function readSuite(): Suite {
  return suiteSchema.parse(parse(readFileSync(FILE, "utf8")));
}

/** The families of a suite that the published benchmarks have, or all of them. */
export function familiesOf(suite: Suite, which: "core" | "all"): string[] {
  return Object.keys(suite.families).filter(
    (name) => which === "all" || own(suite.families, name)!.core,
  );
}

/** The cases of one seed, family by family. */
export function drawCases(suite: Suite, families: readonly string[], seed: number): JudgeCase[] {
  return families.flatMap((name) =>
    Array.from({ length: suite.cases }, (_, number) => drawCase(suite, name, seed, number)),
  );
}

function drawCase(suite: Suite, name: string, seed: number, number: number): JudgeCase {
  const family = own(suite.families, name)!;
  const random = randomStream(seed, "judge", name, number);
  const metrics = Object.keys(suite.metrics).sort();
  const one = random.pick(metrics);
  const isHarmed = ["shift", "variance", "spikes", "drift"].some((key) =>
    Object.hasOwn(family, key),
  );
  const harmed = !isHarmed ? [] : family.on === "all" ? metrics : [one];
  const samples = new Map<string, Float64Array>();
  const factors = new Map<string, Float64Array>();
  let onset: number | null = null;
  for (const metric of metrics) {
    const stream = randomStream(seed, "judge", name, number, metric);
    const level = stream.betweenLog(...own(suite.metrics, metric)!.level);
    const noise = drawNoise(suite, harmed.includes(metric) ? family : calm(family), stream);
    const { values, begins } = harmed.includes(metric)
      ? drawFactors(suite, family, stream)
      : { values: new Float64Array(suite.minutes.after).fill(1), begins: null };
    onset ??= begins;
    factors.set(metric, values);
    const drawn = noise.map((value, minute) => {
      const since = minute - suite.minutes.before;
      return level * Math.exp(value) * (since < 0 ? 1 : values[since]!);
    });
    samples.set(metric, drawn);
  }
  const id = `s${seed}-${name}-${String(number).padStart(3, "0")}`;
  return { id, family: name, label: family.label, onset, harmed, samples, factors };
}

/** What a family does to a metric that it does not harm. */
function calm(family: Family): Family {
  return { ...family, variance: undefined };
}

/** Autoregressive normal noise of the logarithm, before and after the change. */
function drawNoise(suite: Suite, family: Family, random: RandomStream): Float64Array {
  const { before, after } = suite.minutes;
  const spread = random.between(...suite.noise.spread);
  const phi = random.between(...suite.noise.autocorrelation);
  const afterTimes =
    random.between(...(family.freshNoise ?? [1, 1])) *
    Math.sqrt(random.between(...(family.variance ?? [1, 1])));
  const noise = new Float64Array(before + after);
  let current = random.normal();
  for (let minute = 0; minute < noise.length; minute++) {
    current = phi * current + Math.sqrt(1 - phi * phi) * random.normal();
    if (minute === before && family.freshNoise !== undefined) current = random.normal();
    noise[minute] = current * spread * (minute < before ? 1 : afterTimes);
  }
  return noise;
}

/** What the samples after the change are multiplied by, and from which minute on. */
function drawFactors(
  suite: Suite,
  { shift, variance, spikes, drift }: Family,
  random: RandomStream,
): { values: Float64Array; begins: number | null } {
  const { after } = suite.minutes;
  const values = new Float64Array(after).fill(1);
  let begins: number | null = variance === undefined ? null : 0;
  if (shift !== undefined) {
    const times = random.between(...shift.times);
    begins = wholeBetween(random, shift.from);
    const until = shift.lasts === undefined ? after : begins + wholeBetween(random, shift.lasts);
    values.fill(times, begins, until).fill(random.between(...shift.leaves), until);
  }
  if (spikes !== undefined) {
    const minutes = Array.from({ length: after }, (_, minute) => minute);
    for (let left = wholeBetween(random, spikes.count); left > 0; left--) {
      const [minute] = minutes.splice(Math.floor(random.next() * minutes.length), 1);
      values[minute!] = random.between(...spikes.times);
    }
    begins = values.findIndex((value) => value > 1);
  }
  if (drift !== undefined) {
    const times = random.between(...drift.times);
    begins = after - drift.lasts;
    for (let step = 1; step <= drift.lasts; step++) {
      values[begins + step - 1] = 1 + ((times - 1) * step) / drift.lasts;
    }
  }
  return { values, begins };
}

function wholeBetween(random: RandomStream, [low, high]: Range): number {
  return low + Math.floor(random.next() * (high - low + 1));
}

/** Writes cases as a history at `dir`; the seeds are for the manifest only. */
export async function writeCases(
  dir: string,
  suite: Suite,
  cases: readonly JudgeCase[],
  seeds: readonly number[],
): Promise<void> {
  const writer = await createHistory(dir);
  const sorted = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const [place, { id, samples }] of sorted.entries()) {
    for (const metric of [...samples.keys()].sort()) {
      const series = writer.addSeries({ service: id, metric, version: null }, "double");
      await writer.appendRegular(series, startOf(place), MINUTE_MS, samples.get(metric)!, 0);
    }
  }
  await writer.finish(tablesOf(suite, sorted), {
    madeBy: "scenarios/judge/suite.ts",
    sources: [
      {
        source: `families.yaml with seeds ${seeds.join(", ")}`,
        sha256: sha256(readFileSync(FILE, "utf8")),
        rows: null,
      },
    ],
    dropped: [],
    warnings: [],
    loggingPolicy: null,
  });
}

function startOf(place: number): number {
  return FIRST_MS + place * APART_MS;
}

function tablesOf(suite: Suite, cases: readonly JudgeCase[]): HistoryTables {
  const { before, after } = suite.minutes;
  const metrics = Object.entries(suite.metrics).map(([metric, { unit, kind }]) => ({
    metric,
    unit,
    worse: "up" as const,
    kind,
  }));
  return labelledTables(metrics, cases, (place) => ({
    startsAtMs: startOf(place),
    changeAtMs: startOf(place) + before * MINUTE_MS,
    endsAtMs: startOf(place) + (before + after) * MINUTE_MS,
  }));
}

/** When the recording of a case starts and ends, and when the change comes. */
interface Span {
  readonly startsAtMs: number;
  readonly changeAtMs: number;
  readonly endsAtMs: number;
}

/** One recording and one labelled deployment a case; the cases in the order of their places. */
export function labelledTables(
  metricCatalog: HistoryTables["metricCatalog"],
  cases: readonly Pick<JudgeCase, "id" | "family" | "label" | "onset">[],
  spanOf: (place: number) => Span,
): HistoryTables {
  return {
    deployments: cases.map(({ id }, place) => ({
      deploymentId: id,
      service: id,
      environment: "production",
      kind: "code",
      kindSource: "code",
      startedAtMs: spanOf(place).changeAtMs,
      finishedAtMs: null,
      version: null,
      author: null,
      stages: [],
    })),
    tags: [],
    incidents: cases.flatMap(({ id, family, label, onset }, place) =>
      label === "benign" || onset === null
        ? []
        : [
            {
              incidentId: id,
              deploymentId: id,
              service: id,
              label: `bad-deployment:${family}`,
              onsetAtMs: spanOf(place).changeAtMs + onset * MINUTE_MS,
              detectedAtMs: null,
              resolvedAtMs: null,
              resolvedBy: null,
              severity: null,
            },
          ],
    ),
    labels: cases.map(({ id, family, label }) => ({
      deploymentId: id,
      label,
      basis: family,
      labelledBy: "scenarios/judge",
      labelledAtMs: null,
    })),
    decisions: [],
    services: [],
    metricCatalog,
    cases: cases.map(({ id }, place) => {
      const { startsAtMs, endsAtMs } = spanOf(place);
      return { caseId: id, startsAtMs, endsAtMs };
    }),
  };
}
