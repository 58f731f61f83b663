/** An agent proposes to a real host, by the example of lab/shadow/http/README.md, and by tokens. */

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { inTurn } from "../commandLine.ts";
import { openHistory } from "../../lab/history/open.ts";
import { temporaryDirectory } from "../directories.ts";
import { ROOT } from "../history/smallWorld.ts";
import { metricsServer, startStage, type HostOnStage } from "./adapters/stage.ts";
import {
  configDirectory,
  killAll,
  receivingServer,
  SECRETS,
  SHORT_POLICY,
  startLive,
  until,
  type Answer,
  type LiveProcess,
  type Received,
} from "./liveProcess.ts";
import { closeServer, listen } from "./prometheus.ts";

const readme = readFileSync(join(ROOT, "lab/shadow/http/README.md"), "utf8");
const [, section] = readme.split("## Propose a rollback")[1]!.match(/^([\s\S]*?)^## /m)!;
const blockOf = (kind: string): string =>
  new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\``, "m").exec(section!)![1]!;
const [agents, senders] = blockOf("yaml").split("# shadow.yaml\nsenders:\n") as [string, string];
const example = blockOf("sh-session").replace(/^\$ /gm, "");

let stage: HostOnStage | null = null;
const servers: Server[] = [];
afterEach(async () => {
  killAll();
  await stage?.close();
  stage = null;
  for (const server of servers.splice(0)) closeServer(server);
});

/** Runs the example in a shell; curl prints the answer and its status. */
async function curl(host: LiveProcess, script: string): Promise<Answer> {
  const words = script
    .replace("http://127.0.0.1:8440", host.url)
    .replace("curl ", "curl -sw '\\n%{http_code}' ");
  const env = { ...process.env, HINDSIGHT_SRE: SECRETS.SRE };
  const { stdout } = await promisify(execFile)("bash", ["-euc", words], { env, timeout: 30_000 });
  const [body, status] = stdout.split("\n") as [string, string];
  return { status: Number(status), body: JSON.parse(body) as Answer["body"] };
}

it(
  "asks people by the example, who agree, and all of it is audited",
  {
    timeout: 120_000,
  },
  async () => {
    const got: Received[] = [];
    const metrics = metricsServer(["checkout"], new Set());
    const receivers = receivingServer(Date.now, (one) => got.push(one));
    servers.push(metrics, receivers);
    const [metricsPort, port] = [await listen(metrics), await listen(receivers)];
    const directory = configDirectory(`policy: policy.yaml
journal: journal
act: true
metrics: { url: "http://127.0.0.1:${metricsPort}", every: 500ms, queries: { latency_ms: latency_ms } }
services: { checkout: { team: payments } }
senders:
  pipeline: { secret: env:PIPELINE, may: [deployments, rollbacks] }
  chat: { secret: env:CHAT, may: [approvals] }
${senders.replace("HINDSIGHT_SRE", "SRE")}entitled: [{ who: [kim], may: [approve] }]
platform: { url: "http://127.0.0.1:${port}/platform", secret: env:PLATFORM }
page: { url: "http://127.0.0.1:${port}/page", secret: env:PAGE }
lease: { for: 2s }
listen: 127.0.0.1:0
`);
    writeFileSync(join(directory, "policy.yaml"), SHORT_POLICY + agents);
    const start = async (): Promise<LiveProcess> => {
      const live = await startLive(directory);
      await until(async () => (await live.get("/health/ready")).status === 200);
      return live;
    };
    let host = await start();
    const early = await curl(host, example);
    expect(early.status).toBe(422);
    expect(String(early.body["detail"])).toContain("announce a deployment");
    const deployment = { deploymentId: "checkout-42", service: "checkout" };
    expect((await host.send("deployments", deployment, "start")).status).toBe(200);
    const first = await curl(host, example);
    expect(first).toMatchObject({ status: 200, body: { decisionIds: ["checkout-42#2"] } });
    expect(String(first.body["reason"])).toContain("errors doubled");
    await until(() => got.some(({ type }) => type === "propose"));
    // In another delivery, and after a crash: the same proposal.
    expect(await curl(host, example)).toEqual(first);
    host.child.kill("SIGKILL");
    host = await start();
    expect(await curl(host, example)).toEqual(first);
    expect((await curl(host, example.replace("85%", "99%"))).status).toBe(409);

    const approval = { deploymentId: "checkout-42", by: "kim" };
    expect((await host.send("approvals", approval, "yes", "chat")).status).toBe(200);
    await until(() => got.some(({ path }) => path === "/platform"));
    const detailOf = async (id: string): Promise<unknown> => {
      const { status, body } = await curl(host, example.replace("p-7", id));
      return [status, body["detail"]];
    };
    expect(await detailOf("p-8")).toEqual([
      409,
      "proposal of sre: it is being rolled back already",
    ]);
    const finished = { deploymentId: "checkout-42", succeeded: true };
    expect((await host.send("rollbacks/finished", finished, "end")).status).toBe(200);
    expect(await detailOf("p-9")).toEqual([409, "proposal of sre: it has ended already"]);
    expect(got.filter(({ path }) => path === "/platform")).toHaveLength(1);
    expect(await host.end()).toBe(0);

    const journal = join(directory, "journal");
    for (const command of ["verify", "replay"]) {
      const { code, stderr } = await inTurn(["audit", command, journal]);
      expect([command, code, stderr]).toEqual([command, 0, ""]);
    }
    const { history, rows } = await importedFrom(journal);
    expect(rows).toEqual([
      ["p-7", 0.85, "kim", "accepted"],
      ["p-8", 0.85, null, null],
      ["p-9", 0.85, null, null],
    ]);
    const policy = join(directory, "policy.yaml");
    const asked = ["--history", history, "--policy", policy, "--people", "recorded", "--json"];
    const { stdout } = await inTurn(["replay", ...asked]);
    const { outcomes } = JSON.parse(stdout) as { outcomes: readonly object[] };
    expect(outcomes).toMatchObject([{ end: "rolledBack", decidedBy: "kim", tier: "approve" }]);
  },
);

/** The journal as a history, and the proposals in it. */
async function importedFrom(journal: string) {
  const out = join(temporaryDirectory(), "history");
  const { code, stderr } = await inTurn(["import", "shadow", journal, "--out", out]);
  expect(code, stderr).toBe(0);
  const history = await openHistory(out);
  const rows = (history.tables.proposals ?? []).map(
    ({ proposalId, confidence, answeredBy, answer }) => [
      proposalId,
      confidence,
      answeredBy,
      answer,
    ],
  );
  history.close();
  return { history: out, rows, stderr };
}

const STAGED = `act: true
platform: { url: "http://127.0.0.1:9/platform", secret: env:PLATFORM }
page: { url: "http://127.0.0.1:9/page", secret: env:PAGE }
senders:
  pipeline: { secret: env:PIPELINE, may: [deployments] }
  chat: { secret: env:CHAT, may: [overrides] }
  sre: { secret: env:SRE, may: [proposals], as: sre, services: [checkout, search] }
  reader: { token: env:ROLLOUTS, may: [proposals], services: [search] }
`;
const ENV = { ROLLOUTS: "the token of a reader" };
const LISTENING = "agents: { sre: { from: 60%, aloneFrom: 90% } }\n";

async function onStage(morePolicy = LISTENING): Promise<HostOnStage> {
  stage = await startStage(STAGED, ["checkout", "search", "pricing"], ENV, morePolicy);
  for (const service of ["checkout", "search", "pricing"]) {
    const body = { deploymentId: `${service}-1`, service };
    expect(await stage.send("deployments", body, service, "PIPELINE")).toBe(200);
  }
  return stage;
}
const byToken = async (body: object): Promise<number> => {
  const headers = {
    ...{ authorization: `Bearer ${ENV.ROLLOUTS}`, "hindsight-sender": "reader" },
    "content-type": "application/json",
  };
  const url = `${stage!.url}/v1/proposals`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  await response.text();
  return response.status;
};
const word = (proposalId: string, about: object, confidence: unknown = 1): object => ({
  ...{ proposalId, agent: "sre", confidence },
  ...about,
});
const phases = async (): Promise<Record<string, string>> => {
  const { open } = (await stage!.status()) as { open: { deploymentId: string; phase: string }[] };
  return Object.fromEntries(open.map(({ deploymentId, phase }) => [deploymentId, phase]));
};

it("speaks for itself, of its own services, and a token only asks", async () => {
  const { send } = await onStage();
  let ids = 0;
  const say = (body: object): Promise<number> => send("proposals", body, `p${ids++}`, "SRE");
  const statuses = [
    await say(word("a", { service: "pricing" })),
    await say({ ...word("b", { service: "search" }), agent: "other" }),
    await say(word("c", { service: "search", environment: "staging" })),
    await say(word("d", { deploymentId: "__proto__" })),
    await say(word("e", { deploymentId: "search-1", service: "search" })),
    await say(word("f", { service: "search" }, 1.01)),
    await say({ ...word("g", { service: "search" }), action: "restart" }),
    await say({ ...word("h", { service: "search" }), at: "2020-01-01T00:00:00Z" }),
    await say(word("i", { service: "search" }, "59%")),
    await byToken(word("j", { service: "checkout" })),
  ];
  expect(statuses).toEqual([403, 403, 422, 422, 400, 400, 400, 409, 409, 403]);
  expect(await phases()).toMatchObject({ "search-1": "watching", "checkout-1": "watching" });
  // As sure as can be: by a token a person is asked, by a signature the window runs.
  expect(await byToken(word("k", { service: "search" }))).toBe(200);
  const long = { ...word("l", { service: "checkout" }), rationale: "\u001b[31m😀".repeat(5000) };
  expect(await say(long)).toBe(200);
  expect(await phases()).toMatchObject({ "search-1": "proposed", "checkout-1": "proposed" });
  await stage!.poll();
  await stage!.poll();
  expect(await phases()).toMatchObject({ "search-1": "proposed", "checkout-1": "rollingBack" });
  expect(stage!.story("search-1")).toContain("agents.sre");
  await stage!.restart();
  expect(await say(long)).toBe(200);
  // What another sender brings once more, and what another agent calls by the same name.
  expect(await say(word("k", { service: "search" }))).toBe(409);
  expect(await byToken({ ...word("k", { service: "search" }), agent: "other" })).toBe(409);
  expect(await phases()).toMatchObject({ "search-1": "proposed", "checkout-1": "rollingBack" });
  const no = { deploymentId: "search-1", by: "kim", justification: "it is wrong" };
  expect(await send("overrides", no, "no", "CHAT")).toBe(200);
  expect(await stage!.audit()).toEqual([0, 0]);
  const { rows, stderr } = await importedFrom(stage!.journal);
  expect(stderr).toContain("2 proposals came with a token alone");
  expect(rows).toEqual([
    ["h", 1, null, null],
    ["i", 0.59, null, null],
    ["k", 1, "kim", "rejected"],
    ["l", 1, null, null],
    ["k#2", 1, null, null],
  ]);
});

it("is recorded, and told so, under a policy that names no agent", async () => {
  const { send } = await onStage("");
  expect(await send("proposals", word("a", { service: "search" }), "p", "SRE")).toBe(200);
  expect(await phases()).toMatchObject({ "search-1": "watching" });
  expect(await stage!.audit()).toEqual([0, 0]);
});
