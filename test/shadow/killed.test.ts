/**
 * The host is stopped at any step: each write, each sync, each command. Whoever goes on from
 * its journal must have all that was said, must not do twice what was done, and in the end
 * stand where a host that never stopped stands.
 */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isBatch, type SamplesBatch, type SamplesSeen } from "../../engine/index.ts";
import { logEntries } from "../../lab/audit/read.ts";
import { replayLog } from "../../lab/audit/replay.ts";
import { verifyLog } from "../../lab/audit/verify.ts";
import { randomStream } from "../../lab/random.ts";
import type { Errand, RunningHost, HostInput } from "../../lab/shadow/contract.ts";
import { replayJournal, verifyJournal } from "../../lab/shadow/journal/check.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { segmentsIn } from "../../lab/shadow/journal/segments.ts";
import { builtFile } from "../built.ts";
import { temporaryDirectory } from "../directories.ts";
import { Crash, crashingDisk, Fuse } from "./crashing.ts";
import { MINUTE_MS, stageIn, started, START_MS, type Stage } from "./stage.ts";

const SERVICES = ["api", "db", "web"];
const KILLS = process.env["SOAK"] === undefined ? 40 : 1000;

/** Two bad deployments, one of them overridden, a good one, and what goes on around them. */
const SCRIPT: readonly (readonly [number, (atMs: number) => HostInput])[] = [
  [30_500, (atMs) => started("api", "bad", atMs - 500)],
  [40_000, (atMs) => started("db", "meant", atMs)],
  [61_000, (atMs) => tagged("db", "meant", atMs)],
  [62_000, (atMs) => started("web", "good", atMs, { environment: "test" })],
  [90_000, (atMs) => ({ kind: "stageReached", atMs, deploymentId: "good", share: 0.5 })],
  [150_000, (atMs) => override("nobody", atMs)],
  [160_000, (atMs) => override("meant", atMs)],
  [170_000, (atMs) => refused(atMs)],
  // In a later segment, with a baseline from the ones before.
  [205_000, (atMs) => started("web", "later", atMs, { environment: "test" })],
  [330_000, (atMs) => ({ kind: "haltOrdered", atMs, by: "sam", reason: "drill" })],
  [350_000, (atMs) => ({ kind: "haltLifted", atMs, by: "sam", reason: "over" })],
];
const ENDS_MS = START_MS + 7 * MINUTE_MS;

function tagged(service: string, deploymentId: string, knownAtMs: number): HostInput {
  const nothing = { signal: null, validFromMs: null, validUntilMs: null, approvedBy: null };
  const tag = { deploymentId, service, tag: "seen", value: "true", knownAtMs, givenBy: "kim" };
  return { kind: "deploymentTagged", atMs: knownAtMs, tag: { ...tag, ...nothing } };
}

function override(deploymentId: string, atMs: number): HostInput {
  return { kind: "overrideGiven", atMs, deploymentId, by: "dana", justification: "expected" };
}

function refused(atMs: number): HostInput {
  const about = { deploymentId: "bad", by: "eve", what: "approval", why: "not entitled" };
  return { kind: "requestRefused", atMs, ...about };
}

interface Run {
  readonly stage: Stage;
  /** What every step was counted by, and every line but headers and checkpoints. */
  readonly steps: number;
  readonly lines: readonly string[];
  readonly stops: number;
}

/** Lives the script once, and is stopped where the fuses say; each goes on where one blew. */
async function live(fuses: readonly Fuse[], seed: number): Promise<Run> {
  const dir = join(temporaryDirectory(), "journal");
  mkdirSync(dir);
  const options = { rotateMs: 2 * MINUTE_MS + 10_000, pollMs: 15_000 };
  const stage = stageIn(dir, SERVICES, { options });
  const { clock, source, hands } = stage;
  source.slow.set("api", [{ fromMs: START_MS + 30_000, toMs: Infinity, times: 1.5 }]);
  source.slow.set("db", [{ fromMs: START_MS + 40_000, toMs: Infinity, times: 1.4 }]);
  let [stops, steps] = [0, 0];
  let fuse = fuses[0] ?? new Fuse(Infinity);
  let disk = crashingDisk(fuse, seed);
  let host: RunningHost;
  const begin = async (): Promise<void> => {
    for (;;) {
      const mine = fuse;
      // A command may go out before the end or not; the receiver knows its key.
      const carryOut = async (errand: Errand) => {
        mine.step();
        const done = await hands.carryOut(errand);
        mine.step();
        return done;
      };
      const start = stageIn(dir, SERVICES, { ...stage.parts, effects: { carryOut }, options });
      try {
        host = await start.start(disk);
        return;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        await pickUp();
      }
    }
  };
  const pickUp = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    disk.leave();
    steps += fuse.steps;
    fuse = fuses[++stops] ?? new Fuse(Infinity);
    disk = crashingDisk(fuse, seed + stops);
  };
  const goOn = async (): Promise<void> => {
    while (fuse.blown) {
      await pickUp();
      await begin();
      await clock.pass(0, () => fuse.blown);
    }
  };
  await begin();
  for (const [afterMs, told] of [...SCRIPT, [ENDS_MS - START_MS, null] as const]) {
    do {
      await goOn();
      await clock.passTo(START_MS + afterMs, () => fuse.blown);
    } while (fuse.blown);
    for (let heard = told === null; !heard;) {
      await goOn();
      const what = told!(START_MS + afterMs);
      // Whoever did not hear that it was taken tells it again, if it was not.
      heard = isOnRecord(dir, what) || (await host!.tell(what).then(...HEARD_OR_NOT));
    }
  }
  await goOn();
  await clock.pass(0);
  await goOn();
  const { lines } = check(dir, hands.sent);
  return { stage, steps: steps + fuse.steps, lines, stops };
}

const HEARD_OR_NOT = [() => true, () => false] as const;

/** Every moment of the script is that of one thing. */
function isOnRecord(dir: string, { atMs }: HostInput): boolean {
  return segmentsIn(realDisk(), dir).some(({ log }) =>
    [...logEntries(log, true)].some(
      ({ entry }) =>
        entry.kind === "event" &&
        entry.content.kind !== "clockAdvanced" &&
        entry.content.kind !== "signalJudged" &&
        entry.content.atMs === atMs,
    ),
  );
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

function batchText(content: SamplesSeen | SamplesBatch): string {
  return isBatch(content) ? `${content.digest} known at ${content.knownAtMs}` : "";
}

/** Whole and the same again, nothing twice, no window longer than it was. */
function check(
  dir: string,
  sent: readonly Errand[],
  windowMs = 2 * MINUTE_MS,
): { lines: readonly string[] } {
  const lines: string[] = [];
  const ids = new Set<string>();
  const due = new Map<string, number>();
  const segments = segmentsIn(realDisk(), dir);
  segments.forEach(({ log }, index) => {
    const open = index === segments.length - 1;
    must(verifyLog(log, { open, isSigned: null }).fault === null, `${log} is whole`);
    must(replayLog(log, open).differences.length === 0, `${log} is decided alike`);
    for (const { entry, text } of logEntries(log, open)) {
      if (entry.kind === "header" || entry.kind === "checkpoint") continue;
      // Which file a batch is in depends on when a segment was found to be full.
      lines.push(entry.kind === "samples" ? batchText(entry.content) : text);
      if (entry.kind !== "record") continue;
      const { decisionId, deploymentId, knownAtMs, decision, authority } = entry.content;
      must(!ids.has(decisionId), `${decisionId} is decided once`);
      ids.add(decisionId);
      if (decision === "proposed") due.set(deploymentId, knownAtMs + windowMs);
      if (decision === "rollbackOrdered" && authority.startsWith("policy")) {
        must(knownAtMs === due.get(deploymentId), "the window is as long as it was");
      }
    }
  });
  const orders = new Map<string, Set<string>>();
  for (const { key, command } of sent) {
    must(ids.has(command.decisionId), "nothing is asked that is not on record");
    if (command.kind !== "rollBack") continue;
    const keys = orders.get(command.deploymentId) ?? new Set();
    orders.set(command.deploymentId, keys.add(key));
  }
  for (const keys of orders.values()) must(keys.size === 1, "one rollback, under one key");
  return { lines };
}

it(
  `goes on from ${KILLS} random kills as if there had been none`,
  { timeout: 600_000 },
  async () => {
    const undisturbed = await live([], 0);
    expect(undisturbed.lines.join("\n")).toMatch(/"end":"rolledBack"[^]*"decision":"haltLifted"/);
    const orders = new Set(undisturbed.stage.hands.of("rollBack").map(({ key }) => key));
    expect(orders.size).toBe(1);
    let stops = 0;
    for (let seed = 1; seed <= KILLS; seed++) {
      const random = randomStream("kills", seed);
      const at = 1 + Math.floor(random.next() * undisturbed.steps);
      // Every third is stopped a second time, soon after it went on.
      const again = seed % 3 === 0 ? [new Fuse(1 + Math.floor(random.next() * 12))] : [];
      const killed = await live([new Fuse(at), ...again], seed);
      stops += killed.stops;
      if (killed.lines.join("\n") !== undisturbed.lines.join("\n")) {
        expect(killed.lines, `seed ${seed}, step ${at}`).toEqual(undisturbed.lines);
      }
      const keys = new Set(killed.stage.hands.of("rollBack").map(({ key }) => key));
      expect(keys, `seed ${seed}, step ${at}`).toEqual(orders);
    }
    expect(stops).toBeGreaterThanOrEqual(KILLS);
  },
);

/** Starts the host in a process and kills it after so long; its exit signal, and what it said. */
function livedFor(dir: string, ms: number, signal: NodeJS.Signals): Promise<string> {
  const child = spawn(process.execPath, [builtFile("test/shadow/killedProcess.ts"), dir]);
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  return new Promise((resolve, reject) => {
    // From when its journal is there: a start takes as long as the machine is busy.
    const timer = setInterval(() => {
      if (!existsSync(join(dir, "journal", "decisions-000001.jsonl"))) return;
      clearInterval(timer);
      setTimeout(() => child.kill(signal), ms);
    }, 50);
    child.on("error", reject);
    child.on("close", (code, ended) => {
      clearInterval(timer);
      if (ended === signal || code === 0) resolve(said);
      else reject(new Error(said));
    });
  });
}

it.runIf(process.env["SOAK"] !== undefined)(
  "goes on from a dozen real kills",
  { timeout: 600_000 },
  async () => {
    const dir = temporaryDirectory();
    const random = randomStream("real kills", 1);
    for (let kill = 0; kill < 12; kill++) {
      await livedFor(dir, 4000 + Math.floor(5000 * random.next()), "SIGKILL");
    }
    const said = await livedFor(dir, 6000, "SIGTERM");
    expect(said).not.toContain("otherwise");
    const journal = join(dir, "journal");
    for (const { state, misplaced } of verifyJournal(journal, null)) {
      expect([state.fault, misplaced]).toEqual([null, null]);
    }
    let judgements = 0;
    for (const { replay } of replayJournal(journal)) {
      expect(replay!.difference).toBeNull();
      judgements += replay!.judgements;
    }
    expect(judgements).toBeGreaterThan(20);
    const sent = readFileSync(join(dir, "platform.txt"), "utf8").trim().split("\n");
    const orders = sent.filter((line) => line.startsWith("rollBack"));
    const keys = new Map(orders.map((line) => [line.split(" ")[2]!, line.split(" ")[1]!]));
    // One key for each deployment that was rolled back, however often it was sent.
    expect(new Set(keys.values()).size).toBe(keys.size);
    expect(keys.size).toBeGreaterThan(0);
    check(journal, [], 2000);
  },
);
