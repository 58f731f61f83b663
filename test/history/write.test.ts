/**
 * Writing a history: the samples read back are the ones written, in any block
 * length and window, and a history is there whole or not at all.
 */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Block } from "../../lab/history/blocks.ts";
import { openHistory } from "../../lab/history/open.ts";
import { streamBlocks } from "../../lab/history/stream.ts";
import { sampleAtMs, streamWindows, type WindowRequest } from "../../lab/history/windows.ts";
import { createHistory } from "../../lab/history/write.ts";
import { ABOUT, NO_TABLES, START_MS } from "./samples.ts";
import { temporaryDirectory } from "../directories.ts";

const STEP_MS = 15_000;

function wave(length: number, seed = 1): Float64Array {
  return Float64Array.from({ length }, (_, i) => ((i * 31 + seed * 17) % 1009) / 8);
}

/** One plain sample, for comparing with what went in. */
interface Plain {
  series: number;
  atMs: number;
  value: number;
  knownAtMs: number;
}

function plain(block: Block): Plain[] {
  return Array.from(block.values, (value, i) => {
    const atMs = sampleAtMs(block, i);
    const delay = block.knownDelayMs;
    return {
      series: block.series,
      atMs,
      value,
      knownAtMs: atMs + (typeof delay === "number" ? delay : delay[i]!),
    };
  });
}

/** A history with regular, irregular, FLOAT and DOUBLE series and varied delays. */
async function mixedHistory(cut: number): Promise<{ dir: string; all: Plain[]; digest: string }> {
  const dir = join(temporaryDirectory(), "history");
  const writer = await createHistory(dir);
  const all: Plain[] = [];
  const length = 3000;
  for (let series = 0; series < 6; series++) {
    const isDouble = series % 2 === 1;
    const index = writer.addSeries(
      { service: `s${series >> 1}`, metric: `m${series & 1}`, version: null },
      isDouble ? "double" : "float",
    );
    expect(index).toBe(series);
    const values = wave(length, series);
    if (isDouble) values.forEach((v, i) => (values[i] = v + 1e12 + 0.123));
    values[7] = NaN;
    const atMs = Float64Array.from({ length }, (_, i) =>
      series < 4 ? START_MS + i * STEP_MS : START_MS + i * STEP_MS + ((i * 7919) % 11_000),
    );
    const delays = Int32Array.from({ length }, (_, i) => (series === 5 ? (i % 3) * 1000 : 5000));
    for (let from = 0; from < length; from += cut) {
      const to = Math.min(length, from + cut);
      if (series < 4) {
        const part = values.subarray(from, to);
        await writer.appendRegular(index, atMs[from]!, STEP_MS, part, 5000);
      } else {
        await writer.appendIrregular(
          index,
          atMs.subarray(from, to),
          values.subarray(from, to),
          series === 5 ? delays.subarray(from, to) : 5000,
        );
      }
    }
    for (let i = 0; i < length; i++) {
      all.push({ series, atMs: atMs[i]!, value: values[i]!, knownAtMs: atMs[i]! + delays[i]! });
    }
  }
  const manifest = await writer.finish(NO_TABLES, ABOUT);
  expect(manifest.samples).toBe(6 * length - 6);
  expect(manifest.missingSamples).toBe(6);
  return { dir, all, digest: manifest.digest };
}

describe("a written history", () => {
  it("gives back every sample, regular or not, FLOAT or DOUBLE, with its delay", async () => {
    const { dir, all } = await mixedHistory(3000);
    const history = await openHistory(dir);
    const back: Plain[] = [];
    for await (const block of streamBlocks(history, "all")) back.push(...plain(block));
    history.close();
    expect(back).toEqual(all);
  });

  it("has the same digest however the run is cut into calls", async () => {
    const digests = [];
    for (const cut of [3000, 1, 1024, 1025, 77]) digests.push((await mixedHistory(cut)).digest);
    expect(new Set(digests).size).toBe(1);
  });

  it("streams only what is asked for, in order", async () => {
    const { dir } = await mixedHistory(3000);
    const history = await openHistory(dir);
    const blocks: Block[] = [];
    const ranges = [
      { series: 3, fromMs: START_MS, toMs: START_MS + 1 },
      { series: 0, fromMs: START_MS + 1500 * STEP_MS, toMs: START_MS + 1600 * STEP_MS },
    ];
    for await (const block of streamBlocks(history, ranges)) blocks.push(block);
    expect(blocks.map(({ series, startMs }) => [series, startMs])).toEqual([
      [0, START_MS + 1024 * STEP_MS],
      [3, START_MS],
    ]);
    const only: number[] = [];
    for await (const block of streamBlocks(history, "all", { seriesIn: [2] }))
      only.push(block.series);
    expect(only).toEqual([2, 2, 2]);
    history.close();
  });

  it("cuts windows equal to a naive filter of all samples", async () => {
    const { dir, all } = await mixedHistory(3000);
    const history = await openHistory(dir);
    const range = fc.record({
      series: fc.integer({ min: 0, max: 6 }),
      from: fc.integer({ min: -200, max: 3200 }),
      length: fc.integer({ min: 0, max: 2500 }),
      jitter: fc.integer({ min: 0, max: 14_999 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(range, { maxLength: 12 }), async (ranges) => {
        const requests: WindowRequest[] = ranges.map(({ series, from, length, jitter }, id) => ({
          id,
          series,
          fromMs: START_MS + from * STEP_MS + jitter,
          toMs: START_MS + (from + length) * STEP_MS + jitter,
        }));
        const got = new Map<number, Plain[]>();
        for await (const { id, window } of streamWindows(history, requests)) {
          expect(got.has(id)).toBe(false);
          got.set(
            id,
            Array.from(window.atMs, (atMs, i) => ({
              series: requests[id]!.series,
              atMs,
              value: window.values[i]!,
              knownAtMs: window.knownAtMs[i]!,
            })),
          );
        }
        for (const { id, series, fromMs, toMs } of requests) {
          const naive = all.filter((s) => s.series === series && s.atMs >= fromMs && s.atMs < toMs);
          expect(got.get(id)).toEqual(naive);
        }
      }),
      { numRuns: 40, seed: 42 },
    );
    history.close();
  });

  it("stays order-independent in its tables: sorted rows, one digest", async () => {
    const row = (deploymentId: string, startedAtMs: number) => ({
      deploymentId,
      service: "shop",
      environment: "production",
      kind: "code" as const,
      kindSource: "code",
      startedAtMs,
      finishedAtMs: null,
      version: null,
      author: null,
      stages: [{ share: 0.5, atMs: startedAtMs + 1 }],
    });
    const rows = [row("b", 2000), row("a", 1000), row("c", 2000)];
    const write = async (deployments: typeof rows) => {
      const dir = join(temporaryDirectory(), "history");
      const writer = await createHistory(dir);
      const manifest = await writer.finish({ ...NO_TABLES, deployments }, ABOUT);
      const history = await openHistory(dir);
      history.close();
      return { manifest, tables: history.tables };
    };
    const one = await write(rows);
    const other = await write([...rows].reverse());
    expect(one.manifest.digest).toBe(other.manifest.digest);
    expect(one.tables.deployments.map(({ deploymentId }) => deploymentId)).toEqual(["a", "b", "c"]);
    expect(one.tables).toEqual(other.tables);
    expect(one.tables.deployments.at(0)).toEqual(row("a", 1000));
  });
});

describe("atomic writing", () => {
  it("leaves nothing behind when aborted, not even a parent it made", async () => {
    const parent = temporaryDirectory();
    const writer = await createHistory(join(parent, "new", "history"));
    writer.addSeries({ service: "a", metric: "b", version: null }, "float");
    await writer.appendRegular(0, START_MS, STEP_MS, wave(5000), 0);
    await writer.abort();
    await writer.abort();
    expect(readdirSync(parent)).toEqual([]);
  });

  it("refuses what is there, and --force replaces only a history", async () => {
    const parent = temporaryDirectory();
    const dir = join(parent, "history");
    await (await createHistory(dir)).finish(NO_TABLES, ABOUT);
    await expect(createHistory(dir)).rejects.toThrow(/there is a history already/);
    await (await createHistory(dir, { force: true })).finish(NO_TABLES, ABOUT);
    expect(readdirSync(parent)).toEqual(["history"]);

    const other = join(parent, "other");
    mkdirSync(other);
    writeFileSync(join(other, "thesis.txt"), "precious");
    await expect(createHistory(other, { force: true })).rejects.toThrow(/not empty/);
    expect(existsSync(join(other, "thesis.txt"))).toBe(true);
  });
});
