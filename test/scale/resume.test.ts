/**
 * The command line with workers, killed and interrupted: what was finished is there
 * afterwards, nothing is half-written, and the answer is the same bit for bit.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { hindsight, type Ended } from "../commandLine.ts";
import { temporaryDirectory } from "../lab/directories.ts";
import { HOOK_MS } from "../lab/smallWorld.ts";
import { packsIn, sweepWords, sweptAlone, timeless } from "./sweeping.ts";

let expected = "";
beforeAll(async () => {
  expected = await sweptAlone();
}, HOOK_MS);

/** Files that were begun and not finished. */
function unfinishedIn(cache: string): readonly string[] {
  const dir = join(cache, "v1/unfinished");
  return existsSync(dir) ? readdirSync(dir) : [];
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return !/^\S+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Calls when so many packs are there; looks often, because the work is short. */
function when(cache: string, packs: number, act: () => void): void {
  const timer = setInterval(() => {
    if (packsIn(cache) < packs) return;
    clearInterval(timer);
    act();
  }, 10);
  timer.unref();
}

/** Runs until so many packs are there, then sends the signal; who worked for it, too. */
async function stopped(
  cache: string,
  packs: number,
  signal: NodeJS.Signals,
): Promise<{ ended: Ended; workers: readonly number[] }> {
  let workers: number[] = [];
  const ended = await hindsight(await sweepWords(cache, "--workers", "2"), {
    during: ({ pid }) => {
      when(cache, packs, () => {
        workers = childrenOf(pid!);
        process.kill(pid!, signal);
      });
    },
  });
  return { ended, workers };
}

const gone = (pids: readonly number[]): Promise<void> =>
  expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);

describe("a sweep with workers", () => {
  it("is the same, also when one of them is killed in the middle", async () => {
    const cache = join(temporaryDirectory(), "cache");
    let killed = 0;
    const ended = await hindsight(await sweepWords(cache, "--workers", "3"), {
      during: ({ pid }) => {
        when(cache, 2, () => {
          const [worker] = childrenOf(pid!);
          if (worker === undefined) return;
          killed++;
          process.kill(worker, "SIGKILL");
        });
      },
    });
    expect(ended.stderr).not.toMatch(/fault/);
    expect(timeless(ended)).toBe(expected);
    expect(killed).toBe(1);
    expect(unfinishedIn(cache)).toEqual([]);
  }, 120_000);

  it.each(["SIGINT", "SIGKILL"] as const)(
    "stopped by %s leaves nothing half-written, and is finished by --resume",
    async (signal) => {
      const cache = join(temporaryDirectory(), "cache");
      const { ended, workers } = await stopped(cache, 3, signal);
      expect(ended.stdout).toBe("");
      expect(ended.code).toBe(signal === "SIGINT" ? 130 : null);
      expect(workers).toHaveLength(2);
      await gone(workers);
      const left = unfinishedIn(cache);
      if (signal === "SIGINT") expect(left).toEqual([]);
      const there = packsIn(cache);
      const resumed = await hindsight(await sweepWords(cache, "--workers", "1", "--resume"));
      expect(timeless(resumed)).toBe(expected);
      const said = /Resumed: (\d+) results were there.*, (\d+) made/.exec(resumed.stderr);
      expect(Number(said![1])).toBe(there);
      expect(Number(said![2])).toBeGreaterThan(0);
    },
    120_000,
  );

  it("goes on without its cache where the disk is full, and says so", async (context) => {
    const disk = temporaryDirectory();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=32k", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      return context.skip("mounting a tmpfs is not permitted here");
    }
    try {
      const ended = await hindsight(await sweepWords(join(disk, "cache"), "--workers", "1"));
      expect(timeless(ended)).toBe(expected);
      expect(ended.stderr).toMatch(/Cache: nothing more could be kept: ENOSPC/);
    } finally {
      execFileSync("umount", [disk], { stdio: "ignore" });
    }
  }, 120_000);

  it("refuses to resume what was not kept", async () => {
    const { code, stderr } = await hindsight(await sweepWords("off", "--resume"));
    expect(code).toBe(2);
    expect(stderr).toMatch(/--cache off keeps nothing\n {2}Leave --cache off away/);
  });
});
