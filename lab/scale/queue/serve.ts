/**
 * A worker of a queue: takes units, one at a time for each of its child processes, and leaves
 * the results in the store that it shares with whoever asked.
 *
 * Units are worked out in children, so that this process always renews its locks in time. One
 * that is killed is missed after seconds, and its unit begun again by another.
 */

import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join, relative } from "node:path";
import { Worker, type Job } from "bullmq";
import { readManifest } from "../../history/manifest.ts";
import { Problem } from "../../problem.ts";
import type { Question } from "../scale.ts";
import { Store } from "../store.ts";
import { UnitChild } from "../unitChild.ts";
import { failureOf } from "../workers.ts";
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

interface WorkerOptions {
  readonly url: string;
  readonly children: number;
  /** Where histories lie here; null: where whoever asks has them. */
  readonly historyRoot: string | null;
  /** Where results go; null: where whoever asks reads them. */
  readonly cache: string | null;
  readonly note: (line: string) => void;
}

/** A lock that is not renewed for so long is somebody else's. */
const LOCK_MS = 5_000;
const STALLED_EVERY_MS = 2_500;
const SAYS_SO_EVERY_MS = 5_000;

interface Serving {
  /** Finishes nothing more and lets its units go to others. */
  readonly close: () => Promise<void>;
}

/** @throws Problem when the server cannot be used */
export async function serveUnits(options: WorkerOptions): Promise<Serving> {
  const { url, children, note } = options;
  await checkServer(url);
  const redis = connection(url);
  const taking = connection(url);
  const name = `${hostname()}:${process.pid}`;
  const hands = new Hands(options);
  const work = async (job: Job<UnitJob, UnitAnswer>): Promise<UnitAnswer> => {
    if (!(await isWanted(job.data.run))) return { full: null, dropped: true, worker: name };
    try {
      return { full: await hands.work(job.data), dropped: false, worker: name };
    } catch (error) {
      note(`unit ${job.data.unit} of ${job.data.run}: ${(error as Error).message}`);
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    }
  };
  /** Is anybody still waiting? A server that was away may be told a little later that there is. */
  const isWanted = async (run: string): Promise<boolean> => {
    for (let look = 0; look < 3; look++) {
      if ((await redis.exists(leaseKey(run))) > 0) return true;
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
    return false;
  };
  const worker = new Worker<UnitJob, UnitAnswer>(queueName(), work, {
    connection: taking,
    prefix: PREFIX,
    concurrency: children,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_EVERY_MS,
    maxStalledCount: 20,
    name,
  });
  worker.on("error", () => undefined);
  const say = (): void => {
    if (redis.status === "ready") void redis.hset(WORKERS_KEY, name, Date.now()).catch(() => null);
  };
  say();
  const timer = setInterval(say, SAYS_SO_EVERY_MS);
  await worker.waitUntilReady();
  note(`Serving ${shown(url)} with ${counted(children, "process", "processes")}. Ctrl-C ends it.`);
  return {
    close: async () => {
      clearInterval(timer);
      hands.end();
      // What was in hand fails here and is begun again by others.
      await worker.close(true).catch(() => undefined);
      await redis.hdel(WORKERS_KEY, name).catch(() => undefined);
      for (const one of [redis, taking]) one.disconnect();
    },
  };
}

/** The children, by the history and the store they work for. */
class Hands {
  readonly #idle = new Map<string, UnitChild[]>();
  readonly #all = new Set<UnitChild>();
  readonly #stores = new Map<string, Store>();
  /** The last questions; a child knows one by its identity. */
  readonly #questions = new Map<string, Question>();

  constructor(readonly options: WorkerOptions) {}

  /** Null where the result is kept; else why it could not be. */
  async work({ question: name, unit, history, store: theirs }: UnitJob): Promise<string | null> {
    const store = this.#storeAt(this.options.cache ?? theirs);
    const question = this.#question(name, store);
    const dir = historyAt(history, this.options.historyRoot);
    const place = JSON.stringify([dir, store.dir]);
    const child = this.#idle.get(place)?.pop() ?? this.#start(dir, store, place);
    const answer = await child.run(question, unit);
    if (this.#all.has(child)) this.#idleAt(place).push(child);
    if (answer.kind === "failed") throw failureOf(answer);
    return answer.full;
  }

  end(): void {
    for (const child of this.#all) {
      child.kill();
      for (const store of this.#stores.values()) store.sweepUp(child.pid);
    }
  }

  #start(history: string, store: Store, place: string): UnitChild {
    // Of a history that nobody asks about any more nobody is kept.
    for (const [other, idle] of this.#idle) if (other !== place) for (const one of idle) one.kill();
    const child = new UnitChild({ history, store: store.dir }, (gone) => {
      this.#all.delete(gone);
      store.sweepUp(gone.pid);
      for (const idle of this.#idle.values()) {
        const at = idle.indexOf(gone);
        if (at >= 0) idle.splice(at, 1);
      }
    });
    this.#all.add(child);
    return child;
  }

  #idleAt(place: string): UnitChild[] {
    let idle = this.#idle.get(place);
    if (idle === undefined) this.#idle.set(place, (idle = []));
    return idle;
  }

  #storeAt(dir: string): Store {
    let store = this.#stores.get(dir);
    if (store === undefined) this.#stores.set(dir, (store = new Store(dir)));
    return store;
  }

  #question(name: string, store: Store): Question {
    const known = this.#questions.get(name);
    if (known !== undefined) return known;
    const question = store.read(name, "question") as Question | null;
    if (question === null) {
      throw new Problem("this worker does not see the coordinator's cache", {
        file: store.dir,
        cure: "Share that directory. If its path differs here, name it with --cache.",
      });
    }
    this.#questions.set(name, question);
    if (this.#questions.size > 4) this.#questions.delete(this.#questions.keys().next().value!);
    return question;
  }
}

/**
 * Where the history lies on this machine: at the end of its path below the root.
 *
 * @throws Problem when it is not there, or is another one
 */
function historyAt({ path, digest }: UnitJob["history"], root: string | null): string {
  const parts = relative("/", path).split(/[\\/]/);
  const places = root === null ? [path] : parts.map((_, at) => join(root, ...parts.slice(at)));
  const found = places.filter((place) => existsSync(join(place, "manifest.json")));
  const ours = found.find((place) => readManifest(place).digest === digest);
  if (ours !== undefined) return ours;
  const [other] = found;
  if (other !== undefined) {
    throw new Problem("this is another history than the one asked about", {
      file: other,
      cure: `Its digest is ${readManifest(other).digest}, asked is ${digest}.`,
    });
  }
  throw new Problem(`this worker has no history ${basename(path)}`, {
    file: root ?? path,
    cure: "Share the directory, and name the one above it with --history-root.",
  });
}
