/** What goes wrong around the host: it pages and waits, never rolls back, and recovers. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FLEET, type DecisionRecord } from "../../engine/index.ts";
import { logEntries } from "../../lab/audit/read.ts";
import type { RunningHost, Taken } from "../../lab/shadow/contract.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { segmentsIn } from "../../lab/shadow/journal/segments.ts";
import { temporaryDirectory } from "../directories.ts";
import { MINUTE_MS, OPTIONS, stageIn, started, type Stage } from "./stage.ts";

const HOUR_MS = 60 * MINUTE_MS;

function records({ parts: { dir } }: Stage): DecisionRecord[] {
  return segmentsIn(realDisk(), dir).flatMap(({ log }) =>
    [...logEntries(log, true)].flatMap(({ entry }) =>
      entry.kind === "record" ? [entry.content] : [],
    ),
  );
}

function faultsOf(stage: Stage): string[] {
  return records(stage)
    .filter(({ deploymentId, decision }) => deploymentId === FLEET && decision === "paged")
    .map(({ reason }) => reason);
}

function endOf(stage: Stage, id: string): [string | null, string] | undefined {
  const end = records(stage).find(
    ({ deploymentId, decision }) => deploymentId === id && decision === "ended",
  );
  return end === undefined ? undefined : [end.end, end.reason];
}

/** A service that gets slow with its deployment; the host is asking when this returns. */
async function asking(options = {}): Promise<{ stage: Stage; host: RunningHost }> {
  const stage = stageIn(join(temporaryDirectory(), "journal"), ["api", "db"], { options });
  const host = await stage.start();
  await stage.clock.pass(MINUTE_MS);
  const deployedMs = stage.clock.wallMs();
  stage.source.slow.set("api", [{ fromMs: deployedMs, toMs: Infinity, times: 1.5 }]);
  await host.tell(started("api", "d1", deployedMs));
  await stage.clock.pass(90_000);
  expect(host.status().open[0]).toMatchObject({ deploymentId: "d1", phase: "proposed" });
  return { stage, host };
}

it("halts when the wall clock jumps ahead, until the clocks agree again", async () => {
  const { stage, host } = await asking();
  stage.clock.jump(30 * MINUTE_MS);
  await stage.clock.pass(20_000);
  expect(endOf(stage, "d1")).toEqual(["held", expect.stringContaining("went forward by 30m")]);
  expect(faultsOf(stage)).toHaveLength(1);
  expect(host.status().halted).toBe(true);
  expect(Math.abs(host.status().nowMs - stage.clock.wallMs())).toBeLessThan(1000);
  await stage.clock.pass(2 * MINUTE_MS);
  expect(host.status()).toMatchObject({ halted: false, problems: [] });
  expect(stage.hands.of("rollBack")).toEqual([]);
  expect(stage.hands.of("page").length).toBeGreaterThanOrEqual(2);
  await host.stop();
});

it("never lifts a halt that a person ordered when the clocks agree again", async () => {
  const { stage, host } = await asking();
  const { clock } = stage;
  await host.tell({ kind: "haltOrdered", atMs: clock.wallMs(), by: "sam", reason: "drill" });
  clock.jump(HOUR_MS);
  await clock.pass(5 * MINUTE_MS);
  expect(host.status().halted).toBe(true);
  await host.stop();
});

it("stands still when the wall clock goes back, so that no window runs out", async () => {
  const { stage, host } = await asking();
  const before = host.status().nowMs;
  stage.clock.jump(-10 * MINUTE_MS);
  await stage.clock.pass(8 * MINUTE_MS);
  expect(host.status().nowMs - before).toBeLessThan(16_000);
  expect(host.status().open[0]).toMatchObject({ phase: "proposed" });
  expect(stage.hands.of("rollBack")).toEqual([]);
  expect(faultsOf(stage)).toEqual([expect.stringContaining("went back by 10m")]);
  await stage.clock.pass(3 * MINUTE_MS);
  expect(Math.abs(host.status().nowMs - stage.clock.wallMs())).toBeLessThan(100);
  await host.stop();
});

it("does not send a rollback that was due while no host ran for hours", async () => {
  const { stage, host } = await asking();
  stage.lease = false;
  await stage.clock.pass(16_000);
  await expect(host.done).rejects.toThrow("the lease was lost");
  await stage.clock.pass(3 * HOUR_MS);
  stage.lease = true;
  const next = await stage.start();
  await stage.clock.pass(MINUTE_MS);
  const [end, reason] = endOf(stage, "d1")!;
  // Its samples had stopped before the window ran out.
  expect([end, reason]).toEqual(["held", expect.stringContaining("no answer within 2m, but")]);
  expect(stage.hands.of("rollBack")).toEqual([]);
  expect(next.status()).toMatchObject({ ready: true, open: [], problems: [] });
  await next.stop();
});

it("gives up a rollback that could not be sent in time, and pages", async () => {
  const { stage, host } = await asking();
  stage.hands.answer = () => ({ status: "unknown", detail: "no route to host" });
  await stage.clock.pass(8 * MINUTE_MS);
  const keys = stage.hands.of("rollBack").map(({ key }) => key);
  expect(keys.length).toBeGreaterThan(5);
  expect(new Set(keys).size).toBe(1);
  const failed = "the rollback failed: it is unknown whether it arrived: no route to host";
  expect(endOf(stage, "d1")).toEqual(["rollbackFailed", failed]);
  await host.stop();
});

it("sends a command again under the same key until it is done", async () => {
  const { stage, host } = await asking();
  stage.hands.answer = (_, times) =>
    times < 2
      ? { status: "unknown", detail: "timeout" }
      : { status: "done", finished: { succeeded: true, detail: "" } };
  await stage.clock.pass(3 * MINUTE_MS);
  expect(new Set(stage.hands.of("rollBack").map(({ key }) => key)).size).toBe(1);
  expect(endOf(stage, "d1")).toEqual(["rolledBack", "rolled back"]);
  await host.stop();
});

it("pages when a platform accepts a rollback and never reports its end", async () => {
  const { stage, host } = await asking();
  stage.hands.answer = () => ({ status: "done", finished: null });
  await stage.clock.pass(32 * MINUTE_MS);
  expect(stage.hands.of("rollBack")).toHaveLength(1);
  expect(faultsOf(stage)).toEqual([expect.stringContaining("rollback of d1 was ordered")]);
  await host.stop();
});

it("counts a refused rollback as failed, and pages", async () => {
  const { stage, host } = await asking();
  stage.hands.answer = () => ({ status: "refused", detail: "frozen" });
  await stage.clock.pass(3 * MINUTE_MS);
  expect(stage.hands.of("rollBack")).toHaveLength(1);
  expect(endOf(stage, "d1")).toEqual(["rollbackFailed", expect.stringContaining("frozen")]);
  await host.stop();
});

it("only records what it would do unless it may act", async () => {
  const { stage, host } = await asking({ act: false });
  await stage.clock.pass(3 * MINUTE_MS);
  expect(stage.hands.of("rollBack")).toEqual([]);
  const recorded = "recorded only: the host may not act";
  expect(endOf(stage, "d1")).toEqual(["rolledBack", recorded]);
  await host.stop();
});

const NOTHING: Taken = { columns: [], problems: ["the metrics API did not answer within 10 s"] };

it.each<[string, (stage: Stage) => (fromMs: number, toMs: number) => Taken | Promise<Taken>]>([
  ["is down", () => () => NOTHING],
  ["never answers", () => () => new Promise<Taken>(() => undefined)],
  ["throws", () => () => Promise.reject(new Error("socket hang up"))],
  ["gives nothing and says nothing", () => () => ({ columns: [], problems: [] })],
  [
    "gives all but the service",
    ({ source }) =>
      (fromMs, toMs) => ({
        columns: [source.column("db", fromMs, toMs)],
        problems: ["latency: 1 series was rate-limited"],
      }),
  ],
  [
    "is an hour behind and says nothing",
    ({ source }) =>
      (fromMs, toMs) => ({
        columns: ["api", "db"].map((name) => source.column(name, fromMs, toMs - HOUR_MS)),
        problems: [],
      }),
  ],
  [
    "is an hour ahead",
    ({ source }) =>
      (fromMs, toMs) => ({
        columns: ["api", "db"].map((name) => {
          const column = source.column(name, fromMs, toMs);
          return { ...column, atMs: column.atMs.map((ms) => ms + HOUR_MS) };
        }),
        problems: [],
      }),
  ],
  [
    "gives nothing but gaps",
    ({ source }) =>
      (fromMs, toMs) => ({
        columns: ["api", "db"].map((name) => {
          const column = source.column(name, fromMs, toMs);
          return { ...column, values: column.values.map(() => Number.POSITIVE_INFINITY) };
        }),
        problems: ["latency: 2 series have values that are no numbers"],
      }),
  ],
])(
  "a metrics source that %s is no health and no rollback: a page, and on it goes",
  async (_, fault) => {
    const stage = stageIn(join(temporaryDirectory(), "journal"), ["api", "db"]);
    const { clock, source, hands } = stage;
    const host = await stage.start();
    await clock.pass(MINUTE_MS);
    const deployedMs = clock.wallMs();
    source.slow.set("api", [{ fromMs: deployedMs, toMs: Infinity, times: 3 }]);
    source.fault = fault(stage);
    await host.tell(started("api", "d1", deployedMs));
    await clock.pass(22 * MINUTE_MS);
    expect(endOf(stage, "d1")![0]).toBe("undecidable");
    expect(hands.of("propose")).toEqual([]);
    expect(hands.of("rollBack")).toEqual([]);
    expect(faultsOf(stage)).toHaveLength(1);
    source.fault = null;
    source.slow.clear();
    // A baseline must be there again.
    await clock.pass(16 * MINUTE_MS);
    expect(host.status().problems).toEqual([]);
    await host.tell(started("db", "d2", clock.wallMs()));
    await clock.pass(21 * MINUTE_MS);
    expect(endOf(stage, "d2")![0]).toBe("healthy");
    await host.stop();
  },
);

it("notices by the size of its files that another host writes the journal, and ends", async () => {
  const { stage, host } = await asking();
  const [segment] = segmentsIn(realDisk(), stage.parts.dir);
  writeFileSync(segment!.log, "x", { flag: "a" });
  await stage.clock.pass(MINUTE_MS);
  await expect(host.done).rejects.toThrow("another process wrote to it");
  await expect(host.tell(started("db", "d3", stage.clock.wallMs()))).rejects.toThrow("has ended");
  expect(stage.hands.of("page").at(-1)!.reason).toContain("another process wrote to it");
});

it("refuses a journal that was altered, or that the engine decides otherwise", async () => {
  const { stage, host } = await asking();
  await host.stop();
  const segments = segmentsIn(realDisk(), stage.parts.dir);
  expect(segments).toHaveLength(2);
  // The newest has nothing but its header.
  const { log } = segments[0]!;
  const text = readFileSync(log, "utf8");
  writeFileSync(log, text.replace('"by":"override"', '"by":"nobody"').replace("d1#2", "d1#9"));
  await expect(stage.start()).rejects.toThrow(/decisions-000001.jsonl:\d+.*altered/);
  writeFileSync(log, text);
  const samples = segments[0]!.samples;
  const bytes = readFileSync(samples);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(samples, bytes);
  await expect(stage.start()).rejects.toThrow(/samples-000001.bin.*altered/);
});

it("writes every checkpoint with its signature", async () => {
  const stage = stageIn(join(temporaryDirectory(), "journal"), ["api"], {
    options: {
      ...OPTIONS,
      rotateMs: 5 * MINUTE_MS,
      signer: (text) => Buffer.from(text).toString("base64"),
    },
  });
  const host = await stage.start();
  await stage.clock.pass(12 * MINUTE_MS);
  await host.stop();
  const segments = segmentsIn(realDisk(), stage.parts.dir);
  expect(segments.length).toBeGreaterThanOrEqual(3);
  for (const { log } of segments.slice(0, -1)) {
    const last = [...logEntries(log, false)].at(-1)!.entry;
    expect(last).toMatchObject({ kind: "checkpoint", content: { closes: true } });
    expect(JSON.stringify(last)).toContain('"signature":"');
  }
});
