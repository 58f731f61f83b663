/**
 * The live host among real parts: Debian's Prometheus scrapes services that the test makes
 * slow, a pipeline announces deployments by signed webhooks, and the host, a process of its
 * own, proposes, waits for an override and asks the platform to roll back. Without Prometheus
 * it is not run, and says so; recorded.test.ts tells the first of these stories anywhere.
 */

import { appendFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hindsight } from "../commandLine.ts";
import {
  configDirectory,
  killAll,
  receivingServer,
  SECRETS,
  SHORT_POLICY,
  startLive,
  until,
  type LiveProcess,
  type Received,
} from "./liveProcess.ts";
import {
  closeServer,
  listen,
  serveTarget,
  startPrometheus,
  WITHOUT,
  type Prometheus,
  type Target,
} from "./prometheus.ts";

/** One for each test, so that none has another's past. */
const SERVICES = ["checkout", "pricing", "search"];
const servers: Server[] = [];
const targets: Target[] = [];
/** Services that a bad version made slow. */
const slow = new Set<string>();
let prometheus: Prometheus;

beforeAll(async () => {
  if (WITHOUT !== "") return;
  for (const service of SERVICES) {
    const target = await serveTarget((scrape) => {
      const wobble = 1 + 0.02 * Math.sin(scrape);
      return {
        latency_ms: (slow.has(service) ? 180 : 100) * wobble,
        error_rate: 0.01 * wobble,
      };
    });
    targets.push(target);
  }
  const scraped = targets.map(({ address }, at) => [address, { service: SERVICES[at]! }] as const);
  prometheus = await startPrometheus(Object.fromEntries(scraped), "500ms");
});

afterAll(async () => {
  killAll();
  for (const server of servers) closeServer(server);
  for (const target of targets) target.close();
  if (WITHOUT === "") await prometheus.close();
});

async function serve(server: Server): Promise<number> {
  servers.push(server);
  return listen(server);
}

/** They note what they get. */
async function startReceivers(): Promise<{ port: number; got: Received[] }> {
  const got: Received[] = [];
  return { port: await serve(receivingServer(Date.now, (one) => got.push(one))), got };
}

type Mood = "well" | "down" | "slow" | "garbage" | "tooMany";

/** The same Prometheus, behind something that can do everything wrong. */
async function startMoody(): Promise<{ url: string; mood: Mood }> {
  const moody = { url: "", mood: "well" as Mood };
  const server = createServer((request, response) => {
    if (moody.mood === "down") request.socket.destroy();
    else if (moody.mood === "garbage") response.end("<html>Service is being updated</html>");
    else if (moody.mood === "tooMany") response.writeHead(429).end();
    else if (moody.mood === "well") {
      const headers = { "content-type": request.headers["content-type"] ?? "" };
      const { method = "GET", url = "" } = request;
      const asked = {
        method,
        headers,
        ...(method === "GET" ? {} : { body: request, duplex: "half" }),
      };
      void fetch(prometheus.url + url, asked as unknown as RequestInit).then(async (answer) => {
        response.writeHead(answer.status, { "content-type": "application/json" });
        response.end(await answer.text());
      });
    }
  });
  moody.url = `http://127.0.0.1:${await serve(server)}`;
  return moody;
}

function configOf(metrics: string, receivers: number, act: boolean): string {
  return `policy: policy.yaml
journal: journal
act: ${String(act)}
metrics:
  url: ${metrics}
  every: 500ms
  timeout: 1s
  queries: { latency_ms: latency_ms, error_rate: error_rate }
services:
  checkout: { team: payments, criticality: high }
  pricing: { team: discovery }
  search: { team: discovery }
senders:
  pipeline: { secret: env:PIPELINE, may: [deployments, tags, rollbacks] }
  chat: { secret: env:CHAT, may: [overrides, approvals, halts] }
entitled:
  - { who: [ana], may: [override, approve], teams: [discovery] }
  - { who: [kim], may: [override, approve, halt] }
platform: { url: "http://127.0.0.1:${receivers}/platform", secret: env:PLATFORM }
page: { url: "http://127.0.0.1:${receivers}/page", secret: env:PAGE }
lease: { for: 6s }
listen: 127.0.0.1:0
`;
}

async function phaseOf(host: LiveProcess, deploymentId: string): Promise<string | null> {
  const { body } = await host.get("/v1/status");
  const open = body["open"] as { deploymentId: string; phase: string }[];
  return open.find((one) => one.deploymentId === deploymentId)?.phase ?? null;
}

async function problemsOf(host: LiveProcess): Promise<string> {
  return JSON.stringify((await host.get("/v1/status")).body["problems"]);
}

/** Through the command line: every segment, and every decision made again from its samples. */
async function expectWholeJournal(
  directory: string,
  commands: readonly ("verify" | "replay")[],
): Promise<void> {
  for (const command of commands) {
    const ended = await hindsight(["audit", command, join(directory, "journal")]);
    expect(ended, `audit ${command}`).toMatchObject({ code: 0, stderr: "" });
  }
}

describe.skipIf(WITHOUT !== "")(`a live host${WITHOUT}`, () => {
  it("rolls back what made its service slow, and only records where it may not act", async () => {
    const acted = await startReceivers();
    const watched = await startReceivers();
    const directory = configDirectory(configOf(prometheus.url, acted.port, true));
    const watching = configDirectory(configOf(prometheus.url, watched.port, false));
    const host = await startLive(directory);
    const silent = await startLive(watching);
    await until(() => targets[0]!.served.length >= 20);

    const start = { deploymentId: "checkout-42", service: "checkout", version: "v42" };
    const heard = await host.send("deployments", start, "start");
    expect(heard).toMatchObject({ status: 200, body: { accepted: true } });
    expect(await host.send("deployments", start, "start")).toEqual(heard);
    await silent.send("deployments", start, "start");

    slow.add("checkout");
    const why = (): string => JSON.stringify([acted.got, host.log()], null, 1);
    await until(() => acted.got.some(({ type }) => type === "propose"), why);
    // Who may not speak for this team is refused, and the window goes on.
    const override = { deploymentId: "checkout-42", by: "ana", justification: "leave it" };
    expect(await host.send("overrides", override, "ana", "chat")).toMatchObject({ status: 403 });
    await until(() => acted.got.some(({ path }) => path === "/platform"), why);
    expect(await phaseOf(host, "checkout-42")).toBe("rollingBack");

    await until(async () => (await phaseOf(silent, "checkout-42")) === null);
    slow.delete("checkout");
    const finished = { deploymentId: "checkout-42", succeeded: true, detail: "back on v41" };
    expect(await host.send("rollbacks/finished", finished, "end")).toMatchObject({ status: 200 });
    const late = { deploymentId: "checkout-42", by: "kim" };
    expect(await host.send("approvals", late, "late", "chat")).toMatchObject({
      status: 409,
      body: { detail: "approval by kim: no proposal stands" },
    });

    const story = JSON.stringify((await host.get("/v1/deployments/checkout-42")).body);
    for (const words of ["back on v41", "ana is not entitled", "no override within 3s"]) {
      expect(story).toContain(words);
    }
    const { text } = await host.get("/metrics");
    expect(text).toContain('hindsight_refused_requests_total{kind="notEntitled"} 1');
    expect(text).toContain('hindsight_commands_total{kind="rollBack",came="done"} 1\n');
    expect(text).toContain("hindsight_lease_held 1\n");
    expect(text).toMatch(/hindsight_decision_latency_seconds\{quantile="0.99"\} 0\.\d+/);
    expect((await host.get("/health/ready")).status).toBe(200);

    // Once, signed, under one key; people heard of it before and after.
    expect(acted.got.filter(({ path }) => path === "/platform")).toHaveLength(1);
    expect(acted.got.filter(({ fault }) => fault !== null)).toEqual([]);
    expect(new Set(acted.got.map(({ key }) => key)).size).toBe(acted.got.length);

    expect(watched.got.map(({ type }) => type)).toContain("propose");
    expect(watched.got.map(({ path }) => path)).not.toContain("/platform");

    expect(await Promise.all([host.end(), silent.end()])).toEqual([0, 0]);
    await expectWholeJournal(directory, ["verify", "replay"]);
    await expectWholeJournal(watching, ["replay"]);
    expect(host.log().join("\n")).not.toMatch(new RegExp(Object.values(SECRETS).join("|")));
  });

  it("does nothing while the metrics API fails, and goes on afterwards", async () => {
    const { port, got } = await startReceivers();
    const moody = await startMoody();
    const directory = configDirectory(configOf(moody.url, port, true));
    const host = await startLive(directory);
    await until(async () => (await host.get("/v1/status")).body["newestSampleAt"] !== null);
    expect(await problemsOf(host)).toBe("[]");
    await until(() => targets[1]!.served.length >= 20);
    await host.send("deployments", { deploymentId: "pricing-7", service: "pricing" }, "start");

    moody.mood = "down";
    slow.add("pricing");
    for (const mood of ["down", "slow", "garbage", "tooMany"] as const) {
      moody.mood = mood;
      const said = {
        down: "cannot be reached",
        slow: "no answer",
        garbage: "JSON",
        tooMany: "slow down",
      };
      await until(
        async () => (await problemsOf(host)).includes(said[mood]),
        () => mood,
      );
      expect((await host.get("/health/ready")).status).toBe(200);
    }
    await until(() => got.some(({ type, reason }) => type === "page" && /metrics/.test(reason)));
    expect(await phaseOf(host, "pricing-7")).toBe("watching");
    expect(got.some(({ type }) => type === "propose")).toBe(false);

    moody.mood = "well";
    await until(() => got.some(({ type }) => type === "propose"));
    const override = { deploymentId: "pricing-7", by: "ana", justification: "a known batch" };
    expect(await host.send("overrides", override, "ana", "chat")).toMatchObject({ status: 200 });
    await setTimeout(3500);
    expect(got.some(({ path }) => path === "/platform")).toBe(false);
    expect(await host.end()).toBe(0);
    await expectWholeJournal(directory, ["replay"]);
  });

  it("hands over to the standby host in the middle of an override window", async () => {
    const { port, got } = await startReceivers();
    const directory = configDirectory(configOf(prometheus.url, port, true));
    const first = await startLive(directory);
    await until(async () => (await first.get("/health/ready")).status === 200);
    await until(() => targets[2]!.served.length >= 20);
    const start = { deploymentId: "search-8", service: "search" };
    const heard = await first.send("deployments", start, "start");
    const second = await startLive(directory);
    expect((await second.get("/health/ready")).status).toBe(503);
    expect((await second.get("/health/live")).status).toBe(200);
    expect(await second.send("deployments", start, "start")).toMatchObject({ status: 503 });

    slow.add("search");
    await until(
      () => got.some(({ type }) => type === "propose"),
      () => JSON.stringify([got, first.log()], null, 1),
    );
    first.child.kill("SIGSTOP");
    // The window ends while nobody holds the lease: whoever follows asks for the rollback.
    await until(
      () => got.some(({ path }) => path === "/platform"),
      () => JSON.stringify([got, second.log()], null, 1),
    );
    expect(await phaseOf(second, "search-8")).toBe("rollingBack");
    first.child.kill("SIGCONT");
    await until(() => first.child.exitCode !== null);
    expect(first.log().join("\n")).toContain("the lease was lost");
    expect(got.filter(({ path }) => path === "/platform")).toHaveLength(1);
    // What the first one heard is heard: the sender that repeats it gets the first one's answer.
    expect(await second.send("deployments", start, "start")).toEqual(heard);
    slow.delete("search");
    const finished = { deploymentId: "search-8", succeeded: true };
    expect(await second.send("rollbacks/finished", finished, "end")).toMatchObject({ status: 200 });
    expect(await second.end()).toBe(0);
    await expectWholeJournal(directory, ["replay"]);
  });

  it("adopts a new policy, and keeps the old one if the new one is invalid", async () => {
    const { port } = await startReceivers();
    const directory = configDirectory(configOf(prometheus.url, port, true));
    const host = await startLive(directory);
    await until(async () => (await host.get("/health/ready")).status === 200);
    const policy = async (): Promise<unknown> => (await host.get("/v1/status")).body["policy"];
    const before = await policy();
    appendFileSync(join(directory, "policy.yaml"), "guardrails: { cooldown: soon }\n");
    host.child.kill("SIGHUP");
    await until(() => host.log().some((line) => /the policy is refused/.test(line)));
    expect(await policy()).toEqual(before);
    writeFileSync(join(directory, "policy.yaml"), SHORT_POLICY.replace("watch: 60s", "watch: 90s"));
    host.child.kill("SIGHUP");
    await until(async () => JSON.stringify(await policy()) !== JSON.stringify(before));
    expect(await host.end()).toBe(0);
    await expectWholeJournal(directory, ["replay"]);
  });
});
