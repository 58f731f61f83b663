/**
 * No look-ahead: whatever happens after an instant changes nothing that was decided
 * by then. The small world is cut off at random decisions and replayed.
 */

import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DecisionRecord, Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { streamBlocks } from "../../lab/history/stream.ts";
import type { SeriesRow } from "../../lab/history/tables.ts";
import { createHistory } from "../../lab/history/write.ts";
import { absent } from "../../lab/people/recorded.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { replay } from "../../lab/replay/replay.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

/** Limits from placebo watches: nothing knows as much about the past, so nothing can leak more. */
const calibrated: Policy = {
  ...shipped("two-minute-override"),
  policy: "calibrated",
  signals: shipped("two-minute-override").signals.map((signal) =>
    signal.name === "latency"
      ? { ...signal, calibrate: { everyMs: 21_600_000, overMs: 1_209_600_000, alpha: 0.005 } }
      : signal,
  ),
};
/** And with peers, whose samples and deployments are of after the start as well. */
const controlled: Policy = {
  ...shipped("two-minute-override"),
  policy: "controlled",
  signals: shipped("two-minute-override").signals.map((signal) => ({
    ...signal,
    control: "peers",
  })),
};
const POLICIES = [
  ...["two-minute-override", "tagged-threshold", "human-approval"].map(shipped),
  calibrated,
  controlled,
];
const SOAK = process.env["SOAK"] === "1";
const WATCHED = ["conversion_rate", "error_rate", "latency_p95_ms"];

interface Samples {
  readonly series: SeriesRow;
  readonly startMs: number;
  readonly stepMs: number;
  readonly delayMs: number;
  readonly values: Float32Array;
}

let history: History;
let samples: readonly Samples[];
let whole: readonly DecisionRecord[];
beforeAll(async () => {
  history = await openHistory(await smallHistory());
  samples = await watchedSamples();
  whole = await recordsUntil(Number.POSITIVE_INFINITY);
}, HOOK_MS);
afterAll(() => history.close());

async function watchedSamples(): Promise<readonly Samples[]> {
  const blocks = new Map<number, { values: number[]; startMs: number; delayMs: number }>();
  for await (const block of streamBlocks(history, "all")) {
    if (!WATCHED.includes(history.series[block.series]!.metric)) continue;
    let all = blocks.get(block.series);
    if (all === undefined) {
      all = { values: [], startMs: block.startMs, delayMs: block.knownDelayMs as number };
      blocks.set(block.series, all);
    }
    all.values.push(...block.values);
  }
  return [...blocks].map(([series, { values, startMs, delayMs }]) => ({
    series: history.series[series]!,
    startMs,
    stepMs: 60_000,
    delayMs,
    values: Float32Array.from(values),
  }));
}

/** The records of policies over a history of which only what was known by then exists. */
async function recordsUntil(
  cutMs: number,
  policies: readonly Policy[] = POLICIES,
): Promise<readonly DecisionRecord[]> {
  const { tables } = history;
  const dir = join(temporaryDirectory(), "cut");
  const writer = await createHistory(dir);
  for (const { series, startMs, stepMs, delayMs, values } of samples) {
    const index = writer.addSeries(series, "float");
    const known = Math.max(0, Math.floor((cutMs - delayMs - startMs) / stepMs) + 1);
    await writer.appendRegular(index, startMs, stepMs, values.subarray(0, known), delayMs);
  }
  await writer.finish(
    {
      ...tables,
      deployments: tables.deployments.filter(({ startedAtMs }) => startedAtMs <= cutMs),
      tags: tables.tags.filter(({ knownAtMs }) => knownAtMs <= cutMs),
      decisions: tables.decisions.filter(({ atMs }) => atMs <= cutMs),
      incidents: tables.incidents.filter(
        ({ detectedAtMs }) => detectedAtMs !== null && detectedAtMs <= cutMs,
      ),
      labels: [],
    },
    { madeBy: "a test", sources: [], dropped: [], warnings: [], loggingPolicy: null },
  );
  const cut = await openHistory(dir);
  try {
    // Recovery times are the model's, not the decisions': those of the whole.
    const replayed = await replay(cut, policies, absent, recoveryOf(tables, 1), silent);
    return replayed.policies.flatMap(({ records }) => records);
  } finally {
    cut.close();
  }
}

describe("a history cut off at a decision", () => {
  it("gives every record until then as the whole history does", async () => {
    const decisions = whole.filter(({ decision }) => decision !== "watchStarted");
    expect(decisions.length).toBeGreaterThan(300);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: decisions.length - 1 }),
        fc.constantFrom(0, -1, 30_000),
        async (at, shiftMs) => {
          const cutMs = decisions[at]!.knownAtMs + shiftMs;
          const until = (records: readonly DecisionRecord[]): readonly DecisionRecord[] =>
            records.filter(({ knownAtMs }) => knownAtMs <= cutMs);
          expect(until(await recordsUntil(cutMs))).toEqual(until(whole));
        },
      ),
      { seed: 20261012, numRuns: SOAK ? 40 : 4, endOnFailure: true },
    );
  });

  it("is long enough for limits from the past to be among what is held", () => {
    const sources = whole
      .filter(({ policy }) => policy === "calibrated")
      .flatMap(({ signals }) => signals.map(({ placebo }) => placebo?.source));
    expect(new Set(sources)).toEqual(new Set([undefined, "none", "family", "series"]));
  });

  it("has controls that subtract something among what is held", () => {
    const found = whole
      .filter(({ policy }) => policy === "controlled")
      .flatMap(({ signals }) => signals.flatMap(({ control }) => control ?? []));
    expect(found.filter(({ peers }) => peers >= 3).length).toBeGreaterThan(20);
    expect(found.filter(({ subtracted }) => subtracted !== 0).length).toBeGreaterThan(20);
  });

  it("could fail: a record is there at the cut and not a moment before", async () => {
    const proposed = whole.filter(({ decision }) => decision === "proposed");
    const one = proposed[proposed.length >> 1]!;
    const its = POLICIES.filter(({ policy }) => policy === one.policy);
    const at = await recordsUntil(one.knownAtMs, its);
    expect(at).toContainEqual(one);
    const before = await recordsUntil(one.knownAtMs - 1, its);
    expect(before).not.toContainEqual(one);
  });
});
