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
import { lineTo } from "./line.ts";
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
/** What the next requests get: a status, no answer at all, or a broken connection. */
let statuses: (number | "slow" | "down")[] = [];
beforeEach(async () => {
  [posted, statuses] = [[], []];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      posted.push({ path: request.url!, body: JSON.parse(text) as Posted["body"] });
      const next = statuses.shift() ?? 202;
      if (next === "down") request.socket.destroy();
      else if (next !== "slow") response.writeHead(next).end("ok");
    });
  });
  url = `http://127.0.0.1:${await listen(server)}`;
});
afterEach(async () => {
  await stage?.close();
  stage = null;
  closeServer(server);
});

/** @param change to the config of the page */
async function startSlack(change = (config: string) => config): Promise<void> {
  const config = change(configOf("slack.md")).replace("senders:\n", `senders:\n${PIPELINE}`);
  const people = config.replace("{ U024BE7LH: kim }", "{ U024BE7LH: kim, U0EVE: eve }");
  const env = { SLACK_WEBHOOK: `${url}/services/T/B/a-secret`, SLACK_SIGNING: SIGNING };
  stage = await startStage(people, ["checkout"], env);
}

/** A slow version, and the question about it, with the page that comes with it. */
async function propose(messages = 2): Promise<void> {
  await stage!.poll();
  const start = { deploymentId: "checkout-42", service: "checkout" };
  expect(await stage!.send("deployments", start, "start", "PIPELINE")).toBe(200);
  await stage!.poll();
  stage!.slow.add("checkout");
  await stage!.poll();
  for (let tries = 0; tries < 500 && posted.length < messages; tries++) await setTimeout(2);
}

/** Polls until the log says it: what is sent again waits for the next poll. */
async function untilLogged(text: RegExp): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (text.test(stage!.log.join(""))) return;
    await setTimeout(10);
  }
  throw new Error(`the log never says ${text}: ${stage!.log.join("")}`);
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
  /** Where Slack sends it; by default the host itself. */
  readonly to?: string;
  /** Slack waits so long for the answer: 3 s in earnest. */
  readonly timeoutMs?: number;
}

async function click({
  change = (text) => text,
  secret = SIGNING,
  ageS = 0,
  signature,
  to = stage!.url,
  timeoutMs = 60_000,
}: Click = {}) {
  const pressed = JSON.parse(fixture) as { actions: [{ value: string }] };
  pressed.actions[0].value = valueOfButton();
  const body = new URLSearchParams({ payload: change(JSON.stringify(pressed)) }).toString();
  const at = Math.floor(stage!.clock.wallMs() / 1000) - ageS;
  const hmac = createHmac("sha256", secret).update(`v0:${at}:${body}`).digest("hex");
  const response = await fetch(`${to}/v1/slack`, {
    method: "POST",
    signal: AbortSignal.timeout(timeoutMs),
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

it("Slack that is down or slow gets the question again, and one answer counts", async () => {
  // The question and the page about it: one connection breaks, and one answer never comes.
  statuses = ["down", "slow"];
  await startSlack((config) =>
    config.replace("SLACK_WEBHOOK }", "SLACK_WEBHOOK, timeout: 100ms }"),
  );
  await propose();
  await untilLogged(/no answer within 0\.1 s/);
  expect(await phase()).toBe("proposed");
  // Sent again after a second, within the question's three.
  await stage!.clock.pass(1000);
  for (let tries = 0; tries < 500 && posted.length < 4; tries++) await setTimeout(2);
  const bodies = posted.map(({ body }) => JSON.stringify(body));
  expect(bodies).toHaveLength(4);
  expect(new Set(bodies).size).toBe(2);
  expect(await click()).toBe(200);
  const story = stage!.story("checkout-42");
  // The same button of the message that came a second time.
  expect(await click({ change: (text) => text.replace("12321423423", "5") })).toBe(409);
  expect(await phase()).toBeUndefined();
  expect(stage!.story("checkout-42")).toBe(story);
  expect(stage!.log.join("")).not.toMatch(/a-secret/);
  expect(await stage!.audit()).toEqual([0, 0]);
});

it("Slack that never gets the question decides nothing, and is not asked too late", async () => {
  statuses = Array<"down">(40).fill("down");
  await startSlack();
  await propose();
  for (let polls = 0; polls < 6; polls++) await stage!.poll();
  // No answer came within the window; a dry run records what the policy then does.
  expect(stage!.story("checkout-42")).toContain("recorded only");
  const questions = (): number =>
    posted.filter(({ body }) => JSON.stringify(body).includes("actions")).length;
  const asked = questions();
  statuses.length = 0;
  for (let polls = 0; polls < 6; polls++) await stage!.poll();
  expect(questions()).toBe(asked);
  expect(await stage!.audit()).toEqual([0, 0]);
});

it("a click that the host does not get or answer in time counts once at most", async () => {
  await startSlack((config) => config);
  const line = await lineTo(() => stage!.url);
  try {
    await propose();
    line.mood = "down";
    await expect(click({ to: line.url })).rejects.toThrow("fetch failed");
    expect(await phase()).toBe("proposed");
    line.mood = "slow";
    await expect(click({ to: line.url, timeoutMs: 300 })).rejects.toThrow("timeout");
    expect([line.lost() > 0, await phase()]).toEqual([true, undefined]);
    const story = stage!.story("checkout-42");
    expect(story).toContain("the button Override in Slack");
    // Slack shows a warning sign, so the person presses again.
    line.mood = "well";
    const again = (text: string): string => text.replace("12321423423", "5");
    expect(await click({ to: line.url, change: again })).toBe(409);
    expect(await click({ to: line.url })).toBe(200);
    expect(stage!.story("checkout-42")).toBe(story);
    expect(await stage!.audit()).toEqual([0, 0]);
  } finally {
    line.close();
  }
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

it("PagerDuty that is down or slow gets the same incident again", async () => {
  statuses = ["down", "slow"];
  const key = `_KEY, timeout: 100ms, url: ${url}/v2/enqueue`;
  const config = `${configOf("pagerduty.md").replace("_KEY", key)}senders:\n${PIPELINE}`;
  stage = await startStage(config, ["checkout"], { PAGERDUTY_KEY: ROUTING });
  await propose();
  await untilLogged(/no answer within 0\.1 s/);
  await stage.clock.pass(1000);
  for (let tries = 0; tries < 500 && posted.length < 4; tries++) await setTimeout(2);
  const bodies = posted.map(({ body }) => JSON.stringify(body));
  expect([bodies.length, new Set(bodies).size]).toEqual([4, 2]);
  expect(new Set(posted.map(({ body }) => body["dedup_key"]))).toEqual(new Set(["checkout-42"]));
  expect(stage.log.join("")).not.toContain(ROUTING);
  expect(await stage.audit()).toEqual([0, 0]);
});

it("PagerDuty that refuses the key is not asked again, and the log says so", async () => {
  statuses = [400, 400];
  const page = configOf("pagerduty.md").replace("_KEY", `_KEY, url: ${url}/v2/enqueue`);
  const config = `${page}senders:\n${PIPELINE}`;
  stage = await startStage(config, ["checkout"], { PAGERDUTY_KEY: ROUTING });
  await propose();
  await untilLogged(/refused: it answered 400/);
  await stage.clock.pass(2000);
  expect(posted).toHaveLength(2);
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
