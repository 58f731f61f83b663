/**
 * A host that goes on from a state in a file stands exactly where one stands that repeats the whole
 * segment; a file that is missing or altered costs time and nothing else.
 */

import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  chainEntry,
  CHAIN_START,
  handle,
  initialController,
  serialise,
  type ControllerState,
  type LogEntry,
  type SampleColumn,
} from "../../engine/index.ts";
import { logEntries } from "../../lab/audit/read.ts";
import { replayLog } from "../../lab/audit/replay.ts";
import { sha256 } from "../../lab/policy/load.ts";
import { openBlock, encodeBlock } from "../../lab/shadow/journal/blocks.ts";
import { replayJournal, verifyJournal } from "../../lab/shadow/journal/check.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { Gathered } from "../../lab/shadow/journal/gathered.ts";
import { recover, type Recovered } from "../../lab/shadow/journal/recover.ts";
import { segmentsIn } from "../../lab/shadow/journal/segments.ts";
import { atOnce } from "../../lab/shadow/journal/slices.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { MINUTE_MS, POLICY, stageIn, started } from "./stage.ts";

let journal = "";

/** A journal of two segments that a host left without closing the second one. */
beforeAll(async () => {
  journal = join(temporaryDirectory(), "journal");
  const options = { rotateMs: 6 * MINUTE_MS };
  const stage = stageIn(journal, ["api", "db", "web"], { options });
  const { clock, source } = stage;
  const host = await stage.start();
  await clock.pass(2 * MINUTE_MS);
  await host.tell(started("web", "web-1", clock.wallMs()));
  await clock.pass(5 * MINUTE_MS);
  source.slow.set("api", [{ fromMs: clock.wallMs(), toMs: Infinity, times: 1.5 }]);
  for (const name of ["api", "db"]) await host.tell(started(name, `${name}-1`, clock.wallMs()));
  await clock.pass(3.5 * MINUTE_MS);
  stage.lease = false;
  await clock.pass(20_000);
  await expect(host.done).rejects.toThrow("the lease was lost");
});

interface Outcome {
  readonly recovered: Recovered;
  readonly notes: readonly string[];
}

/** Recovers from a copy, after something was done to its files. */
function recovered(change: (dir: string, state: string) => void = () => undefined): Outcome {
  const dir = join(temporaryDirectory(), "journal");
  cpSync(journal, dir, { recursive: true });
  change(dir, join(dir, statesIn(dir)[0]!));
  const notes: string[] = [];
  const disk = realDisk(() => undefined);
  const result = atOnce(recover(disk, dir, (text) => notes.push(text)))!;
  disk.close();
  return { recovered: result, notes };
}

function statesIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith("state-"));
}

/** All that a host goes on with; room to grow is no part of it. */
function standing({ recovered: { state, policy, outstanding, lastMs, place } }: Outcome): unknown {
  const { recent, ...rest } = state;
  const samples = [...recent].map(([key, column]) => [key, { ...column, room: undefined }]);
  const { names, end, logBytes, samplesBytes } = place;
  return {
    // Parsed: keys may come in another order.
    rest: JSON.parse(serialise({ ...rest, recent: new Map() })) as unknown,
    ...{ samples, digest: policy.digest, lastMs },
    ...{ asked: outstanding.all, names, end, logBytes, samplesBytes },
  };
}

const removed = (dir: string): void => {
  for (const name of statesIn(dir)) writeFileSync(join(dir, name), "");
};

describe("a state beside the segment", () => {
  it("is one file, and a restart handles only the inputs since then", () => {
    expect(statesIn(journal)).toHaveLength(1);
    const [withIt, without] = [recovered(), recovered(removed)];
    expect(withIt.notes).toEqual([]);
    expect(withIt.recovered.inputs).toBeGreaterThan(0);
    expect(withIt.recovered.inputs).toBeLessThan(without.recovered.inputs / 2);
    expect(standing(withIt)).toEqual(standing(without));
  });

  it.each<[string, (dir: string, state: string) => void]>([
    ["cut off", (_, state) => writeFileSync(state, readFileSync(state).subarray(0, -9))],
    ["altered in one bit", (_, state) => flip(state)],
    [
      "that of another moment",
      (_, state) => copyFileSync(join(journal, "decisions-000001.jsonl"), state),
    ],
    ["empty", removed],
  ])("that is %s is not used, which is logged, and costs nothing but time", (_, change) => {
    const changed = recovered(change);
    expect(changed.notes).toEqual([expect.stringMatching(/state-.*not used/)]);
    expect(standing(changed)).toEqual(standing(recovered()));
  });

  it("does not hide a log that was altered before it", () => {
    const altered = (dir: string): void => {
      const { log } = segmentsIn(realDisk(), dir).at(-1)!;
      const text = readFileSync(log, "utf8");
      expect(text).toContain('"deploymentId":"db-1"');
      writeFileSync(log, text.replace('"deploymentId":"db-1"', '"deploymentId":"db-2"'));
    };
    expect(() => recovered(altered)).toThrow(/altered/);
  });

  it("leaves the journal whole, and its decisions as they are made again", () => {
    for (const { state, misplaced } of verifyJournal(journal, null)) {
      expect([state.fault, misplaced]).toEqual([null, null]);
    }
    for (const { log, replay } of replayJournal(journal)) {
      expect(replay!.difference).toBeNull();
      expect(replayLog(log, true).differences).toEqual([]);
    }
  });

  it.each<[string, (text: string) => string, string | null]>([
    ["as it was", (text) => text, null],
    [
      "of a later moment",
      (text) => text.replace(/"lastMs":(\d+)/, (_, at) => `"lastMs":${Number(at) + 1}`),
      "lastMs: ",
    ],
    [
      "in which a deployment ends later",
      (text) => text.replace(/"endsAtMs":(\d+)/, '"endsAtMs":1'),
      "state.watches.$map.0.1.endsAtMs: 1 in the file, ",
    ],
    ["cut off, with the log as it was", (text) => text.slice(0, -9), "it is not the file whose"],
  ])("%s is compared by audit replay, which says where it differs", async (name, alter, where) => {
    const dir = join(temporaryDirectory(), "journal");
    cpSync(journal, dir, { recursive: true });
    const { log } = segmentsIn(realDisk(), dir).at(-1)!;
    const file = join(dir, statesIn(dir)[0]!);
    const text = readFileSync(file, "utf8");
    const altered = alter(text);
    expect(altered === text).toBe(where === null);
    writeFileSync(file, altered);
    if (!name.startsWith("cut off")) writeFileSync(log, naming(log, Buffer.from(altered)));
    const checks = [...replayJournal(dir)].map(({ state }) => state);
    expect(checks).toEqual([null, expect.objectContaining({ file })]);
    const { difference, line } = checks[1]!;
    expect(difference?.slice(0, where?.length) ?? null).toBe(where);
    const { code, stdout } = await inTurn(["audit", "replay", dir]);
    expect(code).toBe(where === null ? 0 : 1);
    expect(stdout.includes(`${log}:${line}: ${file}: ${difference}`)).toBe(where !== null);
  });

  it("is removed when the segment is closed in order", async () => {
    const dir = join(temporaryDirectory(), "journal");
    cpSync(journal, dir, { recursive: true });
    const stage = stageIn(dir, ["api", "db", "web"]);
    await stage.clock.pass(11 * MINUTE_MS);
    const host = await stage.start();
    await host.stop();
    expect(statesIn(dir)).toEqual([]);
    expect(existsSync(join(dir, "decisions-000003.jsonl"))).toBe(true);
  });
});

/** The log with the last state named by its digest now, and all hashes computed anew. */
function naming(log: string, bytes: Buffer): string {
  let at = CHAIN_START;
  let lines = "";
  for (const { entry } of logEntries(log, true)) {
    const state = entry.kind === "checkpoint" ? entry.content.state : undefined;
    const named = { ...state!, bytes: bytes.length, digest: sha256(bytes) };
    const isIt = state !== undefined && existsSync(join(log, "..", state.file));
    const next = isIt ? { ...entry, content: { ...entry.content, state: named } } : entry;
    const { line, end } = chainEntry(at, next as LogEntry, sha256);
    lines += `${line}\n`;
    at = end;
  }
  return lines;
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(file, bytes);
}

const sample = fc.tuple(fc.nat(30), fc.double({ noDefaultInfinity: true }));
const batch = fc.record({
  series: fc.uniqueArray(fc.nat(3), { minLength: 1 }),
  samples: fc.oneof(
    { weight: 4, arbitrary: fc.array(sample, { maxLength: 9 }) },
    { weight: 1, arbitrary: fc.array(sample, { minLength: 30, maxLength: 40 }) },
  ),
  minutes: fc.nat(90),
});

it("samples gathered over many batches are remembered as if each batch came alone", () => {
  const names = ["a", "b", "c", "d"].map((service) => ({
    ...{ service, metric: "latency", version: null, percentagePoint: 0.01 },
  }));
  const sorted = (recent: ControllerState["recent"]): unknown =>
    [...recent].map(([key, column]) => [key, { ...column, room: undefined }]).sort();
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 30 }), (batches) => {
      const gathered = new Gathered(names, new Map(), POLICY);
      let alone = initialController;
      let nowMs = 0;
      for (const { series, samples, minutes } of batches) {
        nowMs += minutes * MINUTE_MS;
        const columns = series.map((number): SampleColumn => {
          return {
            series: names[number]!,
            // Some of them late.
            atMs: Float64Array.from(samples, ([late]) => nowMs - late * MINUTE_MS),
            knownAtMs: new Float64Array(samples.length).fill(nowMs),
            values: Float64Array.from(samples, ([, value]) => value),
          };
        });
        const event = { kind: "samplesTaken", atMs: nowMs, knownAtMs: nowMs, columns } as const;
        alone = handle(POLICY, alone, event).state;
        const bytes = encodeBlock(columns, (name) => names.indexOf(name as never), nowMs);
        gathered.add(openBlock(bytes, names.length, nowMs)!);
      }
      expect(sorted(gathered.all)).toEqual(sorted(alone.recent));
    }),
  );
});
