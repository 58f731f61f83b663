/** Counters that history cut short: they go on by their rates, whoever knows them for counters. */

import { describe, expect, it } from "vitest";
import { ratesOf, type Policy, type SampleColumn, type SeriesName } from "../../engine/index.ts";
import { randomStream } from "../../lab/random.ts";
import { continuedColumns, countedBy } from "../../lab/replay/continued.ts";
import type { PlannedDeployment } from "../../lab/replay/plan.ts";
import type { Effect } from "../../lab/replay/splice.ts";
import { judge } from "../engine/columnar.ts";
import { policyOf } from "../engine/policyFile.ts";
import { deployed } from "../engine/deployed.ts";

const STEP_MS = 15_000;
const FIRST_MS = 1_700_000_000_000;
const PAST = 240;
const SEEN = 40;
const START_MS = FIRST_MS + PAST * STEP_MS;
const END_MS = START_MS + 3_600_000;

const deployment = deployed(START_MS, { deploymentId: "d" });

const named = (counter?: true): SeriesName => ({
  service: "api",
  metric: "errors_total",
  version: null,
  percentagePoint: 0.01,
  ...(counter === undefined ? {} : { counter }),
});

/**
 * About two errors a second in a total of 50,000; since the deployment `times` as many, and with
 * every sample `by` times two more.
 */
function totals(series: SeriesName, times: number, missing = 0, by = 0): SampleColumn {
  const random = randomStream("errors", 7);
  let total = 50_000;
  const atMs = Float64Array.from({ length: PAST + SEEN }, (_, at) => FIRST_MS + at * STEP_MS);
  const values = Float64Array.from(atMs, (_, at) => {
    const grows = Math.round(random.between(27, 33));
    total += at < PAST ? grows : grows * (times + by * (at - PAST));
    return at < PAST + SEEN - missing ? total : Number.NaN;
  });
  return { series, atMs, knownAtMs: atMs, values };
}

function continued(
  column: SampleColumn,
  rule: Effect["rule"],
  counts: (series: SeriesName) => boolean,
): SampleColumn {
  const series = { index: 0, name: column.series, lookBackMs: 0, noiseBackMs: 3_600_000 };
  const planned = {
    deployment,
    series: [series],
    peers: [],
    rolledBackAtMs: START_MS + SEEN * STEP_MS - 1,
  } as unknown as PlannedDeployment;
  const futures = { seed: 1, passing: {}, effectOf: () => ({ onsetAtMs: null, rule }) };
  return continuedColumns(planned, [column], [], END_MS, counts, futures, 0)![0]!;
}

/** Rates a second of what nobody saw. */
function ratesUnseen(column: SampleColumn): number[] {
  return [...ratesOf(column, START_MS)].slice(PAST + SEEN);
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("a counter that history cut short", () => {
  it.each(["hold", "decay", "grow", "pass"] as const)("grows on as it did (%s)", (rule) => {
    const rates = ratesUnseen(continued(totals(named(true), 1), rule, () => true));
    expect(rates.length).toBeGreaterThan(190);
    expect(Math.min(...rates)).toBeGreaterThan(1);
    expect(Math.max(...rates)).toBeLessThan(3);
    expect(meanOf(rates)).toBeCloseTo(2, 1);
  });

  it("keeps what was seen, and the rate that it had come to", () => {
    const seen = totals(named(true), 3);
    const held = continued(seen, "hold", () => true);
    expect([...(held.values as Float64Array)].slice(0, PAST + SEEN)).toEqual(
      Array.from(seen.values),
    );
    expect(meanOf(ratesUnseen(held)) / 6).toBeCloseTo(1, 1);
    const decayed = ratesUnseen(continued(seen, "decay", () => true));
    expect(meanOf(decayed.slice(-40)) / 2).toBeCloseTo(1, 1);
  });

  it("lets a rate that was rising rise, under `grow` also where that is not clear", () => {
    const atLast = (by: number, rule: Effect["rule"]): number =>
      meanOf(ratesUnseen(continued(totals(named(true), 3, 0, by), rule, () => true)).slice(-20));
    const [faint, clear] = [0.05, 1];
    expect(atLast(clear, "hold")).toBeGreaterThan(2 * (3 + SEEN * clear));
    expect(atLast(clear, "grow")).toBe(atLast(clear, "hold"));
    expect(atLast(faint, "hold")).toBeLessThan(2 * (3 + SEEN * faint) + 1);
    expect(atLast(faint, "grow")).toBeGreaterThan(2 * (3 + SEEN * faint) + 1);
  });

  it("stays a number however fast it was rising", () => {
    const seen = totals(named(true), 3, 0, 30);
    const rates = ratesUnseen(continued(seen, "grow", () => true));
    expect(rates.every((rate) => rate > 0 && Number.isFinite(rate))).toBe(true);
  });

  it("goes on from its last value over scrapes that were missed", () => {
    const rates = ratesUnseen(continued(totals(named(true), 1, 5), "hold", () => true));
    expect(Math.min(...rates)).toBeGreaterThan(1);
    expect(Math.max(...rates)).toBeLessThan(3);
  });
});

describe("a series is a counter", () => {
  const watching = (counter?: boolean): Policy =>
    policyOf({
      policy: "p",
      owner: "o",
      watch: "60m",
      fusion: "any",
      signals: {
        errors: {
          metric: "errors_total",
          worse: "up",
          tolerance: "10%",
          hold: "60s",
          detector: { kind: "threshold" },
          ...(counter === undefined ? {} : { counter }),
        },
      },
      assign: [{ otherwise: "full" }],
    });

  it("if the signal says so, else if the catalog does", () => {
    const says = (counter: boolean | undefined, series: SeriesName): boolean =>
      countedBy(watching(counter), deployment)(series);
    expect([says(undefined, named()), says(undefined, named(true))]).toEqual([false, true]);
    expect([says(true, named()), says(false, named(true))]).toEqual([true, false]);
    // No signal judges it: it stands behind one, or is a peer's.
    expect(says(false, { ...named(true), service: "other" })).toBe(true);
  });

  it.each(["hold", "decay", "grow", "pass"] as const)(
    "and no harm is made of one that is well (%s)",
    (rule) => {
      const policy = watching(true);
      const column = continued(totals(named(), 1), rule, countedBy(policy, deployment));
      const verdicts = judge(policy, [column], deployment, []).map(
        ({ evidence }) => evidence.verdict,
      );
      expect(verdicts.at(-1)).toBe("healthy");
      expect(verdicts).not.toContain("breach");
    },
  );
});
