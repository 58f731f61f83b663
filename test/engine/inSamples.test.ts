/** Watch, baseline, hold and clear in samples of a signal's own series, fast and slow together. */

import { describe, expect, test } from "vitest";
import {
  advanceWatch,
  diffPolicies,
  startWatch,
  takeColumns,
  type Policy,
  type SampleColumn,
  type SignalJudged,
} from "../../engine/index.ts";
import { watchDueAtMs } from "../../engine/detect/watch.ts";
import { policyOf } from "./policyFile.ts";
import { deployed } from "./deployed.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = 30 * 24 * HOUR_MS;
const deployment = deployed(START_MS);

function policyWith(signals: Readonly<Record<string, object>>, watch = "12h"): Policy {
  const whole = Object.entries(signals).map(([name, signal]): [string, object] => [
    name,
    { metric: name, tolerance: "10%", ...signal },
  ]);
  return policyOf({
    policy: "p",
    owner: "o",
    watch,
    signals: Object.fromEntries(whole),
    assign: [{ otherwise: "full" }],
  });
}

/** A series at 100 from `before` samples before the start, then `after`. */
function columnOf(
  metric: string,
  stepMs: number,
  before: number,
  after: readonly number[],
): SampleColumn {
  const atMs = Float64Array.from(
    { length: before + after.length },
    (_, index) => START_MS + (index - before) * stepMs,
  );
  const values = atMs.map((_, index) =>
    index < before ? 100 + ((index * 7) % 11) / 10 : after[index - before]!,
  );
  const series = { service: "api", metric, version: null, percentagePoint: 0.01 };
  return { series, atMs, knownAtMs: atMs, values };
}

/** All judgements, with the columns taken `size` samples at a time. */
function judged(policy: Policy, columns: readonly SampleColumn[], size = 10_000): SignalJudged[] {
  let watch = startWatch(policy, deployment, []);
  const all: SignalJudged[] = [];
  for (const column of columns) {
    for (let from = 0; from < column.atMs.length; from += size) {
      const cut = (values: ArrayLike<number>) =>
        Array.prototype.slice.call(values, from, from + size) as number[];
      const part = {
        series: column.series,
        atMs: cut(column.atMs),
        knownAtMs: cut(column.knownAtMs),
        values: cut(column.values),
      };
      watch = takeColumns(policy, watch, [part]);
    }
  }
  const step = advanceWatch(policy, watch, watch.endsAtMs);
  all.push(...step.judgements);
  return all;
}

const THRESHOLD = { kind: "threshold", breaches: 1, of: 1 };
const high = (count: number): number[] => new Array<number>(count).fill(150);
const level = (count: number): number[] => new Array<number>(count).fill(100);

describe("hold and clear in samples", () => {
  const signal = { detector: THRESHOLD, hold: "3 samples", clear: "2 samples" };

  test.each([5_000, MINUTE_MS, HOUR_MS])("hold as many, %d ms apart", (stepMs) => {
    const policy = policyWith({ one: signal });
    const breachAt = (after: readonly number[]): number[] =>
      judged(policy, [columnOf("one", stepMs, 60, after)])
        .filter(({ evidence, cause }) => evidence.verdict === "breach" && cause === "sample")
        .map(({ atMs }) => (atMs - START_MS) / stepMs);
    expect(breachAt([...high(2), ...level(8)])).toEqual([]);
    expect(breachAt([...high(3), ...level(8)])).toEqual([2]);
    // A missing sample is none of the three, and does not begin them anew.
    expect(breachAt([150, Number.NaN, 150, 150, ...level(8)])).toEqual([3]);
    const cleared = judged(policy, [columnOf("one", stepMs, 60, [...high(4), ...level(8)])])
      .filter(({ evidence, cause }) => evidence.verdict === "healthy" && cause === "sample")
      .map(({ atMs }) => (atMs - START_MS) / stepMs);
    expect(cleared).toEqual([5]);
  });
});

describe("a watch of its own", () => {
  const fast = { metric: "fast", detector: THRESHOLD, hold: "0s", watch: "30 samples" };
  const slow = {
    detector: { ...THRESHOLD, baseline: "30 samples" },
    hold: "0s",
    watch: "12 samples",
  };

  test("judges fast and slow signals side by side, each on its own samples", () => {
    const policy = policyWith({ fast, slow });
    const columns = [
      columnOf("fast", MINUTE_MS, 60, [...level(30), ...high(600)]),
      columnOf("slow", HOUR_MS, 100, level(12)),
    ];
    const last = judged(policy, columns).map(({ evidence }) => evidence);
    expect(last.map(({ signal, verdict, samples }) => [signal, verdict, samples])).toEqual([
      ["fast", "healthy", 30],
      ["slow", "healthy", 12],
    ]);
    expect(last.map(({ baselineSamples }) => baselineSamples)).toEqual([60, 30]);
    // Silence after its last sample is none.
    const ended = [columnOf("fast", MINUTE_MS, 60, level(30)), columns[1]!];
    expect(judged(policy, ended).map(({ evidence }) => evidence.verdict)).toEqual([
      "healthy",
      "healthy",
    ]);
    // Too few of them are not enough for health.
    const few = [columns[0]!, columnOf("slow", HOUR_MS, 100, level(6))];
    expect(judged(policy, few).at(-1)!.evidence.verdict).not.toBe("healthy");
  });

  test("is the same in any batches, and no clock waits for what is over", () => {
    const policy = policyWith({ fast, slow });
    const columns = [
      columnOf("fast", MINUTE_MS, 60, [...high(3), Number.NaN, ...level(40)]),
      columnOf("slow", HOUR_MS, 100, [...level(5), ...high(7)]),
    ];
    const whole = judged(policy, columns);
    for (const size of [1, 3, 17]) expect(judged(policy, columns, size)).toEqual(whole);
    const done = takeColumns(policy, startWatch(policy, deployment, []), [
      columnOf("fast", MINUTE_MS, 60, level(30)),
    ]);
    expect(watchDueAtMs(policy, done)).toBe(done.endsAtMs);
  });

  test("in time ends when it says, and cannot be longer than the policy's", () => {
    const policy = policyWith({ one: { ...fast, metric: "one", watch: "30m" } }, "2h");
    const [last] = judged(policy, [columnOf("one", MINUTE_MS, 60, [...level(31), ...high(80)])]);
    expect(last!.evidence).toMatchObject({ verdict: "healthy", samples: 31, missing: 0 });
    expect(() => policyWith({ one: { watch: "3h" } }, "2h")).toThrow(/watch/);
  });
});

describe("in a policy", () => {
  test.each([
    ["0 samples"],
    ["1.5 samples"],
    ["2000 samples"],
    ["-1 samples"],
    ["three samples"],
    ["31d"],
  ])("%s is refused", (hold) => {
    expect(() => policyWith({ one: { hold } })).toThrow(/hold/);
  });

  test("a diff says it in samples, and what is not used changes no digest", () => {
    const [before, after] = [{}, { hold: "2 samples", detector: { baseline: "30 samples" } }].map(
      (signal) =>
        policyWith({
          one: {
            ...signal,
            detector: { kind: "cusum", ...(signal as { detector?: object }).detector },
          },
        }),
    );
    const texts = diffPolicies(before!, after!).map(({ text }) => text);
    expect(texts).toContain("one must breach for 1m → 2 samples");
    expect(texts).toContain("one detector baseline 1h → 30 samples");
    expect(JSON.stringify(before)).not.toMatch(/amples/);
  });

  test("calibration wants a baseline in time", () => {
    const calibrate = { every: "6h" };
    const detector = { kind: "cusum", baseline: "30 samples" };
    expect(() => policyWith({ one: { calibrate, detector } })).toThrow(/calibrate/);
  });
});
