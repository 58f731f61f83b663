/** What the holder of a token may not do, on a real host. */

import { afterEach, expect, it } from "vitest";
import { startStage, TOKENS, type HostOnStage } from "./stage.ts";

const ENV = { ARGOCD: "the token of Argo CD" };
const CONFIG = `act: true
platform: { url: "http://127.0.0.1:9/platform", secret: env:PLATFORM }
page: { url: "http://127.0.0.1:9/page", secret: env:PAGE }
senders:
  pipeline: { secret: env:PIPELINE, may: [deployments] }
  chat: { secret: env:CHAT, may: [overrides] }
  rollouts: { token: env:ROLLOUTS, may: [argo-rollouts], services: [search, checkout] }
  flags: { token: env:FLAGGER, may: [flagger, rollbacks], services: [search] }
  cd: { token: env:ARGOCD, may: [argocd] }
`;

let stage: HostOnStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

async function post(path: string, token: string, body: object, more: object = {}) {
  const response = await fetch(`${stage!.url}/v1/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...more },
    body: JSON.stringify(body),
  });
  await response.text();
  return response.status;
}
const argo = (deploymentId: string, service: string, path = "argo-rollouts"): Promise<number> =>
  post(path, TOKENS.ROLLOUTS, { deploymentId, service, version: deploymentId });
const hook = (name: string, about: object): Promise<number> => {
  const canary = { name: "pricing", namespace: "shop", checksum: "c1", phase: "Failed", ...about };
  return post(`flagger/${name}`, TOKENS.FLAGGER, canary);
};
const phases = async (): Promise<Record<string, string>> => {
  const { open } = (await stage!.status()) as { open: { deploymentId: string; phase: string }[] };
  return Object.fromEntries(open.map(({ deploymentId, phase }) => [deploymentId, phase]));
};

/** Announced by the pipeline, and slow. */
async function slowed(polls: number, deploymentId = "checkout-1"): Promise<void> {
  await stage!.poll();
  const start = { deploymentId, service: "checkout" };
  expect(await stage!.send("deployments", start, "start", "PIPELINE")).toBe(200);
  await stage!.poll();
  stage!.slow.add("checkout");
  for (let poll = 0; poll < polls; poll++) await stage!.poll();
}

it("announces and asks for its own services only", async () => {
  stage = await startStage(CONFIG, ["search", "checkout", "pricing"], ENV);
  const other = { deploymentId: "shop/pricing@c1", service: "pricing", version: "c1" };
  expect(await stage.send("deployments", other, "start", "PIPELINE")).toBe(200);
  expect([await argo("p-1", "pricing"), await argo("s-1", "search")]).toEqual([403, 200]);
  expect(await hook("confirm-rollout", { checksum: "c2" })).toBe(403);
  for (const name of ["rollback", "confirm-promotion", "confirm-rollout"]) {
    expect(await hook(name, {}), name).toBe(403);
  }
  const url = `${stage.url}/v1/argo-rollouts?deploymentId=shop/pricing@c1`;
  const headers = { authorization: `Bearer ${TOKENS.ROLLOUTS}` };
  expect((await fetch(url, { headers })).status).toBe(403);
  expect(Object.keys(await phases()).sort()).toEqual(["s-1", "shop/pricing@c1"]);
  expect(stage.log.join("")).toContain("pricing is not in senders.rollouts.services");
  expect(await stage.audit()).toEqual([0, 0]);
});

it("answers no question of people with a new deployment", async () => {
  stage = await startStage(CONFIG, ["search", "checkout"], ENV);
  await slowed(1);
  expect(await phases()).toEqual({ "checkout-1": "proposed" });
  const at = new Date(stage.clock.wallMs()).toISOString();
  const sync = {
    metadata: { name: "checkout" },
    status: {
      operationState: {
        ...{ phase: "Running", startedAt: at },
        operation: { sync: { revision: "b".repeat(40) } },
      },
    },
  };
  expect(await argo("checkout-2", "checkout")).toBe(409);
  expect(await post("argocd", ENV.ARGOCD, sync)).toBe(409);
  expect(await argo("search-1", "search")).toBe(200);
  expect(await phases()).toEqual({ "checkout-1": "proposed", "search-1": "watching" });
  // After the answer they may come again, and nothing of them was remembered.
  const override = { deploymentId: "checkout-1", by: "kim", justification: "a known batch" };
  expect(await stage.send("overrides", override, "o-1", "CHAT")).toBe(200);
  expect(await post("argocd", ENV.ARGOCD, sync)).toBe(200);
  expect(Object.keys(await phases())).toContain(`argocd/checkout/${at}`);
  expect(await argo("checkout-2", "checkout")).toBe(200);
  expect(await stage.audit()).toEqual([0, 0]);
});

it("ends no rollback of another platform", async () => {
  stage = await startStage(CONFIG, ["search", "checkout"], ENV);
  await slowed(3);
  expect(await phases()).toEqual({ "checkout-1": "rollingBack" });
  expect(await post("argo-rollouts/aborted", TOKENS.ROLLOUTS, { deploymentId: "checkout-1" })).toBe(
    403,
  );
  // May report rollbacks, of another service; and never by the route of senders that sign.
  const end = { deploymentId: "checkout-1", succeeded: true };
  const named = { "hindsight-sender": "flags" };
  expect(await post("rollbacks/finished", TOKENS.FLAGGER, end, named)).toBe(403);
  expect(await phases()).toEqual({ "checkout-1": "rollingBack" });
  expect(await stage.audit()).toEqual([0, 0]);
});
