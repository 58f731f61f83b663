/** The end of a signed journal: what the high-water mark finds, and what it cannot find. */

import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  CHAIN_START,
  chainEntry,
  checkpointText,
  type ChainEnd,
  type LogEntry,
} from "../../engine/index.ts";
import { HIGH_WATER } from "../../lab/audit/highWater.ts";
import { logEntries } from "../../lab/audit/read.ts";
import { readSigner, type Signer } from "../../lab/audit/signature.ts";
import { sha256 } from "../../lab/policy/load.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { MINUTE_MS, OPTIONS, stageIn, started, type Stage } from "./stage.ts";

const root = temporaryDirectory();
const keyFiles = (name: string): { key: string; pub: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const [key, pub] = [join(root, `${name}.key`), join(root, `${name}.pub`)];
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(pub, publicKey.export({ type: "spki", format: "pem" }));
  return { key, pub };
};
const ours = keyFiles("ours");
const others = keyFiles("others");

function stageAt(dir: string, signer: Signer | null): Stage {
  const options = { ...OPTIONS, rotateMs: 5 * MINUTE_MS, signer };
  return stageIn(dir, ["api"], { options });
}

/** A journal of some closed segments and an open one; `killed`: its host was not stopped. */
async function written(name: string, signer: Signer | null, killed = false): Promise<string> {
  const dir = join(root, name);
  const stage = stageAt(dir, signer);
  const host = await stage.start();
  await stage.clock.pass(12 * MINUTE_MS);
  await host.tell(started("api", "d1", stage.clock.wallMs()));
  await stage.clock.pass(2 * MINUTE_MS);
  if (killed) cpSync(dir, `${dir}-killed`, { recursive: true });
  await host.stop();
  return killed ? `${dir}-killed` : dir;
}

let signed: string;
let killed: string;
let unsigned: string;
let copies = 0;
beforeAll(async () => {
  signed = await written("signed", readSigner(ours.key));
  killed = await written("other", readSigner(ours.key), true);
  unsigned = await written("unsigned", null);
});

function copyOf(dir: string): string {
  const copy = join(root, `copy-${++copies}`);
  cpSync(dir, copy, { recursive: true });
  return copy;
}

const segmentsIn = (dir: string): string[] =>
  readdirSync(dir).filter((name) => name.startsWith("decisions-"));

function removeLast(dir: string, count: number): void {
  for (const log of segmentsIn(dir).slice(-count)) {
    rmSync(join(dir, log));
    rmSync(join(dir, log.replace("decisions", "samples").replace("jsonl", "bin")), { force: true });
  }
}

interface Verified {
  readonly code: number;
  readonly whole: boolean;
  readonly endProven: boolean;
  readonly endFault: { readonly kind: string } | null;
  readonly highWater: { readonly segment: number; readonly lines: number } | null;
  readonly linesAfterHighWater: number | null;
}

async function verify(dir: string, key: string | null = ours.pub): Promise<Verified> {
  const flags = key === null ? [] : ["--key", key];
  const { code, stdout, stderr } = await inTurn(["audit", "verify", dir, "--json", ...flags]);
  if (stdout === "") throw new Error(`exit ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout) as Omit<Verified, "code">), code: code! };
}

const WHOLE = { code: 0, whole: true, endProven: true, endFault: null };
const broken = (kind: string) => ({ code: 1, whole: false, endProven: false, endFault: { kind } });

describe("a signed journal", () => {
  it("is whole up to its end, stopped in order or killed", async () => {
    expect(segmentsIn(signed).length).toBeGreaterThanOrEqual(4);
    expect(await verify(signed)).toMatchObject({ ...WHOLE, linesAfterHighWater: 0 });
    expect(await verify(killed)).toMatchObject(WHOLE);
    const text = await inTurn(["audit", "verify", signed, "--key", ours.pub]);
    expect(text.stdout).toMatch(/proven up to line \d+ of segment \d+/);
  });

  it.each([1, 2])("without its last segments (%i) is found", async (count) => {
    for (const dir of [signed, killed]) {
      const copy = copyOf(dir);
      removeLast(copy, count);
      expect(await verify(copy)).toMatchObject(broken("cutOff"));
      expect((await verify(copy, null)).code).toBe(1);
      await expect(stageAt(copy, readSigner(ours.key)).start()).rejects.toThrow(/had reached line/);
    }
  });

  it("cut off within its last segment is found, as far as the mark reaches", async () => {
    const copy = copyOf(killed);
    const { lines, segment } = (await verify(copy)).highWater!;
    const log = join(copy, segmentsIn(copy).at(-1)!);
    const text = readFileSync(log, "utf8").split(/(?<=\n)/);
    expect(segment).toBe(segmentsIn(copy).length);
    writeFileSync(log, text.slice(0, lines).join(""));
    expect(await verify(copy)).toMatchObject({ ...WHOLE, linesAfterHighWater: 0 });
    writeFileSync(log, text.slice(0, lines - 1).join(""));
    expect(await verify(copy)).toMatchObject(broken("cutOff"));
    truncateSync(log, 0);
    expect((await inTurn(["audit", "verify", copy, "--key", ours.pub])).code).toBe(2);
  });

  it("of which only the mark is left is no journal, and no host begins anew there", async () => {
    const copy = copyOf(signed);
    removeLast(copy, segmentsIn(copy).length);
    expect((await inTurn(["audit", "verify", copy, "--key", ours.pub])).code).toBe(2);
    await expect(stageAt(copy, null).start()).rejects.toThrow(/had reached line/);
  });

  it("without its mark is found, and its host does not start", async () => {
    const copy = copyOf(signed);
    rmSync(join(copy, HIGH_WATER));
    expect(await verify(copy)).toMatchObject(broken("missing"));
    await expect(stageAt(copy, null).start()).rejects.toThrow(/high-water mark is missing/);
    removeLast(copy, 2);
    expect(await verify(copy)).toMatchObject(broken("missing"));
  });

  it("with an altered mark, or one of another key, is found", async () => {
    const copy = copyOf(signed);
    const file = join(copy, HIGH_WATER);
    const mark = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    for (const change of [{ lines: Number(mark["lines"]) + 1 }, { signature: null }]) {
      writeFileSync(file, JSON.stringify({ ...mark, ...change }));
      expect((await verify(copy)).endFault).toMatchObject({ kind: "unsigned" });
    }
    writeFileSync(file, JSON.stringify({ ...mark, hash: "0".repeat(64) }));
    expect(await verify(copy, null)).toMatchObject(broken("otherLine"));
    writeFileSync(file, "{");
    expect((await inTurn(["audit", "verify", copy])).code).toBe(2);
    expect((await verify(signed, others.pub)).code).toBe(1);
  });

  it("with an older mark is found, unless all that came after the mark is gone too", async () => {
    const dir = join(root, "growing");
    const stage = stageAt(dir, readSigner(ours.key));
    const host = await stage.start();
    await stage.clock.pass(6 * MINUTE_MS);
    const earlier = copyOf(dir);
    await stage.clock.pass(12 * MINUTE_MS);
    await host.stop();
    const older = readFileSync(join(earlier, HIGH_WATER));
    const copy = copyOf(dir);
    writeFileSync(join(copy, HIGH_WATER), older);
    expect(await verify(copy)).toMatchObject(broken("stale"));
    // The limit: an older state of the whole directory is a whole journal.
    expect(await verify(earlier)).toMatchObject(WHOLE);
  });
});

describe("an unsigned journal", () => {
  it("finds segments lost by mistake, proves no end, and fails under a key", async () => {
    expect(await verify(unsigned, null)).toMatchObject({ code: 0, endProven: false });
    expect((await verify(unsigned)).code).toBe(1);
    const copy = copyOf(unsigned);
    removeLast(copy, 2);
    expect(await verify(copy, null)).toMatchObject(broken("cutOff"));
  });
});

describe("a journal from before there were marks", () => {
  /** One segment as older code wrote it: its header names no mark, and there is none. */
  function older(signer: Signer | null): string {
    const dir = join(root, `older-${signer === null ? "unsigned" : "signed"}`);
    cpSync(signed, dir, { recursive: true });
    rmSync(join(dir, HIGH_WATER));
    removeLast(dir, segmentsIn(dir).length - 1);
    const log = join(dir, segmentsIn(dir)[0]!);
    let end = CHAIN_START;
    let text = "";
    for (const { entry } of logEntries(log, true)) {
      const { line, end: next } = chainEntry(end, olderEntry(entry, end, signer), sha256);
      text += `${line}\n`;
      end = next;
    }
    writeFileSync(log, text);
    return dir;
  }

  function olderEntry(entry: LogEntry, end: ChainEnd, signer: Signer | null): LogEntry {
    if (entry.kind === "header") {
      const live = { ...entry.content.live! };
      delete live.highWater;
      return { ...entry, content: { ...entry.content, live } };
    }
    if (entry.kind !== "checkpoint") return entry;
    const { closes } = entry.content;
    const signature = signer?.(checkpointText(end, closes)) ?? null;
    return { ...entry, content: { closes, signature } };
  }

  it("verifies, says that its end is not proven, and gets a mark from its next host", async () => {
    const dir = older(readSigner(ours.key));
    const before = await verify(dir);
    expect(before).toMatchObject({ code: 0, whole: true, endProven: false, highWater: null });
    const text = await inTurn(["audit", "verify", dir, "--key", ours.pub]);
    expect(text.stdout).toMatch(/end is not proven/);
    const host = await stageAt(dir, readSigner(ours.key)).start();
    await host.stop();
    expect(await verify(dir)).toMatchObject(WHOLE);
  });

  it("of which nothing is signed is no success under a key", async () => {
    const dir = older(null);
    expect(await verify(dir, null)).toMatchObject({ code: 0, endProven: false });
    expect(await verify(dir)).toMatchObject({ code: 1, whole: false });
  });
});

it("an open log without any signature is no success under a key", async () => {
  const open = join(unsigned, segmentsIn(unsigned).at(-1)!);
  const flags = ["audit", "verify", open, "--open"];
  expect((await inTurn(flags)).code).toBe(0);
  const run = await inTurn([...flags, "--key", ours.pub]);
  expect(run.code).toBe(1);
  expect(run.stdout).toMatch(/unsigned/);
});

it("only the host's user may read the files of a journal, also those from before", async () => {
  const modes = (dir: string): number[] =>
    readdirSync(dir).map((name) => statSync(join(dir, name)).mode & 0o777);
  expect(statSync(signed).mode & 0o777).toBe(0o700);
  expect(new Set(modes(signed))).toEqual(new Set([0o600]));
  const copy = copyOf(signed);
  for (const name of readdirSync(copy)) chmodSync(join(copy, name), 0o644);
  writeFileSync(join(copy, "notes.txt"), "of an operator", { mode: 0o644 });
  const host = await stageAt(copy, readSigner(ours.key)).start();
  await host.stop();
  expect(statSync(join(copy, "notes.txt")).mode & 0o777).toBe(0o644);
  rmSync(join(copy, "notes.txt"));
  expect(new Set(modes(copy))).toEqual(new Set([0o600]));
  expect(existsSync(join(copy, HIGH_WATER))).toBe(true);
});
