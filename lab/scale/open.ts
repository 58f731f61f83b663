/** Turns `--cache`, `--workers`, `--resume` and `--on` into a `Scale`. */

import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { onInterrupt } from "../interrupt.ts";
import type { Past } from "../history/open.ts";
import { refuseUrl } from "../directory.ts";
import { Problem } from "../problem.ts";
import { makeTemporaryDirectory } from "../unfinished.ts";
import { checkUrl } from "./queue/url.ts";
import type { Scale, Work } from "./scale.ts";
import { Store } from "./store.ts";
import { Workers } from "./workers.ts";
import { counted } from "../counted.ts";

export interface ScaleFlags {
  /** A directory, or `off`. */
  readonly cache?: string;
  readonly workers?: number;
  readonly resume?: true;
  readonly shard?: number;
  /** The URL of a queue, whose workers compute units. */
  readonly on?: string;
}

const DEFAULT_CACHE = join(".hindsight", "cache");
/** With fewer samples the store is not used by default: a replay is quicker without it. */
const SAMPLES_AT_LEAST = 2_000_000;
/**
 * With fewer samples no workers are started by default: under a policy with a season two workers,
 * which have to start and to hand over their results, break even here.
 */
const SAMPLES_FOR_WORKERS = 100_000_000;
/** Windows in a shard: seconds of work for one detection, not minutes. */
const SHARD_WINDOWS = 6000;
const LIMIT_BYTES = 4 * 2 ** 30;

/**
 * @param say prints a line for the user, when the process ends
 * @throws Problem where the flags contradict each other
 */
export function openScale(
  { cache: given, workers, resume, shard, on }: ScaleFlags,
  say: (line: string) => void,
): Scale | undefined {
  const cache = given ?? nonEmpty(process.env["HINDSIGHT_CACHE"]) ?? DEFAULT_CACHE;
  const isOff = cache === "off";
  refuseUrl(cache);
  if (isOff && resume === true) {
    throw new Problem("--resume reads what was kept, and --cache off keeps nothing", {
      cure: "Leave --cache off away, or give --cache the directory of the earlier run.",
    });
  }
  if (isOff && on !== undefined) {
    throw new Problem("--on hands results over through the cache, and --cache off keeps nothing", {
      cure: "Give --cache a directory that all machines share.",
    });
  }
  if (isOff && (workers ?? 1) === 1) return undefined;
  const store = isOff ? passingStore() : new Store(cache, limitBytes());
  const pools = new Map<string, Workers>();
  const poolOf = (dir: string): Workers => {
    let pool = pools.get(dir);
    if (pool === undefined) {
      pools.set(dir, (pool = new Workers(workers ?? availableParallelism(), dir, store)));
    }
    return pool;
  };
  const isAsked =
    given !== undefined ||
    workers !== undefined ||
    resume === true ||
    shard !== undefined ||
    on !== undefined;
  const found = { policies: 0, there: 0 };
  const queue = on === undefined ? null : queueAt(checkUrl(on), store, say);
  let isQueueAsked = false;
  process.once("exit", () => {
    for (const pool of pools.values()) pool.end();
    if (store.use.made > 0 && !isOff) store.evict();
    if (queue !== null && !isQueueAsked) {
      say("Queue: not asked, as all was kept already or too little to share out.");
    }
    if (!isOff) for (const line of told(store, found, resume === true)) say(line);
  });
  return {
    store,
    leastSamples: isAsked ? 0 : SAMPLES_AT_LEAST,
    shardWindows: shard ?? SHARD_WINDOWS,
    work: (history) => {
      if (queue !== null) {
        const shareOut = queue(history);
        return (question, progress) => {
          isQueueAsked = true;
          return shareOut(question, progress);
        };
      }
      const isSmall = workers === undefined && history.manifest.samples < SAMPLES_FOR_WORKERS;
      const count = workers ?? availableParallelism();
      if (isSmall || count === 1) return null;
      return (question, progress) => poolOf(history.dir).work(question, progress);
    },
    tell: ({ policies, there }) => {
      found.policies += policies;
      found.there += there;
    },
  };
}

/** The client of a queue is loaded when somebody asks for one: few do. */
function queueAt(url: string, store: Store, say: (line: string) => void): (history: Past) => Work {
  const opening = import("./queue/coordinator.ts").then(({ openCoordinator }) =>
    openCoordinator(url, store, say),
  );
  // Who asks hears of it.
  opening.catch(() => undefined);
  return (history) => async (question, progress) => {
    await (await opening).work(history, question, progress);
  };
}

/** What a run with workers hands over, where nothing is to be kept. */
function passingStore(): Store {
  const dir = makeTemporaryDirectory("workers");
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  onInterrupt(remove);
  process.once("exit", remove);
  return new Store(dir);
}

function told(
  store: Store,
  { policies, there }: { readonly policies: number; readonly there: number },
  resume: boolean,
): string[] {
  const { found, made, damaged, full } = store.use;
  const lines: string[] = [];
  if (resume || found > 0) {
    const rows =
      policies === 0 ? "" : `, ${there} of ${counted(policies, "policy", "policies")} among them`;
    lines.push(
      `${resume ? "Resumed" : "Cache"}: found ${counted(found, "result")}${rows}, made ${made} ` +
        `(${store.dir})`,
    );
  }
  if (damaged > 0) lines.push(`Cache: made ${counted(damaged, "damaged result")} again.`);
  if (full !== null) lines.push(`Cache: nothing more could be kept: ${full}`);
  return lines;
}

function limitBytes(): number {
  const text = nonEmpty(process.env["HINDSIGHT_CACHE_LIMIT"]);
  if (text === undefined) return LIMIT_BYTES;
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(text);
  if (match === null) {
    throw new Problem(`HINDSIGHT_CACHE_LIMIT=${text} is no size`, {
      cure: "Write it like 500MB or 4GB.",
    });
  }
  return Number(match[1]) * 1024 ** " KMGT".indexOf((match[2] || " ").toUpperCase());
}

const nonEmpty = (text: string | undefined): string | undefined => (text === "" ? undefined : text);
