/**
 * A host in a process of its own, for whoever kills it: real time, real disk, samples twice a
 * second. A new deployment every two seconds, every second one bad; the platform it rolls back
 * with is a file that remembers keys. `node killedProcess.js DIR`.
 */

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { CarriedOut, Errand, Taken, TakenColumn } from "../../lab/shadow/contract.ts";
import { startHost } from "../../lab/shadow/host.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { policyOf } from "../engine/policyFile.ts";
import { OPTIONS, service, started } from "./stage.ts";

const STEP_MS = 500;
const SERVICES = ["a", "b", "c", "d"];
const policy = policyOf({
  policy: "killed",
  owner: "platform",
  watch: "20s",
  signals: {
    latency: {
      metric: "latency",
      worse: "up",
      tolerance: "10%",
      detector: { kind: "threshold", breaches: 2, of: 3, baseline: "1m", season: false },
      hold: "0s",
    },
  },
  fusion: "any",
  tiers: { override: { window: "2s" } },
  assign: [{ otherwise: "override" }],
});

const dir = process.argv[2]!;

/** Bad is every second one, from its start on: a process that starts anew knows it as well. */
function isSlow(name: string, atMs: number): boolean {
  const turn = Math.floor(atMs / 2000);
  return SERVICES[turn % SERVICES.length] === name && (turn >> 2) % 2 === 1;
}

function take(fromMs: number, toMs: number): Promise<Taken> {
  const columns = SERVICES.map((name, index): TakenColumn => {
    const atMs: number[] = [];
    const values: number[] = [];
    for (let at = Math.floor(fromMs / STEP_MS + 1) * STEP_MS; at <= toMs; at += STEP_MS) {
      atMs.push(at);
      const wobble = (Math.imul(at / STEP_MS + index, 2654435761) >>> 16) / 65536 - 0.5;
      values.push((isSlow(name, at) ? 200 : 100) * (1 + 0.02 * wobble));
    }
    const series = { service: name, metric: "latency", version: null, percentagePoint: 0.01 };
    return { series, atMs, values };
  });
  return Promise.resolve({ columns, problems: [] });
}

function carryOut({ key, command }: Errand): Promise<CarriedOut> {
  appendFileSync(join(dir, "platform.txt"), `${command.kind} ${command.deploymentId} ${key}\n`);
  return Promise.resolve({ status: "done", finished: { succeeded: true, detail: "" } });
}

const host = await startHost({
  ...{ policy, services: SERVICES.map(service), dir: join(dir, "journal"), clock: systemClock },
  source: { take, takeOf: (_, fromMs, toMs) => take(fromMs, toMs) },
  effects: { carryOut },
  lease: { acquire: () => Promise.resolve(), holds: () => true },
  note: (text) => process.stderr.write(`${text}\n`),
  options: { ...OPTIONS, pollMs: STEP_MS, rotateMs: 4000 },
});
process.on("SIGTERM", () => void host.stop());
const announcing = setInterval(() => {
  const turn = Math.floor(Date.now() / 2000);
  const name = SERVICES[turn % SERVICES.length]!;
  const told = started(name, `${name}-${turn}`, turn * 2000);
  host.tell(told).catch(() => undefined);
}, 2000);
await host.done;
clearInterval(announcing);
