/** CDEvents that the host sends, with the config of lab/shadow/adapters/cdevents.md. */

import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { eventsOf } from "../../../lab/shadow/adapters/cdEventsOut.ts";
import type { ShadowFile } from "../../../lab/shadow/config/shadowFile.ts";
import { Outbox } from "../../../lab/shadow/out/outbox.ts";
import { ROOT } from "../../history/smallWorld.ts";
import { temporaryDirectory } from "../../directories.ts";
import { closeServer, listen } from "../prometheus.ts";
import { setClock } from "../hosts.ts";
import { startStage, type HostOnStage } from "./stage.ts";

const page = readFileSync(join(ROOT, "lab/shadow/adapters/cdevents.md"), "utf8");
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
const SINK = blocks.find((text) => text.startsWith("cdevents:"))!;
const EXAMPLE = /^```json\n([\s\S]*?)^```/m.exec(page)![1]!;
const BROKER = "the token of the broker";

/** As the schemas of CDEvents 0.5 have it: nothing that they do not name is allowed. */
const context = z.strictObject({
  specversion: z.literal("0.5.0"),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().regex(/^dev\.cdevents(x\.[a-z]+-|\.)[a-z]+\.[a-z]+\.\d+\.\d+\.\d+$/),
  timestamp: z.iso.datetime(),
});
const rolledBack = z.strictObject({
  environment: z.strictObject({ id: z.string().min(1) }),
  // A package URL.
  artifactId: z.string().regex(/^pkg:[a-z]+\/[^@]+(@[^@]+)?$/),
});
const custom = z.looseObject({ deploymentId: z.string(), reason: z.string() });
const cloudEvent = z
  .strictObject({
    specversion: z.literal("1.0"),
    id: z.string().min(1),
    source: z.string().min(1),
    type: z.string().min(1),
    subject: z.string().min(1),
    time: z.iso.datetime(),
    datacontenttype: z.literal("application/json"),
    data: z.strictObject({
      context,
      subject: z.strictObject({
        id: z.string().min(1),
        source: z.string(),
        content: z.union([rolledBack, custom]),
      }),
      customData: z.looseObject({}),
    }),
  })
  .refine(({ data, id, source, type, subject, time }) => {
    const { context: own } = data;
    return (
      own.id === id &&
      own.source === source &&
      own.type === type &&
      own.timestamp === time &&
      data.subject.id === subject
    );
  });
type CloudEvent = z.output<typeof cloudEvent>;

let stage: HostOnStage | null = null;
let server: Server;
let url = "";
let events: CloudEvent[] = [];
/** What the next requests get; afterwards all get 202. */
let moods: (number | "down" | "slow")[] = [];
let headers: (string | undefined)[][] = [];
/** How the platform says that a rollback ended. */
let ends: object = {};
beforeEach(async () => {
  [events, moods, headers, ends] = [[], [], [], { succeeded: true, detail: "back on v41" }];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      if (request.url === "/platform") return void response.end(JSON.stringify(ends));
      events.push(cloudEvent.parse(JSON.parse(text)));
      headers.push([request.headers["content-type"], request.headers.authorization]);
      const mood = moods.shift() ?? 202;
      if (mood === "down") request.socket.destroy();
      else if (mood !== "slow") response.writeHead(mood).end();
    });
  });
  url = `http://127.0.0.1:${await listen(server)}`;
});
afterEach(async () => {
  await stage?.close();
  stage = null;
  closeServer(server);
});

async function start(act = true, more = ""): Promise<void> {
  const sink = SINK.replace("http://127.0.0.1:9", url).replace(" }", `${more} }`);
  const acting = `act: ${act}
platform: { url: "${url}/platform", secret: env:PLATFORM }
page: { url: "http://127.0.0.1:9/page", secret: env:PAGE }
senders:
  pipeline: { secret: env:PIPELINE, may: [deployments] }
  chat: { secret: env:CHAT, may: [overrides] }
${sink}`;
  stage = await startStage(acting, ["checkout"], { BROKER });
}

/** Announces a version; a slow one after it is proposed for a rollback. */
async function deploy(version: string): Promise<void> {
  const body = { deploymentId: `checkout-${version}`, service: "checkout", version };
  expect(await stage!.send("deployments", body, version, "PIPELINE")).toBe(200);
}

/** v41 is healthy, and v42 is slow. */
async function twoVersions(): Promise<void> {
  await stage!.poll();
  await deploy("v41");
  for (let polls = 0; polls < 8; polls++) await stage!.poll();
  await deploy("v42");
  await stage!.poll();
  stage!.slow.add("checkout");
  await stage!.poll();
}

/** Short names of the events that came. */
const types = (): string[] =>
  events.map(({ type }) => type.replace(/^dev\.cdeventsx?\.(hindsight-)?/, "").slice(0, -6));

async function until(count: number): Promise<void> {
  for (let tries = 0; tries < 500 && events.length < count; tries++) await setTimeout(5);
  expect(types()).toHaveLength(count);
}

const ROLLBACK = ["question.opened", "question.closed", "rollback.ordered", "service.rolledback"];

it("tell of the question, of the order, and that the service was rolled back", async () => {
  await start();
  await twoVersions();
  for (let polls = 0; polls < 3; polls++) await stage!.poll();
  await until(4);
  expect(types()).toEqual(ROLLBACK);
  expect(new Set(headers.map(String))).toEqual(
    new Set([`application/cloudevents+json; charset=utf-8,Bearer ${BROKER}`]),
  );
  const [opened, closed, ordered, done] = events.map(({ data }) => data.subject.content);
  const answers = ["override", "approve"];
  expect(opened).toMatchObject({ ordinal: 1, answers, onSilence: "rollback", act: true });
  expect(closed).toMatchObject({ outcome: "rollbackOrdered", act: true });
  expect(ordered).toMatchObject({ version: "v42", accountable: "platform-reliability" });
  expect(done).toEqual({
    environment: { id: "production" },
    artifactId: "pkg:generic/checkout@v41",
  });
  // The page's example has the shape of what came.
  const example = cloudEvent.parse(JSON.parse(EXAMPLE));
  expect(Object.keys(example.data.customData)).toEqual(Object.keys(events[3]!.data.customData));
  expect(example.data.subject.content).toEqual(done);
  expect(new Set(events.map(({ id }) => id)).size).toBe(4);
  const metrics = await (await fetch(`${stage!.url}/metrics`)).text();
  expect(metrics).toContain('hindsight_commands_total{kind="cdevent",came="done"} 4');
  expect(stage!.log.join("")).not.toContain(BROKER);
  expect(await stage!.audit()).toEqual([0, 0]);
});

it("tell of no rollback in a dry run", async () => {
  await start(false);
  await twoVersions();
  for (let polls = 0; polls < 3; polls++) await stage!.poll();
  await until(2);
  expect(types()).toEqual(["question.opened", "question.closed"]);
  for (const { data } of events) expect(data.subject.content).toMatchObject({ act: false });
  expect(stage!.story("checkout-v42")).toContain("recorded only");
});

it("tell of a rollback that failed", async () => {
  await start();
  ends = { succeeded: false, detail: "no older version" };
  await twoVersions();
  for (let polls = 0; polls < 3; polls++) await stage!.poll();
  await until(4);
  expect(types()).toEqual([...ROLLBACK.slice(0, 3), "rollback.failed"]);
  const reason = "the rollback failed: no older version";
  expect(events[3]!.data.subject.content).toMatchObject({ reason });
});

it("tell that a person kept the deployment", async () => {
  await start();
  await twoVersions();
  const kept = { deploymentId: "checkout-v42", by: "kim", justification: "a known batch" };
  expect(await stage!.send("overrides", kept, "o-1", "CHAT")).toBe(200);
  await until(2);
  expect(types()).toEqual(ROLLBACK.slice(0, 2));
  expect(events[1]!.data.subject.content).toMatchObject({ outcome: "overridden" });
});

it("are sent again, in order, while the sink is down, slow or says later", async () => {
  moods = ["down", "slow", 503, 429];
  await start(true, ", timeout: 100ms");
  await twoVersions();
  const ids = (): Set<string> => new Set(events.map(({ id }) => id));
  for (let polls = 0; polls < 60 && ids().size < 4; polls++) {
    await stage!.clock.pass(1000);
    await setTimeout(20);
  }
  expect([...ids()].map((id) => id.split("/")[1])).toEqual(ROLLBACK);
  expect(new Set(types().slice(0, 5))).toEqual(new Set(["question.opened"]));
  expect(new Set(events.slice(0, 5).map((event) => JSON.stringify(event))).size).toBe(1);
  // No decision waited for the sink.
  expect(stage!.story("checkout-v42")).toContain("back on v41");
});

it("that the last host could not send are sent by the next one", async () => {
  moods = Array<503>(100).fill(503);
  await start();
  await twoVersions();
  for (let polls = 0; polls < 3; polls++) await stage!.poll();
  expect(new Set(types())).toEqual(new Set(["question.opened"]));
  await stage!.restart();
  moods = [];
  events = [];
  for (let tries = 0; tries < 50 && events.length < 4; tries++) {
    await stage!.clock.pass(1000);
    await setTimeout(10);
  }
  expect(types()).toEqual(ROLLBACK);
  expect(await stage!.audit()).toEqual([0, 0]);
});

it("that are refused are given up, with one page and a fault in the journal", async () => {
  moods = Array<401>(4).fill(401);
  await start();
  await twoVersions();
  for (let polls = 0; polls < 3; polls++) await stage!.poll();
  await until(4);
  await stage!.poll();
  const log = stage!.log.join("");
  expect(log.match(/is given up: refused: it answered 401/g)!.length).toBeGreaterThanOrEqual(4);
  expect(stage!.log.filter((line) => line.includes("cdevents"))).not.toEqual([]);
  expect(log).not.toContain(BROKER);
  const journal = readFileSync(join(stage!.journal, "decisions-000001.jsonl"), "utf8");
  expect(journal.match(/"kind":"faultReported"/g)).toHaveLength(1);
  expect(await stage!.audit()).toEqual([0, 0]);
});

it("wait in a file that is bounded, and set aside where it cannot be read", () => {
  const path = join(temporaryDirectory(), "cdevents.json");
  const notes: string[] = [];
  const done = () => Promise.resolve({ status: "done", finished: null } as const);
  const posting = { send: done, mayGo: () => true, giveUpMs: 1, came: () => undefined };
  const open = (): Outbox => {
    const fault = () => Promise.resolve();
    return new Outbox(path, setClock(), { ...posting, fault }, (text) => notes.push(text));
  };
  const many = Array.from({ length: 1200 }, (_, at) => ({ key: `k-${at}`, body: {} }));
  open().add(many, ["checkout-1"]);
  const { letters } = JSON.parse(readFileSync(path, "utf8")) as { letters: { key: string }[] };
  expect([letters.length, letters[0]!.key]).toEqual([1000, "k-200"]);
  expect(notes).toEqual(["more than 1000 events wait to be sent"]);
  expect(open().noted).toEqual(["checkout-1"]);
  writeFileSync(path, "{");
  expect(open().noted).toEqual([]);
  expect(notes.at(-1)).toContain("cannot be read and are not sent");
});

it("that cannot be kept end no host", async () => {
  const notes: string[] = [];
  const parts = {
    ...{ clock: setClock(), lease: { holds: () => true }, counts: new Map<string, number>() },
    host: { tell: () => Promise.reject(new Error("nobody tells")) },
    note: (text: string) => void notes.push(text),
  };
  // A file where a directory is meant: neither read nor renamed.
  const journal = join(temporaryDirectory(), "journal");
  writeFileSync(journal, "");
  const cdevents = { url, source: "/hindsight", timeout: 100, giveUp: 1000 };
  const sender = eventsOf({ cdevents, journal } as unknown as ShadowFile, parts)!;
  sender.publish([]);
  await sender.run(new AbortController().signal);
  expect(notes).toHaveLength(2);
  for (const note of notes) expect(note).toContain("CDEvents are not sent: Error: ENOTDIR");
});
