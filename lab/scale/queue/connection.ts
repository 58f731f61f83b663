/**
 * Redis or Valkey as a queue of units wants it: reachable, of a version that BullMQ works
 * with, and never throwing away what it was given. What a URL says of a password is not repeated.
 */

import { Redis } from "ioredis";
import { Problem } from "../../problem.ts";
import { programIdentity } from "../identity.ts";

/** Where a queue's keys begin. */
export const PREFIX = "hindsight";
const CONNECT_MS = 5_000;
const VERSION_AT_LEAST = [6, 2] as const;

/** What a unit's job says; everything large lies in the store. */
export interface UnitJob {
  readonly run: string;
  /** The question, by its name in the store. */
  readonly question: string;
  readonly unit: number;
  readonly history: { readonly path: string; readonly digest: string };
  readonly store: string;
}

/** What a worker answers. */
export interface UnitAnswer {
  /** Null where it was kept; else why it could not be. */
  readonly full: string | null;
  /** Nobody waited for it any more. */
  readonly dropped: boolean;
  readonly worker: string;
}

/** Only those who run the same program hear of each other: their results are interchangeable. */
export function queueName(): string {
  return `units-${programIdentity().slice(0, 16)}`;
}

export const leaseKey = (run: string): string => `${PREFIX}:run:${run}`;
/** Every worker says here what it runs. */
export const WORKERS_KEY = `${PREFIX}:workers`;

/** The URL without user and password. */
export function shown(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

/** A connection that waits where the server is away for a while, as BullMQ wants it. */
export function connection(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  });
  // Reconnecting is its own business; what stays away is told by whoever waits for it.
  redis.on("error", () => undefined);
  return redis;
}

/** @throws Problem when it cannot be reached, is too old, or may forget what it was given */
export async function checkServer(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let last: Error | null = null;
  redis.on("error", (error: Error) => (last = error));
  try {
    await redis.connect();
    const info = await redis.info("server");
    const version = /redis_version:(\d+)\.(\d+)/.exec(info);
    const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
    const [wantsMajor, wantsMinor] = VERSION_AT_LEAST;
    if (major < wantsMajor || (major === wantsMajor && minor < wantsMinor)) {
      throw new Problem(`${shown(url)} is Redis ${major}.${minor}`, {
        cure: `BullMQ wants Redis ${wantsMajor}.${wantsMinor} or newer, or Valkey.`,
      });
    }
    const policy = await policyOf(redis);
    if (policy !== null && policy !== "noeviction") {
      throw new Problem(`${shown(url)} has maxmemory-policy ${policy}: it may forget jobs`, {
        cure: "Set `maxmemory-policy noeviction` there.",
      });
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    const why = (last ?? (error as Error)).message;
    const isRefused = /NOAUTH|WRONGPASS|NOPERM/.test(why);
    throw new Problem(`${shown(url)} cannot be used as a queue: ${why}`, {
      cure: isRefused
        ? "Give user and password in the URL: redis://USER:PASSWORD@HOST:PORT."
        : "Is a Redis or Valkey running there, and reachable from here?",
    });
  } finally {
    redis.disconnect();
  }
}

/** Null where nobody may ask. */
async function policyOf(redis: Redis): Promise<string | null> {
  try {
    const found = (await redis.config("GET", "maxmemory-policy")) as string[];
    return found[1] ?? null;
  } catch {
    return null;
  }
}
