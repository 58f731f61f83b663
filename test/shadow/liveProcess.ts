/** A live host in a process of its own, as an operator starts it, and a sender for it. */

import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { checkSigned, signatureOf } from "../../lab/shadow/http/signature.ts";
import { builtCommandLine } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

export const SECRETS = {
  PIPELINE: "the secret of the pipeline",
  CHAT: "the secret of the chat bot",
  SRE: "the secret of the agent",
  PLATFORM: "the secret of the platform",
  PAGE: "the secret of the pager",
};

/** What the platform, or whoever is paged, was sent. */
export interface Received {
  readonly path: string;
  readonly type: string;
  readonly key: string;
  readonly reason: string;
  /** What is wrong with its signature; null where nothing is. */
  readonly fault: string | null;
}

/** Whoever rolls back and whoever is paged: they check who sent it, and hand it on. */
export function receivingServer(nowMs: () => number, take: (got: Received) => void): Server {
  return createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      const path = request.url!;
      const secret = path === "/platform" ? SECRETS.PLATFORM : SECRETS.PAGE;
      const { fault } = checkSigned(request.headers, body, secret, nowMs(), 60_000);
      const { type, key, reason } = JSON.parse(body.toString()) as Received;
      take({ path, type, key, reason, fault });
      response.writeHead(202).end();
    });
  });
}

/** Everything that takes minutes in earnest takes seconds here. */
export const SHORT_POLICY = `policy: short
owner: platform-reliability
watch: 60s
signals:
  latency: { metric: latency_ms, worse: up, tolerance: 20%, hold: 1s, clear: 1s,
             detector: { kind: threshold, breaches: 3, of: 4, baseline: 30s } }
  errors:  { metric: error_rate, worse: up, tolerance: 1pp, hold: 1s, clear: 1s,
             detector: { kind: threshold, breaches: 3, of: 4, baseline: 30s } }
fusion: any
tiers: { override: { window: 3s, onTimeout: rollback } }
assign: [{ otherwise: override }]
`;

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface LiveProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Lines of its log. */
  readonly log: () => readonly string[];
  readonly get: (path: string) => Promise<Answer & { readonly text: string }>;
  readonly send: (path: string, body: unknown, id: string, as?: string) => Promise<Answer>;
  /** Ends it in order; its exit code. */
  readonly end: () => Promise<number | null>;
}

const started: ChildProcess[] = [];

export function killAll(): void {
  for (const child of started.splice(0)) child.kill("SIGKILL");
}

export function configDirectory(config: string): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "policy.yaml"), SHORT_POLICY);
  writeFileSync(join(directory, "shadow.yaml"), config);
  return directory;
}

/** @param directory with a shadow.yaml that listens on port 0 */
export async function startLive(directory: string): Promise<LiveProcess> {
  const words = [await builtCommandLine(), "shadow", join(directory, "shadow.yaml"), "--json"];
  const child = spawn(process.execPath, words, { env: { ...process.env, ...SECRETS } });
  started.push(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
  child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
  await until(
    () => stdout.endsWith("}\n") || child.exitCode !== null,
    () => stderr,
  );
  if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
  const { url } = JSON.parse(stdout) as { url: string };
  return {
    url,
    child,
    log: () => stderr.trim().split("\n"),
    get: async (path) => {
      const response = await fetch(url + path);
      const text = await response.text();
      return { status: response.status, text, body: bodyOf(text) };
    },
    send: async (path, body, id, as = "pipeline") => {
      const text = JSON.stringify(body);
      const timestamp = Math.floor(Date.now() / 1000);
      const secret = SECRETS[as.toUpperCase() as keyof typeof SECRETS];
      const response = await fetch(`${url}/v1/${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "hindsight-sender": as,
          "webhook-id": id,
          "webhook-timestamp": String(timestamp),
          "webhook-signature": signatureOf(secret, id, timestamp, text),
        },
        body: text,
      });
      return { status: response.status, body: bodyOf(await response.text()) };
    },
    end: async () => {
      child.kill("SIGTERM");
      await until(
        () => child.exitCode !== null || child.signalCode !== null,
        () => stderr,
      );
      return child.exitCode;
    },
  };
}

function bodyOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** @param why is told where it never comes to that */
export async function until(
  what: () => boolean | Promise<boolean>,
  why: () => string = () => "",
  withinMs = 60_000,
): Promise<void> {
  const fromMs = performance.now();
  while (!(await what())) {
    if (performance.now() - fromMs > withinMs) throw new Error(`it never came to that: ${why()}`);
    await setTimeout(50);
  }
}
