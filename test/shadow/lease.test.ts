/** Two hosts on one lease, as two processes; one of them is stopped and wakes again. */

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { directoryLease } from "../../lab/shadow/lease/directoryLease.ts";
import { keepLease, type LeaseStore } from "../../lab/shadow/lease/lease.ts";
import { inSlices } from "../../lab/shadow/journal/slices.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { builtCommandLine } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

/** Long enough that a holder on a busy machine does not lose it by being late. */
const TERM_MS = 1_500;
const REDIS = "/usr/bin/redis-server";
/**
 * A process that acts while it holds a lease, asking before every act as the host does, and
 * ends with 3 when it lost it. An act is a line `owner token` at the end of a file.
 */
const HOLDER = `
const [built, kind, place, owner, term, acts] = process.argv.slice(1);
const { appendFileSync } = await import("node:fs");
const { setTimeout } = await import("node:timers/promises");
const from = (name) => import(new URL("../shadow/lease/" + name, "file://" + built).href);
const { keepLease } = await from("lease.js");
const termMs = Number(term);
const steadyMs = () => performance.now();
const wait = (ms, signal) => setTimeout(ms, undefined, { signal }).catch(() => undefined);
const store = kind === "redis"
  ? (await from("redisLease.js")).redisLease(place, "test", owner, termMs)
  : (await from("directoryLease.js")).directoryLease(place, owner, termMs, steadyMs);
let token = "none";
const note = (what) => { token = /^holds the lease, token (.+)/.exec(what)?.[1] ?? token; };
const lease = keepLease(store, { termMs, clock: { wallMs: Date.now, steadyMs, wait }, note });
let ending = false;
process.once("SIGTERM", () => { ending = true; });
await lease.acquire(new AbortController().signal);
while (!ending && lease.holds()) {
  if (await lease.confirmed()) appendFileSync(acts, owner + " " + token + "\\n");
  await setTimeout(20);
}
await lease.close();
process.exitCode = ending ? 0 : 3;
`;

async function start(
  children: ChildProcess[],
  kind: string,
  place: string,
  owner: string,
  acts: string,
): Promise<ChildProcess> {
  const words = [await builtCommandLine(), kind, place, owner, String(TERM_MS), acts];
  const child = spawn(process.execPath, ["--input-type=module", "-e", HOLDER, ...words], {
    stdio: "ignore",
  });
  children.push(child);
  return child;
}

interface Act {
  readonly owner: string;
  readonly token: number;
}

function actsIn(file: string): readonly Act[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => ({ owner: line.split(" ")[0]!, token: Number(line.split(" ")[1]) }));
}

async function until(what: () => boolean, withinMs = 20_000): Promise<void> {
  const fromMs = performance.now();
  while (!what()) {
    if (performance.now() - fromMs > withinMs) throw new Error("it never came to that");
    await setTimeout(20);
  }
}

/** @param children gets the processes that are started */
async function stopAndWake(children: ChildProcess[], kind: string, place: string): Promise<void> {
  const acts = join(temporaryDirectory(), "acts");
  const by = (owner: string): number => actsIn(acts).filter((act) => act.owner === owner).length;
  const first = await start(children, kind, place, "first", acts);
  await until(() => by("first") > 3);
  const second = await start(children, kind, place, "second", acts);
  await setTimeout(2 * TERM_MS);
  expect(by("second")).toBe(0);

  first.kill("SIGSTOP");
  await until(() => by("second") > 3);
  const stopped = by("first");
  first.kill("SIGCONT");
  // It finds that its term is over, and ends; as the host does.
  await until(() => first.exitCode !== null);
  expect(first.exitCode).toBe(3);
  // One act may have been between the question and the deed when it was stopped.
  expect(by("first") - stopped).toBeLessThanOrEqual(1);

  // Ended properly, a holder gives the lease back: nobody waits for its end.
  const third = await start(children, kind, place, "third", acts);
  await setTimeout(TERM_MS);
  second.kill("SIGTERM");
  await until(() => by("third") > 3);
  third.kill("SIGTERM");
  const tokens = new Map(actsIn(acts).map(({ owner, token }) => [owner, token]));
  expect([...tokens]).toEqual([
    ["first", 1],
    ["second", 2],
    ["third", 3],
  ]);
}

/** Runs the test and then kills its processes. */
function withChildren(test: (children: ChildProcess[]) => Promise<void>): () => Promise<void> {
  return async () => {
    const children: ChildProcess[] = [];
    try {
      await test(children);
    } finally {
      for (const child of children) child.kill("SIGKILL");
    }
  };
}

// Both wait most of the time.
describe.concurrent("two hosts on one lease", () => {
  const inDirectory = withChildren((children) =>
    stopAndWake(children, "directory", join(temporaryDirectory(), "lease")),
  );
  it("in a directory", inDirectory);

  const inRedis = withChildren(async (children) => {
    const socket = join(temporaryDirectory(), "redis.sock");
    const words = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"];
    const redis = spawn(REDIS, words, { stdio: "ignore", cwd: temporaryDirectory() });
    children.push(redis);
    await until(() => existsSync(socket));
    await stopAndWake(children, "redis", socket);
  });
  it.skipIf(!existsSync(REDIS))("in Redis", inRedis);
});

describe("a lease in a directory", () => {
  it("goes to only one of many hosts that try at the same moment", async () => {
    for (let round = 0; round < 20; round++) {
      const directory = join(temporaryDirectory(), "lease");
      const stores = Array.from({ length: 8 }, (_, i) =>
        directoryLease(directory, `host-${i}`, TERM_MS, () => 0),
      );
      const tokens = await Promise.all(stores.map((store) => store.take()));
      expect(tokens.filter((token) => token !== null)).toEqual([1]);
    }
  });

  it("is taken over a whole term after the last renewal, and not before", async () => {
    const directory = join(temporaryDirectory(), "lease");
    let nowMs = 0;
    const holder = directoryLease(directory, "holder", TERM_MS, () => 0);
    const other = directoryLease(directory, "other", TERM_MS, () => nowMs);
    expect(await holder.take()).toBe(1);
    expect(await other.take()).toBeNull();
    nowMs += TERM_MS - 1;
    expect(await other.take()).toBeNull();
    expect(await holder.renew(1)).toBe(true);
    nowMs += TERM_MS - 1;
    expect(await other.take()).toBeNull();
    nowMs += TERM_MS;
    expect(await other.take()).toBe(2);
    expect(await holder.renew(1)).toBe(false);
    expect(await holder.isOurs(1)).toBe(false);
  });

  it("is never taken over while its holder renews it at the same moment", async () => {
    const ended = { taken: 0, renewed: 0 };
    for (let round = 0; round < 80; round++) {
      const directory = join(temporaryDirectory(), "lease");
      let nowMs = 0;
      const holder = directoryLease(directory, "holder", TERM_MS, () => 0);
      const other = directoryLease(directory, "other", TERM_MS, () => nowMs);
      await holder.take();
      await other.take();
      nowMs = TERM_MS;
      const after = async <T>(turns: number, ask: () => Promise<T>): Promise<T> => {
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        return ask();
      };
      // The first two rounds are the ends: one of them is through before the other begins.
      const early = round === 0 ? await holder.renew(1) : null;
      const first = round === 1 ? await other.take() : null;
      const [taken, renewed] = await Promise.all([
        first ?? after(20 - (round % 40), () => other.take()),
        early ?? after((round % 40) - 20, () => holder.renew(1)),
      ]);
      expect(taken !== null && renewed).toBe(false);
      if (taken !== null) ended.taken++;
      if (renewed) ended.renewed++;
    }
    expect(Math.min(ended.taken, ended.renewed)).toBeGreaterThan(0);
  });
});

describe("a host", () => {
  it("renews its lease between long steps of a recovery", async () => {
    // A renewal takes several turns of the event loop, as one that writes files does.
    const turns = async (): Promise<true> => {
      for (let turn = 0; turn < 6; turn++) await setImmediate();
      return true;
    };
    const store: LeaseStore = {
      take: () => Promise.resolve(1),
      renew: turns,
      isOurs: turns,
      release: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const lease = keepLease(store, { termMs: TERM_MS, clock: systemClock, note: () => undefined });
    await lease.acquire(new AbortController().signal);
    const steps = function* (): Generator<void, string> {
      for (let step = 0; step < 5; step++) {
        const untilMs = performance.now() + 0.4 * TERM_MS;
        while (performance.now() < untilMs);
        yield;
      }
      return "done";
    };
    expect(await inSlices(steps(), lease)).toBe("done");
    await lease.close();
  });

  it("does not hold the lease after its own term, nor if it cannot confirm it", async () => {
    let nowMs = 0;
    let down = false;
    const ask = <T>(answer: T): Promise<T> =>
      down ? Promise.reject(new Error("no route to it")) : Promise.resolve(answer);
    const store: LeaseStore = {
      take: () => ask(7),
      renew: () => ask(true),
      isOurs: () => ask(true),
      release: () => ask(undefined),
      close: () => Promise.resolve(),
    };
    const said: string[] = [];
    const waits: (() => void)[] = [];
    const clock = {
      wallMs: () => nowMs,
      steadyMs: () => nowMs,
      wait: (_ms: number, signal: AbortSignal) =>
        new Promise<void>((resolve) => {
          waits.push(resolve);
          signal.addEventListener("abort", () => resolve());
        }),
    };
    const turn = async (): Promise<void> => {
      waits.shift()!();
      await setTimeout(5);
    };
    const lease = keepLease(store, { termMs: TERM_MS, clock, note: (what) => said.push(what) });
    await lease.acquire(new AbortController().signal);
    expect([await lease.confirmed(), lease.holds()]).toEqual([true, true]);
    nowMs += TERM_MS / 2;
    await turn();
    nowMs += TERM_MS / 2;
    expect(lease.holds()).toBe(true);
    down = true;
    await turn();
    expect([await lease.confirmed(), lease.holds()]).toEqual([false, true]);
    nowMs += TERM_MS / 2;
    expect(lease.holds()).toBe(false);
    // The store has it still as ours, but a term has passed: another may have read that.
    down = false;
    await turn();
    expect(lease.holds()).toBe(false);
    await lease.close();
    expect(said).toEqual([
      "holds the lease, token 7",
      "the lease cannot be asked for: no route to it",
      "lost the lease, token 7",
    ]);
  });
});
