/** A journal of a host with many watches, and what a restart from it takes. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import type { Errand, RunningHost, Taken, TakenColumn } from "../../lab/shadow/contract.ts";
import { startHost } from "../../lab/shadow/host.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { directoryLease } from "../../lab/shadow/lease/directoryLease.ts";
import { keepLease, type KeptLease } from "../../lab/shadow/lease/lease.ts";
import { policyOf } from "../engine/policyFile.ts";
import { MINUTE_MS, OPTIONS, service, started, START_MS } from "./stage.ts";
import { TestClock } from "./testClock.ts";

const STEP_MS = 15_000;
/** The default of a host's config. */
export const TERM_MS = 15_000;
/** The real time between two polls. */
const IDLE_MS = 20;

export interface FleetSize {
  readonly services: number;
  readonly metrics: readonly string[];
  readonly watches: number;
}

function policyFor(metrics: readonly string[]) {
  return policyOf({
    policy: "restarts",
    owner: "platform",
    watch: "60m",
    signals: Object.fromEntries(
      metrics.map((metric) => [
        metric,
        {
          metric,
          worse: "up",
          tolerance: "10%",
          detector: { kind: "cusum", baseline: "60m", season: false },
          hold: "30s",
        },
      ]),
    ),
    fusion: "any",
    tiers: { override: { window: "30s" } },
    assign: [{ otherwise: "override" }],
  });
}

/** Small integers mixed up: a value of its own for every sample, at hardly any cost. */
function wobble(index: number, at: number): number {
  const mixed = Math.imul(index * 2654435761 + (at / STEP_MS) * 40503, 2246822519) >>> 8;
  return (mixed & 0xffff) / 0xffff - 0.5;
}

/** A fleet whose host can be killed and started again. The lease and its time are real. */
export class Fleet {
  readonly clock = new TestClock(START_MS);
  readonly sent: Errand[] = [];
  readonly notes: string[] = [];
  readonly slowFrom = new Map<string, number>();
  readonly names: readonly string[];
  readonly journal: string;
  #lease: KeptLease | null = null;
  #isAlive = false;
  #host: RunningHost | null = null;

  constructor(
    private readonly dir: string,
    private readonly size: FleetSize,
  ) {
    this.names = Array.from({ length: size.services }, (_, at) => `service-${at}`);
    this.journal = join(dir, "journal");
    mkdirSync(this.journal);
  }

  get host(): RunningHost {
    return this.#host!;
  }

  /** @returns how many ms it took from the start to being ready */
  async start(): Promise<number> {
    const store = directoryLease(
      join(this.dir, "lease"),
      `host-${this.notes.length}`,
      TERM_MS,
      systemClock.steadyMs,
    );
    const lease = keepLease(store, {
      termMs: TERM_MS,
      clock: systemClock,
      note: (what) => this.notes.push(what),
    });
    this.#lease = lease;
    this.#isAlive = true;
    const begunMs = performance.now();
    this.#host = await startHost(
      {
        policy: policyFor(this.size.metrics),
        services: this.names.map(service),
        dir: this.journal,
        clock: this.clock,
        source: { take: this.#take, takeOf: (_, fromMs, toMs) => this.#take(fromMs, toMs) },
        effects: {
          carryOut: (errand) => {
            this.sent.push(errand);
            return Promise.resolve({
              status: "done",
              finished: { succeeded: true, detail: "" },
            } as const);
          },
        },
        lease: { acquire: lease.acquire, holds: () => this.#isAlive && lease.holds() },
        note: (text) => this.notes.push(text),
        options: { ...OPTIONS, rotateBytes: 1 << 30 },
      },
      undefined,
      realDisk(() => undefined),
    );
    return performance.now() - begunMs;
  }

  /** Announces deployments of the first services; every `slow`-th makes its service slow. */
  async deploy(from: number, to: number, slow: number): Promise<void> {
    for (let at = from; at < to; at++) {
      const name = this.names[at]!;
      // As requests come: between two of them timers run, and with them the lease's.
      await setImmediate();
      await this.host.tell(started(name, `d${at}`, this.clock.wallMs()));
      if (at % slow === 0) this.slowFrom.set(name, this.clock.wallMs() + MINUTE_MS);
    }
  }

  /**
   * Lets time pass. Between two polls the process is idle for a moment, because the renewal of a
   * lease takes several turns of the event loop.
   */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.clock.pass(Math.min(left, STEP_MS));
      await setTimeout(IDLE_MS);
    }
  }

  /** As `kill -9` would: nothing is closed. Its lease is free at once, so that no test waits. */
  async kill(): Promise<void> {
    this.#isAlive = false;
    await this.clock.pass(20_000);
    await this.host.done.catch(() => undefined);
    await this.#lease!.close();
  }

  #take = (fromMs: number, toMs: number): Promise<Taken> => {
    const first = Math.floor(fromMs / STEP_MS + 1) * STEP_MS;
    const columns = this.names.flatMap((name, index) =>
      this.size.metrics.map((metric, which): TakenColumn => {
        const slowMs = which === 0 ? (this.slowFrom.get(name) ?? Infinity) : Infinity;
        const atMs: number[] = [];
        const values: number[] = [];
        for (let at = first; at <= toMs; at += STEP_MS) {
          atMs.push(at);
          const level = at >= slowMs ? 150 : 100;
          values.push(level * (1 + 0.05 * wobble(7 * index + which, at)));
        }
        const series = { service: name, metric, version: null, percentagePoint: 0.01 };
        return { series, atMs, values };
      }),
    );
    return Promise.resolve({ columns, problems: [] });
  };
}
