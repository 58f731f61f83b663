/** Commands out: what a receiver gets, and how its answer, or none, is understood. */

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { CarriedOut, Errand } from "../../lab/shadow/contract.ts";
import { checkSigned } from "../../lab/shadow/http/signature.ts";
import { counting, webhookEffects } from "../../lab/shadow/out/webhooks.ts";
import { temporaryDirectory } from "../directories.ts";
import { setClock, START_MS } from "./hosts.ts";

const SECRET = "the secret of the platform";
const ERRAND: Errand = {
  key: "cart-1#3/rollBack",
  command: {
    kind: "rollBack",
    deploymentId: "cart-1",
    askedAtMs: START_MS,
    decisionId: "cart-1#3",
    authority: "policy two-minute, tier override",
    accountable: "platform",
  },
  service: "cart",
  version: "v2",
  reason: "no override within 2m: proceeds",
  act: true,
};

interface Got {
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function carryOut(
  status: number,
  answer: string,
  errand: Errand = ERRAND,
  act = true,
): Promise<{ done: CarriedOut; got: readonly Got[] }> {
  const got: Got[] = [];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      got.push({ headers: request.headers, body: Buffer.concat(parts) });
      // 0: it hangs.
      if (status !== 0) response.writeHead(status, { location: "/elsewhere" }).end(answer);
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const platform = {
    url: `http://127.0.0.1:${port}/`,
    secret: SECRET,
    timeout: status === 0 ? 300 : 10_000,
  };
  const effects = webhookEffects({ platform, page: platform }, setClock());
  const done = await effects.carryOut({ ...errand, act }, new AbortController().signal);
  return { done, got };
}

describe("a rollback", () => {
  it("is asked for with a key, signed, and with all that a receiver needs", async () => {
    const { done, got } = await carryOut(202, "");
    expect(done).toEqual({ status: "done", finished: null });
    const [{ headers, body }] = got as [Got];
    expect(headers["idempotency-key"]).toBe(ERRAND.key);
    expect(checkSigned(headers, body, SECRET, START_MS, 1000).fault).toBeNull();
    expect(JSON.parse(body.toString())).toEqual({
      type: "rollBack",
      key: ERRAND.key,
      deploymentId: "cart-1",
      service: "cart",
      version: "v2",
      decisionId: "cart-1#3",
      askedAt: "2026-07-01T12:00:00Z",
      authority: "policy two-minute, tier override",
      accountable: "platform",
      reason: "no override within 2m: proceeds",
      act: true,
    });
  });

  const finished = (succeeded: boolean, detail: string): CarriedOut => ({
    status: "done",
    finished: { succeeded, detail },
  });
  it.each<[number, string, CarriedOut]>([
    [200, '{"succeeded":true,"detail":"back on v1"}', finished(true, "back on v1")],
    [200, '{"succeeded":false,"detail":"v1 is gone"}', finished(false, "v1 is gone")],
    [200, "thank you", { status: "done", finished: null }],
    [409, '{"succeeded":true}', finished(true, "")],
    [409, "seen before", { status: "done", finished: null }],
    [422, "no such service", { status: "refused", detail: "it answered 422: no such service" }],
    [301, "", { status: "refused", detail: "it answered 301" }],
    [429, "", { status: "unknown", detail: "it answered 429" }],
    [503, "", { status: "unknown", detail: "it answered 503" }],
    [0, "", { status: "unknown", detail: "no answer within 0.3 s" }],
  ])("answered with %d %s", async (status, answer, expected) => {
    const { done, got } = await carryOut(status, answer);
    expect(done).toEqual(expected);
    expect(got).toHaveLength(1);
  });

  it("has an unknown result where nothing listens", async () => {
    const platform = { url: "http://127.0.0.1:49151/", secret: SECRET, timeout: 300 };
    const effects = webhookEffects({ platform, page: null }, setClock());
    const done = await effects.carryOut(ERRAND, new AbortController().signal);
    expect(done).toEqual({ status: "unknown", detail: "ECONNREFUSED" });
  });

  it("is refused without a platform; a page without a receiver is not sent", async () => {
    const effects = webhookEffects({ platform: null, page: null }, setClock());
    const { signal } = new AbortController();
    expect(await effects.carryOut(ERRAND, signal)).toMatchObject({ status: "refused" });
    const { askedAtMs, decisionId } = ERRAND.command;
    const page = { kind: "page", deploymentId: "cart-1", askedAtMs, decisionId } as const;
    const command = { ...page, to: "on-call", reason: "held" };
    expect(await effects.carryOut({ ...ERRAND, command }, signal)).toMatchObject({
      status: "done",
    });
  });
});

describe("what is counted", () => {
  it("a message without a receiver counts as nobody, not done, and is logged once", async () => {
    const receivers = { platform: null, page: null };
    const counts = new Map<string, number>();
    const notes: string[] = [];
    const effects = webhookEffects(receivers, setClock());
    const counted = counting(effects, receivers, counts, (text) => notes.push(text));
    const { signal } = new AbortController();
    const { deploymentId, askedAtMs, decisionId } = ERRAND.command;
    const command = { kind: "page", deploymentId, askedAtMs, decisionId, to: "on-call" } as const;
    const page = { ...ERRAND, command: { ...command, reason: "held" } };
    for (const errand of [page, page, ERRAND]) await counted.carryOut(errand, signal);
    expect([...counts]).toEqual([
      ["page nobody", 2],
      ["rollBack refused", 1],
    ]);
    expect(notes).toEqual([expect.stringMatching(/has no receiver: shadow.yaml names no `page`/)]);
  });
});

describe("a host that only records", () => {
  it.each([
    ["notify", "Recorded only, nothing will be done: proceeds"],
    ["page", "proceeds"],
  ] as const)("says so in a %s", async (kind, reason) => {
    const { deploymentId, askedAtMs, decisionId } = ERRAND.command;
    const command = { kind, deploymentId, askedAtMs, decisionId, to: "on-call", reason: "" };
    const { got } = await carryOut(200, "", { ...ERRAND, command, reason: "proceeds" }, false);
    expect(JSON.parse(got[0]!.body.toString())).toMatchObject({ type: kind, act: false, reason });
  });
});

describe("the receiver of the README", () => {
  it("rolls back once, and recognises a repetition by its key", async () => {
    const readme = readFileSync("lab/shadow/out/README.md", "utf8");
    const [, code] = /^```js\n([^]*?)^```/m.exec(readme)!;
    const file = join(temporaryDirectory(), "receiver.mjs");
    writeFileSync(file, code!);
    server = createServer();
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server!.close(resolve));
    const env = { ...process.env, HINDSIGHT_PLATFORM: SECRET, PORT: String(port) };
    const receiver = spawn(process.execPath, [file], { env, stdio: "inherit" });
    try {
      const send = (secret: string): Promise<CarriedOut> => {
        const platform = { url: `http://127.0.0.1:${port}/`, secret, timeout: 10_000 };
        const clock = { ...setClock(), wallMs: () => Date.now() };
        const effects = webhookEffects({ platform, page: null }, clock);
        return effects.carryOut(ERRAND, new AbortController().signal);
      };
      let first = await send(SECRET);
      while (first.status === "unknown") {
        await setTimeout(50);
        first = await send(SECRET);
      }
      const back = { succeeded: true, detail: "cart is back from v2" };
      expect(first).toEqual({ status: "done", finished: back });
      expect(await send(SECRET)).toEqual(first);
      expect(await send("somebody else's secret")).toMatchObject({ status: "refused" });
    } finally {
      receiver.kill("SIGKILL");
    }
  });
});
