/** Argo Rollouts with the manifests of lab/shadow/adapters/argo-rollouts.md, on a real host. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { ROOT } from "../../history/smallWorld.ts";
import { closeServer, listen } from "../prometheus.ts";
import { analysisRun, type AnalysisRun } from "./argoController.ts";
import { startStage, TOKENS, type HostOnStage } from "./stage.ts";

const page = readFileSync(join(ROOT, "lab/shadow/adapters/argo-rollouts.md"), "utf8");
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
const CONFIG = blocks.find((text) => text.includes("senders:"))!;
const TEMPLATE = blocks.find((text) => text.includes("kind: AnalysisTemplate"))!;
const ROLLOUT = blocks.find((text) => text.includes("kind: Rollout"))!;
const NOTIFICATIONS = blocks.find((text) => text.includes("kind: ConfigMap"))!;
const CHAT = "  chat: { secret: env:CHAT, may: [overrides, halts] }\n";
const WITH_CHAT = CONFIG.replace("senders:\n", `senders:\n${CHAT}`);

let stage: HostOnStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

/** A Rollout may have another name than its service. */
const rolloutOf = (service: string): string => `${service}-canary`;
const idOf = (service: string): string => `production/shop/${rolloutOf(service)}-6c9bd8675b-r7`;

function runOf(
  service: string,
  more: { url?: string; token?: string; inconclusiveLimit?: number; timeoutMs?: number } = {},
): AnalysisRun {
  const { url = stage!.url, token = TOKENS.ROLLOUTS, ...rest } = more;
  const of = { namespace: "shop", rollout: rolloutOf(service), service };
  const args = { ...of, hash: "6c9bd8675b", revision: "7", token };
  return analysisRun(TEMPLATE, args, { url, ...rest });
}

/** Argo measures, then time passes; a run that has ended is not measured again. */
async function turns(count: number, runs: readonly AnalysisRun[]): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    for (const run of runs) if (run.phase() === "Running") await run.measure();
    await stage!.poll();
  }
}

const notifications = z
  .object({
    metadata: z.object({ name: z.string(), namespace: z.string() }),
    data: z.record(
      z.string(),
      z.string().transform((text) => parse(text) as unknown),
    ),
  })
  .parse(parse(NOTIFICATIONS));

/** The body of Argo's notification: its template, filled in from the Rollout. */
function notified(service: string): string {
  const { webhook } = notifications.data["template.hindsight-aborted"] as {
    webhook: { hindsight: { body: string } };
  };
  const rollout = new Map([
    [".rollout.metadata.namespace", "shop"],
    [".rollout.metadata.name", rolloutOf(service)],
    [".rollout.status.currentPodHash", "6c9bd8675b"],
    ['index .rollout.metadata.annotations "rollout.argoproj.io/revision"', "7"],
  ]);
  return webhook.hindsight.body.replace(/\{\{(.*?)\}\}/g, (_all, path: string) => {
    return rollout.get(path)!;
  });
}

async function tellAborted(service: string): Promise<Response> {
  const headers = {
    authorization: `Bearer ${TOKENS.ROLLOUTS}`,
    "content-type": "application/json",
  };
  const body = notified(service);
  return fetch(`${stage!.url}/v1/argo-rollouts/aborted`, { method: "POST", headers, body });
}

describe("a rollout of Argo", () => {
  it("is promoted, aborted or paused, and the journal is whole", async () => {
    stage = await startStage(WITH_CHAT, ["search", "checkout", "pricing"]);
    const inconclusiveLimit = 9;
    const good = runOf("search");
    const bad = runOf("checkout");
    const kept = runOf("pricing", { inconclusiveLimit });
    // In the catalog, and without any sample: no evidence is no success.
    const silent = runOf("ghost", { inconclusiveLimit });
    const runs = [good, bad, kept, silent];
    await turns(1, runs);
    stage.slow.add("checkout").add("pricing");
    await turns(1, runs);
    const override = { deploymentId: idOf("pricing"), by: "kim", justification: "a known batch" };
    expect(await stage.send("overrides", override, "o-1", "CHAT")).toBe(200);
    await turns(10, runs);

    expect(good.phase()).toBe("Successful");
    expect(new Set(good.values.slice(0, -1))).toEqual(new Set(["undecided"]));
    expect(bad.phase()).toBe("Failed");
    // The question to people comes first, and pauses; only then the order.
    expect(bad.values.length).toBeGreaterThanOrEqual(4);
    expect(new Set(bad.values.slice(0, -1))).toEqual(new Set(["undecided"]));
    expect(bad.values.at(-1)).toBe("regression");
    expect([kept.phase(), silent.phase()]).toEqual(["Inconclusive", "Inconclusive"]);
    expect(new Set([...kept.values, ...silent.values])).toEqual(new Set(["undecided"]));

    expect(await (await tellAborted("checkout")).json()).toMatchObject({ accepted: true });
    expect(await (await tellAborted("search")).json()).toMatchObject({ accepted: false });
    expect(stage.story(idOf("checkout"))).toContain("Argo Rollouts aborted the rollout");
    expect((await stage.status())["open"]).toEqual([]);
    expect(stage.log.join("")).not.toContain(TOKENS.ROLLOUTS);
    expect(await stage.audit()).toEqual([0, 0]);
  });

  it("is never aborted by a host that may not act", async () => {
    stage = await startStage(CONFIG.replace("act: true", "act: false"), ["checkout"]);
    const run = runOf("checkout", { inconclusiveLimit: 5 });
    await turns(1, [run]);
    stage.slow.add("checkout");
    await turns(8, [run]);
    expect(stage.story(idOf("checkout"))).toContain("recorded only");
    expect(run.phase()).toBe("Inconclusive");
    expect(run.values).not.toContain("regression");
  });

  it("waits while every machine is halted", async () => {
    stage = await startStage(WITH_CHAT, ["search"]);
    const run = runOf("search");
    await turns(8, [run]);
    // One that is over as well: a machine must not promote either.
    const halt = (halted: boolean) => ({ halted, by: "kim", reason: "a storm" });
    expect(run.phase()).toBe("Successful");
    await stage.send("halt", halt(true), "h-1", "CHAT");
    const again = runOf("search");
    await again.measure();
    expect(again.values).toEqual(["undecided"]);
    await stage.send("halt", halt(false), "h-2", "CHAT");
    await again.measure();
    expect(again.phase()).toBe("Successful");
  });

  it("that is tried again gets no verdict of the attempt before", async () => {
    stage = await startStage(CONFIG, ["search"]);
    const first = runOf("search");
    await turns(8, [first]);
    expect(first.phase()).toBe("Successful");
    // The answer may have been lost on its way, so it is given again for a minute.
    const repeated = runOf("search");
    await repeated.measure();
    expect(repeated.values).toEqual(["healthy"]);
    await turns(12, []);
    const again = runOf("search", { inconclusiveLimit: 2 });
    await turns(4, [again]);
    expect(new Set(again.values)).toEqual(new Set(["undecided"]));
    expect(again.phase()).toBe("Inconclusive");
  });

  it("is neither aborted nor promoted by an outage, a slow host or a wrong token", async () => {
    stage = await startStage(CONFIG, ["search"]);
    const stranger = runOf("search", { token: "the token of somebody else" });
    const unknown = runOf("serach");
    const hanging = createServer(() => undefined);
    const slow = runOf("search", {
      url: `http://127.0.0.1:${await listen(hanging)}`,
      timeoutMs: 20,
    });
    const right = runOf("search");
    // Argo's default limit of errors is four; the manifest's is higher.
    for (let time = 0; time < 6; time++) {
      for (const run of [stranger, unknown, slow]) await run.measure();
    }
    closeServer(hanging);
    await right.measure();
    expect(right.values).toEqual(["undecided"]);
    expect(stranger.values[0]).toContain("401");
    expect(unknown.values[0]).toContain("422");
    expect(slow.values[0]).toBe("AbortError");
    const { url } = stage;
    await stage.close();
    const orphan = runOf("search", { url });
    for (let time = 0; time < 6; time++) await orphan.measure();
    expect(orphan.values[0]).toBe("TypeError");
    expect([stranger, unknown, slow, orphan].map((run) => run.phase())).toEqual(
      Array<string>(4).fill("Running"),
    );
    expect(stage.log.join("")).toContain("its token does not match");
    stage = null;
  });
});

describe("the manifests", () => {
  it("give every argument of the template", () => {
    const list = z.array(z.object({ name: z.string() }).loose());
    const template = z.object({ spec: z.object({ args: list }) }).parse(parse(TEMPLATE));
    const step = z.object({ analysis: z.object({ args: list }) });
    const rollout = z
      .object({
        spec: z.object({
          strategy: z.object({ canary: z.object({ steps: z.tuple([z.unknown(), step]) }) }),
        }),
      })
      .parse(parse(ROLLOUT));
    const given = rollout.spec.strategy.canary.steps[1].analysis.args;
    const names = (args: typeof given): string[] => args.map(({ name }) => name);
    expect(names(given)).toEqual(names(template.spec.args.filter((arg) => !("valueFrom" in arg))));
  });

  it("keep the token of the notification where Argo's controller reads it", () => {
    const { metadata, data } = notifications;
    const service = JSON.stringify(data["service.webhook.hindsight"]);
    const keys = [...service.matchAll(/\$([\w-]+)/g)].map(([, key]) => key);
    const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
    const secret = commands.find((text) => text.includes("argo-rollouts-notification-secret"))!;
    expect(keys).toHaveLength(1);
    expect(secret).toContain(`--from-literal=${keys[0]!}=`);
    expect(secret).toContain(`-n ${metadata.namespace} `);
  });
});

describe("the route", () => {
  it("does not exist unless a sender may use it", async () => {
    stage = await startStage("", []);
    const response = await fetch(`${stage.url}/v1/argo-rollouts?deploymentId=x`);
    expect(response.status).toBe(404);
  });

  it("asked by GET, starts no watch", async () => {
    stage = await startStage(CONFIG, ["search"]);
    const authorization = `Bearer ${TOKENS.ROLLOUTS}`;
    const get = (query: string): Promise<Response> =>
      fetch(`${stage!.url}/v1/argo-rollouts?${query}`, { headers: { authorization } });
    expect((await get("deploymentId=search-1")).status).toBe(404);
    expect((await get("deploymentId=a&deploymentId=b")).status).toBe(400);
    expect((await get("deploymentId=a&act=true")).status).toBe(400);
    expect((await stage.status())["open"]).toEqual([]);
    await runOf("search").measure();
    expect(await (await get(`deploymentId=${idOf("search")}`)).json()).toMatchObject({
      verdict: "undecided",
      phase: "watching",
    });
  });

  it("asked by GET, does not tell Argo of a rollback", async () => {
    const config = CONFIG.replace("askedBy: argo-rollouts", "askedBy: argo-rollouts, giveUp: 10s");
    stage = await startStage(config, ["checkout"]);
    const run = runOf("checkout");
    await turns(1, [run]);
    stage.slow.add("checkout");
    const authorization = `Bearer ${TOKENS.ROLLOUTS}`;
    const query = new URLSearchParams({ deploymentId: idOf("checkout") }).toString();
    const url = `${stage.url}/v1/argo-rollouts?${query}`;
    const said: string[] = [];
    for (let turn = 0; turn < 8; turn++) {
      await stage.poll();
      const response = await fetch(url, { headers: { authorization } });
      said.push(((await response.json()) as { verdict: string }).verdict);
    }
    expect(said).toContain("regression");
    expect(stage.story(idOf("checkout"))).toContain("argo-rollouts has not asked for it yet");
  });

  it("refuses the ID of another service, environment or version", async () => {
    stage = await startStage(CONFIG, ["search", "pricing"]);
    const headers = {
      authorization: `Bearer ${TOKENS.ROLLOUTS}`,
      "content-type": "application/json",
    };
    const post = async (service: string, about: object = {}): Promise<number> => {
      const body = JSON.stringify({ deploymentId: "d-1", service, version: "v1", ...about });
      const response = await fetch(`${stage!.url}/v1/argo-rollouts`, {
        method: "POST",
        headers,
        body,
      });
      return response.status;
    };
    expect([await post("search"), await post("search")]).toEqual([200, 200]);
    expect([
      await post("pricing"),
      await post("search", { environment: "staging" }),
      await post("search", { version: "v2" }),
    ]).toEqual([409, 409, 409]);
  });
});
