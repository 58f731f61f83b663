/** CDEvents with the config of lab/shadow/adapters/cdevents.md, on a real host. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { ROOT } from "../../history/smallWorld.ts";
import { lineTo } from "./line.ts";
import { startStage, type HostOnStage } from "./stage.ts";

const page = readFileSync(join(ROOT, "lab/shadow/adapters/cdevents.md"), "utf8");
const CONFIG = /^```yaml\n([\s\S]*?)^```/m.exec(page)![1]!;
const fixture = join(import.meta.dirname, "fixtures/cdevents-service-deployed.json");
const DEPLOYED = readFileSync(fixture, "utf8");
const TOKEN = "the token of the pipeline's events";
/** The tool that rolls back asks for it, and an event says that it was done. */
const ACTS = `act: true
platform: { askedBy: flagger }
page: { url: "http://127.0.0.1:9/page", secret: env:PAGE }
${CONFIG.replace("senders:\n", "senders:\n  flagger: { token: env:FLAGGER, may: [flagger] }\n")}`;
const ENDS = ACTS.replace("may: [cdevents]", "may: [cdevents, rollbacks]");

interface Posting {
  readonly to?: string;
  readonly type?: string;
  readonly timeoutMs?: number;
}

let stage: HostOnStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

async function post(body: string, token = TOKEN, how: Posting = {}) {
  const { to = stage!.url, type = "application/json", timeoutMs = 60_000 } = how;
  const response = await fetch(`${to}/v1/cdevents`, {
    method: "POST",
    signal: AbortSignal.timeout(timeoutMs),
    headers: { "content-type": type, authorization: `Bearer ${token}` },
    body,
  });
  const { accepted } = (await response.json()) as { accepted?: boolean };
  return [response.status, accepted];
}

const phases = async (): Promise<string[]> =>
  ((await stage!.status())["open"] as { phase: string }[]).map(({ phase }) => phase);

it("an event begins a watch, and another ends the rollback that was ordered", async () => {
  stage = await startStage(ENDS, ["checkout"], { EVENTS: TOKEN });
  await stage.poll();
  const now = new Date(stage.clock.wallMs()).toISOString();
  const deployed = DEPLOYED.replace("2026-07-01T12:00:00Z", now);
  const rolledBack = deployed
    .replace("deployed.0.3.0", "rolledback.0.3.0")
    .replace("271069a8", "f");
  const structured = JSON.stringify({ specversion: "1.0", data: JSON.parse(deployed) as unknown });
  expect(await post(structured)).toEqual([200, true]);
  expect(await post(structured)).toEqual([200, true]);
  expect(await phases()).toEqual(["watching"]);
  expect(await post(rolledBack)).toEqual([200, false]);
  await stage.poll();
  stage.slow.add("checkout");
  for (let polls = 0; polls < 3; polls++) await stage.poll();
  expect(await phases()).toEqual(["rollingBack"]);
  // The older version is deployed again, and the pipeline says so before the rollback is over.
  const again = deployed
    .replace(now, new Date(stage.clock.wallMs()).toISOString())
    .replace("9d70a1695819", "2");
  expect(await post(again)).toEqual([200, true]);
  expect((await phases()).sort()).toEqual(["rollingBack", "watching"]);
  expect(await post(rolledBack.replace("9d70a1695819", "1"))).toEqual([200, true]);
  expect(await phases()).toEqual(["watching"]);
  expect(await stage.audit()).toEqual([0, 0]);
});

it("an event ends no rollback unless its sender may report rollbacks", async () => {
  stage = await startStage(ACTS, ["checkout"], { EVENTS: TOKEN });
  await stage.poll();
  const now = new Date(stage.clock.wallMs()).toISOString();
  const deployed = DEPLOYED.replace("2026-07-01T12:00:00Z", now);
  expect(await post(deployed)).toEqual([200, true]);
  await stage.poll();
  stage.slow.add("checkout");
  const rolledBack = deployed.replace("deployed.0.3.0", "rolledback.0.3.0");
  // Until the order was sent, there is nothing to end.
  const answers: unknown[] = [];
  for (let polls = 0; polls < 8 && answers.at(-1) !== 403; polls++) {
    await stage.poll();
    answers.push((await post(rolledBack.replace("9d70a1695819", `${polls}`)))[0]);
  }
  expect(answers.at(-1)).toBe(403);
  expect(await phases()).toEqual(["rollingBack"]);
  expect(stage.log.join("")).toContain("events may not report the end of a rollback");
});

it("an event whose sender got no answer is sent again, and has one effect", async () => {
  stage = await startStage(ENDS, ["checkout"], { EVENTS: TOKEN });
  const line = await lineTo(() => stage!.url);
  try {
    await stage.poll();
    const now = new Date(stage.clock.wallMs()).toISOString();
    const deployed = DEPLOYED.replace("2026-07-01T12:00:00Z", now);
    const rolledBack = deployed
      .replace("deployed.0.3.0", "rolledback.0.3.0")
      .replace("9d70a1695819", "2");
    const send = (body: string) => post(body, TOKEN, { to: line.url, timeoutMs: 300 });
    line.mood = "down";
    await expect(send(deployed)).rejects.toThrow("fetch failed");
    expect(await phases()).toEqual([]);
    line.mood = "slow";
    await expect(send(deployed)).rejects.toThrow("timeout");
    expect([line.lost() > 0, await phases()]).toEqual([true, ["watching"]]);
    // The sender's next attempt finds a host that was started again.
    await stage.restart();
    line.mood = "well";
    expect(await send(deployed)).toEqual([200, true]);
    expect(await phases()).toEqual(["watching"]);
    stage.slow.add("checkout");
    for (let polls = 0; polls < 3; polls++) await stage.poll();
    expect(await phases()).toEqual(["rollingBack"]);
    line.mood = "slow";
    await expect(send(rolledBack)).rejects.toThrow("timeout");
    expect(await phases()).toEqual([]);
    line.mood = "well";
    // The answer of the first time: a second one would say that nothing is under way.
    expect(await send(rolledBack)).toEqual([200, true]);
    expect(await stage.audit()).toEqual([0, 0]);
  } finally {
    line.close();
  }
});

it.each([
  // CloudEvents over HTTP says which mode it is by the type.
  ["structured", "application/cloudevents+json; charset=utf-8"],
  ["binary", "application/cdevents+json; charset=utf-8"],
  ["binary", "application/json"],
])("an event in %s mode is taken as %s", async (mode, type) => {
  stage = await startStage(CONFIG, ["checkout"], { EVENTS: TOKEN });
  const event = JSON.parse(DEPLOYED) as { context: { id: string; source: string; type: string } };
  const { id, source, type: kind } = event.context;
  const envelope = { specversion: "1.0", id, source, type: kind, data: event };
  const body = JSON.stringify(mode === "structured" ? envelope : event);
  expect(await post(body, TOKEN, { type })).toEqual([200, true]);
  expect(await phases()).toEqual(["watching"]);
});

it("an event that is wrong, of a stranger or not of a service begins nothing", async () => {
  stage = await startStage(CONFIG, ["checkout"], { EVENTS: TOKEN });
  const cases: readonly (readonly [text: string, status: number, token?: string])[] = [
    [DEPLOYED, 401, "the token of somebody else"],
    [DEPLOYED.replace("service.deployed", "incident.detected"), 200],
    [DEPLOYED.replace("/namespace/checkout", "/namespace/chekout"), 422],
    [DEPLOYED.replace("2026-07-01T12:00:00Z", "yesterday"), 400],
    [DEPLOYED.replace('"environment": { "id": "production",', '"environment": {'), 400],
    ['{"context":{"type":{"toString":1}}}', 200],
    ["[]", 200],
    ["{", 400],
  ];
  for (const [text, status, token] of cases) {
    expect((await post(text, token))[0], text).toBe(status);
  }
  expect(await phases()).toEqual([]);
  expect(await post(DEPLOYED)).toEqual([200, true]);
  expect((await post(DEPLOYED.replace("production", "staging")))[0]).toBe(409);
  expect(await phases()).toEqual(["watching"]);
});
