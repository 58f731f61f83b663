/**
 * A host in a process of its own with three deployments, one of which makes the engine throw:
 * `node poisonedProcess.js DIR`. Its platform is a file.
 */

import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import type { CarriedOut, Errand, Taken, TakenColumn } from "../../lab/shadow/contract.ts";
import { startHost } from "../../lab/shadow/host.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { policyOf } from "../engine/policyFile.ts";
import { BY_GLOB, poisoned } from "./poison.ts";
import { OPTIONS, service, started } from "./stage.ts";

const STEP_MS = 250;
const SERVICES = ["api", "db", "web"];
const policy = policyOf({
  ...BY_GLOB,
  watch: "5m",
  signals: {
    latency: {
      metric: "latency*",
      worse: "up",
      tolerance: "10%",
      detector: { kind: "threshold", breaches: 2, of: 3, baseline: "1m", season: false },
      hold: "0s",
    },
  },
});

const dir = process.argv[2]!;
const isRestart = existsSync(join(dir, "journal"));
let deployedMs = isRestart ? 0 : Number.POSITIVE_INFINITY;

/** From the deployments on `api` is slow, and the samples of `web` are poison. */
function take(fromMs: number, toMs: number): Promise<Taken> {
  const columns = SERVICES.map((name): TakenColumn => {
    const atMs: number[] = [];
    const values: number[] = [];
    for (let at = Math.floor(fromMs / STEP_MS + 1) * STEP_MS; at <= toMs; at += STEP_MS) {
      atMs.push(at);
      const wobble = (Math.imul(at / STEP_MS, 2654435761) >>> 16) / 65536 - 0.5;
      const isSlow = name === "api" && at > deployedMs;
      values.push((isSlow ? 200 : 100) * (1 + 0.02 * wobble));
    }
    const series = { service: name, metric: "latency", version: null, percentagePoint: 0.01 };
    const column = { series, atMs, values };
    return name === "web" && toMs > deployedMs ? poisoned(column) : column;
  });
  return Promise.resolve({ columns, problems: [] });
}

function carryOut({ key, command }: Errand): Promise<CarriedOut> {
  appendFileSync(join(dir, "platform.txt"), `${command.kind} ${command.deploymentId} ${key}\n`);
  return Promise.resolve({ status: "done", finished: { succeeded: true, detail: "" } });
}

const host = await startHost({
  ...{ policy, dir: join(dir, "journal"), clock: systemClock },
  services: SERVICES.map(service),
  source: { take, takeOf: (_, fromMs, toMs) => take(fromMs, toMs) },
  effects: { carryOut },
  lease: { acquire: () => Promise.resolve(), holds: () => true },
  note: (text) => process.stderr.write(`${text}\n`),
  options: { ...OPTIONS, pollMs: STEP_MS },
});
if (!isRestart) {
  await systemClock.wait(600, new AbortController().signal);
  const atMs = Date.now();
  for (const name of SERVICES) {
    // Full autonomy there: a busy machine cannot miss a window.
    await host.tell(started(name, `${name}-1`, atMs, { environment: "test" }));
  }
  deployedMs = atMs;
}
await host.done;
