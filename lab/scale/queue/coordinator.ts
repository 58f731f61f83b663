/**
 * Has the workers of a queue work out the units of a question, and waits until all are there.
 *
 * Retries, lost workers and duplicates are the queue's business: a unit may be worked out twice,
 * and its result is the same and lies at the same place. Here each unit is counted once. Whoever
 * asks holds a lease; when it lapses (Ctrl-C, kill -9) workers drop what is left of the run.
 */

import { hostname } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue, QueueEvents, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { onInterrupt } from "../../interrupt.ts";
import type { Progress } from "../../progress.ts";
import type { Past } from "../../history/open.ts";
import { Problem } from "../../problem.ts";
import { keyOf } from "../identity.ts";
import type { Question } from "../scale.ts";
import type { Store } from "../store.ts";
import { aboutUnit, WHAT } from "../workers.ts";
import {
  checkServer,
  connection,
  leaseKey,
  PREFIX,
  queueName,
  shown,
  WORKERS_KEY,
  type UnitAnswer,
  type UnitJob,
} from "./connection.ts";
import { counted } from "../../counted.ts";

/** Tries before a unit is given up: a worker without the history costs one. */
const ATTEMPTS = 8;
const LEASE_SECONDS = 15;
const LEASE_EVERY_MS = 3_000;
/** How often states are asked for, beside what the server tells by itself. */
const ASK_EVERY_MS = 2_000;
/** A server that is away longer is not waited for. */
const AWAY_MS = 60_000;
/** Nobody works: said once, after so long. */
const IDLE_MS = 10_000;

/** What came of a question, for whoever tells of it. */
interface QueueUse {
  units: number;
  /** Begun more than once: lost workers, and errors that passed. */
  begunAgain: number;
  readonly workers: Set<string>;
}

/** @throws Problem for a URL that is none of Redis */
export function openCoordinator(
  url: string,
  store: Store,
  note: (line: string) => void,
): Coordinator {
  const coordinator = new Coordinator(url, store, note);
  process.once("exit", () => {
    const { units, begunAgain, workers } = coordinator.use;
    if (units === 0) return;
    const again = begunAgain === 0 ? "" : `, ${begunAgain} of them begun more than once`;
    note(
      `Queue: ${counted(units, "unit")} by ${counted(workers.size, "worker")}, ` +
        `each counted once${again}.`,
    );
  });
  return coordinator;
}

class Coordinator {
  readonly use: QueueUse = { units: 0, begunAgain: 0, workers: new Set() };
  #runs = 0;

  constructor(
    readonly url: string,
    readonly store: Store,
    readonly note: (line: string) => void,
  ) {}

  async work(history: Past, question: Question, progress: Progress): Promise<void> {
    await checkServer(this.url);
    const name = keyOf(question);
    if (!this.store.write(name, "question", [], question)) {
      throw new Problem(`the question cannot be put where workers read it`, {
        file: this.store.dir,
        cure: `${this.store.use.full ?? ""}: give --cache a directory that all machines share.`,
      });
    }
    const run = `${hostname()}-${process.pid}-${Date.now()}-${++this.#runs}`;
    const redis = connection(this.url);
    const listening = connection(this.url);
    const queue = new Queue<UnitJob, UnitAnswer>(queueName(), {
      connection: redis,
      prefix: PREFIX,
    });
    const events = new QueueEvents(queueName(), { connection: listening, prefix: PREFIX });
    queue.on("error", () => undefined);
    events.on("error", () => undefined);
    // Nothing to take away: the lease lapses, and workers drop what is left.
    const forget = onInterrupt(() => undefined);
    const waiting = new Run(this, queue, question, progress);
    const jobs = [...question.units.keys()].map((unit) => ({
      name: question.kind,
      data: {
        run,
        question: name,
        unit,
        history: { path: resolve(history.dir), digest: history.manifest.digest },
        store: resolve(this.store.dir),
      },
      opts: {
        jobId: `${run}-${unit}`,
        attempts: ATTEMPTS,
        backoff: { type: "fixed", delay: 1000 },
        removeOnComplete: { age: 3600 },
        removeOnFail: { age: 3600 },
      },
    }));
    const asked = async (): Promise<void> => {
      await holdLease(redis, run);
      events.on("completed", ({ jobId }) => void waiting.look(jobId));
      events.on("failed", ({ jobId }) => void waiting.look(jobId));
      await waiting.until(await queue.addBulk(jobs), redis);
    };
    const timer = setInterval(
      () => void holdLease(redis, run).catch(() => undefined),
      LEASE_EVERY_MS,
    );
    const ended = new AbortController();
    try {
      await Promise.race([asked(), awayTooLong(redis, this.url, ended.signal)]);
    } finally {
      forget();
      clearInterval(timer);
      ended.abort();
      waiting.stop();
      const giveBack = [() => redis.del(leaseKey(run)), () => events.close(), () => queue.close()];
      // A server that is away would be waited for; there the lease lapses by itself.
      const isThere = redis.status === "ready";
      for (const give of isThere ? giveBack : []) await give().catch(() => undefined);
      // A connection that was handed in is nobody else's to end.
      for (const one of [redis, listening]) one.disconnect();
    }
  }
}

async function holdLease(redis: Redis, run: string): Promise<void> {
  if (redis.status === "ready") await redis.set(leaseKey(run), "1", "EX", LEASE_SECONDS);
}

/** Commands wait for a server that is away, so nothing but the clock ends that. */
async function awayTooLong(redis: Redis, url: string, ended: AbortSignal): Promise<never> {
  for (let seenMs = Date.now(); Date.now() - seenMs <= AWAY_MS;) {
    await sleep(1000, undefined, { signal: ended });
    if (redis.status === "ready") seenMs = Date.now();
  }
  throw new Problem(`${shown(url)} has been away for a minute`, {
    cure: "Start it again, then run the same command with --resume.",
  });
}

/** The units of one question that are not there yet. */
class Run {
  readonly #open = new Map<string, number>();
  #total = 0;
  #failure: Error | null = null;
  #wake: () => void = () => undefined;

  constructor(
    readonly coordinator: Coordinator,
    readonly queue: Queue<UnitJob, UnitAnswer>,
    readonly question: Question,
    readonly progress: Progress,
  ) {}

  async until(jobs: readonly Job<UnitJob, UnitAnswer>[], redis: Redis): Promise<void> {
    for (const { id, data } of jobs) this.#open.set(id!, data.unit);
    this.#total = this.#open.size;
    const beganMs = Date.now();
    let isTold = false;
    while (this.#open.size > 0 && this.#failure === null) {
      if (redis.status === "ready") {
        await Promise.all([...this.#open.keys()].slice(0, 500).map((id) => this.look(id)));
        const isIdle = this.#open.size === this.#total && Date.now() - beganMs > IDLE_MS;
        if (isIdle && !isTold) {
          isTold = true;
          this.coordinator.note(await whyIdle(this.coordinator.url, this.queue, redis));
        }
      }
      if (this.#open.size === 0) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ASK_EVERY_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#failure ??= new Error("the question was ended");
    this.#wake();
  }

  /** Sees what has become of a job; one that is done is counted, once. */
  async look(id: string): Promise<void> {
    const unit = this.#open.get(id);
    if (unit === undefined) return;
    try {
      const job = await this.queue.getJob(id);
      const state = job === undefined ? "unknown" : await job.getState();
      if (state === "completed") this.#count(id, (await this.queue.getJob(id))!);
      else if (state === "failed") this.#fail(unit, job!.failedReason);
      // A server that came back without what it was told: that unit is made here.
      else if (state === "unknown" && this.#open.delete(id)) this.#wake();
    } catch {
      // The server is away; it is asked again.
    }
  }

  #count(id: string, { returnvalue, attemptsStarted }: Job<UnitJob, UnitAnswer>): void {
    if (!this.#open.delete(id)) return;
    const { use, store } = this.coordinator;
    use.units++;
    if (attemptsStarted > 1) use.begunAgain++;
    use.workers.add(returnvalue.worker);
    if (returnvalue.full === null) store.use.made++;
    else store.use.full ??= returnvalue.full;
    this.progress.update(this.#total - this.#open.size, this.#total, WHAT[this.question.kind]);
    if (this.#open.size === 0) this.#wake();
  }

  #fail(unit: number, reason: string): void {
    this.#failure ??= new Problem(
      `${aboutUnit(this.question, unit)} was given up after ${ATTEMPTS} tries: ${reason}`,
      { cure: "Mend what the worker says, then run the same command with --resume." },
    );
    this.#wake();
  }
}

async function whyIdle(url: string, queue: Queue, redis: Redis): Promise<string> {
  const here = await queue.getWorkersCount().catch(() => 0);
  if (here > 0) return `${shown(url)} has ${counted(here, "worker")}, and no unit is finished yet.`;
  const known = await redis.hgetall(WORKERS_KEY).catch(() => ({}));
  const others = Object.values(known).filter((at) => Date.now() - Number(at) < 20_000).length;
  return others > 0
    ? `${shown(url)} has ${counted(others, "worker")} of another hindsight: it must be the same.`
    : `No worker serves ${shown(url)}: start \`hindsight worker --on URL\` on some machine.`;
}
