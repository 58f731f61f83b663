/** A live host prepares the season of a coarse series as far back as its baseline reaches. */

import { describe, expect, test } from "vitest";
import { seasonFor } from "../../lab/shadow/season.ts";
import type { MetricsSource, TakenColumn } from "../../lab/shadow/contract.ts";
import { prepareSeason } from "../../engine/detect/baseline/season.ts";
import { policyOf } from "../engine/policyFile.ts";
import { deployed } from "../engine/deployed.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = 40 * DAY_MS + 7 * HOUR_MS + 11_000;
const STEPS: Readonly<Record<string, number>> = {
  minutely: MINUTE_MS,
  five: 5 * MINUTE_MS,
  hourly: HOUR_MS,
  daily: DAY_MS,
};

const deployment = deployed(START_MS);
const policy = policyOf({
  policy: "p",
  owner: "o",
  watch: "2h",
  signals: Object.fromEntries(
    Object.keys(STEPS).map((metric) => [metric, { metric, tolerance: "10%" }]),
  ),
  assign: [{ otherwise: "full" }],
});

/** Samples after `fromMs` and up to `toMs`; what a sample shows depends on its time alone. */
function columnOf(metric: string, fromMs: number, toMs: number): TakenColumn {
  const stepMs = STEPS[metric]!;
  const atMs: number[] = [];
  for (let at = Math.floor(fromMs / stepMs + 1) * stepMs; at <= toMs; at += stepMs) atMs.push(at);
  const values = atMs.map((at) => 100 + 50 * Math.sin((2 * Math.PI * at) / DAY_MS));
  return { series: { service: "api", metric, version: null, percentagePoint: 0.01 }, atMs, values };
}

describe("the season of a live host", () => {
  const asked: { metrics: readonly string[]; fromMs: number; toMs: number }[] = [];
  const takeOf: MetricsSource["takeOf"] = (_, fromMs, toMs, _signal, metrics) => {
    const chosen = Object.keys(STEPS).filter((metric) => metrics?.has(metric) ?? true);
    asked.push({ metrics: chosen, fromMs, toMs });
    const columns = chosen.map((metric) => columnOf(metric, fromMs, toMs));
    return Promise.resolve({ columns, problems: [] });
  };

  test("is that of all samples before the start, its slots and length by the step", async () => {
    const { context } = await seasonFor(
      policy,
      deployment,
      { takeOf },
      new AbortController().signal,
    );
    const whole = (metric: string, backMs: number, slotMs: number) => {
      const { atMs, values } = columnOf(metric, START_MS - 15 * DAY_MS, START_MS - 1);
      return prepareSeason({ atMs, values }, START_MS - backMs, START_MS + 2 * HOUR_MS, slotMs);
    };
    const found = (metric: string) => context!.seasons.get(`api/${metric}`) ?? null;
    expect(found("minutely")).toEqual(whole("minutely", HOUR_MS, 5 * MINUTE_MS));
    expect(found("five")).toEqual(whole("five", 5 * HOUR_MS, 5 * MINUTE_MS));
    expect(found("hourly")).toEqual(whole("hourly", 60 * HOUR_MS, HOUR_MS));
    expect(found("hourly")!.stepMs).toBe(HOUR_MS);
    expect(found("daily")).toBeNull();
    // Only coarse series are read a second time, and nothing from the start on is.
    expect(asked.slice(7).every(({ metrics }) => !metrics.includes("minutely"))).toBe(true);
    expect(asked.every(({ toMs }) => toMs < START_MS)).toBe(true);
  });
});
