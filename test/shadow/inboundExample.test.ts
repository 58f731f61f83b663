/** The example of lab/shadow/http/README.md, as it is written there, against a real host. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../history/smallWorld.ts";
import {
  configDirectory,
  killAll,
  SECRETS,
  startLive,
  until,
  type LiveProcess,
} from "./liveProcess.ts";

const readme = readFileSync(join(ROOT, "lab/shadow/http/README.md"), "utf8");
const session = /^```sh-session\n([\s\S]*?)^```/m.exec(readme)![1]!;
/** The commands without their prompts. */
const example = session.replace(/^\$ /gm, "");
const ADDRESS = "http://127.0.0.1:8440";

let metrics: Server;
let host: LiveProcess;

beforeAll(async () => {
  metrics = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"status":"success","data":{"resultType":"matrix","result":[]}}');
  });
  await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
  const { port } = metrics.address() as AddressInfo;
  host = await startLive(
    configDirectory(`policy: policy.yaml
journal: journal
metrics: { url: "http://127.0.0.1:${port}", every: 500ms, queries: { latency_ms: latency_ms } }
services: { checkout: { team: payments } }
senders:
  pipeline: { secret: env:PIPELINE, may: [deployments] }
listen: 127.0.0.1:0
`),
  );
  await until(async () => (await host.get("/health/ready")).status === 200);
});

afterAll(() => {
  killAll();
  metrics.closeAllConnections();
  metrics.close();
});

/** Runs the example in a shell; curl prints the answer and its status. */
async function run(script: string, secret = SECRETS.PIPELINE) {
  const words = script.replace(ADDRESS, host.url).replace("curl ", "curl -sw '\\n%{http_code}' ");
  const env = { ...process.env, HINDSIGHT_PIPELINE: secret };
  const { stdout } = await promisify(execFile)("bash", ["-euc", words], { env, timeout: 30_000 });
  const [body, status] = stdout.split("\n") as [string, string];
  return { status: Number(status), body: JSON.parse(body) as Record<string, unknown> };
}

it("announces a deployment, once", async () => {
  expect(example).toContain(`curl ${ADDRESS}/v1/deployments`);
  const first = await run(example);
  expect(first).toMatchObject({ status: 200, body: { accepted: true } });
  expect(first.body["decisionIds"]).toEqual(["checkout-42#1"]);
  // Another delivery of the same deployment: the engine refuses it.
  expect((await run(example)).status).toBe(409);
  const { body } = await host.get("/v1/status");
  expect(body["open"]).toMatchObject([{ deploymentId: "checkout-42", service: "checkout" }]);
});

it("is answered as the table of answers says", async () => {
  const rows = [...readme.matchAll(/^\| (\d{3}) \| ([^|]+?) +\|/gm)];
  const titles = new Map(rows.map(([, status, title]) => [title!, Number(status)]));
  const other = example.replace("checkout-42", "checkout-43");
  const wrong = await Promise.all([
    run(other, "of another sender"),
    run(other.replace("pipeline", "pipelin")),
    run(other.replace("at=$(date +%s)", "at=1000000000")),
    run(other.replace('"version"', '"verzion"')),
  ]);
  expect(wrong.map(({ status }) => status)).toEqual([401, 401, 401, 400]);
  for (const { status, body } of wrong) expect(titles.get(String(body["title"]))).toBe(status);
  const unknown = await run(other.replace('"service":"checkout"', '"service":"chekout"'));
  expect(unknown.status).toBe(422);
  expect(unknown.body["detail"]).toContain("checkout");
});
