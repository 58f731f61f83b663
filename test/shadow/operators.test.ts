/** GitHub, Argo CD and operators at the door of a live host, and the form of a signature. */

import { createHmac } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { signatureOf } from "../../lab/shadow/http/signature.ts";
import { openDoor, SECRETS } from "./door.ts";
import { START_MS } from "./hosts.ts";

let door: ReturnType<typeof openDoor>;
beforeEach(() => {
  door = openDoor();
});

describe("GitHub and Argo CD", () => {
  const created = new Date(START_MS - 60_000).toISOString();
  const running = new Date(START_MS - 5000).toISOString();
  const about = (state: string | null) => ({
    repository: { full_name: "octo/shop" },
    deployment: {
      id: 7,
      created_at: created,
      environment: "production",
      sha: "abc",
      task: "deploy",
    },
    ...(state === null ? {} : { deployment_status: { state, created_at: running } }),
  });
  const github = async (body: unknown, signed = SECRETS.hub) => {
    const text = JSON.stringify(body);
    const signature = createHmac("sha256", signed).update(text).digest("hex");
    const headers = {
      "content-type": "application/json",
      "x-hub-signature-256": `sha256=${signature}`,
    };
    return door.app.inject({ method: "POST", url: "/v1/github", headers, payload: text });
  };

  it("a deployment of GitHub starts once, when it runs", async () => {
    for (const body of [{ zen: "Keep it logically awesome." }, about(null), about("queued")]) {
      expect((await github(body)).json()).toMatchObject({ reason: "nothing in it is for us" });
    }
    for (const state of ["in_progress", "in_progress", "success"]) {
      expect((await github(about(state))).statusCode).toBe(200);
    }
    expect(door.host.told).toMatchObject([
      {
        kind: "deploymentStarted",
        atMs: START_MS - 5000,
        deployment: { deploymentId: "github/octo/shop/7", service: "cart", version: "abc" },
      },
    ]);
    expect((await github(about("in_progress"), "guessed")).statusCode).toBe(401);
    expect(door.recorded).toMatchObject([{ kind: "wrongSignature", by: "hub" }]);
    expect((await github({ deployment: {} })).statusCode).toBe(400);
  });

  it("a sync of Argo CD starts once, with a token", async () => {
    const sync = { revision: "abc", source: { path: "." } };
    const history = [{ ...sync, revision: "old", deployedAt: "2026-06-01T00:00:00Z" }];
    const state = { phase: "Running", startedAt: running, operation: { sync } };
    const body = {
      app: { metadata: { name: "cart" }, status: { history, operationState: state } },
    };
    const headers = { authorization: `Bearer ${SECRETS.argo}` };
    for (const note of ["one", "two"]) {
      const payload = { ...body, note };
      const answer = await door.app.inject({ method: "POST", url: "/v1/argocd", headers, payload });
      expect(answer.statusCode).toBe(200);
    }
    expect(door.host.told).toMatchObject([{ deployment: { service: "cart", version: "abc" } }]);
    const wrong = { authorization: "Bearer guessed" };
    const answer = await door.app.inject({
      method: "POST",
      url: "/v1/argocd",
      headers: wrong,
      payload: {},
    });
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ title: "Token does not match" });
  });
});

describe("a signature", () => {
  it("is the one of Standard Webhooks, by its own example", () => {
    // The test vector of the specification's reference libraries.
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    expect(
      signatureOf(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'),
    ).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it("covers name, time and body", () => {
    const plain = createHmac("sha256", "k".repeat(16)).update("a.1.b").digest("base64");
    expect(signatureOf("k".repeat(16), "a", 1, "b")).toBe(`v1,${plain}`);
  });
});

describe("operators", () => {
  it("see counts, delays and problems in Prometheus' format", async () => {
    const { body, headers } = await door.app.inject("/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(body).toContain("# TYPE hindsight_rollbacks_asked_total counter\n");
    expect(body).toContain("hindsight_rollbacks_asked_total 1\n");
    expect(body).toContain('hindsight_ingestion_delay_seconds{quantile="0.9"} 3\n');
    expect(body).toContain("hindsight_source_problems 1\n");
    expect(body).toContain('hindsight_commands_total{kind="propose",came="done"} 2\n');
    expect(body).not.toContain("newest_sample");
  });

  it("see the status under a loopback name, or with the readers' token", async () => {
    const seen = await door.app.inject({ url: "/v1/status", headers: { host: "127.0.0.1:8440" } });
    expect(seen.json()).toMatchObject({ act: false, lastPollAt: "2026-07-01T11:59:55Z" });
    const rebound = await door.app.inject({ url: "/v1/status", headers: { host: "evil.example" } });
    expect(rebound.statusCode).toBe(403);
    expect((await door.app.inject("/v1/deployments/none")).statusCode).toBe(404);
    expect((await door.app.inject("/health/ready")).statusCode).toBe(200);
  });
});
