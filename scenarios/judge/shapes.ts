/**
 * Families of series on which relative tolerances, logarithms and one watch for all signals fail:
 * short large excursions, an earlier spike, zeros, values below zero, a tiny latency on few
 * samples, fast and slow signals side by side, a daily swing of coarse samples, and incidents that
 * began before the change. Half of each family is harmed.
 *
 *     node --import tsx scenarios/judge/shapes.ts 201 202 203 204 205
 *
 * prints what `shapes-before.yaml` and `shapes.yaml` flag of each half. A case depends on its seed,
 * family and number alone, and nothing is planted before the change but the earlier spike and the
 * earlier incident.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../../engine/index.ts";
import { casesOf } from "../../lab/detectBench/cases.ts";
import { openHistory } from "../../lab/history/open.ts";
import { createHistory } from "../../lab/history/write.ts";
import { absent } from "../../lab/people/recorded.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import { replay } from "../../lab/replay/replay.ts";
import { labelledTables, type JudgeCase } from "./suite.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A case has nine days before the change and half a day after it, and then a day of nothing. */
const BEFORE_MS = 9 * 24 * HOUR_MS;
const AFTER_MS = 12 * HOUR_MS;
const APART_MS = BEFORE_MS + AFTER_MS + 24 * HOUR_MS;
const FIRST_MS = Date.parse("2026-03-02T00:00:00Z");
/** Cases of each family and half for each seed. */
export const CASES = 20;

interface Drawn {
  readonly metric: string;
  readonly stepMs: number;
  readonly before: number;
  readonly values: Float64Array;
}

type Family = (random: RandomStream, harmed: boolean) => readonly Drawn[];

/** Samples about a level: normal noise on the logarithm, correlated from one to the next. */
function noisy(
  random: RandomStream,
  count: number,
  level: number,
  spread: readonly [number, number],
): Float64Array {
  const wide = random.between(...spread);
  const phi = random.between(0, 0.3);
  let current = random.normal();
  return Float64Array.from({ length: count }, () => {
    current = phi * current + Math.sqrt(1 - phi * phi) * random.normal();
    return level * Math.exp(wide * current);
  });
}

const whole = (random: RandomStream, low: number, high: number): number =>
  low + Math.floor(random.next() * (high - low + 1));

/** An hour of minutes before and after, `times` as high for some minutes of the second. */
function hourOf(
  random: RandomStream,
  harmed: boolean,
  large: readonly [number, number],
): Float64Array {
  const values = noisy(random, 120, random.betweenLog(1, 1000), [0.03, 0.06]);
  const from = 60 + whole(random, 2, 50);
  // The healthy half has a blip that no engineer would roll back for.
  const lasts = harmed ? whole(random, 1, 3) : whole(random, 0, 2);
  const times = harmed ? random.between(...large) : random.between(1.1, 1.3);
  for (let at = from; at < from + lasts; at++) values[at]! *= times;
  return values;
}

export const FAMILIES: JsonObject<Family> = {
  "short-excursion": (random, harmed) => {
    const values = hourOf(random, harmed, [4, 12]);
    return [{ metric: "latency_ms", stepMs: MINUTE_MS, before: 60, values }];
  },
  "earlier-spike": (random, harmed) => {
    const values = hourOf(random, harmed, [3, 8]);
    const at = whole(random, 4, 55);
    const times = random.betweenLog(5, 50);
    for (let lasts = whole(random, 1, 2); lasts > 0; lasts--) values[at + lasts]! *= times;
    return [{ metric: "latency_ms", stepMs: MINUTE_MS, before: 60, values }];
  },
  "all-zero": (random, harmed) => {
    const values = new Float64Array(120);
    const from = 60 + whole(random, 2, 50);
    const lasts = harmed ? whole(random, 1, 4) : whole(random, 0, 2);
    const size = harmed ? random.betweenLog(50, 500) : random.between(1, 5);
    values.fill(Math.round(size), from, from + lasts);
    return [{ metric: "dead_letters", stepMs: MINUTE_MS, before: 60, values }];
  },
  "begun-before": (random, harmed) => {
    // An incident that began before the change. It may end during the watch; where the change does
    // harm, that comes on top of it.
    const values = noisy(random, 480, random.betweenLog(1, 1000), [0.03, 0.06]);
    const times = random.between(1.3, 2);
    const from = 240 - whole(random, 8, 100);
    const to = harmed || random.next() < 0.5 ? 480 : 240 + whole(random, 12, 200);
    for (let at = from; at < to; at++) values[at]! *= times;
    const onset = 240 + whole(random, 0, 20);
    const more = random.between(1.3, 1.6);
    if (harmed) for (let at = onset; at < 480; at++) values[at]! *= more;
    return [{ metric: "latency_ms", stepMs: MINUTE_MS / 4, before: 240, values }];
  },
  "ended-before": (random, harmed) => {
    const values = noisy(random, 120, random.betweenLog(1, 1000), [0.03, 0.06]);
    const to = 60 - whole(random, 1, 20);
    const times = random.between(1.4, 2.5);
    for (let at = to - whole(random, 6, 20); at < to; at++) values[at]! *= times;
    const more = random.between(1.25, 1.4);
    if (harmed) for (let at = 60 + whole(random, 0, 5); at < 120; at++) values[at]! *= more;
    return [{ metric: "latency_ms", stepMs: MINUTE_MS, before: 60, values }];
  },
  "below-zero": (random, harmed) => {
    const level = -random.betweenLog(20, 200);
    const values = noisy(random, 120, level, [0.02, 0.05]);
    const from = 60 + whole(random, 2, 50);
    const size = -level * random.between(1, 5) * (random.next() < 0.5 ? 1 : -1);
    const lasts = harmed ? whole(random, 2, 5) : 0;
    for (let at = from; at < from + lasts; at++) values[at]! += size;
    return [{ metric: "balance", stepMs: MINUTE_MS, before: 60, values }];
  },
  "tiny-latency": (random, harmed) => {
    // Sixteen samples before, read to a tenth of a millisecond; +10 % and more of it is nothing.
    const values = noisy(random, 46, random.between(1, 4), [0.03, 0.08]);
    const more = harmed ? random.between(30, 100) : 0;
    const times = harmed ? 1 : random.between(1.1, 1.25);
    for (let at = 16; at < 46; at++) values[at] = values[at]! * times + more;
    const read = values.map((value) => Math.round(10 * value) / 10);
    return [{ metric: "cache_ms", stepMs: MINUTE_MS, before: 16, values: read }];
  },
  "fast-and-slow": (random, harmed) => {
    const slow = noisy(random, 72 + 12, random.betweenLog(100, 10_000), [0.03, 0.06]);
    const fast = noisy(random, 60 + 720, random.betweenLog(1, 1000), [0.03, 0.06]);
    // Hours after the change the fast one has an incident of its own: not the change's doing.
    const from = 60 + whole(random, 180, 600);
    for (let at = from; at < from + 20; at++) fast[at]! *= 1.6;
    if (harmed) for (let at = 72 + whole(random, 0, 2); at < 84; at++) slow[at]! *= 0.6;
    return [
      { metric: "orders_hourly", stepMs: HOUR_MS, before: 72, values: slow },
      { metric: "page_ms", stepMs: MINUTE_MS, before: 60, values: fast },
    ];
  },
  "hourly-season": (random, harmed) => [swinging(random, harmed, "visits_hourly", HOUR_MS)],
  "five-minute-season": (random, harmed) => [swinging(random, harmed, "load_5m", 5 * MINUTE_MS)],
};

const METRICS = [
  ...["latency_ms", "dead_letters", "balance", "cache_ms", "orders_hourly", "page_ms"],
  ...["visits_hourly", "load_5m"],
];

/** Nine days and half a day of a series that swings by the hour; harm comes an hour or so after. */
function swinging(random: RandomStream, harmed: boolean, metric: string, stepMs: number): Drawn {
  const before = BEFORE_MS / stepMs;
  const after = AFTER_MS / stepMs;
  const values = noisy(random, before + after, random.betweenLog(100, 10_000), [0.03, 0.06]);
  const [swing, phase] = [random.between(0.3, 0.6), random.between(0, 2 * Math.PI)];
  const onset = before + Math.round(random.between(0, 2) * (HOUR_MS / stepMs));
  const times = random.between(1.3, 1.5);
  for (let at = 0; at < values.length; at++) {
    values[at]! *= 1 + swing * Math.sin(phase + (2 * Math.PI * at * stepMs) / (24 * HOUR_MS));
    if (harmed && at >= onset) values[at]! *= times;
  }
  return { metric, stepMs, before, values };
}

interface ShapeCase extends Pick<JudgeCase, "id" | "family" | "label" | "onset"> {
  readonly drawn: readonly Drawn[];
}

export function drawShapes(seed: number, cases = CASES): ShapeCase[] {
  return Object.entries(FAMILIES).flatMap(([family, draw]) =>
    (["benign", "regression"] as const).flatMap((label) =>
      Array.from({ length: cases }, (_, number): ShapeCase => {
        const harmed = label === "regression";
        const drawn = draw(randomStream(seed, "shapes", family, label, number), harmed);
        const id = `s${seed}-${family}-${label}-${String(number).padStart(3, "0")}`;
        return { id, family, label, onset: harmed ? 0 : null, drawn };
      }),
    ),
  );
}

export interface ShapeScore {
  readonly family: string;
  /** By policy: the shares of harmed and of healthy cases that it flagged. */
  readonly found: readonly number[];
  readonly falsely: readonly number[];
}

/** Judges all families of these seeds by every policy. */
export async function scoreShapes(
  seeds: readonly number[],
  policies: readonly ReturnType<typeof loadPolicy>[],
  cases = CASES,
): Promise<ShapeScore[]> {
  const directory = mkdtempSync(join(tmpdir(), "hindsight-shapes-"));
  try {
    const all = seeds.flatMap((seed) => drawShapes(seed, cases));
    const dir = join(directory, "history");
    await writeShapes(dir, all);
    const history = await openHistory(dir);
    try {
      const effect = { rollBack: () => ({ durationMs: 0, succeeds: true }) };
      const replayed = await replay(history, policies, absent, effect, silent);
      const judged = policies.map((_, index) => casesOf(history, replayed, index));
      return Object.keys(FAMILIES).map((family) => {
        const share = (bad: boolean) =>
          judged.map((list) => {
            const own = list.filter((one) => one.bad === bad && one.deploymentId.includes(family));
            return own.filter(({ flagged }) => flagged).length / own.length;
          });
        return { family, found: share(true), falsely: share(false) };
      });
    } finally {
      history.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writeShapes(dir: string, cases: readonly ShapeCase[]): Promise<void> {
  const writer = await createHistory(dir);
  const sorted = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1));
  const startOf = (place: number): number => FIRST_MS + place * APART_MS;
  for (const [place, { id, drawn }] of sorted.entries()) {
    for (const { metric, stepMs, before, values } of drawn) {
      const series = writer.addSeries({ service: id, metric, version: null }, "double");
      const fromMs = startOf(place) + BEFORE_MS - before * stepMs;
      await writer.appendRegular(series, fromMs, stepMs, values, 0);
    }
  }
  const catalog = METRICS.map((metric) => ({
    metric,
    unit: "",
    worse: "both" as const,
    kind: "gauge" as const,
  }));
  const tables = labelledTables(catalog, sorted, (place) => ({
    startsAtMs: startOf(place),
    changeAtMs: startOf(place) + BEFORE_MS,
    endsAtMs: startOf(place) + BEFORE_MS + AFTER_MS,
  }));
  await writer.finish(tables, {
    madeBy: "scenarios/judge/shapes.ts",
    sources: [],
    dropped: [],
    warnings: [],
    loggingPolicy: null,
  });
}

if (process.argv[1] === import.meta.filename) {
  const seeds = process.argv.slice(2).map(Number);
  if (seeds.length === 0 || !seeds.every(Number.isSafeInteger)) {
    process.stderr.write("Give the seeds to score on, such as 201 202 203 204 205.\n");
    process.exitCode = 2;
  } else {
    const policies = ["shapes-before.yaml", "shapes.yaml"].map((name) =>
      loadPolicy(join(import.meta.dirname, name)),
    );
    const scores = await scoreShapes(seeds, policies);
    const text = (shares: readonly number[]): string =>
      shares.map((share) => share.toFixed(2)).join(" | ");
    process.stdout.write(
      "| family | found before | found | false before | false |\n|---|---|---|---|---|\n",
    );
    for (const { family, found, falsely } of scores) {
      process.stdout.write(`| ${family} | ${text(found)} | ${text(falsely)} |\n`);
    }
  }
}
