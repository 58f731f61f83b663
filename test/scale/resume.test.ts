/**
 * The command line with workers, killed and interrupted: what was finished is there
 * afterwards, nothing is half-written, and the answer is the same bit for bit.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../lab/progress.ts";
import type { Question } from "../../lab/scale/scale.ts";
import { Store } from "../../lab/scale/store.ts";
import { Workers } from "../../lab/scale/workers.ts";
import { hindsight } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS } from "../history/smallWorld.ts";
import { packsIn, sweepWords, sweptAlone, timeless } from "./sweeping.ts";

const before = new Set(childrenOf(process.pid));
beforeAll(sweptAlone, HOOK_MS);

/** What `--resume` makes of it: the same, and it says how much was there. */
async function finished(cache: string): Promise<void> {
  const there = packsIn(cache);
  const resumed = await hindsight(await sweepWords(cache, "--workers", "1", "--resume"));
  expect(timeless(resumed)).toBe(await sweptAlone());
  const said = /Resumed: found (\d+) results?.*, made (\d+)/.exec(resumed.stderr);
  expect(Number(said![1])).toBe(there);
  expect(Number(said![2])).toBeGreaterThan(0);
}

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

/**
 * Calls when so many packs are there; looks often, because the work is short. The first is the
 * spacing of the series: the workers come after it.
 */
function when(cache: string, packs: number, act: () => void): void {
  const timer = setInterval(() => {
    if (packsIn(cache) < packs) return;
    clearInterval(timer);
    act();
  }, 10);
  timer.unref();
}

const gone = (pids: readonly number[]): Promise<void> =>
  expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);

/** Also run: as long as the others together. */
const SOAK = process.env["SOAK"] === "1";

describe("a sweep with workers", () => {
  it("survives a killed worker, leaves nothing after Ctrl-C, and is resumed", async () => {
    const cache = join(temporaryDirectory(), "cache");
    let workers: readonly number[] = [];
    let killed = 0;
    const ended = await hindsight(await sweepWords(cache, "--workers", "2"), {
      during: ({ pid }) => {
        when(cache, 2, () => {
          [killed = 0] = childrenOf(pid!);
          if (killed > 0) process.kill(killed, "SIGKILL");
        });
        when(cache, 6, () => {
          workers = childrenOf(pid!);
          process.kill(pid!, "SIGINT");
        });
      },
    });
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 130, stdout: "" });
    expect(killed).toBeGreaterThan(0);
    expect(workers).toHaveLength(2);
    expect(workers).not.toContain(killed);
    await gone(workers);
    expect(unfinishedIn(cache)).toEqual([]);
    await finished(cache);
  });

  it.skipIf(!SOAK)(
    "killed itself loses the units in hand (under SOAK=1)",
    async () => {
      const cache = join(temporaryDirectory(), "cache");
      let workers: readonly number[] = [];
      const ended = await hindsight(await sweepWords(cache, "--workers", "2"), {
        during: ({ pid }) => {
          when(cache, 4, () => {
            workers = childrenOf(pid!);
            process.kill(pid!, "SIGKILL");
          });
        },
      });
      expect(ended.stdout).toBe("");
      await gone(workers);
      await finished(cache);
    },
    120_000,
  );

  it.skipIf(!SOAK)(
    "goes on without its cache on a full disk (under SOAK=1)",
    async (context) => {
      const disk = temporaryDirectory();
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=32k", "tmpfs", disk], {
          stdio: "ignore",
        });
      } catch {
        return context.skip("mounting a tmpfs is not permitted here");
      }
      try {
        const words = await sweepWords(join(disk, "cache"), "--workers", "1");
        const ended = await hindsight(words);
        expect(timeless(ended)).toBe(await sweptAlone());
        expect(ended.stderr).toMatch(/Cache: nothing more could be kept: ENOSPC/);
      } finally {
        execFileSync("umount", [disk], { stdio: "ignore" });
      }
    },
    120_000,
  );
});

describe("workers", () => {
  it("give a unit up that ends two of them, and name it", async () => {
    const store = new Store(temporaryDirectory());
    const workers = new Workers(1, join(temporaryDirectory(), "nowhere"), store);
    const question = { kind: "judge", leaders: [], units: [{ about: "3 deployments, a to c" }] };
    const working = workers.work(question as unknown as Question, silent);
    // Each is ended as soon as it is there, before it can say that there is no history.
    const killing = setInterval(() => {
      for (const pid of childrenOf(process.pid)) {
        if (!before.has(pid)) process.kill(pid, "SIGKILL");
      }
    }, 5);
    try {
      await expect(working).rejects.toThrow(
        /the shard of 3 deployments, a to c ended its worker twice \(SIGKILL\)\n {2}It may want/,
      );
    } finally {
      clearInterval(killing);
    }
  });
});
