/**
 * A live host as a rollout tool sees it: over HTTP, on a clock that the test turns, with a metrics
 * API of made-up services. Nothing of the host is replaced.
 */

import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pino } from "pino";
import { readShadowFile } from "../../../lab/shadow/config/shadowFile.ts";
import explainDeployment from "../../../lab/shadow/explained.ts";
import { signatureOf } from "../../../lab/shadow/http/signature.ts";
import { goLive, type Live } from "../../../lab/shadow/live.ts";
import { inTurn } from "../../commandLine.ts";
import { START_MS } from "../hosts.ts";
import { configDirectory, SECRETS, SHORT_POLICY } from "../liveProcess.ts";
import { closeServer, listen } from "../prometheus.ts";
import { TestClock } from "../testClock.ts";

/** Between two polls, in milliseconds. */
export const POLL_MS = 5000;
const WATCH_S = 30;
const POLICY = SHORT_POLICY.replace("watch: 60s", `watch: ${WATCH_S}s`);

export const TOKENS = { ROLLOUTS: "the token of Argo Rollouts", FLAGGER: "the token of Flagger" };

export interface HostOnStage {
  readonly url: string;
  /** The directory of the journal. */
  readonly journal: string;
  /** Ends the host in order and starts the next one on its journal. */
  readonly restart: () => Promise<void>;
  readonly clock: TestClock;
  /** Services whose newest version is slow. */
  readonly slow: Set<string>;
  /** Lines of the host's log. */
  readonly log: string[];
  /** Lets the time to the next poll pass, and waits for what comes of that poll. */
  readonly poll: () => Promise<void>;
  readonly send: (
    path: string,
    body: object,
    id: string,
    as: "CHAT" | "PIPELINE" | "SRE",
  ) => Promise<number>;
  readonly status: () => Promise<Readonly<Record<string, unknown>>>;
  /** The explanation of its decisions, as the host gives it, but without starting a thread. */
  readonly story: (deploymentId: string) => string;
  /** Ends the host and checks its journal by the command line: 0 where nothing is wrong. */
  readonly audit: () => Promise<readonly unknown[]>;
  readonly close: () => Promise<void>;
}

/**
 * @param config more of shadow.yaml: senders, `act`, `platform`
 * @param morePolicy more of the policy
 */
export async function startStage(
  config: string,
  services: readonly string[],
  env: Readonly<Record<string, string>> = {},
  morePolicy = "",
): Promise<HostOnStage> {
  const slow = new Set<string>();
  const metrics = metricsServer(services, slow);
  const clock = new TestClock(START_MS);
  const catalog = [...services, "ghost"].map((name) => `  ${name}: { team: shop }\n`).join("");
  const directory = configDirectory(`policy: policy.yaml
journal: journal
metrics:
  url: "http://127.0.0.1:${await listen(metrics)}"
  every: ${POLL_MS / 1000}s
  queries: { latency_ms: latency_ms, error_rate: error_rate }
services:
${catalog}entitled: [{ who: [kim], may: [override, approve, halt] }]
listen: 127.0.0.1:0
${config}`);
  writeFileSync(join(directory, "policy.yaml"), POLICY + morePolicy);
  const file = join(directory, "shadow.yaml");
  const secrets = { ...SECRETS, ...TOKENS, ...env };
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  const open = (): Promise<Live> =>
    goLive(readShadowFile(file, secrets), file, secrets, log, clock);
  let live = await open();
  const textOf = async (path: string): Promise<string> => (await fetch(live.url + path)).text();
  let polls = 0;
  /** Waits until one more poll is over, and with it what was decided because of it. */
  const polled = async (): Promise<void> => {
    polls++;
    for (let tries = 0; ; tries++) {
      const done = /^hindsight_polls_total (\d+)$/m.exec(await textOf("/metrics"))?.[1];
      if (Number(done) >= polls) return;
      if (tries > 2000) throw new Error(`poll ${polls} never came: ${lines.join("")}`);
      await setTimeout(2);
    }
  };
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await live.close();
    isOpen = false;
    closeServer(metrics);
  };
  await polled();
  return {
    get url() {
      return live.url;
    },
    journal: join(directory, "journal"),
    restart: async () => {
      await live.close();
      live = await open();
      polls = 0;
      await polled();
    },
    clock,
    slow,
    log: lines,
    poll: async () => {
      await clock.pass(POLL_MS);
      await polled();
    },
    send: async (path, body, id, as) => {
      const text = JSON.stringify(body);
      const timestamp = Math.floor(clock.wallMs() / 1000);
      const headers = {
        "content-type": "application/json",
        "hindsight-sender": as.toLowerCase(),
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": signatureOf(SECRETS[as], id, timestamp, text),
      };
      const response = await fetch(`${live.url}/v1/${path}`, {
        method: "POST",
        headers,
        body: text,
      });
      return response.status;
    },
    status: async () => JSON.parse(await textOf("/v1/status")) as Record<string, unknown>,
    story: (deploymentId) =>
      JSON.stringify(explainDeployment({ journal: join(directory, "journal"), deploymentId })),
    audit: async () => {
      await close();
      const journal = join(directory, "journal");
      const codes = [];
      for (const command of ["verify", "replay"]) {
        codes.push((await inTurn(["audit", command, journal])).code);
      }
      return codes;
    },
    close,
  };
}

/** A sample each second of every service, up to the time that is asked for. */
export function metricsServer(services: readonly string[], slow: ReadonlySet<string>): Server {
  /** Since when a service is slow: what it was before stays as it was. */
  const sinceS = new Map<string, number>();
  return createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const asked = new URLSearchParams(text);
      const [, metric, rangeMs] = /^(\w+)\[(\d+)ms\]$/.exec(asked.get("query") ?? "") ?? [];
      const toS = Number(asked.get("time"));
      for (const name of slow) if (!sinceS.has(name)) sinceS.set(name, toS);
      const result = services.map((service) => {
        const values: [number, string][] = [];
        const since = sinceS.get(service) ?? Infinity;
        for (let at = Math.floor(toS - Number(rangeMs) / 1000) + 1; at <= toS; at++) {
          const wobble = 1 + 0.02 * Math.sin(at);
          const value = metric === "error_rate" ? 0.01 : at > since - 5 ? 180 : 100;
          values.push([at, String(value * wobble)]);
        }
        return { metric: { __name__: metric, service }, values };
      });
      response.sendDate = false;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ status: "success", data: { resultType: "matrix", result } }));
    });
  });
}
