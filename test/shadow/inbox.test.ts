/** Deliveries at the door: who may send what, once, and what is refused and recorded. */

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { signatureOf } from "../../lab/shadow/http/signature.ts";
import { ROOT } from "../history/smallWorld.ts";
import { openDoor, SECRETS, WINDOW_MS, type Sent } from "./door.ts";
import { notingHost, START_MS } from "./hosts.ts";

let door: ReturnType<typeof openDoor>;
beforeEach(() => {
  door = openDoor();
});

const START = { deploymentId: "cart-1", service: "cart", version: "v2" };
const OVERRIDE = { deploymentId: "cart-1", by: "ana", justification: "we expected it" };

describe("a delivery", () => {
  it("becomes an event", async () => {
    expect(await door.send("deployments", { ...START, service: "pay" })).toMatchObject({
      status: 200,
      accepted: true,
      decisionIds: ["deploymentStarted#1"],
    });
    expect(door.host.told).toEqual([
      {
        kind: "deploymentStarted",
        atMs: Number.POSITIVE_INFINITY,
        deployment: {
          deploymentId: "cart-1",
          service: "pay",
          environment: "production",
          kind: "code",
          startedAtMs: Number.POSITIVE_INFINITY,
          version: "v2",
          author: null,
          team: null,
          criticality: null,
        },
      },
    ]);
  });

  it("has one effect, and gets the same answer whenever it is sent again", async () => {
    const first = await door.send("deployments", START);
    door.clock.nowMs += 1000;
    door.host.answer = () => ({ accepted: false, decisionIds: [], reason: "never asked" });
    expect(await door.send("deployments", START)).toEqual(first);
    expect(door.host.told).toHaveLength(1);
  });

  it("has one effect where it arrives twice at the same time", async () => {
    const answers = await Promise.all([
      door.send("deployments", START),
      door.send("deployments", START),
    ]);
    expect(answers[0]).toEqual(answers[1]);
    expect(door.host.told).toHaveLength(1);
  });

  it("has no second effect after a restart, even one that cut a line short", async () => {
    const first = await door.send("deployments", START);
    appendFileSync(door.file, '{"key":"ci/d-2","atM');
    door.restart();
    expect(await door.send("deployments", START)).toEqual(first);
    expect(door.host.told).toHaveLength(1);
    await door.send("deployments", { ...START, deploymentId: "cart-2" }, { id: "d-2" });
    expect(door.host.told).toHaveLength(2);
  });

  it("may be sent again where the host could not write it", async () => {
    door.host.answer = () => {
      throw new Error("the disk is full");
    };
    expect(await door.send("deployments", START)).toMatchObject({ status: 500 });
    door.host = notingHost(door.clock);
    door.restart();
    expect(await door.send("deployments", START)).toMatchObject({ status: 200 });
  });

  it("may not change its content under the same id, nor be sent to another URL", async () => {
    await door.send("halt", { halted: true, by: "kim", reason: "storm" }, { as: "chat" });
    const lift = { halted: false, by: "kim", reason: "storm" };
    expect(await door.send("halt/lift", lift, { as: "chat" })).toMatchObject({ status: 409 });
    const moved = { halted: true, by: "kim", reason: "storm" };
    expect(await door.send("halt/lift", moved, { as: "chat", id: "d-9" })).toMatchObject({
      status: 400,
    });
    expect(door.host.told).toHaveLength(1);
    expect(door.recorded).toMatchObject([{ kind: "reused", by: "chat" }]);
  });
});

describe("a deployment in OpenTelemetry's words", () => {
  const readme = readFileSync(join(ROOT, "lab/shadow/http/README.md"), "utf8");
  const body = JSON.parse(/^```json\n([\s\S]*?)^```/m.exec(readme)![1]!) as {
    readonly attributes: object;
  };
  const { attributes } = body;

  it("is the one of the page, and what else a resource says is left out", async () => {
    const resource = { ...attributes, "service.name": "cart", "telemetry.sdk.language": "go" };
    expect(await door.send("deployments", { ...body, attributes: resource })).toMatchObject({
      status: 200,
    });
    expect(door.host.told).toMatchObject([
      {
        kind: "deploymentStarted",
        atMs: Date.parse("2026-07-01T12:00:00Z"),
        deployment: {
          ...{ deploymentId: "1208", service: "cart", version: "v42" },
          ...{ environment: "production", kind: "code" },
        },
      },
    ]);
  });

  it("may have the older name of the environment, and fields beside the attributes", async () => {
    const older = { "service.name": "cart", "deployment.environment": "staging" };
    const mixed = { deploymentId: "cart-7", author: "ana", attributes: older };
    expect(await door.send("deployments", mixed)).toMatchObject({ status: 200 });
    expect(door.host.told).toMatchObject([
      { deployment: { deploymentId: "cart-7", environment: "staging", author: "ana" } },
    ]);
  });

  it.each<[object, string]>([
    [{ ...body, service: "pay" }, "attributes.service.name: `service` says otherwise"],
    [{ attributes: [] }, "attributes: expected an object of attributes"],
    [{ attributes: { "service.name": "cart" } }, "deploymentId: "],
    [{ attributes: { ...attributes, "service.name": { value: "cart" } } }, "service: "],
    [{ attributes: { ...attributes, "service.version": "v".repeat(201) } }, "version: "],
    [{ attributes: JSON.parse('{"__proto__": {"deployment.id": "x"}}') as object }, "deploymentId"],
  ])("is refused where it does not fit: %#", async (wrong, why) => {
    const { status, detail } = await door.send("deployments", wrong);
    expect([status, detail]).toEqual([400, expect.stringContaining(why)]);
    expect(door.host.told).toEqual([]);
  });
});

it("a halt says in its signed body whether it begins or ends", async () => {
  for (const [halted, id, to] of [
    [true, "h-1", "halt"],
    [false, "h-2", "halt"],
    [false, "h-3", "halt/lift"],
  ] as const) {
    const body = { halted, by: "kim", reason: "storm" };
    expect(await door.send(to, body, { as: "chat", id })).toMatchObject({ status: 200 });
  }
  const kinds = door.host.told.map(({ kind }) => kind);
  expect(kinds).toEqual(["haltOrdered", "haltLifted", "haltLifted"]);
  const unsaid = { by: "kim", reason: "storm" };
  expect(await door.send("halt", unsaid, { as: "chat", id: "h-4" })).toMatchObject({ status: 400 });
});

it("keeps the sender's times; without one the host's time counts", async () => {
  await door.send("deployments", { ...START, startedAt: "2026-07-01T13:58:00+02:00" });
  expect(door.host.told).toMatchObject([{ atMs: START_MS - 120_000 }]);
});

describe("refused, and recorded", () => {
  const WRONG = ["wrongSignature", "Signature does not match"] as const;
  const STALE = ["staleSignature", "Signature is outside its time window"] as const;
  it.each<[string, Sent, readonly [kind: string, title: string]]>([
    ["a wrong secret", { secret: "guessed" }, WRONG],
    ["a changed body", { tampered: JSON.stringify({ ...START, service: "pay" }) }, WRONG],
    ["a signature from before the window", { atMs: START_MS - WINDOW_MS - 1000 }, STALE],
    ["a signature from the future", { atMs: START_MS + WINDOW_MS + 2000 }, STALE],
    ["a sender nobody knows", { as: "eve" }, ["unsigned", "Authentication required"]],
    ["another sender's name", { as: "chat", secret: SECRETS.ci }, WRONG],
  ])("%s", async (_what, how, [kind, title]) => {
    expect(await door.send("deployments", START, how)).toMatchObject({ status: 401, title });
    expect(door.host.told).toEqual([]);
    expect(door.recorded).toMatchObject([{ kind, what: "webhook for deployments" }]);
    expect(JSON.stringify(door.recorded)).not.toContain("eve");
  });

  it.each([
    ["deployments", { ...START, service: "crat" }],
    ["tags", { service: "crat", tag: "freeze" }],
  ])("a service that is not in the catalog: %s", async (to, body) => {
    const refused = await door.send(to, body);
    expect(refused).toMatchObject({ status: 422, type: "/problems/unprocessable" });
    expect(refused["detail"]).toMatch(
      /service crat .* similar is cart.*`services`.*unknownServices/,
    );
    expect(door.host.told).toEqual([]);
    expect(door.recorded).toMatchObject([{ kind: "unknownService", by: "ci" }]);
    // It is not remembered as answered: the same delivery may come again once the catalog has it.
    expect(await door.send(to, { ...body, service: "cart" })).toMatchObject({ status: 200 });
  });

  it.each([{ services: [] }, { unknownServices: "accept" as const }])(
    "no service where shadow.yaml has %o",
    async (options) => {
      door = openDoor(options);
      const answer = await door.send("deployments", { ...START, service: "crat" });
      expect(answer).toMatchObject({ status: 200 });
    },
  );

  it("a delivery that is replayed after the window of its signature", async () => {
    await door.send("deployments", START);
    door.clock.nowMs += WINDOW_MS + 2000;
    expect(await door.send("deployments", START, { atMs: START_MS })).toMatchObject({
      status: 401,
    });
    expect(door.recorded).toMatchObject([{ kind: "staleSignature" }]);
    expect(door.host.told).toHaveLength(1);
  });

  it("a kind that the sender may not send", async () => {
    expect(await door.send("overrides", OVERRIDE)).toMatchObject({
      status: 403,
      detail: "ci may not send overrides",
    });
    expect(door.recorded).toMatchObject([{ kind: "notAllowed", by: "ci" }]);
  });

  it("an override, an approval or a halt by a person who is not entitled", async () => {
    door.host.open = [
      { deploymentId: "pay-1", service: "pay", phase: "proposed", answerByMs: null },
    ];
    const pay = { ...OVERRIDE, deploymentId: "pay-1" };
    const approval = { deploymentId: "pay-1", by: "nobody" };
    const halt = { halted: true, by: "ana", reason: "storm" };
    const refused = [
      await door.send("overrides", pay, { as: "chat", id: "1" }),
      await door.send("approvals", approval, { as: "chat", id: "2" }),
      await door.send("halt", halt, { as: "chat", id: "3" }),
    ];
    expect(refused.map(({ status, detail }) => [status, detail])).toEqual([
      [403, "ana is not entitled to override for pay, of team money (sent by chat)"],
      [403, "nobody is not entitled to approve (sent by chat)"],
      [403, "ana is not entitled to halt (sent by chat)"],
    ]);
    expect(door.recorded).toHaveLength(3);
    expect(door.host.told).toEqual([]);
    await door.send("overrides", { ...pay, by: "kim" }, { as: "chat", id: "4" });
    expect(door.host.told).toMatchObject([{ kind: "overrideGiven", by: "kim" }]);
  });

  it("by the host, an override of a deployment that is no longer watched", async () => {
    const reason = "this host knows no such deployment";
    door.host.answer = () => ({ accepted: false, decisionIds: ["gone-1#1"], reason });
    const late = { ...OVERRIDE, deploymentId: "gone-1" };
    const { status, detail } = await door.send("overrides", late, { as: "chat", id: "1" });
    expect([status, detail]).toEqual([409, reason]);
    expect(door.recorded).toEqual([]);
    const stranger = { ...late, by: "nobody" };
    expect(await door.send("overrides", stranger, { as: "chat", id: "2" })).toMatchObject({
      status: 403,
    });
  });

  it("many of the same kind as one entry a minute", async () => {
    for (let i = 0; i < 50; i++) await door.send("deployments", START, { secret: "guessed" });
    expect(door.recorded).toHaveLength(1);
    door.clock.nowMs += 60_000;
    await door.send("deployments", START, { secret: "guessed" });
    expect(door.recorded.map(({ why }) => why)).toEqual([
      "the delivery is refused: its signature does not match",
      "the delivery is refused: its signature does not match; 49 times more within a minute",
      "the delivery is refused: its signature does not match",
    ]);
    const { body } = await door.app.inject("/metrics");
    expect(body).toContain('hindsight_refused_requests_total{kind="wrongSignature"} 51');
  });

  it("an event that the engine refuses, with the engine's reason", async () => {
    door.host.open = [
      { deploymentId: "cart-1", service: "cart", phase: "watching", answerByMs: null },
    ];
    door.host.answer = () => ({
      accepted: false,
      decisionIds: ["cart-1#4"],
      reason: "approval by ana: no proposal stands",
    });
    const approval = { deploymentId: "cart-1", by: "ana" };
    expect(await door.send("approvals", approval, { as: "chat" })).toMatchObject({
      status: 409,
      detail: "approval by ana: no proposal stands",
    });
    // The engine's own record says it: the door writes no second.
    expect(door.recorded).toEqual([]);
  });
});

describe("a body that does not match its schema", () => {
  it.each([
    ["deployments", { ...START, kind: "magic" }, /^kind: /],
    [
      "deployments",
      { ...START, startedAt: "yesterday" },
      /^startedAt: expected a time in ISO 8601/,
    ],
    ["deployments", { ...START, colour: "red" }, /Unrecognized key/],
    ["stages", { deploymentId: "cart-1", share: 5 }, /^share: expected a share/],
    ["tags", [], /expected object/],
  ])("%s %j", async (path, body, detail) => {
    expect(await door.send(path, body)).toMatchObject({
      status: 400,
      detail: expect.stringMatching(detail) as string,
    });
    expect(door.host.told).toEqual([]);
  });

  it("a body that is too large, of another type, or no JSON", async () => {
    const large = await door.app.inject({
      method: "POST",
      url: "/v1/deployments",
      headers: { "content-type": "application/json" },
      payload: `"${"x".repeat(600_000)}"`,
    });
    expect(large.statusCode).toBe(413);
    const form = await door.app.inject({
      method: "POST",
      url: "/v1/deployments",
      headers: { "content-type": "text/plain" },
      payload: "{}",
    });
    expect(form.statusCode).toBe(415);
    const text = "{";
    const headers = {
      "content-type": "application/json",
      "hindsight-sender": "ci",
      "webhook-id": "a",
      "webhook-timestamp": String(door.clock.nowMs / 1000),
      "webhook-signature": signatureOf(SECRETS.ci, "a", door.clock.nowMs / 1000, text),
    };
    const json = await door.app.inject({ method: "POST", url: "/v1/tags", headers, payload: text });
    expect(json.json()).toMatchObject({ status: 400, detail: "The body is no JSON." });
  });
});
