/**
 * A lease in Redis: `SET key owner NX PX term`. Scripts take, renew and release it, so that check
 * and change are one atomic step. A Redis that loses writes (a failover to a replica that lags) may
 * give the lease to two hosts: see the README.
 */

import { Redis } from "ioredis";
import { Problem } from "../../problem.ts";
import type { LeaseStore } from "./lease.ts";

const TAKE = `if redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
  then return redis.call('incr', KEYS[2]) else return 0 end`;
const RENEW = `if redis.call('get', KEYS[1]) == ARGV[1]
  then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end`;
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1]
  then return redis.call('del', KEYS[1]) else return 0 end`;

/** @param owner a name that no other process, also no later one, has */
export function redisLease(url: string, key: string, owner: string, termMs: number): LeaseStore {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    connectTimeout: Math.ceil(termMs / 3),
    commandTimeout: Math.ceil(termMs / 3),
  });
  let why = "it does not answer";
  // ioredis gives the cause of a lost connection only here, not with the commands that fail.
  redis.on("error", (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message;
  });
  const asked = async <Answer>(question: Promise<Answer>): Promise<Answer> => {
    try {
      return await question;
    } catch (error) {
      const isLost = error instanceof Error && error.name === "MaxRetriesPerRequestError";
      if (isLost) throw new Problem(`Redis cannot be reached: ${why}`);
      throw error;
    }
  };
  const held = `{${key}}:holder`;
  const tokens = `{${key}}:token`;
  return {
    take: async () => {
      const token = Number(await asked(redis.eval(TAKE, 2, held, tokens, owner, termMs)));
      return token === 0 ? null : token;
    },
    renew: async () => Number(await asked(redis.eval(RENEW, 1, held, owner, termMs))) === 1,
    isOurs: async () => (await asked(redis.get(held))) === owner,
    release: async () => {
      await asked(redis.eval(RELEASE, 1, held, owner));
    },
    close: () => {
      redis.disconnect();
      return Promise.resolve();
    },
  };
}
