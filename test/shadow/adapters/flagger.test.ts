/** Flagger with the manifests of lab/shadow/adapters/flagger.md, on a real host. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ROOT } from "../../history/smallWorld.ts";
import { closeServer, listen } from "../prometheus.ts";
import { canaryOf, type Canary, type Controlled } from "./flaggerController.ts";
import { startStage, type HostOnStage } from "./stage.ts";

const page = readFileSync(join(ROOT, "lab/shadow/adapters/flagger.md"), "utf8");
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
const CONFIG = blocks.find((text) => text.includes("senders:"))!;
const CANARY = blocks.find((text) => text.includes("kind: Canary"))!;
const WITH_CHAT = CONFIG.replace(
  "senders:\n",
  "senders:\n  chat: { secret: env:CHAT, may: [overrides, halts] }\n",
);
const fixture = readFileSync(join(import.meta.dirname, "fixtures/flagger-webhook.json"), "utf8");
const RECORDED = JSON.parse(fixture) as Record<string, unknown>;
const TOKEN = "0123456789abcdef0123456789abcdef";
const ENV = { FLAGGER: TOKEN };

let stage: HostOnStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

function canary(name: string, more: Partial<Controlled> = {}): Canary {
  return canaryOf(CANARY, { url: stage!.url, token: TOKEN, name, recorded: RECORDED, ...more });
}

async function turns(count: number, canaries: readonly Canary[]): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    for (const one of canaries) await one.tick();
    await stage!.poll();
  }
}

const phases = (canaries: readonly Canary[]): string[] => canaries.map(({ state }) => state.phase);

describe("a canary of Flagger", () => {
  it("is promoted, rolled back or waits, and the journal is whole", async () => {
    stage = await startStage(WITH_CHAT, ["search", "checkout", "pricing"], ENV);
    const good = canary("search");
    const bad = canary("checkout");
    const kept = canary("pricing");
    // In the catalog, and without any sample: no evidence is no promotion.
    const silent = canary("ghost");
    const all = [good, bad, kept, silent];
    await turns(1, all);
    expect(phases(all)).toEqual(Array(4).fill("Progressing"));
    stage.slow.add("checkout").add("pricing");
    await turns(1, all);
    const deploymentId = "shop/pricing@85d557f47b";
    const override = { deploymentId, by: "kim", justification: "a known batch" };
    expect(await stage.send("overrides", override, "o-1", "CHAT")).toBe(200);
    await turns(10, all);

    expect(phases(all)).toEqual(["Succeeded", "Failed", "WaitingPromotion", "WaitingPromotion"]);
    expect(good.calls.filter((call) => call.startsWith("rollback 2"))).toEqual([]);
    expect(good.calls.slice(-2)).toEqual(["confirm-promotion 200", "post-rollout 200"]);
    expect(bad.calls.slice(-2)).toEqual(["rollback 200", "post-rollout 200"]);
    for (const { calls } of [kept, silent]) {
      expect(new Set(calls)).toEqual(
        new Set(["confirm-rollout 200", "rollback 409", "confirm-promotion 409"]),
      );
    }
    expect((await stage.status())["open"]).toEqual([]);
    expect(stage.story("shop/checkout@85d557f47b")).toContain("Flagger rolled the canary");
    expect(stage.log.join("")).not.toContain(TOKEN);
    expect(await stage.audit()).toEqual([0, 0]);
  });

  it("is never rolled back by a host that may not act", async () => {
    stage = await startStage(CONFIG.replace("act: true", "act: false"), ["checkout"], ENV);
    const one = canary("checkout");
    await turns(1, [one]);
    stage.slow.add("checkout");
    await turns(8, [one]);
    expect(stage.story("shop/checkout@85d557f47b")).toContain("recorded only");
    expect(phases([one])).toEqual(["WaitingPromotion"]);
    expect(one.calls.filter((call) => call === "rollback 200")).toEqual([]);
  });

  it("neither starts nor is rolled back nor promoted under a halt", async () => {
    stage = await startStage(WITH_CHAT, ["checkout", "search"], ENV);
    const running = canary("checkout");
    await turns(1, [running]);
    stage.slow.add("checkout");
    await turns(1, [running]);
    const halt = { halted: true, by: "kim", reason: "a storm" };
    await stage.send("halt", halt, "h-1", "CHAT");
    const late = canary("search");
    await turns(6, [running, late]);
    expect(phases([running, late])).toEqual(["WaitingPromotion", "Waiting"]);
    expect(late.calls[0]).toBe("confirm-rollout 409");
    expect(await stage.audit()).toEqual([0, 0]);
  });

  it("waits in an outage, for a slow host, with a wrong token or an unknown service", async () => {
    stage = await startStage(CONFIG, ["search"], ENV);
    const hanging = createServer(() => undefined);
    const slow = canary("search", {
      url: `http://127.0.0.1:${await listen(hanging)}`,
      timeoutMs: 20,
    });
    const stranger = canary("search", { token: "somebody-elses-token" });
    const unknown = canary("serach");
    const all = [slow, stranger, unknown];
    for (const one of all) await one.tick();
    // As if the canary had begun before the host was there.
    for (const one of all) one.state.phase = "WaitingPromotion";
    for (const one of all) one.state.weight = 50;
    for (const one of all) await one.tick();
    closeServer(hanging);
    expect(phases(all)).toEqual(Array(3).fill("WaitingPromotion"));
    const hooks = ["confirm-rollout", "rollback", "confirm-promotion"];
    expect(slow.calls).toEqual(hooks.map((hook) => `${hook} AbortError`));
    expect(stranger.calls).toEqual(hooks.map((hook) => `${hook} 401`));
    expect(unknown.calls).toEqual(["confirm-rollout 422", "rollback 422", "confirm-promotion 404"]);
    const right = canary("search");
    await right.tick();
    await stage.close();
    await right.tick();
    expect(right.calls).toEqual(["confirm-rollout 200", "rollback TypeError"]);
    stage = null;
  });

  it("that is tried again is watched again", async () => {
    stage = await startStage(CONFIG, ["search"], ENV);
    const first = canary("search");
    await turns(8, [first]);
    expect(first.state.phase).toBe("Succeeded");
    const again = canary("search");
    await turns(1, [again]);
    stage.slow.add("search");
    await turns(8, [again]);
    expect(again.state.phase).toBe("Failed");
    expect(stage.story("shop/search@85d557f47b#2")).toContain("Flagger rolled the canary back");
    expect(await stage.audit()).toEqual([0, 0]);
  });

  it("that came during an analysis is announced by its rollback hook", async () => {
    stage = await startStage(CONFIG, ["search"], ENV);
    const one = canary("search");
    one.state.phase = "Progressing";
    await turns(9, [one]);
    expect(one.calls[0]).toBe("rollback 409");
    expect(one.state.phase).toBe("Succeeded");
  });

  it("with names that are too long is refused, not failed", async () => {
    stage = await startStage(CONFIG, ["search"], ENV);
    const one = canary("s".repeat(100), {
      recorded: { ...RECORDED, checksum: "c".repeat(100) },
    });
    await one.tick();
    expect(one.calls).toEqual(["confirm-rollout 400"]);
  });

  it("whose host gave a rollback up is not rolled back any more", async () => {
    const config = CONFIG.replace("askedBy: flagger", "askedBy: flagger, giveUp: 10s");
    stage = await startStage(config, ["checkout"], ENV);
    const one = canary("checkout");
    await turns(1, [one]);
    stage.slow.add("checkout");
    // Flagger does not ask for so long that the host takes the rollback for failed.
    await turns(8, []);
    await one.tick();
    expect(one.calls.at(-1)).toBe("rollback 409");
    const story = stage.story("shop/checkout@85d557f47b");
    expect(story).toContain("flagger has not asked for it yet");
  });

  it("that was told in time counts as rolled back, also long after", async () => {
    const config = CONFIG.replace("askedBy: flagger", "askedBy: flagger, giveUp: 60s");
    stage = await startStage(config, ["checkout"], ENV);
    const manifest = CANARY.replace(/ {6}- name: hindsight-end[\s\S]*$/, "");
    const more = { url: stage.url, token: TOKEN, name: "checkout", recorded: RECORDED };
    const one = canaryOf(manifest, more);
    await turns(1, [one]);
    stage.slow.add("checkout");
    for (let turn = 0; turn < 6 && one.state.phase !== "Failed"; turn++) {
      await one.tick().catch(() => undefined);
      await stage.poll();
    }
    expect(one.calls.at(-1)).toBe("rollback 200");
    await turns(14, []);
    const { open } = (await stage.status()) as { open: { phase: string }[] };
    expect(open.map(({ phase }) => phase)).toEqual(["rollingBack"]);
  });
});

it("answers no hook with 2xx, whatever a payload says", async () => {
  stage = await startStage(CONFIG, ["search"], ENV);
  const hooks = ["confirm-promotion", "rollback", "post-rollout", "confirm-rollout"];
  const value = fc.oneof(
    fc.constantFrom("search", "shop", "Failed", "85d557f47b", "__proto__", "constructor"),
    fc.jsonValue(),
  );
  const body = fc.record(
    { name: value, namespace: value, phase: value, checksum: value, metadata: value },
    { requiredKeys: [] },
  );
  const headers = { "content-type": "application/json", authorization: `Bearer ${TOKEN}` };
  const known: unknown[] = ["search"];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...hooks), body, async (hook, given) => {
      const response = await fetch(`${stage!.url}/v1/flagger/${hook}`, {
        method: "POST",
        headers,
        body: JSON.stringify(given),
      });
      const isFine = hook === "confirm-rollout" && known.includes(given.name);
      expect(response.status).toBeLessThan(500);
      if (!isFine) expect(response.status).toBeGreaterThanOrEqual(300);
    }),
    { numRuns: process.env["SOAK"] === undefined ? 80 : 5000, seed: 20261202 },
  );
});
