/**
 * A sweep over the workers of a real Redis: two of four are killed, the server is killed and
 * started again, and the answer is that of one machine, every unit counted once.
 */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Problem } from "../../lab/problem.ts";
import { checkServer } from "../../lab/scale/queue/connection.ts";
import { checkUrl } from "../../lab/scale/queue/url.ts";
import { builtCommandLine, hindsight } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, smallHistory } from "../history/smallWorld.ts";
import { packsIn, sweepWords, sweptAlone, timeless } from "./sweeping.ts";

const IS_HERE = spawnSync("redis-server", ["--version"]).status === 0;
/** It takes the minute that a server is waited for. */
const SOAK = process.env["SOAK"] === "1";
const PASSWORD = "quite-secret";

let history = "";
let server: Server;
const running = new Set<ChildProcess>();

/** A server of its own that writes everything down before it answers. */
class Server {
  readonly #dir = temporaryDirectory();
  #process: ChildProcess | null = null;

  private constructor(readonly port: number) {}

  static async start(): Promise<Server> {
    const listening = createServer().listen(0, "127.0.0.1");
    await once(listening, "listening");
    const { port } = listening.address() as AddressInfo;
    listening.close();
    await once(listening, "close");
    const server = new Server(port);
    await server.up();
    return server;
  }

  get url(): string {
    return `redis://:${PASSWORD}@127.0.0.1:${this.port}`;
  }

  async up(...more: string[]): Promise<void> {
    this.#process = spawn(
      "redis-server",
      [
        ...["--port", String(this.port), "--bind", "127.0.0.1", "--requirepass", PASSWORD],
        ...["--dir", this.#dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
        ...more,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    running.add(this.#process);
    await new Promise<void>((resolve) => {
      let told = "";
      this.#process!.stdout!.on("data", (part: Buffer) => {
        told += part.toString();
        if (/Ready to accept connections/.test(told)) resolve();
      });
    });
  }

  async down(): Promise<void> {
    const gone = once(this.#process!, "exit");
    this.#process!.kill("SIGKILL");
    await gone;
  }
}

async function worker(...more: string[]): Promise<{ process: ChildProcess; said: () => string }> {
  const words = [await builtCommandLine(), "worker", "--on", server.url, "--workers", "1", ...more];
  const started = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
  running.add(started);
  let said = "";
  started.stderr.on("data", (part: Buffer) => (said += part.toString()));
  return { process: started, said: () => said };
}

beforeAll(async () => {
  history = await smallHistory();
  if (IS_HERE) server = await Server.start();
}, HOOK_MS);

afterAll(() => {
  for (const one of running) one.kill("SIGKILL");
});

const until = (holds: () => boolean): Promise<void> =>
  expect.poll(holds, { timeout: 60_000, interval: 20 }).toBe(true);

describe.skipIf(!IS_HERE)("a sweep on a queue (redis-server is installed)", () => {
  it("survives killed workers and a killed server, bit for bit", async () => {
    const cache = join(temporaryDirectory(), "cache");
    const workers = await Promise.all(Array.from({ length: 4 }, () => worker()));
    await until(() => workers.every(({ said }) => said().includes("Serving")));
    const asked = hindsight(await sweepWords(cache, "--on", server.url));
    // The question and three results: the judging goes on.
    await until(() => packsIn(cache) >= 4);
    for (const { process: one } of workers.slice(0, 2)) one.kill("SIGKILL");
    await until(() => packsIn(cache) >= 7);
    await server.down();
    await server.up();
    const ended = await asked;
    expect(timeless(ended)).toBe(await sweptAlone());
    const said = /Queue: (\d+) units by (\d+) workers, each counted once/.exec(ended.stderr);
    const units = packsIn(cache);
    // Beside the units: two questions, and what the last comparison judged here.
    expect(Number(said![1])).toBeGreaterThan(10);
    expect(Number(said![1])).toBeLessThanOrEqual(units - 2);
    for (const { said: worked } of workers) expect(worked()).not.toContain(PASSWORD);
    expect(ended.stderr).not.toContain(PASSWORD);
    for (const { process: one } of workers.slice(2)) {
      const gone = once(one, "exit");
      one.kill("SIGTERM");
      expect((await gone)[0]).toBe(0);
    }
  });

  it("is told by a worker that has another history, or none", async () => {
    const elsewhere = temporaryDirectory();
    const other = join(elsewhere, basename(history));
    cpSync(history, other, { recursive: true });
    const manifest = join(other, "manifest.json");
    const digest = /"digest": "[0-9a-f]{64}",\n {2}"logging/;
    const text = readFileSync(manifest, "utf8");
    expect(text).toMatch(digest);
    writeFileSync(manifest, text.replace(digest, `"digest": "${"0".repeat(64)}",\n  "logging`));
    // It is of the manifest as it was: another history, not a damaged one, is meant here.
    rmSync(`${manifest}.sha256`);
    const serving = await worker("--history-root", elsewhere);
    const cache = join(temporaryDirectory(), "cache");
    let asker: ChildProcess | undefined;
    const asked = hindsight(await sweepWords(cache, "--on", server.url), {
      during: (child) => (asker = child),
    });
    await until(() => serving.said().includes("this is another history than the one asked about"));
    renameSync(other, join(elsewhere, "moved"));
    await until(() => serving.said().includes("this worker has no history"));
    asker!.kill("SIGINT");
    const { code, stdout } = await asked;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    serving.process.kill("SIGKILL");
  });

  it.skipIf(!SOAK)(
    "is told within two minutes that the server stays away (SOAK=1)",
    async () => {
      const lonely = await Server.start();
      const cache = join(temporaryDirectory(), "cache");
      const asked = hindsight(await sweepWords(cache, "--on", lonely.url));
      await until(() => packsIn(cache) >= 1);
      await lonely.down();
      const { code, stdout, stderr } = await asked;
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/has been away for a minute\n {2}Start it again.*--resume/);
    },
    120_000,
  );

  it("refuses what is no queue, names no password, and says what to mend", async () => {
    const refused = async (url: string): Promise<string> => {
      const problem = await checkServer(url).then(
        () => "nothing to mend",
        (error: unknown) => (error as Problem).message,
      );
      expect(problem).not.toContain("wrong-one");
      expect(problem).not.toContain(PASSWORD);
      return problem;
    };
    const { port, url } = server;
    expect(await refused(url)).toBe("nothing to mend");
    expect(await refused(`redis://:wrong-one@127.0.0.1:${port}`)).toMatch(
      /^redis:\/\/127\.0\.0\.1:\d+ cannot be used as a queue: .*WRONGPASS.*\n {2}Give user/,
    );
    expect(await refused("redis://:wrong-one@127.0.0.1:1")).toMatch(
      /ECONNREFUSED.*\n {2}Is a Redis/,
    );
    await server.down();
    await server.up("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");
    expect(await refused(url)).toMatch(/maxmemory-policy allkeys-lru: it may forget jobs/);
    for (const [wrong, why] of [
      ["s3://bucket/quarter", /--on names the queue, not the history/],
      ["localhost:6379", /is no Redis or Valkey/],
      ["nowhere", /--on is no URL/],
    ] as const) {
      expect(() => checkUrl(wrong)).toThrow(why);
    }
    const kept = await hindsight(await sweepWords("off", "--on", url));
    expect(kept.stderr).toMatch(/--on hands results over through the cache/);
    expect(kept.code).toBe(2);
  });
});
