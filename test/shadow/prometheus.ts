/**
 * A real Prometheus that scrapes targets of the test, and those targets: real HTTP on random
 * ports, data in a temporary directory. Without `prometheus` on this machine nothing starts,
 * and `WITHOUT` says so in the name of every test that needs it.
 */

import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { temporaryDirectory } from "../directories.ts";

const HAS = spawnSync("prometheus", ["--version"]).status === 0;
export const WITHOUT = HAS ? "" : " (not run: there is no prometheus here)";

/** One scrape that was answered: when, and what every line of it said. */
interface Served {
  readonly atMs: number;
  readonly values: Readonly<Record<string, number>>;
}

/** A thing that serves metrics; while `page` gives null it is dead. */
export interface Target {
  readonly address: string;
  readonly served: Served[];
  readonly close: () => void;
}

/** @param page what is exposed, by name and labels; asked at every scrape */
export async function serveTarget(
  page: (scrape: number) => Readonly<Record<string, number | string>> | null,
): Promise<Target> {
  const served: Served[] = [];
  const server = createServer((_request, response) => {
    const values = page(served.length);
    if (values === null) {
      response.writeHead(500).end();
      return;
    }
    served.push({
      atMs: systemClock.wallMs(),
      values: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, Number.parseFloat(String(value))]),
      ),
    });
    const lines = Object.entries(values).map(([name, value]) => `${name} ${value}\n`);
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(lines.join(""));
  });
  const port = await listen(server);
  return { address: `127.0.0.1:${port}`, served, close: () => closeServer(server) };
}

export interface Prometheus {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** @param targets address to the labels its samples get */
export async function startPrometheus(
  targets: Readonly<Record<string, Readonly<Record<string, string>>>>,
  scrapeInterval: string,
): Promise<Prometheus> {
  const dir = temporaryDirectory();
  const scrapes = Object.entries(targets).map(([address, labels]) => ({
    targets: [address],
    labels,
  }));
  const config = {
    global: { scrape_interval: scrapeInterval, scrape_timeout: scrapeInterval },
    scrape_configs: [{ job_name: "test", static_configs: scrapes }],
  };
  writeFileSync(join(dir, "prometheus.yml"), JSON.stringify(config)); // JSON is YAML.
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn("prometheus", [
    `--config.file=${join(dir, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(dir, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=error",
  ]);
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await until(`prometheus is ready: ${said}`, async () => {
    const response = await fetch(`${url}/-/ready`).catch(() => null);
    return response?.ok === true;
  });
  return {
    url,
    close: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Waits for something that comes true within ten seconds. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isTrue()) return;
    await wait(50);
  }
  throw new Error(`this does not come true: ${what}`);
}

export function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

export function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
