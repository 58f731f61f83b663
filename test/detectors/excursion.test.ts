/**
 * An incident that was over before the deployment must not blind the watch: the real engine,
 * an hour of samples before a deployment that brings harm, with an incident in that hour and
 * without.
 */

import { mad } from "simple-statistics";
import { describe, expect, test } from "vitest";
import { observeBaseline } from "../../engine/detect/baseline/residual.ts";
import {
  advanceWatch,
  startWatch,
  takeColumns,
  withContext,
  type Deployment,
  type Policy,
  type PreparedContext,
} from "../../engine/index.ts";
import { policyOf } from "../engine/policyFile.ts";
import { baselineOf, COUNT, counting, signalOf, statisticsOf } from "./counting.ts";
import { autoregressive } from "./noise.ts";

const MINUTE_MS = 60_000;
const START_MS = 60 * MINUTE_MS;

const deployment: Deployment = {
  ...{ deploymentId: "d", service: "s", environment: "production", kind: "code" },
  ...{ startedAtMs: START_MS, version: null, author: null, team: null, criticality: null },
};

/** Noise of these residuals about 100 ms, or about 1 %. */
interface Recorded {
  readonly unit: "relative" | "points";
  readonly stepMs: number;
  readonly phi: number;
  /** An incident, ended so many minutes before the deployment, and how much it adds. */
  readonly incident: { readonly minutes: number; readonly over: number; readonly by: number };
  /** What the deployment adds: a share, or percentage points. */
  readonly harm: number;
}

const SPREAD = { relative: 0.04, points: 0.2 };

function valuesOf({ unit, stepMs, phi, incident, harm }: Recorded, seed: number): Float64Array {
  const noise = autoregressive(seed, phi, "normal", (2 * START_MS) / stepMs);
  const endMs = START_MS - incident.over * MINUTE_MS;
  return noise.map((residual, index) => {
    const atMs = index * stepMs;
    const isIncident = atMs >= endMs - incident.minutes * MINUTE_MS && atMs < endMs;
    const added = (isIncident ? incident.by : 0) + (atMs >= START_MS ? harm : 0);
    return unit === "relative"
      ? 100 * Math.exp(SPREAD.relative * residual) * (1 + added)
      : 1 + SPREAD.points * residual + added;
  });
}

function policyWith(unit: Recorded["unit"], detector: object): Policy {
  const tolerance = unit === "relative" ? "10%" : "1pp";
  return policyOf({
    policy: "p",
    owner: "o",
    watch: "60m",
    signals: { one: { metric: "m", worse: "up", tolerance, detector, hold: "0s" } },
    fusion: "any",
    assign: [{ otherwise: "full" }],
  });
}

/** Samples from the deployment to the first breach; Infinity where there is none. */
function delayOf(
  recorded: Recorded,
  detector: object,
  seed: number,
  context: PreparedContext | null = null,
): number {
  const { unit, stepMs } = recorded;
  const policy = policyWith(unit, detector);
  const series = { service: "s", metric: "m", version: null, percentagePoint: 1 };
  const values = valuesOf(recorded, seed);
  const atMs = values.map((_, index) => index * stepMs);
  const begun = startWatch(policy, deployment, []);
  const watch = context === null ? begun : withContext(begun, context);
  const taken = takeColumns(policy, watch, [{ series, atMs, knownAtMs: atMs, values }]);
  const { judgements } = advanceWatch(policy, taken, taken.endsAtMs);
  const breach = judgements.find(({ evidence }) => evidence.verdict === "breach");
  return breach === undefined ? Infinity : (breach.knownAtMs - START_MS) / stepMs + 1;
}

function medianDelay(
  recorded: Recorded,
  detector: object,
  context: PreparedContext | null = null,
): number {
  const seeds = [1, 2, 3, 4, 5];
  return seeds.map((seed) => delayOf(recorded, detector, seed, context)).sort((a, b) => a - b)[2]!;
}

const NONE = { minutes: 0, over: 10, by: 0 };
const CUSUM = { kind: "cusum" };
const EWMA = { kind: "ewma" };
const EPROCESS = { kind: "eprocess" };
const THRESHOLD = { kind: "threshold", breaches: 3, of: 3 };

/** A season of days on which nothing happened; it moves by a tenth where `wavy`. */
function seasonOf(level: number, wavy: number): PreparedContext {
  const values = Array.from({ length: 26 }, (_, slot) => level * (1 + wavy * Math.sin(slot / 4)));
  const profile = { startMs: 0, stepMs: 5 * MINUTE_MS, values, days: 7 };
  return { seasons: new Map([["s/m", profile]]), digest: "season" };
}

describe("an incident that ended ten minutes before the deployment hardly delays a breach", () => {
  // Samples to the breach, without an incident and after one of 15 and of 27 minutes.
  test.each([
    ["relative", 1000, CUSUM, [5, 6, 10]],
    ["relative", 10_000, CUSUM, [5, 6, 10]],
    ["relative", 60_000, CUSUM, [5, 7, 10]],
    ["relative", 10_000, EWMA, [3, 4, 11]],
    ["relative", 10_000, EPROCESS, [4, 4, 7]],
    ["relative", 10_000, THRESHOLD, [3, 3, 3]],
    ["points", 1000, CUSUM, [4, 4, 6]],
    ["points", 10_000, CUSUM, [4, 5, 7]],
    ["points", 60_000, CUSUM, [4, 5, 7]],
    ["points", 10_000, EWMA, [3, 3, 4]],
    ["points", 10_000, EPROCESS, [4, 4, 5]],
    ["points", 10_000, THRESHOLD, [3, 3, 3]],
  ] as const)("%s, every %i ms, %j: %j", (unit, stepMs, detector, expected) => {
    const [by, harm, level] = unit === "relative" ? [0.6, 0.3, 100] : [5, 2, 1];
    const plain = { unit, stepMs, phi: 0.3, harm };
    for (const context of [null, seasonOf(level, 0)]) {
      const delays = [0, 15, 27].map((minutes) =>
        medianDelay({ ...plain, incident: { minutes, over: 10, by } }, detector, context),
      );
      expect(delays).toEqual(expected);
    }
  });

  test.each([
    ["that was a fall", 15, -0.4, 8],
    ["of three minutes", 3, 0.6, 6],
    ["ten times as slow", 15, 9, 7],
  ])("%s", (_, minutes, by, atMost) => {
    const incident = { minutes, over: 10, by };
    const recorded = { unit: "relative", stepMs: 10_000, phi: 0.3, incident, harm: 0.3 } as const;
    expect(medianDelay(recorded, CUSUM)).toBeLessThanOrEqual(atMost);
  });

  test("under a season that moves", () => {
    const season = seasonOf(100, 0.1);
    const recorded = { unit: "relative", stepMs: 10_000, phi: 0.3, harm: 0.4 } as const;
    const without = medianDelay({ ...recorded, incident: NONE }, CUSUM, season);
    const incident = { minutes: 15, over: 10, by: 0.6 };
    const after = medianDelay({ ...recorded, incident }, CUSUM, season);
    expect(after).toBeLessThanOrEqual(without + 3);
  });
});

describe("of what is counted", () => {
  const REQUESTS = 5000;
  const signal = signalOf({});
  const minutes = <Each>(each: (minute: number) => Each): Each[] =>
    Array.from({ length: 60 }, (_, minute) => each(minute));
  /** An hour of about `mean` events a minute, `times` as many from one minute to another. */
  const before = (seed: number, mean: number, times: number, from: number, to: number) => {
    const [usual, bad] = [counting(seed, mean, false), counting(9000 + seed, mean * times, false)];
    const events = minutes((minute) => (minute >= from && minute < to ? bad() : usual()));
    const requests = minutes(() => REQUESTS);
    return baselineOf(signal, events, requests);
  };
  /** Median minutes to the breach where there are three times as many errors. */
  const delayAfter = (mean: number, from: number, to: number): number => {
    const delays = [1, 2, 3, 4, 5].map((seed) => {
      const after = counting(1000 + seed, 3 * mean, false);
      const counts = {
        events: Float64Array.from(minutes(after)),
        requests: new Float64Array(60).fill(REQUESTS),
      };
      const baseline = before(seed, mean, 10, from, to);
      const bounds = { up: Math.log(1.25), down: Infinity };
      const first = statisticsOf(COUNT, baseline, counts, bounds).flags.indexOf(1);
      return first < 0 ? Infinity : first + 1;
    });
    return delays.sort((a, b) => a - b)[2]!;
  };

  test.each([
    [10, 3],
    [100, 2],
  ])("%d errors a minute, ten times as many for a while: three times are found", (mean, at) => {
    expect(delayAfter(mean, 0, 0)).toBe(at);
    expect(delayAfter(mean, 35, 50)).toBe(at);
    expect(delayAfter(mean, 23, 50)).toBe(at);
  });

  test("the rate and its dispersion are those of the other minutes, which are counted", () => {
    const { rate, samples } = before(1, 10, 10, 35, 50);
    // Fifteen, and one on either side, for its edges lie somewhere there.
    expect(samples).toBe(43);
    expect(rate!.requests).toBe(43 * REQUESTS);
    expect(rate!.events / 43).toBeCloseTo(10, -1);
    expect(rate!.dispersion).toBeLessThan(2);
  });

  test("more errors that still come leave the rate, and are what is ongoing", () => {
    const { samples, rate, ongoing } = before(1, 10, 10, 45, 60);
    expect([samples, ongoing?.samples]).toEqual([45, 15]);
    expect(rate!.dispersion).toBeLessThan(2);
    expect(Math.exp(ongoing!.residual)).toBeCloseTo(10, -1);
  });
});

describe("what is no incident that is over stays in the scale", () => {
  const COUNT = 360;
  const at = Float64Array.from({ length: COUNT }, (_, index) => index * 10_000);
  /** Of noise with something added, a number of logarithms at each sample. */
  const scaleOf = (added: (index: number) => number, phi = 0.3, seed = 1, count = COUNT) => {
    const noise = autoregressive(seed, phi, "normal", count);
    const y = noise.map((residual, index) => Math.exp(0.04 * residual + added(index)));
    const baseline = observeBaseline(at.subarray(0, count), y, "log", 1, null);
    return { spread: baseline.spread, phi: baseline.autocorrelation };
  };
  const minute = (index: number): number => index / 6;
  const UP = Math.log(1.6);

  test("an hour with a bad quarter is as wide as one without", () => {
    const { spread, phi } = scaleOf((index) =>
      minute(index) >= 35 && minute(index) < 50 ? UP : 0,
    );
    const without = scaleOf(() => 0);
    expect(Math.abs(spread / without.spread - 1)).toBeLessThan(0.1);
    expect(Math.abs(phi - without.phi)).toBeLessThan(0.1);
  });

  test.each<[string, (index: number) => number]>([
    ["one that ended two minutes ago", (at) => (minute(at) >= 43 && minute(at) < 58 ? UP : 0)],
    ["more than half of the hour", (at) => (minute(at) >= 10 && minute(at) < 45 ? UP : 0)],
    ["the same twice", (at) => (minute(at) % 30 < 8 ? UP : 0)],
    ["every ten minutes", (at) => (minute(at) % 10 < 2 ? UP : 0)],
    ["every tenth sample", (at) => (at % 10 === 0 ? UP : 0)],
    ["once up and once down", (at) => (minute(at) % 30 < 8 ? (minute(at) < 30 ? UP : -UP) : 0)],
  ])("%s", (_, added) => {
    expect(scaleOf(added).spread).toBeGreaterThan(0.12);
  });

  test("a spike is no stretch: coarse samples must be six", () => {
    const of = (samples: number): number =>
      scaleOf((index) => (index >= 30 && index < 30 + samples ? UP : 0), 0, 3, 60).spread;
    expect(of(5)).toBeGreaterThan(0.12);
    expect(of(6)).toBeLessThan(0.06);
  });

  test.each([
    [0, "log", 0],
    [0.6, "log", 0],
    [0.9, "log", 5],
    [0.95, "log", 15],
    [0.98, "log", 20],
    [0.9, "identity", 5],
    [0.98, "identity", 20],
  ] as const)(
    "autocorrelation %d alone, %s, but in %d of 200 at most",
    (phi, transform, atMost) => {
      let narrower = 0;
      for (let seed = 0; seed < 200; seed++) {
        const noise = autoregressive(seed, phi, "normal", 60);
        const y = Array.from(noise, (residual) => 0.08 * residual);
        const values = transform === "log" ? y.map((value) => Math.exp(value)) : y;
        const { spread } = observeBaseline(at.subarray(0, 60), values, transform, 1e-9, null);
        if (spread < 1.48 * mad(y)) narrower++;
      }
      expect(narrower).toBeLessThanOrEqual(atMost);
    },
  );

  test("and a short history has none", () => {
    const values = Array.from({ length: 12 }, (_, index) => (index > 2 && index < 8 ? 200 : 100));
    const short = observeBaseline(at.subarray(0, 12), values, "log", 1, null);
    expect(short.autocorrelation).toBe(0.2);
  });
});
