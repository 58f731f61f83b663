/**
 * What is read straight from a part file is what DuckDB reads of it, whatever is in it, and so are
 * the windows cut out of blocks that were joined.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Block, BlockRange } from "../../lab/history/blocks.ts";
import { iso, quoted } from "../../lab/history/duck.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { ReadMemory } from "../../lab/history/readMemory.ts";
import { streamBlocks } from "../../lab/history/stream.ts";
import { assemble, evenly, sampleAtMs } from "../../lab/history/windows.ts";
import { createHistory } from "../../lab/history/write.ts";
import { temporaryDirectory } from "../directories.ts";
import { ABOUT, NO_TABLES } from "./samples.ts";

const SEED = 20_261_125;
const START_MS = Date.UTC(2026, 0, 5);

/** Noise does not compress, few values make a dictionary; gaps make short blocks. */
const written = fc.record({
  storage: fc.constantFrom("float" as const, "double" as const),
  values: fc.constantFrom("noise", "noise", "few", "missing"),
  runs: fc.array(
    fc.record({ length: fc.integer({ min: 1, max: 3000 }), gap: fc.integer({ min: 1, max: 9 }) }),
    { minLength: 1, maxLength: 5 },
  ),
  delayMs: fc.constantFrom(0, 500),
  uneven: fc.boolean(),
});
type Written = typeof written extends fc.Arbitrary<infer Made> ? Made : never;

/** Enough of them that a dictionary is worth it. */
const FEW: Written = {
  storage: "float",
  values: "few",
  runs: Array.from({ length: 10 }, () => ({ length: 3000, gap: 1 })),
  delayMs: 0,
  uneven: false,
};

async function write(dir: string, series: readonly Written[]): Promise<void> {
  const writer = await createHistory(dir);
  for (const [at, { storage, values: kind, runs, delayMs, uneven }] of series.entries()) {
    const name = { service: `s${at}`, metric: "m", version: null };
    const index = writer.addSeries(name, storage);
    let atMs = START_MS;
    for (const { length, gap } of runs) {
      const values = Float64Array.from({ length }, (_, i) =>
        valueOf(kind, (atMs - START_MS) / 1000 + i + at * 100_000),
      );
      if (uneven && at % 5 === 4) {
        const times = Float64Array.from({ length }, (_, i) => atMs + i * 1000 + (i % 3));
        await writer.appendIrregular(index, times, values, delayMs);
      } else await writer.appendRegular(index, atMs, 1000, values, delayMs);
      atMs += (length + gap) * 1000;
    }
  }
  await writer.finish(NO_TABLES, ABOUT);
}

function valueOf(kind: string, i: number): number {
  if (kind === "few") return i % 4;
  if (kind === "missing" && i % 11 === 0) return Number.NaN;
  return Math.sin(i) * 1000;
}

/** Samples of windows: cut out of blocks one by one, in the order of what was asked. */
async function cutOut(history: History, ranges: readonly BlockRange[]): Promise<string[]> {
  const found = ranges.map((): string[] => []);
  for await (const block of streamBlocks(history, "all")) {
    for (const [at, { series, fromMs, toMs }] of ranges.entries()) {
      if (block.series !== series) continue;
      block.values.forEach((value, i) => {
        const atMs = sampleAtMs(block, i);
        const { knownDelayMs: delay } = block;
        const delayMs = typeof delay === "number" ? delay : delay[i]!;
        if (atMs >= fromMs && atMs < toMs) found[at]!.push(`${atMs} ${atMs + delayMs} ${value}`);
      });
    }
  }
  return found.map((samples) => samples.join("\n"));
}

/** The same as a replay gets them, and of each that lies evenly its values. */
async function windows(history: History, ranges: readonly BlockRange[]): Promise<string[]> {
  const found = ranges.map(() => "");
  const requests = ranges.map((range, id) => ({ id, ...range }));
  const memory = new ReadMemory();
  for await (const list of history.windows(requests, memory)) {
    for (const { id, window } of list) {
      const { atMs, knownAtMs, values } = assemble([window])[0]!;
      const samples = Array.from(values, (value, i) => `${atMs[i]!} ${knownAtMs[i]!} ${value}`);
      found[id] = samples.join("\n");
      const even = evenly(window);
      if (even !== null) expect(even.values.join(" ")).toBe(values.join(" "));
    }
  }
  return found;
}

async function streamed(history: History, ranges: Parameters<typeof streamBlocks>[1]) {
  const blocks: Block[] = [];
  for await (const block of streamBlocks(history, ranges)) blocks.push(block);
  return blocks.map(
    ({ series, startMs, values }) => `${series} ${iso(startMs)} ${values.join(" ")}`,
  );
}

test("every block, and any of them, is what DuckDB reads", async () => {
  let plain = 0;
  let decoded = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(written, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(5), fc.nat(12_000), fc.nat(5000)), { maxLength: 6 }),
      async (series, wanted) => {
        const dir = join(temporaryDirectory(), "history");
        await write(dir, series);
        const history = await openHistory(dir);
        try {
          for (const part of await history.blockIndex()) {
            if (part.values() === null) decoded++;
            else plain++;
          }
          const connection = await history.connect();
          const reader = await connection.runAndReadAll(
            `SELECT series, epoch_ms(start_at) AS at_ms, "values"::DOUBLE[]
               FROM read_parquet(${quoted(join(dir, "metrics", "*.parquet"))}) ORDER BY ALL`,
          );
          connection.closeSync();
          const all = reader.getRowsJS().map(([one, at, values]) => {
            return `${Number(one)} ${iso(Number(at))} ${(values as number[]).join(" ")}`;
          });
          // Not as arrays: to show where they differ would take longer than all the rest.
          expect((await streamed(history, "all")).join("\n") === all.join("\n")).toBe(true);
          const ranges = wanted.map(([one, from, length]) => ({
            series: one,
            fromMs: START_MS + from * 1000,
            toMs: START_MS + (from + length) * 1000,
          }));
          const some = await streamed(history, ranges);
          const known = new Set(all);
          expect(some.every((block) => known.has(block))).toBe(true);
          expect(await windows(history, ranges)).toEqual(await cutOut(history, ranges));
        } finally {
          history.close();
        }
      },
    ),
    {
      numRuns: process.env["SOAK"] === undefined ? 8 : 300,
      seed: SEED,
      endOnFailure: true,
      examples: [[[FEW], []]],
    },
  );
  expect(plain).toBeGreaterThan(5);
  expect(decoded).toBeGreaterThan(0);
});

test("of many part files the damaged one is named", async () => {
  const dir = join(temporaryDirectory(), "history");
  await write(dir, [FEW, { ...FEW, storage: "double" }, FEW]);
  const damaged = join(dir, "metrics", "part-00000-double.parquet");
  const bytes = readFileSync(damaged);
  writeFileSync(damaged, bytes.fill(0x5a, 4, bytes.length - 4));
  const history = await openHistory(dir);
  try {
    await expect(history.blockIndex()).rejects.toThrow(/part-00000-double\.parquet: .* damaged/s);
  } finally {
    history.close();
  }
});
