/** What a dry run recorded is never sent as real, whichever way `act` changes at a restart. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import type { Effects, RunningHost } from "../../lab/shadow/contract.ts";
import { logEntries } from "../../lab/audit/read.ts";
import { startHost } from "../../lab/shadow/host.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { segmentsIn } from "../../lab/shadow/journal/segments.ts";
import { webhookEffects } from "../../lab/shadow/out/webhooks.ts";
import { temporaryDirectory } from "../directories.ts";
import { MINUTE_MS, stageIn, started, type Stage } from "./stage.ts";

interface Sent {
  readonly type: string;
  readonly deploymentId: string;
  readonly reason: string;
  readonly act: boolean;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A platform and a pager that take everything while they are up. */
async function receivers() {
  const state = { isUp: true, sent: [] as Sent[], effects: null as unknown as Effects };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (state.isUp) state.sent.push(JSON.parse(Buffer.concat(parts).toString()) as Sent);
      response.writeHead(state.isUp ? 200 : 503).end('{"succeeded":true}');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const receiver = { url: `http://127.0.0.1:${port}/`, secret: "of the receiver", timeout: 10_000 };
  const platform = { ...receiver, giveUp: 10 * MINUTE_MS };
  return {
    state,
    effectsOf: (stage: Stage) => webhookEffects({ platform, page: receiver }, stage.clock),
  };
}

/** Messages that were not answered yet. */
let underWay = 0;

async function pass(stage: Stage, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await stage.clock.pass(1000);
    if (underWay > 0) await setTimeout(3);
  }
}

/** A host with a slow deployment `d1`, shortly after its question went out or would have. */
async function asking(act: boolean, isUp: boolean) {
  const { state, effectsOf } = await receivers();
  state.isUp = isUp;
  const carryOut: Effects["carryOut"] = (errand, signal) => {
    underWay++;
    return state.effects.carryOut(errand, signal).finally(() => underWay--);
  };
  const stage = stageIn(join(temporaryDirectory(), "journal"), ["api", "db"], {
    effects: { carryOut },
    options: { act },
  });
  state.effects = effectsOf(stage);
  const host = await stage.start();
  await stage.clock.pass(MINUTE_MS);
  const deployedMs = stage.clock.wallMs();
  stage.source.slow.set("api", [{ fromMs: deployedMs, toMs: Infinity, times: 1.5 }]);
  await host.tell(started("api", "d1", deployedMs));
  while (phaseOf(host) !== "proposed") await pass(stage, 1000);
  return { stage, host, state };
}

function phaseOf(host: RunningHost): string | undefined {
  return host.status().open.find(({ deploymentId }) => deploymentId === "d1")?.phase;
}

function restart(stage: Stage, act: boolean): Promise<RunningHost> {
  const options = { ...stage.parts.options, act };
  return startHost(
    { ...stage.parts, options },
    undefined,
    realDisk(() => undefined),
  );
}

function endsOf({ parts: { dir } }: Stage): (string | null)[] {
  return segmentsIn(realDisk(), dir).flatMap(({ log }) =>
    [...logEntries(log, true)].flatMap(({ entry }) =>
      entry.kind === "record" &&
      entry.content.decision === "ended" &&
      entry.content.deploymentId === "d1"
        ? [entry.content.reason]
        : [],
    ),
  );
}

const actsOn = (sent: readonly Sent[], id: string): readonly Sent[] =>
  sent.filter(({ deploymentId, act }) => deploymentId === id && act);

it("a rollback that a dry run recorded is not told as real by a host that acts", async () => {
  const { stage, host, state } = await asking(false, false);
  // The window runs out in the dry run; the messages about that did not reach their receiver.
  await pass(stage, 3 * MINUTE_MS);
  await host.stop();
  state.isUp = true;
  const next = await restart(stage, true);
  await pass(stage, MINUTE_MS);
  expect(state.sent.some(({ type, act }) => type === "notify" && !act)).toBe(true);
  expect(actsOn(state.sent, "d1")).toEqual([]);
  expect(state.sent.filter(({ type }) => type === "rollBack")).toEqual([]);
  await next.stop();
});

it.each([true, false])(
  "a dry run's question never leads to a rollback, receiver up: %s, also after two restarts",
  async (isUp) => {
    const { stage, host, state } = await asking(false, isUp);
    await host.stop();
    state.isUp = true;
    const second = await restart(stage, true);
    await pass(stage, 10_000);
    await second.stop();
    const third = await restart(stage, true);
    await pass(stage, 4 * MINUTE_MS);
    expect(endsOf(stage)).toEqual(["recorded only: the host may not act"]);
    expect(state.sent.filter(({ type }) => type === "rollBack")).toEqual([]);
    expect(state.sent.some(({ type }) => type === "propose")).toBe(true);
    expect(actsOn(state.sent, "d1")).toEqual([]);
    // What begins afterwards is real.
    const deployedMs = stage.clock.wallMs();
    stage.source.slow.set("db", [{ fromMs: deployedMs, toMs: Infinity, times: 1.5 }]);
    await third.tell(started("db", "d2", deployedMs));
    await pass(stage, 5 * MINUTE_MS);
    const real = state.sent.filter(({ deploymentId }) => deploymentId === "d2");
    expect(real.map(({ type }) => type)).toContain("rollBack");
    expect(real.every(({ act }) => act)).toBe(true);
    await third.stop();
  },
);

it("an acting host's question leads to no rollback by a dry run, and says so", async () => {
  const { stage, host, state } = await asking(true, false);
  await host.stop();
  state.isUp = true;
  const next = await restart(stage, false);
  await pass(stage, 4 * MINUTE_MS);
  expect(state.sent.filter(({ type }) => type === "rollBack")).toEqual([]);
  const questions = state.sent.filter(({ type }) => type === "propose" || type === "escalate");
  expect(questions.length).toBeGreaterThan(0);
  expect(questions.every(({ act }) => !act)).toBe(true);
  await next.stop();
  // A third host may act again, and the recorded rollback stays what it was.
  const third = await restart(stage, true);
  await pass(stage, 2 * MINUTE_MS);
  expect(state.sent.filter(({ type }) => type === "rollBack")).toEqual([]);
  await third.stop();
});

it("a real rollback that is unanswered stays real in a dry run between two hosts", async () => {
  const { stage, host, state } = await asking(true, true);
  state.isUp = false;
  await pass(stage, 2 * MINUTE_MS);
  expect(phaseOf(host)).toBe("rollingBack");
  await host.stop();
  state.isUp = true;
  const next = await restart(stage, false);
  await pass(stage, 10_000);
  expect(state.sent.filter(({ type }) => type === "rollBack")).toEqual([]);
  // It is unknown whether it was carried out, so it counts as failed, not as recorded only.
  expect(endsOf(stage)).toEqual([expect.stringContaining("unknown whether")]);
  await next.stop();
});
