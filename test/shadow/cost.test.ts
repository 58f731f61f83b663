/**
 * What a host costs that looks after thousands of services: the share of one core, the memory,
 * and how long it takes from samples that are there to a proposal that is safe on disk. Under
 * SOAK=1; it says what it measured.
 */

import { join } from "node:path";
import { expect, it } from "vitest";
import type { Errand, Taken, TakenColumn } from "../../lab/shadow/contract.ts";
import { startHost } from "../../lab/shadow/host.ts";
import { policyOf } from "../engine/policyFile.ts";
import { temporaryDirectory } from "../directories.ts";
import { MINUTE_MS, OPTIONS, service, started, START_MS } from "./stage.ts";
import { TestClock } from "./testClock.ts";

const STEP_MS = 15_000;
const SERVICES = 5000;
const METRICS = ["latency", "errors", "traffic", "saturation", "conversion"];
const WATCHES = 200;
const MINUTES = 20;

const POLICY = policyOf({
  policy: "cost",
  owner: "platform",
  watch: "60m",
  signals: Object.fromEntries(
    METRICS.map((metric) => [
      metric,
      {
        metric,
        worse: metric === "traffic" || metric === "conversion" ? "down" : "up",
        tolerance: "10%",
        detector: { kind: "cusum", baseline: "60m", season: false },
        hold: "30s",
      },
    ]),
  ),
  fusion: "any",
  assign: [{ otherwise: "override" }],
});

/** Small integers mixed up: a value of its own for every sample, at hardly any cost. */
function wobble(index: number, at: number): number {
  const mixed = Math.imul(index * 2654435761 + (at / STEP_MS) * 40503, 2246822519) >>> 8;
  return (mixed & 0xffff) / 0xffff - 0.5;
}

it.runIf(process.env["SOAK"] !== undefined)(
  "5,000 services every 15 s",
  { timeout: 1_800_000 },
  async () => {
    const names = Array.from({ length: SERVICES }, (_, at) => `service-${at}`);
    const series = names.flatMap((name) =>
      METRICS.map((metric) => ({ service: name, metric, version: null, percentagePoint: 0.01 })),
    );
    const slowFrom = new Map<string, number>();
    let takenAt = 0;
    let takeMs = 0;
    const take = (fromMs: number, toMs: number): Promise<Taken> => {
      const begun = process.cpuUsage();
      const first = Math.floor(fromMs / STEP_MS + 1) * STEP_MS;
      const columns = series.map((name, index): TakenColumn => {
        const isSlow = name.metric === "latency" && slowFrom.has(name.service);
        const slowMs = isSlow ? slowFrom.get(name.service)! : Infinity;
        const atMs: number[] = [];
        const values: number[] = [];
        for (let at = first; at <= toMs; at += STEP_MS) {
          atMs.push(at);
          values.push((at >= slowMs ? 150 : 100) * (1 + 0.05 * wobble(index, at)));
        }
        return { series: name, atMs, values };
      });
      takenAt = performance.now();
      const { user, system } = process.cpuUsage(begun);
      takeMs += (user + system) / 1000;
      return Promise.resolve({ columns, problems: [] });
    };
    const latencies: number[] = [];
    const carryOut = ({ command }: Errand) => {
      if (command.kind === "propose") latencies.push(performance.now() - takenAt);
      return Promise.resolve({ status: "done", finished: null } as const);
    };
    const clock = new TestClock(START_MS);
    const dir = join(temporaryDirectory(), "journal");
    const host = await startHost({
      ...{ policy: POLICY, services: names.map(service), dir, clock },
      source: { take, takeOf: (_, fromMs, toMs) => take(fromMs, toMs) },
      effects: { carryOut },
      lease: { acquire: () => Promise.resolve(), holds: () => true },
      note: (text) => console.info(text),
      options: { ...OPTIONS, act: false, rotateMs: 10 * MINUTE_MS, rotateBytes: 1 << 30 },
    });
    await clock.pass(1000);
    for (let at = 0; at < WATCHES; at++) {
      const name = names[(at * 17) % SERVICES]!;
      await host.tell(started(name, `d${at}`, clock.wallMs()));
      // Half of them get slow, at a moment of their own.
      if (at % 2 === 0) slowFrom.set(name, clock.wallMs() + (at % 40) * 20_000);
    }
    takeMs = 0;
    const begun = process.cpuUsage();
    const polls = host.status().counts["polls"]!;
    await clock.pass(MINUTES * MINUTE_MS);
    const { user, system } = process.cpuUsage(begun);
    const made = host.status().counts["polls"]! - polls;
    const cpuMs = (user + system) / 1000 - takeMs;
    latencies.sort((a, b) => a - b);
    const p99 = latencies[Math.floor(0.99 * (latencies.length - 1))]!;
    console.info(
      `${made} polls, ${series.length} series, ${WATCHES} watches: ` +
        `${((100 * cpuMs) / (made * STEP_MS)).toFixed(1)} % of one core (samples made up by the ` +
        `test: ${((100 * takeMs) / (made * STEP_MS)).toFixed(1)} % more), ` +
        `peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB, ` +
        `${latencies.length} proposals, p99 ${((100 * p99) / STEP_MS).toFixed(1)} % of a poll's ` +
        `pause from sample to journal`,
    );
    expect(latencies.length).toBeGreaterThan(50);
    expect(cpuMs / (made * STEP_MS)).toBeLessThan(0.5);
    await host.stop();
  },
);
