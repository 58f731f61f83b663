/**
 * The engine really throws: on a sample whose series has no metric (poison.ts), on numbers that are
 * none. Only the deployment that is to blame is held.
 */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FLEET, type DecisionRecord } from "../../engine/index.ts";
import { logEntries } from "../../lab/audit/read.ts";
import { replayLog } from "../../lab/audit/replay.ts";
import type { Taken } from "../../lab/shadow/contract.ts";
import { replayJournal, verifyJournal } from "../../lab/shadow/journal/check.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { segmentsIn } from "../../lab/shadow/journal/segments.ts";
import { builtFile } from "../built.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyOf } from "../engine/policyFile.ts";
import { BY_GLOB, poisoned } from "./poison.ts";
import { MINUTE_MS, stageIn, started, type Stage } from "./stage.ts";

const SERVICES = ["api", "db", "web"];

function recordsIn(dir: string): DecisionRecord[] {
  return segmentsIn(realDisk(), dir).flatMap(({ log }) =>
    [...logEntries(log, true)].flatMap(({ entry }) =>
      entry.kind === "record" ? [entry.content] : [],
    ),
  );
}

function endsIn(dir: string): Record<string, string> {
  const ended = recordsIn(dir).filter(({ decision }) => decision === "ended");
  return Object.fromEntries(ended.map(({ deploymentId, end }) => [deploymentId, end!]));
}

/** How often each deployment was quarantined, by the events of the journal. */
function quarantinesIn(dir: string): string[] {
  return segmentsIn(realDisk(), dir).flatMap(({ log }) =>
    [...logEntries(log, true)].flatMap(({ entry: { kind, content } }) =>
      kind === "event" && content.kind === "deploymentQuarantined" ? [content.deploymentId] : [],
    ),
  );
}

function expectClean(dir: string): void {
  const verified = [...verifyJournal(dir, null)];
  for (const { state, misplaced } of verified) {
    expect([state.fault, misplaced]).toEqual([null, null]);
  }
  expect(verified.flatMap(({ quarantined }) => quarantined)).toEqual(quarantinesIn(dir));
  const replays = [...replayJournal(dir)];
  replays.forEach(({ log, replay }, at) => {
    expect(replay!.difference).toBeNull();
    expect(replayLog(log, at === replays.length - 1).differences).toEqual([]);
  });
}

/** From now on the samples of one service are poison. */
function poisons({ source }: Stage, service: string): (fromMs: number, toMs: number) => Taken {
  return (fromMs, toMs) => ({
    columns: SERVICES.map((name) => source.column(name, fromMs, toMs)).map((column) =>
      column.series.service === service ? poisoned(column) : column,
    ),
    problems: [],
  });
}

it("holds the deployment on whose samples the engine throws, and decides the others", async () => {
  const stage = stageIn(join(temporaryDirectory(), "journal"), SERVICES, {
    policy: policyOf(BY_GLOB),
  });
  const { clock, source, hands, parts } = stage;
  const host = await stage.start();
  await clock.pass(MINUTE_MS);
  const deployedMs = clock.wallMs();
  for (const name of SERVICES) await host.tell(started(name, `${name}-1`, deployedMs));
  source.slow.set("api", [{ fromMs: deployedMs, toMs: Infinity, times: 1.5 }]);
  source.fault = poisons(stage, "web");
  await clock.pass(30_000);
  expect(quarantinesIn(parts.dir)).toEqual(["web-1"]);
  expect(host.status()).toMatchObject({ ready: true, halted: false });
  expect(host.status().open.map(({ deploymentId }) => deploymentId)).toEqual(["api-1", "db-1"]);
  const pages = () => hands.of("page").filter(({ command }) => command.deploymentId === "web-1");
  expect(new Set(pages().map(({ key }) => key)).size).toBe(1);
  expect(pages()[0]!.reason).toContain("quarantined: samplesTaken: ");
  // A host that goes on from the journal neither throws nor quarantines again.
  stage.lease = false;
  await clock.pass(16_000);
  await expect(host.done).rejects.toThrow("the lease was lost");
  stage.lease = true;
  const next = await stage.start();
  await clock.pass(21 * MINUTE_MS);
  expect(endsIn(parts.dir)).toEqual({ "api-1": "rolledBack", "db-1": "healthy", "web-1": "held" });
  expect(quarantinesIn(parts.dir)).toEqual(["web-1"]);
  expect(new Set(pages().map(({ key }) => key)).size).toBe(1);
  expect(hands.of("rollBack").map(({ command }) => command.deploymentId)).toEqual(["api-1"]);
  await next.stop();
  expectClean(parts.dir);
});

it("calls off a rollback that was ordered and not carried out", async () => {
  const stage = stageIn(join(temporaryDirectory(), "journal"), ["api", "db"]);
  const { clock, source, hands, parts } = stage;
  hands.answer = ({ command }) =>
    command.kind === "rollBack"
      ? { status: "unknown", detail: "no route to host" }
      : { status: "done", finished: null };
  const host = await stage.start();
  await clock.pass(MINUTE_MS);
  const deployedMs = clock.wallMs();
  source.slow.set("api", [{ fromMs: deployedMs, toMs: Infinity, times: 1.5 }]);
  for (const name of ["api", "db"]) await host.tell(started(name, `${name}-1`, deployedMs));
  await clock.pass(4 * MINUTE_MS);
  const sent = hands.of("rollBack").length;
  expect(sent).toBeGreaterThan(0);
  const poison = { kind: "stageReached", atMs: clock.wallMs(), deploymentId: "api-1", share: 7 };
  expect(await host.tell(poison as never)).toMatchObject({ accepted: false });
  await clock.pass(2 * MINUTE_MS);
  expect(hands.of("rollBack").length).toBeLessThanOrEqual(sent + 1);
  const held = recordsIn(parts.dir).find(({ end }) => end === "held")!;
  expect([held.deploymentId, held.phaseBefore]).toEqual(["api-1", "rollingBack"]);
  expect(host.status()).toMatchObject({ ready: true, halted: false });
  await clock.pass(20 * MINUTE_MS);
  expect(endsIn(parts.dir)).toEqual({ "api-1": "held", "db-1": "healthy" });
  await host.stop();
  expectClean(parts.dir);
});

it("quarantines a deployment on whose start the engine throws, and refuses it later", async () => {
  const stage = stageIn(join(temporaryDirectory(), "journal"), SERVICES, {
    policy: policyOf(BY_GLOB),
  });
  const { clock, hands, parts } = stage;
  const host = await stage.start();
  await clock.pass(MINUTE_MS);
  // The journal has no word for such a start.
  for (const startedAtMs of [Number.NaN, Number.NaN, clock.wallMs()]) {
    const receipt = await host.tell(started("web", "web-1", startedAtMs));
    expect(receipt).toMatchObject({ accepted: false });
    await clock.pass(1000);
  }
  // The restarted host repeats the page of the last minutes, under its old key.
  expect(new Set(hands.of("page").map(({ key }) => key)).size).toBe(1);
  expect(host.status()).toMatchObject({ ready: true, halted: false, open: [] });
  await host.stop();
  const next = await stage.start();
  await clock.pass(MINUTE_MS);
  expect(await next.tell(started("web", "web-1", clock.wallMs()))).toMatchObject({
    accepted: false,
  });
  // The restarted host repeats the page of the last minutes, under its old key.
  expect(new Set(hands.of("page").map(({ key }) => key)).size).toBe(1);
  await next.stop();
  expectClean(parts.dir);
});

it("halts everything and stays up where no deployment is to blame", async () => {
  const stage = stageIn(join(temporaryDirectory(), "journal"), ["api"]);
  const { clock, parts } = stage;
  const host = await stage.start();
  await clock.pass(MINUTE_MS);
  await host.tell(started("api", "api-1", clock.wallMs()));
  const tag = { deploymentId: null, service: "api", tag: "load", value: Number.NaN };
  const atMs = clock.wallMs();
  const { accepted } = await host.tell({ kind: "deploymentTagged", atMs, tag } as never);
  expect(accepted).toBe(false);
  expect(host.status()).toMatchObject({ ready: true, halted: true });
  expect(quarantinesIn(parts.dir)).toEqual([]);
  const paged = recordsIn(parts.dir).filter(({ decision }) => decision === "paged");
  expect(paged.map(({ deploymentId }) => deploymentId)).toEqual([FLEET]);
  await host.stop();
  expectClean(parts.dir);
});

it("is killed with SIGKILL after a quarantine, and goes on", async () => {
  const dir = temporaryDirectory();
  const journal = join(dir, "journal");
  await livedUntil(dir, () => quarantinesIn(journal).length > 0, "SIGKILL");
  await livedUntil(dir, () => "api-1" in endsIn(journal), "SIGKILL");
  expect(endsIn(journal)).toEqual({ "api-1": "rolledBack", "web-1": "held" });
  expect(quarantinesIn(journal)).toEqual(["web-1"]);
  const sent = readFileSync(join(dir, "platform.txt"), "utf8").trim().split("\n");
  const pages = sent.filter((line) => line.startsWith("page web-1"));
  expect(new Set(pages).size).toBe(1);
  expect(sent.filter((line) => line.startsWith("rollBack"))).toEqual([
    expect.stringContaining("rollBack api-1"),
  ]);
  expectClean(journal);
});

/** Runs a host in a process until the journal says so, then ends it with the signal. */
function livedUntil(dir: string, holds: () => boolean, signal: NodeJS.Signals): Promise<void> {
  const child = spawn(process.execPath, [builtFile("test/shadow/poisonedProcess.ts"), dir]);
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      try {
        if (holds()) child.kill(signal);
      } catch {
        // A line is only half written: look again.
      }
    }, 100);
    child.on("error", reject);
    child.on("close", (code, ended) => {
      clearInterval(timer);
      if (ended === signal) resolve();
      else reject(new Error(`exit ${code}: ${said}`));
    });
  });
}
