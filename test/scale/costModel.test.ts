/**
 * The cost model against runs of this machine: calibrated on small runs with one worker, it
 * says what larger ones and more workers spend. Processor time, so that a busy machine is no
 * excuse; the long part runs under SOAK=1 and prints what it found.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { linearRegression, mean, sum } from "simple-statistics";
import { describe, expect, it } from "vitest";
import { note } from "../../lab/cli/output.ts";
import { silent } from "../../lab/progress.ts";
import { openHistory } from "../../lab/history/open.ts";
import { planFleet, predictRun, takenInTurn, type Rates } from "../../lab/scale/costModel.ts";
import { portsOf } from "../../lab/scale/ports.ts";
import type { Question } from "../../lab/scale/scale.ts";
import { Store } from "../../lab/scale/store.ts";
import { Workers, type Spent } from "../../lab/scale/workers.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sweep } from "../../lab/sweep/sweep.ts";
import { openBase } from "../../lab/sweep/variations.ts";
import { worldOf, writeWorld } from "../bench/world.ts";
import { temporaryDirectory } from "../directories.ts";

const SOAK = process.env["SOAK"] === "1";
const POLICY = fileURLToPath(new URL("../bench/bench.yaml", import.meta.url));
const VARY = ["tiers.override.window=60s..10m/60", "signals.*.hold=30s,60s"];
const GRID = { kind: "grid", points: 0, seed: 1 } as const;
const EVERY_MS = 2 * 3_600_000;
/** By VARY: two holds. */
const DETECTIONS = 2;

interface Run {
  readonly deployments: number;
  readonly shards: number[];
  readonly batches: number[];
  readonly spent: readonly Spent[];
}

/** A sweep of some 120 policies over a history of about so many samples. */
async function measured(samples: number, count: number): Promise<Run> {
  const dir = join(temporaryDirectory(), "history");
  await writeWorld(dir, worldOf(samples, EVERY_MS));
  const history = await openHistory(dir);
  const store = new Store(temporaryDirectory());
  const workers = new Workers(count, dir, store);
  const shards: number[] = [];
  const batches: number[] = [];
  const work = async (question: Question): Promise<void> => {
    if (question.kind === "rows") batches.push(...question.units.map(({ length }) => length));
    else shards.push(...question.units.map(({ about }) => Number(/^\d+/.exec(about)![0])));
    await workers.work(question, silent);
  };
  const options = { people: "absent", seed: 1, replicates: 100, progress: silent };
  const scale = { store, leastSamples: 0, shardWindows: 300, work: () => work };
  await sweep(history, openBase(POLICY), VARY, VARY.map(parseDimension), GRID, {
    ...options,
    ...portsOf(scale),
  });
  workers.end();
  const deployments = history.tables.deployments.length;
  history.close();
  return { deployments, shards, batches, spent: workers.spent };
}

interface Cost {
  readonly kind: string;
  readonly ms: number;
  readonly child: number;
}

/** What each unit cost; the first of a child with what came before it. */
function costsOf(spent: readonly Spent[]): Cost[] {
  const before = new Map<number, number>();
  return spent.map(({ kind, child, cpuMs }) => {
    const ms = cpuMs - (before.get(child) ?? 0);
    before.set(child, cpuMs);
    return { kind, ms, child };
  });
}

function busiestOf(costs: readonly Cost[], kind: string): number {
  const byChild = new Map<number, number>();
  for (const { kind: its, child, ms } of costs) {
    if (its === kind) byChild.set(child, (byChild.get(child) ?? 0) + ms);
  }
  return Math.max(...byChild.values());
}

/**
 * From runs with one worker, the largest last. What grows is taken from its later units, when the
 * worker's code is compiled; what remains of every run is fixed, and of deciding it grows with
 * what is read: a line through all runs.
 */
function calibrated(runs: readonly Run[]): Rates {
  const of = (run: Run, kind: string): readonly number[] =>
    costsOf(run.spent)
      .filter((one) => one.kind === kind)
      .map(({ ms }) => ms);
  const largest = runs.at(-1)!;
  const judged = sum(laterOf(of(largest, "judge"))) / sum(laterOf(largest.shards)) / DETECTIONS;
  const decided =
    sum(laterOf(of(largest, "rows"))) / sum(laterOf(largest.batches)) / largest.deployments;
  const prepared = runs.map((run): [number, number] => [
    run.deployments,
    sum(of(run, "rows")) - decided * sum(run.batches) * run.deployments,
  ]);
  const line = linearRegression(prepared);
  const read = Math.max(0, line.m) / DETECTIONS;
  return {
    startMs: mean(runs.map((run) => sum(of(run, "judge")) - judged * run.deployments * DETECTIONS)),
    judgeMsPerDeployment: judged,
    decideStartMs: mean(prepared.map(([count, ms]) => ms - read * DETECTIONS * count)),
    readMsPerDeployment: read,
    decideMsPerDeployment: decided,
  };
}

/** All but the first third. */
function laterOf(values: readonly number[]): readonly number[] {
  return values.slice(Math.ceil(values.length / 3));
}

describe("the cost model", () => {
  it("has whoever is free take the next unit", () => {
    expect(takenInTurn([3, 1, 1, 1], [0, 0], 0)).toEqual([3, 3]);
    expect(takenInTurn([3, 1, 1, 1], [0, 0], 10)).toEqual([13, 13]);
    expect(takenInTurn([5], [0, 0, 0], 1)).toEqual([6, 0, 0]);
    const rates = {
      ...{ startMs: 100, judgeMsPerDeployment: 1 },
      ...{ decideStartMs: 50, readMsPerDeployment: 0.1, decideMsPerDeployment: 0.01 },
    };
    const shape = {
      shards: new Array(64).fill(100) as number[],
      detections: 2,
      batches: [16, 16, 16],
    };
    const runs = [1, 2, 4, 8].map((workers) => predictRun(shape, rates, workers));
    for (const [at, { longestMs, judgeMs }] of runs.entries()) {
      if (at === 0) continue;
      expect(longestMs).toBeLessThan(runs[at - 1]!.longestMs);
      expect(judgeMs).toBeGreaterThan(runs[at - 1]!.judgeMs);
    }
  });

  it("counts a fleet", () => {
    const fleet = {
      ...{ services: 10, metricsPerService: 3, days: 2, stepSeconds: 15 },
      ...{ deploymentsPerServiceDay: 2, windowHours: 2 },
    };
    const sizes = { storedBytesPerSample: 3, packedBytesPerJudged: 100, heldBytesPerJudged: 1000 };
    const plan = planFleet(fleet, sizes, 4);
    expect(plan.samples).toBe(10 * 3 * 2 * 5760);
    expect(plan.deployments).toBe(40);
    expect(plan.samplesRead).toBe(40 * 3 * 480);
    expect(plan.shuffleBytes(3)).toBe(3 * 40 * 4 * 100);
    expect(plan.rowBytes).toBe(10 * 7 * 20 * 8);
  });

  it.skipIf(!SOAK)(
    "says what runs of this machine spend (under SOAK=1)",
    async () => {
      const runs: Run[] = [];
      for (const samples of [1e6, 4e6, 16e6]) runs.push(await measured(samples, 1));
      const rates = calibrated(runs);
      note(JSON.stringify(rates));
      for (const [samples, workers] of [
        [3_000_000, 1],
        [8_000_000, 1],
        [32_000_000, 1],
        [4_000_000, 2],
        [8_000_000, 3],
        [16_000_000, 3],
      ] as const) {
        const run = await measured(samples, workers);
        const predicted = predictRun({ ...run, detections: DETECTIONS }, rates, workers);
        const costs = costsOf(run.spent);
        const spent = sum(costs.map(({ ms }) => ms));
        const said = predicted.judgeMs + predicted.rowsMs;
        const longest = busiestOf(costs, "judge") + busiestOf(costs, "rows");
        const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
        note(
          `${samples / 1e6} M samples, ${workers} workers: all ${percent(said / spent - 1)}, ` +
            `longest ${percent(predicted.longestMs / longest - 1)} of ${run.spent.length} units`,
        );
        expect(Math.abs(said / spent - 1)).toBeLessThan(0.3);
        expect(Math.abs(predicted.longestMs / longest - 1)).toBeLessThan(0.3);
      }
    },
    900_000,
  );
});
