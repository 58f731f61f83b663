/**
 * A log is tampered with in every way there is, at places drawn from a fixed seed:
 * `verifyLog` names the place and what was done. `SOAK=1` does it on 100,000 records
 * and measures the speed against `sha256sum` and a tenth of the log.
 */

import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Fault } from "../../engine/index.ts";
import { readSignatureCheck, readSigner } from "../../lab/audit/signature.ts";
import { verifyLog } from "../../lab/audit/verify.ts";
import { temporaryDirectory } from "../directories.ts";
import { changed, relined, syntheticLog } from "./syntheticLog.ts";

const SOAK = process.env["SOAK"] !== undefined;
const RECORDS = SOAK ? 100_000 : 400;
const RUNS = SOAK ? 20 : 10;
const SEED = 20_260_312;
const ZEROS = "0".repeat(64);

const log = syntheticLog(RECORDS);
const bytes = readFileSync(log);
const newlines = newlinesOf(bytes);
const LINES = newlines.length;

function faultIn(file: string, open = false): Fault | null {
  return verifyLog(file, { open, isSigned: null }).fault;
}

function lineOf(byte: number): number {
  return newlines.findIndex((at) => byte <= at) + 1;
}

/** Of the bytes of a line that was read as latin1. */
function hashOf(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}

function newlinesOf(text: Buffer): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(0x0a); at >= 0; at = text.indexOf(0x0a, at + 1)) found.push(at);
  return found;
}

const line = fc.integer({ min: 1, max: LINES });

describe("a log that was tampered with", { timeout: 600_000 }, () => {
  it("is whole before", () => {
    const state = verifyLog(log, { open: false, isSigned: null });
    expect(state.fault).toBeNull();
    expect(state.kinds.record).toBe(RECORDS);
    expect(state.lines).toBe(LINES);
  });

  it("any byte changed: its line", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const fault = faultIn(
            changed(log, (copy) => {
              copy[at]! ^= flip;
              return copy;
            }),
          );
          expect(fault?.line).toBe(lineOf(at));
          const isLast = at === bytes.length - 1;
          expect(fault?.kind).toBe(isLast ? "truncated" : "altered");
        },
      ),
      {
        seed: SEED,
        numRuns: RUNS,
        examples: [
          [bytes.length - 1, 1],
          [newlines[4]!, 42],
          [0, 1],
        ],
      },
    );
  });

  it("any line taken out: missing; the last: truncated", () => {
    fc.assert(
      fc.property(line, (at) => {
        const fault = faultIn(relined(log, (lines) => lines.toSpliced(at - 1, 1)));
        expect(fault).toMatchObject({
          kind: at === LINES ? "truncated" : "missing",
          line: at,
          seq: at - 1,
        });
      }),
      { seed: SEED, numRuns: RUNS, examples: [[1], [LINES], [LINES - 1]] },
    );
  });

  it("any two lines swapped: reordered, and where the right one is", () => {
    fc.assert(
      fc.property(line, line, (a, b) => {
        fc.pre(a !== b);
        const [first, second] = a < b ? [a, b] : [b, a];
        const fault = faultIn(
          relined(log, (lines) =>
            lines.with(first - 1, lines[second - 1]!).with(second - 1, lines[first - 1]!),
          ),
        );
        expect(fault).toMatchObject({ kind: "reordered", line: first, seq: first - 1 });
        expect(fault?.what).toContain(`record ${first - 1} only in line ${second}`);
      }),
      {
        seed: SEED,
        numRuns: RUNS,
        examples: [
          [1, 2],
          [LINES - 1, LINES],
          [1, LINES],
        ],
      },
    );
  });

  it("any line moved up or down: reordered", () => {
    fc.assert(
      fc.property(line, line, (from, to) => {
        fc.pre(from !== to);
        const fault = faultIn(
          relined(log, (lines) =>
            lines.toSpliced(from - 1, 1).toSpliced(to - 1, 0, lines[from - 1]!),
          ),
        );
        expect(fault).toMatchObject({ kind: "reordered", line: Math.min(from, to) });
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it("any line put in a second time, anywhere: inserted", () => {
    fc.assert(
      fc.property(line, fc.integer({ min: 1, max: LINES + 1 }), (from, to) => {
        const copied = relined(log, (lines) => lines.toSpliced(to - 1, 0, lines[from - 1]!));
        // Before its own original, the copy is the original.
        expect(faultIn(copied)).toMatchObject({
          kind: "inserted",
          line: to === from ? to + 1 : to,
        });
      }),
      {
        seed: SEED,
        numRuns: RUNS,
        examples: [
          [5, 5],
          [5, 6],
          [LINES, LINES + 1],
          [LINES, 3],
        ],
      },
    );
  });

  it("any other line put in: inserted", () => {
    const forged = fc.constantFrom(
      "\n",
      "{}\n",
      `{"content":{},"kind":"event","previous":"${ZEROS}","seq":7,"sha256":"${ZEROS}"}\n`,
    );
    fc.assert(
      fc.property(line, forged, (at, text) => {
        const fault = faultIn(relined(log, (lines) => lines.toSpliced(at - 1, 0, text)));
        expect(fault).toMatchObject({ kind: "inserted", line: at });
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it("cut off anywhere: truncated, and where it ends", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        const cut = changed(log, (copy) => copy.subarray(0, length));
        const isWhole = length === 0 || bytes[length - 1] === 0x0a;
        const next = isWhole ? lineOf(length) : lineOf(length - 1);
        expect(faultIn(cut)).toMatchObject({ kind: "truncated", line: next, seq: next - 1 });
        // Between two lines nobody can tell, while the log is still being written.
        expect(faultIn(cut, true) === null).toBe(isWhole);
      }),
      {
        seed: SEED,
        numRuns: RUNS,
        examples: [[0], [bytes.length - 1], [newlines[3]! + 1], [newlines[3]!]],
      },
    );
  });
});

describe("a record that was given a new hash, by somebody who knows the format", () => {
  const rehashed = (lines: string[], at: number): string[] => {
    const changed = lines[at]!.replace("by ada", "by eve").replace(/,"sha256":"\w+"\}\n$/, "");
    expect(changed).toContain("by eve");
    return lines.with(at, `${changed},"sha256":"${hashOf(changed)}"}\n`);
  };

  it("is named by the line after it, which still holds the old one", () => {
    const short = syntheticLog(20);
    const fault = faultIn(relined(short, (lines) => rehashed(lines, 10)));
    expect(fault).toMatchObject({ kind: "altered", line: 11, seq: 10 });
    expect(fault?.what).toContain("line 12 still holds the one it had");
  });

  it("is named itself where it was put in and the rest left alone", () => {
    const short = syntheticLog(20);
    const fault = faultIn(
      relined(short, (lines) => {
        const copy = rehashed(lines, 10)[10]!.replace(/"previous":"\w{8}/, '"previous":"01234567');
        const body = copy.replace(/,"sha256":"\w+"\}\n$/, "");
        return lines.toSpliced(10, 0, `${body},"sha256":"${hashOf(body)}"}\n`);
      }),
    );
    expect(fault).toMatchObject({ kind: "inserted", line: 11, seq: 10 });
  });
});

describe("signed checkpoints", () => {
  const directory = temporaryDirectory();
  const pair = generateKeyPairSync("ed25519");
  const other = generateKeyPairSync("ed25519");
  const privateFile = join(directory, "log.key");
  const publicFile = join(directory, "log.pub");
  const otherFile = join(directory, "other.pub");
  writeFileSync(privateFile, pair.privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(publicFile, pair.publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(otherFile, other.publicKey.export({ type: "spki", format: "pem" }));
  const signed = syntheticLog(20, readSigner(privateFile));
  const withKey = (file: string, key: string): Fault | null =>
    verifyLog(file, { open: false, isSigned: readSignatureCheck(key) }).fault;

  it("hold under their key and under no other", () => {
    expect(withKey(signed, publicFile)).toBeNull();
    expect(withKey(signed, otherFile)).toMatchObject({ kind: "unsigned", line: 42 });
  });

  it("are missed where a log was written anew without the key", () => {
    expect(withKey(syntheticLog(20), publicFile)).toMatchObject({ kind: "unsigned", line: 42 });
  });

  it("refuse a file that is no key", () => {
    expect(() => readSigner(publicFile)).toThrow(/log\.pub: this is not a private key/);
    expect(() => readSignatureCheck(log)).toThrow(/this is not a public key/);
    expect(() => readSigner(join(directory, "none"))).toThrow(/no such key file/);
  });
});

describe.runIf(SOAK)("speed", () => {
  const times = (work: () => void): number => {
    const began = performance.now();
    work();
    return performance.now() - began;
  };

  it("verifies at least half as fast as sha256sum hashes the same bytes", () => {
    const runs = Array.from({ length: 5 }, () => ({
      verify: times(() => faultIn(log)),
      sha256sum: times(() => execFileSync("sha256sum", [log])),
    }));
    const best = (name: "verify" | "sha256sum"): number =>
      Math.min(...runs.map((run) => run[name]));
    const ratio = best("sha256sum") / best("verify");
    const megabytes = statSync(log).size / 1e6;
    process.stderr.write(
      `${megabytes.toFixed(0)} MB: verify ${best("verify").toFixed(0)} ms, ` +
        `sha256sum ${best("sha256sum").toFixed(0)} ms, ratio ${ratio.toFixed(2)}\n`,
    );
    expect(ratio).toBeGreaterThan(0.5);
  });

  it("takes time linear in the log: ten times the records, about ten times as long", () => {
    const tenth = syntheticLog(RECORDS / 10);
    // Processor time: a short run slips between what else the machine does, a long one cannot.
    const spent = (file: string): number => {
      const before = process.cpuUsage();
      expect(faultIn(file)).toBeNull();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / statSync(file).size;
    };
    const runs = Array.from({ length: 7 }, () => ({ tenth: spent(tenth), whole: spent(log) }));
    const least = (name: "tenth" | "whole"): number => Math.min(...runs.map((run) => run[name]));
    const ratio = least("whole") / least("tenth");
    process.stderr.write(
      `a byte of ${RECORDS} records takes ${ratio.toFixed(2)} times one of ${RECORDS / 10}\n`,
    );
    expect(ratio).toBeLessThan(1.5);
  });
});
