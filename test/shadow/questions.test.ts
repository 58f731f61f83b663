/** A question that was answered or taken back goes to nobody, and its words keep their order. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import type { Effects, RunningHost } from "../../lab/shadow/contract.ts";
import { webhookEffects } from "../../lab/shadow/out/webhooks.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyOf } from "../engine/policyFile.ts";
import { LIVE, MINUTE_MS, POLICY, stageIn, started, type Stage } from "./stage.ts";

interface HostInput {
  readonly type: string;
  readonly to?: string;
  readonly ordinal?: number;
}

interface Receiver {
  /** Does it take anything? */
  isUp: boolean;
  /** What it took, in the order it came. */
  readonly taken: HostInput[];
  /** How often it was asked. */
  asked: number;
  /** Questions are answered once this has come. */
  reads: Promise<void>;
}

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A receiver that is down for now: every attempt is answered with 503. */
async function receiver(): Promise<{ receiver: Receiver; effects: (stage: Stage) => Effects }> {
  const state: Receiver = { isUp: false, taken: [], asked: 0, reads: Promise.resolve() };
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      state.asked++;
      const told = JSON.parse(Buffer.concat(parts).toString()) as HostInput;
      const answered = (): void => {
        if (state.isUp) state.taken.push(told);
        response.writeHead(state.isUp ? 200 : 503).end();
      };
      if (told.type === "propose") void state.reads.then(answered);
      else answered();
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const page = { url: `http://127.0.0.1:${port}/`, secret: "of the receiver", timeout: 10_000 };
  return {
    receiver: state,
    effects: ({ clock }) => webhookEffects({ platform: null, page }, clock),
  };
}

/** Lets time of the stage pass, and the network keep up with it. */
async function pass(stage: Stage, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await stage.clock.pass(1000);
    await setTimeout(3);
  }
}

/** A host that asks about a deployment, while nobody can be told. */
async function asking(policy = POLICY) {
  const { receiver: its, effects } = await receiver();
  const late: { of: Effects | null } = { of: null };
  const carryOut: Effects["carryOut"] = (errand, signal) => late.of!.carryOut(errand, signal);
  const stage = stageIn(join(temporaryDirectory(), "journal"), ["api"], {
    policy,
    effects: { carryOut },
  });
  late.of = effects(stage);
  const host = await stage.start();
  await stage.clock.pass(MINUTE_MS);
  const deployedMs = stage.clock.wallMs();
  stage.source.slow.set("api", [{ fromMs: deployedMs, toMs: Infinity, times: 1.5 }]);
  await host.tell(started("api", "d1", deployedMs));
  while (phaseOf(host) !== "proposed") await pass(stage, 1000);
  await pass(stage, 5000);
  expect(its.asked).toBeGreaterThan(1);
  return { stage, host, its };
}

function phaseOf(host: RunningHost): string | undefined {
  return host.status().open.find(({ deploymentId }) => deploymentId === "d1")?.phase;
}

const questions = ({ taken }: Receiver): readonly string[] =>
  taken.map(({ type }) => type).filter((type) => /propose|escalate|withdraw/.test(type));

it("a question that was overridden is not sent, but the news of the override is", async () => {
  const { stage, host, its } = await asking();
  const justification = "a known spike";
  const atMs = stage.clock.wallMs();
  await host.tell({ kind: "overrideGiven", atMs, deploymentId: "d1", by: "ana", justification });
  await pass(stage, 5000);
  its.isUp = true;
  await pass(stage, 2 * MINUTE_MS);
  expect(questions(its)).toEqual(["withdrawProposal"]);
  expect(stage.notes).toContain("d1#2/propose: unknown: it answered 503");
  await host.stop();
});

it("a question that was approved or timed out is not sent", async () => {
  for (const approved of [true, false]) {
    const { stage, host, its } = await asking();
    const atMs = stage.clock.wallMs();
    if (approved) await host.tell({ kind: "approvalGiven", atMs, deploymentId: "d1", by: "ana" });
    else await pass(stage, 2 * MINUTE_MS);
    expect(phaseOf(host)).not.toBe("proposed");
    its.isUp = true;
    await pass(stage, MINUTE_MS);
    expect(questions(its)).toEqual([]);
    expect(its.taken.some(({ type }) => type === "page")).toBe(true);
    await host.stop();
    server?.closeAllConnections();
    server?.close();
  }
});

it("a question that was escalated is sent only to the new receivers", async () => {
  const policy = policyOf({
    ...LIVE,
    tiers: { approve: { sla: "1m", escalate: [{ to: "senior", sla: "5m" }] } },
    assign: [{ otherwise: "approve" }],
  });
  const { stage, host, its } = await asking(policy);
  await pass(stage, MINUTE_MS);
  its.isUp = true;
  await pass(stage, MINUTE_MS);
  expect(questions(its)).toEqual(["escalate"]);
  expect(its.taken.find(({ type }) => type === "escalate")).toMatchObject({ to: "senior" });
  await host.stop();
});

it("an open question is sent when the receiver is back, however late", async () => {
  const { stage, host, its } = await asking();
  await pass(stage, MINUTE_MS);
  its.isUp = true;
  await pass(stage, 35_000);
  expect(phaseOf(host)).toBe("proposed");
  expect(questions(its)).toEqual(["propose"]);
  await host.stop();
});

it("a question that is being sent arrives before its withdrawal", async () => {
  const { stage, host, its } = await asking();
  let read = (): void => undefined;
  its.reads = new Promise((resolve) => (read = resolve));
  its.isUp = true;
  const before = its.asked;
  while (its.asked === before) await pass(stage, 1000);
  await pass(stage, 31_000);
  const justification = "a known spike";
  const atMs = stage.clock.wallMs();
  await host.tell({ kind: "overrideGiven", atMs, deploymentId: "d1", by: "ana", justification });
  await pass(stage, 2000);
  expect(questions(its)).toEqual([]);
  read();
  await pass(stage, 2000);
  expect(questions(its)).toEqual(["propose", "withdrawProposal"]);
  await host.stop();
});
