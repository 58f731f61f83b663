/**
 * The live host end to end where there is no Prometheus: every answer to it is one that a real
 * Prometheus gave to this very question, replayed over HTTP. A signed webhook announces a
 * deployment, its service is slow, the host proposes, waits, asks the platform to roll back
 * and sees the service recover. endToEnd.live.test.ts does it with Prometheus itself, in
 * processes of their own; here the host is in this process, on the clock of the recording.
 *
 *     RECORD=1 npx vitest run --config test/vitest.config.ts test/shadow/recorded.test.ts
 *
 * records anew, where there is a Prometheus: a minute of scrapes, then this story asked of it.
 */

import type { Server } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { pino } from "pino";
import { afterEach, expect, it } from "vitest";
import { readShadowFile } from "../../lab/shadow/config/shadowFile.ts";
import { signatureOf } from "../../lab/shadow/http/signature.ts";
import { goLive, type Live } from "../../lab/shadow/live.ts";
import { inTurn } from "../commandLine.ts";
import { configDirectory, receivingServer, SECRETS, until, type Received } from "./liveProcess.ts";
import {
  closeServer,
  listen,
  serveTarget,
  startPrometheus,
  WITHOUT,
  type Prometheus,
} from "./prometheus.ts";
import {
  readRecording,
  recordingServer,
  replayingServer,
  writeRecording,
  type Recording,
} from "./recordedPrometheus.ts";
import { TestClock } from "./testClock.ts";

const FILE = join(import.meta.dirname, "recorded-prometheus.ndjson");
const RECORDS = process.env["RECORD"] !== undefined && WITHOUT === "";
const STEP_MS = 2000;
/** Of the recorded minute, in seconds: what is slow, and when the host begins. */
const SLOW_FROM_S = 38;
const SLOW_TO_S = 54;
const HOST_AT_S = 35;
const RECORDED_S = 66;

const servers: Server[] = [];
let live: Live | null = null;
afterEach(async () => {
  await live?.close();
  live = null;
  for (const server of servers.splice(0)) closeServer(server);
});

async function serve(server: Server): Promise<string> {
  servers.push(server);
  return `http://127.0.0.1:${await listen(server)}`;
}

it("rolls back what a recorded Prometheus shows to be slow", async () => {
  const unknown: string[] = [];
  const exchanges: Recording["exchanges"][number][] = [];
  const real = RECORDS ? await aMinute() : null;
  const recording = real ?? readRecording(FILE);
  const source =
    real === null
      ? replayingServer(recording, unknown)
      : recordingServer(real.prometheus.url, exchanges);
  const clock = new TestClock(recording.startMs);
  const got: (Received & { readonly atMs: number })[] = [];
  const receivers = receivingServer(
    () => clock.wallMs(),
    (one) => got.push({ ...one, atMs: clock.wallMs() }),
  );
  const directory = configDirectory(configOf(await serve(source), await serve(receivers)));
  const file = join(directory, "shadow.yaml");
  const log = pino({ level: "silent" });
  live = await goLive(readShadowFile(file, SECRETS), file, SECRETS, log, clock);
  const textOf = async (path: string): Promise<string> => (await fetch(live!.url + path)).text();
  let polls = 0;
  /** The clock goes on when a poll is over and what came of it is sent. */
  const pollOnce = async (): Promise<void> => {
    polls++;
    await until(async () => {
      const metrics = await textOf("/metrics");
      const total = (name: string): number =>
        Number(new RegExp(`^hindsight_${name}_total (\\d+)$`, "m").exec(metrics)?.[1]);
      const came = total("commands_done") + total("commands_failed");
      return total("polls") === polls && total("commands_asked") === came;
    });
    await clock.pass(STEP_MS);
  };
  const send = async (path: string, body: object, id: string): Promise<number> => {
    const text = JSON.stringify(body);
    const timestamp = Math.floor(clock.wallMs() / 1000);
    const headers = {
      "content-type": "application/json",
      "hindsight-sender": "pipeline",
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": signatureOf(SECRETS.PIPELINE, id, timestamp, text),
    };
    const options = { method: "POST", headers, body: text };
    return (await fetch(`${live!.url}/v1/${path}`, options)).status;
  };

  await pollOnce();
  const deployment = { deploymentId: "checkout-42", service: "checkout", version: "v42" };
  expect(await send("deployments", deployment, "start")).toBe(200);
  const orders = (): number => got.filter(({ path }) => path === "/platform").length;
  while (orders() === 0 && polls < 20) await pollOnce();
  const finished = { deploymentId: "checkout-42", succeeded: true, detail: "back on v41" };
  expect(await send("rollbacks/finished", finished, "end")).toBe(200);
  for (const until = polls + 3; polls < until;) await pollOnce();

  expect(unknown).toEqual([]);
  expect(JSON.parse(await textOf("/v1/status"))).toMatchObject({ problems: [], open: [] });
  expect(await textOf("/v1/deployments/checkout-42")).toMatch(
    /no override within 3s.*back on v41/s,
  );
  expect(got.filter(({ fault }) => fault !== null)).toEqual([]);
  expect(got.map(({ type }) => type).sort()).toEqual(["notify", "page", "propose", "rollBack"]);
  const atS = (type: string): number =>
    (got.find((one) => one.type === type)!.atMs - recording.startMs) / 1000 + HOST_AT_S;
  expect(atS("propose")).toBeGreaterThan(SLOW_FROM_S);
  expect(atS("propose")).toBeLessThan(SLOW_FROM_S + 10);
  expect(atS("rollBack")).toBeGreaterThanOrEqual(atS("propose") + 3);
  expect(atS("rollBack")).toBeLessThan(SLOW_TO_S);
  await live.close();
  live = null;
  for (const words of [
    ["audit", "verify"],
    ["audit", "replay"],
  ]) {
    const ended = await inTurn([...words, join(directory, "journal")]);
    expect(ended, words.join(" ")).toMatchObject({ code: 0, stderr: "" });
  }
  if (real !== null) {
    writeRecording(FILE, { startMs: real.startMs, exchanges });
    await real.prometheus.close();
  }
});

/** Waits while a real Prometheus scrapes two services, one of them slow for a while. */
async function aMinute(): Promise<Recording & { readonly prometheus: Prometheus }> {
  const fromMs = Date.now();
  const secondsIn = (): number => (Date.now() - fromMs) / 1000;
  const serving = (isBad: boolean) =>
    serveTarget((scrape) => {
      const wobble = 1 + 0.02 * Math.sin(scrape);
      const isSlow = isBad && secondsIn() >= SLOW_FROM_S && secondsIn() < SLOW_TO_S;
      return { latency_ms: (isSlow ? 180 : 100) * wobble, error_rate: 0.01 * wobble };
    });
  const [checkout, search] = await Promise.all([serving(true), serving(false)]);
  const scraped = {
    [checkout.address]: { service: "checkout" },
    [search.address]: { service: "search" },
  };
  const prometheus = await startPrometheus(scraped, "1s");
  await wait(fromMs + RECORDED_S * 1000 - Date.now());
  for (const target of [checkout, search]) target.close();
  const startMs = Math.ceil(fromMs / 1000) * 1000 + HOST_AT_S * 1000;
  return { startMs, exchanges: [], prometheus };
}

function configOf(metrics: string, receivers: string): string {
  return `policy: policy.yaml
journal: journal
act: true
metrics:
  url: ${metrics}
  every: ${STEP_MS / 1000}s
  queries: { latency_ms: latency_ms, error_rate: error_rate }
services: { checkout: { team: payments }, search: { team: discovery } }
senders: { pipeline: { secret: env:PIPELINE, may: [deployments, rollbacks] } }
platform: { url: "${receivers}/platform", secret: env:PLATFORM }
page: { url: "${receivers}/page", secret: env:PAGE }
listen: 127.0.0.1:0
`;
}
