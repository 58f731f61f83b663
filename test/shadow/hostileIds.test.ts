/** Ids that are names of JavaScript itself, signed and sent to a real host, which restarts. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, it } from "vitest";
import { configDirectory, killAll, startLive, until, type LiveProcess } from "./liveProcess.ts";

const NAMES = ["toString", "hasOwnProperty", "__proto__", "constructor"];

const metrics = createServer((_request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end('{"status":"success","data":{"resultType":"matrix","result":[]}}');
});
afterAll(() => {
  killAll();
  metrics.closeAllConnections();
  metrics.close();
});

const ready = (host: LiveProcess) =>
  until(async () => (await host.get("/health/ready")).status === 200);

it("are deployments like any other, before and after a kill", async () => {
  await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
  const { port } = metrics.address() as AddressInfo;
  const directory = configDirectory(`policy: policy.yaml
journal: journal
metrics: { url: "http://127.0.0.1:${port}", every: 500ms, queries: { latency_ms: latency_ms } }
services: { checkout: { team: payments } }
senders:
  pipeline: { secret: env:PIPELINE, may: [deployments] }
listen: 127.0.0.1:0
lease: { for: 2s }
`);
  const host = await startLive(directory);
  await ready(host);
  const environments = ["production", "staging", "canary", "test"];
  for (const [at, deploymentId] of NAMES.entries()) {
    const body = { deploymentId, service: "checkout", environment: environments[at] };
    const { status } = await host.send("deployments", body, `d-${at}`);
    expect({ deploymentId, status }).toEqual({ deploymentId, status: 200 });
  }
  const openOn = async (one: LiveProcess): Promise<unknown[]> => {
    const { body } = await one.get("/v1/status");
    return (body["open"] as { deploymentId: string }[]).map(({ deploymentId }) => deploymentId);
  };
  expect((await openOn(host)).sort()).toEqual([...NAMES].sort());
  killAll();
  const again = await startLive(directory);
  await ready(again);
  expect((await openOn(again)).sort()).toEqual([...NAMES].sort());
});
