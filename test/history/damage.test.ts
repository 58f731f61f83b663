/** A flipped bit in any file of a history is found and named, or changes nothing that is read. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readManifest } from "../../lab/history/manifest.ts";
import { openHistory } from "../../lab/history/open.ts";
import { streamBlocks } from "../../lab/history/stream.ts";
import { Problem } from "../../lab/problem.ts";
import { randomStream } from "../../lab/random.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { copyOf } from "./samples.ts";

const SEED = 22;
const FLIPS = process.env["SOAK"] === "1" ? 5000 : 200;

let example = "";
beforeAll(async () => {
  example = join(temporaryDirectory(), "example");
  const args = ["import", "csv", "datasets/example", "--out", example, "--timestamp", "end"];
  expect((await inTurn(args)).code).toBe(0);
});

/** A digest of all that can be read of a history. */
async function readingOf(dir: string): Promise<string> {
  const history = await openHistory(dir, { threads: 1 });
  try {
    const hash = createHash("sha256");
    const { deployments, ...tables } = history.tables;
    hash.update(JSON.stringify([history.manifest, [...deployments], tables, history.series]));
    for await (const block of streamBlocks(history, "all")) {
      const { series, startMs, stepMs, values, offsetsMs, knownDelayMs } = block;
      hash.update(JSON.stringify([series, startMs, stepMs, offsetsMs, knownDelayMs]));
      hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    return hash.digest("hex");
  } finally {
    history.close();
  }
}

function filesOf(dir: string): readonly string[] {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  return names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

describe("a damaged history", () => {
  it(`is found out by any of ${FLIPS} flipped bits (seed ${SEED})`, async () => {
    const dir = copyOf(example);
    const whole = await readingOf(dir);
    const files = filesOf(dir);
    const draw = randomStream(SEED, "flips");
    const found = { named: 0, harmless: 0 };
    for (let flip = 0; flip < FLIPS; flip++) {
      // Every file is as likely as any other, however small it is.
      const file = draw.pick(files);
      const bytes = readFileSync(file);
      const damaged = Buffer.from(bytes);
      const at = Math.floor(draw.next() * bytes.length);
      const bit = Math.floor(draw.next() * 8);
      damaged[at]! ^= 1 << bit;
      writeFileSync(file, damaged);
      const about = `bit ${bit} of byte ${at} in ${file}`;
      const outcome = await readingOf(dir).catch((error: unknown) => error);
      if (typeof outcome === "string") {
        expect(outcome, about).toBe(whole);
        found.harmless++;
      } else {
        expect(outcome, about).toBeInstanceOf(Problem);
        // The file itself, or the manifest that it contradicts.
        expect((outcome as Problem).where.file, about).toContain(dir);
        found.named++;
      }
      writeFileSync(file, bytes);
    }
    expect(found.named + found.harmless).toBe(FLIPS);
    // All bytes are covered, so hardly any flip is harmless.
    expect(found.harmless).toBeLessThanOrEqual(FLIPS / 50);
    expect(await readingOf(dir)).toBe(whole);
  });

  it("names the block whose values were changed", async () => {
    const dir = copyOf(example);
    const part = readManifest(dir).files.find(({ values }) => values !== undefined)!;
    const file = join(dir, part.file);
    const bytes = readFileSync(file);
    bytes[part.values![0] + 5]! ^= 4;
    writeFileSync(file, bytes);
    await expect(readingOf(dir)).rejects.toThrow(/series \d+ at 20\d\d-/);
  });

  it("is refused by the command line with the file and a cure", async () => {
    const dir = copyOf(example);
    const file = join(dir, "labels.parquet");
    const bytes = readFileSync(file);
    bytes[100]! ^= 1;
    writeFileSync(file, bytes);
    const policy = "scenarios/policies/naive-threshold.yaml";
    const { code, stderr } = await inTurn(["replay", "--history", dir, "--policy", policy]);
    expect(code).toBe(2);
    expect(stderr).toContain(file);
  });

  it("is read as before where it was written without checksums", async () => {
    const dir = copyOf(example);
    const whole = readManifest(dir);
    const files = whole.files.map(({ file, bytes }) => ({ file, bytes }));
    writeFileSync(join(dir, "manifest.json"), JSON.stringify({ ...whole, files }));
    rmSync(join(dir, "manifest.json.sha256"));
    const history = await openHistory(dir);
    let samples = 0;
    for await (const { values } of streamBlocks(history, "all")) {
      for (const value of values) if (!Number.isNaN(value)) samples++;
    }
    history.close();
    expect(samples).toBe(whole.samples);
    const { code, stdout } = await inTurn(["inspect", dir, "--json"]);
    const { warnings } = JSON.parse(stdout) as { warnings: readonly string[] };
    expect({ code, says: warnings.some((one) => one.includes("checksums")) }).toEqual({
      code: 0,
      says: true,
    });
  });
});
