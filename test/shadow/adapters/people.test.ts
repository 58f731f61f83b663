/** Slack and PagerDuty with the configs of their pages in lab/shadow/adapters, on a real host. */

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EngineCommand } from "../../../engine/index.ts";
import { channelOf } from "../../../lab/shadow/adapters/pages.ts";
import type { Effects, Errand } from "../../../lab/shadow/contract.ts";
import { ROOT } from "../../history/smallWorld.ts";
import { closeServer, listen } from "../prometheus.ts";
import { startStage, type HostOnStage } from "./stage.ts";

const configOf = (name: string): string => {
  const page = readFileSync(join(ROOT, "lab/shadow/adapters", name), "utf8");
  return /^```yaml\n([\s\S]*?)^```/m.exec(page)![1]!;
};
const fixture = readFileSync(
  join(import.meta.dirname, "fixtures/slack-block-actions.json"),
  "utf8",
);
const SIGNING = "8f742231b10e8888abcd99yyyzzz85a5";
const ROUTING = "e93facc04764012d7bfb002500d5d1a6";
const PIPELINE = "  pipeline: { secret: env:PIPELINE, may: [deployments] }\n";

interface Posted {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

let stage: HostOnStage | null = null;
let server: Server;
let url = "";
let posted: Posted[] = [];
let statuses: number[] = [];
beforeEach(async () => {
  [posted, statuses] = [[], []];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      posted.push({ path: request.url!, body: JSON.parse(text) as Posted["body"] });
      response.writeHead(statuses.shift() ?? 202).end("ok");
    });
  });
  url = `http://127.0.0.1:${await listen(server)}`;
});
afterEach(async () => {
  await stage?.close();
  stage = null;
  closeServer(server);
});

async function startSlack(): Promise<void> {
  const config = configOf("slack.md").replace("senders:\n", `senders:\n${PIPELINE}`);
  const people = config.replace("{ U024BE7LH: kim }", "{ U024BE7LH: kim, U0EVE: eve }");
  const env = { SLACK_WEBHOOK: `${url}/services/T/B/a-secret`, SLACK_SIGNING: SIGNING };
  stage = await startStage(people, ["checkout"], env);
}

/** A slow version, and the question about it. */
async function propose(): Promise<void> {
  await stage!.poll();
  const start = { deploymentId: "checkout-42", service: "checkout" };
  expect(await stage!.send("deployments", start, "start", "PIPELINE")).toBe(200);
  await stage!.poll();
  stage!.slow.add("checkout");
  await stage!.poll();
  for (let tries = 0; tries < 500 && posted.length < 2; tries++) await setTimeout(2);
}

const phase = async (): Promise<string | undefined> =>
  ((await stage!.status())["open"] as { phase: string }[])[0]?.phase;

/** What the first button of the question carries. */
function valueOfButton(): string {
  interface Block {
    readonly elements?: readonly { readonly value?: string }[];
  }
  const blocks = posted.flatMap(({ body }) => body["blocks"] as Block[]);
  return blocks.flatMap(({ elements = [] }) => elements).find(({ value }) => value !== undefined)!
    .value!;
}

interface Click {
  readonly change?: (payload: string) => string;
  readonly secret?: string;
  readonly ageS?: number;
  readonly signature?: string;
}

async function click({
  change = (text) => text,
  secret = SIGNING,
  ageS = 0,
  signature,
}: Click = {}) {
  const pressed = JSON.parse(fixture) as { actions: [{ value: string }] };
  pressed.actions[0].value = valueOfButton();
  const body = new URLSearchParams({ payload: change(JSON.stringify(pressed)) }).toString();
  const at = Math.floor(stage!.clock.wallMs() / 1000) - ageS;
  const hmac = createHmac("sha256", secret).update(`v0:${at}:${body}`).digest("hex");
  const response = await fetch(`${stage!.url}/v1/slack`, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": String(at),
      "x-slack-signature": signature ?? `v0=${hmac}`,
    },
    body,
  });
  return response.status;
}

it("Slack gets the question with buttons, and a click overrides it, once", async () => {
  await startSlack();
  await propose();
  const asked = posted.find(({ body }) => JSON.stringify(body).includes("actions"))!;
  const { path, body } = asked;
  expect(path).toBe("/services/T/B/a-secret");
  const blocks = body["blocks"] as {
    type: string;
    elements: { action_id: string; value: string }[];
  }[];
  const [button] = blocks.find(({ type }) => type === "actions")!.elements;
  expect([button!.action_id, JSON.parse(button!.value)]).toEqual([
    "hindsight-override",
    { deploymentId: "checkout-42", ordinal: 1, askedAtMs: expect.any(Number) as number },
  ]);
  expect(JSON.stringify(body)).toContain("Recorded only, nothing will be done");
  expect(await phase()).toBe("proposed");
  expect(await click()).toBe(200);
  expect(await phase()).toBeUndefined();
  expect(await click()).toBe(200);
  const another = (text: string): string => text.replace("12321423423", "5");
  expect(await click({ change: another })).toBe(409);
  expect(stage!.story("checkout-42")).toContain("the button Override in Slack");
  expect(stage!.log.join("")).not.toMatch(/a-secret|8f742231b10e/);
  expect(await stage!.audit()).toEqual([0, 0]);
});

const WRONG_CLICKS: readonly (readonly [what: string, status: number, how: Click])[] = [
  ["signed with another secret", 401, { secret: "the secret of another app" }],
  ["signed six minutes ago", 401, { ageS: 360 }],
  ["signed for the future", 401, { ageS: -360 }],
  ["not signed", 401, { signature: "" }],
  [
    "of a user whom nobody knows",
    403,
    { change: (text) => text.replace("U024BE7LH", "U0STRANGER") },
  ],
  [
    "of a person who is not entitled",
    403,
    { change: (text) => text.replace("U024BE7LH", "U0EVE") },
  ],
  ["about a newer question", 409, { change: (text) => text.replace(":1,", ":2,") }],
  [
    "about an earlier question with the same number",
    409,
    { change: (text) => text.replace(/(askedAtMs[^:]*:)/, "$11") },
  ],
  [
    "on a message of an older version",
    409,
    { change: (text) => text.replace(/,[^,]*askedAtMs[^:]*:\d+/, "") },
  ],
  ["about another deployment", 404, { change: (text) => text.replace("checkout-42", "none-1") }],
  ["of another button", 400, { change: (text) => text.replace("hindsight-override", "x") }],
  ["of another kind", 400, { change: (text) => text.replace("block_actions", "shortcut") }],
  ["without a payload that is JSON", 400, { change: () => "{" }],
];

it("a click that is forged, old, or about another question changes nothing", async () => {
  await startSlack();
  await propose();
  for (const [what, status, how] of WRONG_CLICKS) {
    stage!.log.length = 0;
    expect(await click(how), what).toBe(status);
    expect(await phase(), what).toBe("proposed");
    if (status === 403) expect(stage!.log.join(""), what).toContain('"msg":"refused"');
  }
  expect(await stage!.audit()).toEqual([0, 0]);
});

it("PagerDuty gets one incident for a question, again after 429, and resolved", async () => {
  // The question and the page about it.
  statuses = [429, 429];
  const page = configOf("pagerduty.md").replace("_KEY", `_KEY, url: ${url}/v2/enqueue`);
  const config = `${page}senders:\n${PIPELINE}`;
  stage = await startStage(config, ["checkout"], { PAGERDUTY_KEY: ROUTING });
  await propose();
  for (let polls = 0; polls < 2; polls++) await stage.poll();
  const pages = (): Posted["body"][] =>
    posted
      .map(({ body }) => body)
      .filter((body) => JSON.stringify(body).includes('"class":"page"'));
  for (let tries = 0; tries < 500 && pages().length < 2; tries++) await setTimeout(2);
  const [first, again] = pages();
  expect(again).toEqual(first);
  expect(first).toMatchObject({
    routing_key: ROUTING,
    event_action: "trigger",
    dedup_key: "checkout-42",
    payload: { source: "checkout", severity: "critical" },
  });
  expect(new Set(posted.map(({ body }) => body["dedup_key"]))).toEqual(new Set(["checkout-42"]));
  expect(stage.log.join("")).not.toContain(ROUTING);
});

describe("an incident of PagerDuty", () => {
  const channel = (): Effects["carryOut"] =>
    channelOf({ pagerduty: ROUTING, url: `${url}/v2/enqueue`, timeout: 5000 })!;
  const errand = (decision: number, command: object, kind: EngineCommand["kind"]): Errand => {
    const decisionId = `cart-1#${decision}`;
    const about = { kind, deploymentId: "cart-1", decisionId, askedAtMs: 0 };
    const reason = "p95 is up";
    const more = { service: "cart", version: null, reason, act: true };
    return {
      key: `${decisionId}/${kind}`,
      command: { ...about, ...command } as EngineCommand,
      ...more,
    };
  };
  const keys = (): unknown[] =>
    posted.map(({ body }) => [body["event_action"], body["dedup_key"]].join(" "));
  const carry = async (carryOut: Effects["carryOut"], errands: readonly Errand[]) => {
    const came = [];
    for (const one of errands) {
      came.push((await carryOut(one, new AbortController().signal)).status);
    }
    return came;
  };
  const question = [errand(2, { ordinal: 1 }, "propose"), errand(2, {}, "page")];
  const escalation = [errand(3, { ordinal: 1 }, "escalate"), errand(3, {}, "page")];
  const withdrawal = errand(4, {}, "withdrawProposal");

  it("is one for each question, escalation and page, so that none is swallowed", async () => {
    const later = [errand(5, { ordinal: 2 }, "propose"), errand(6, {}, "page")];
    const fleet = { deploymentId: "(fleet)" };
    const faults = [7, 8].map((decision) => errand(decision, fleet, "page"));
    const all = [...question, ...escalation, ...later, errand(6, {}, "holdRollout"), ...faults];
    await carry(channel(), all);
    expect(keys()).toEqual([
      "trigger cart-1",
      "trigger cart-1",
      "trigger cart-1#3/escalate",
      "trigger cart-1#3/escalate",
      "trigger cart-1#5/propose",
      "trigger cart-1#6/page",
      "trigger cart-1#6/holdRollout",
      "trigger cart-1#7/page",
      "trigger cart-1#8/page",
    ]);
  });

  it("of an escalation is resolved with its question, after a fault as well", async () => {
    const carryOut = channel();
    await carry(carryOut, [...question, ...escalation]);
    posted.length = 0;
    statuses = [202, 503];
    expect(await carry(carryOut, [withdrawal, withdrawal])).toEqual(["unknown", "done"]);
    expect(keys().slice(0, 2)).toEqual(["resolve cart-1", "resolve cart-1#3/escalate"]);
    expect(keys().at(-1)).toBe("resolve cart-1#3/escalate");
    posted.length = 0;
    // A host that was restarted knows the first question only.
    await carry(channel(), [withdrawal]);
    expect(keys()).toEqual(["resolve cart-1"]);
  });

  it("has a key of at most 255 characters, and another one for every deployment", async () => {
    const ids = ["a", "b"].map((end) => "x".repeat(300) + end);
    const long = ids.map((deploymentId) => errand(2, { deploymentId, ordinal: 1 }, "propose"));
    await carry(channel(), long);
    const given = posted.map(({ body }) => body["dedup_key"] as string);
    expect(new Set(given).size).toBe(2);
    for (const key of given) expect(key.length).toBeLessThanOrEqual(255);
  });
});
