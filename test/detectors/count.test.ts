/** The count e-process: known values, a naive recomputation, what it promises, low traffic. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { oneBurstFires } from "../../engine/detect/detectors/count.ts";
import { gammaQuantile } from "../../engine/detect/baseline/gamma.ts";
import { parsePolicy, type Event, type SampleColumn } from "../../engine/index.ts";
import { check } from "../engine/check.ts";
import { replay } from "../engine/columnar.ts";
import { runLive, toBatches } from "../engine/liveHost.ts";
import { policyOf } from "../engine/policyFile.ts";
import {
  baselineOf,
  COUNT,
  counting,
  countRates,
  signalOf,
  statisticsOf,
  type Rates,
} from "./counting.ts";
import { SOAK, threeErrors, UP } from "./noise.ts";

const repeated = (values: readonly number[]) => [...values, ...values, ...values, ...values];
const EVENTS = repeated([3, 1, 0, 4, 2]);
const REQUESTS = repeated([100, 50, 80, 200, 120]);
const watched = {
  events: Float64Array.of(5, 9, 2, 12),
  requests: Float64Array.of(90, 130, 40, 210),
};

describe("known values", () => {
  // scipy.stats.gamma.ppf(p, shape), SciPy 1.17.1
  test.each([
    [0.995, 1, 5.298317366548036],
    [0.005, 1, 0.005012541823544282],
    [0.995, 0.4, 3.603544276953097],
    [0.005, 0.4, 1.3108631226368058e-6],
    [0.995, 11, 21.397827499654273],
    [0.005, 601, 539.7317914162362],
    [0.995, 1e6, 1002577.707576092],
  ])("gamma quantile %d of shape %d", (probability, shape, expected) => {
    expect(gammaQuantile(probability, shape) / expected).toBeCloseTo(1, 11);
  });

  // N, T = 40, 2200: gamma.ppf(.995, N + 1) / T and gamma.ppf(.005, N) / T; then the sum
  // of the formula in count.ts in NumPy. Pearson's statistic over 19 is 0.48, so D = 1.
  test("bounds of the rate and ln E at unequal exposures", () => {
    const baseline = baselineOf(signalOf({}), EVENTS, REQUESTS);
    const { rate } = baseline;
    expect(rate).toMatchObject({ dispersion: 1, opposite: false });
    expect(rate!.high).toBeCloseTo(0.02698321236673501, 14);
    expect(rate!.low).toBeCloseTo(0.011629984520555723, 14);
    const relative = statisticsOf(COUNT, baseline, watched, UP(Math.log(1.25)));
    const expected = [-0.011355525952247704, 0.9641515271891683, 1.000038474669681];
    expected.forEach((one, at) => expect(relative.statistics[at]).toBeCloseTo(one, 10));
    const points = baselineOf(signalOf({ tolerance: "0.5pp" }), EVENTS, REQUESTS);
    const { statistics } = statisticsOf(COUNT, points, watched, UP(0.005));
    expect(statistics[3]).toBeCloseTo(2.6218535644324716, 10);
    const down = { up: Number.POSITIVE_INFINITY, down: -Math.log(0.9) };
    const fall = statisticsOf(COUNT, baseline, watched, down).statistics;
    expect(fall[3]).toBeCloseTo(-0.7583138079344631, 10);
  });

  test("of a success rate the failures are counted: the same evidence", () => {
    const errors = baselineOf(signalOf({ tolerance: "1pp" }), EVENTS, REQUESTS);
    const successes = REQUESTS.map((requests, at) => requests - EVENTS[at]!);
    const signal = signalOf({ tolerance: "1pp", worse: "down" });
    const availability = baselineOf(signal, successes, REQUESTS);
    expect(availability.rate).toMatchObject({ opposite: true });
    expect(availability.rate!.high).toBeCloseTo(errors.rate!.high, 12);
    expect(availability.level).toBeCloseTo(1 - errors.level, 12);
    const up = statisticsOf(COUNT, errors, watched, UP(0.01));
    const bounds = { up: Number.POSITIVE_INFINITY, down: 0.01 };
    const down = statisticsOf(COUNT, availability, watched, bounds);
    down.statistics.forEach((one, at) => expect(one).toBeCloseTo(up.statistics[at]!, 10));
  });
});

/** E from its definition: every onset apart, nothing carried from sample to sample. */
function naive(events: readonly number[], requests: readonly number[], most: number, over: number) {
  const { horizon, clip } = COUNT;
  const times = Array.from({ length: 16 }, (_, j) => Math.exp(Math.log(1.2) + (j * over) / 15));
  const total = times.reduce((sum, one) => sum + 1 / one, 0);
  return events.map((_, now) => {
    const owned = times.map((one) => {
      const odds = events.map((count, at) =>
        Math.min(clip, one ** count * Math.exp(-most * requests[at]! * (one - 1))),
      );
      const from = (onset: number): number =>
        odds.slice(onset, now + 1).reduce((product, factor) => product * factor, 1);
      let sum = from(0) / 2;
      for (let onset = 0; onset <= now; onset++) sum += from(onset) / (2 * horizon);
      return sum / one / total;
    });
    const kept = Math.max(0, 1 - (now + 1) / horizon) / 2;
    return Math.log(owned.reduce((sum, one) => sum + one, kept));
  });
}

test("a naive recomputation from all onsets agrees, as long as no bet is held down", () => {
  const sample = fc.record({ count: fc.nat(6), requests: fc.integer({ min: 1, max: 400 }) });
  check(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 30 }), (samples) => {
      const events = samples.map(({ count }) => count);
      const requests = samples.map((one) => one.requests);
      const baseline = baselineOf(signalOf({}), EVENTS, REQUESTS);
      const counts = {
        events: Float64Array.from(events),
        requests: Float64Array.from(requests),
      };
      const { statistics } = statisticsOf(COUNT, baseline, counts, UP(0));
      const expected = naive(events, requests, baseline.rate!.high, Math.log(20 / 1.2));
      const until = expected.findIndex((one) => one > Math.log(100));
      expected.slice(0, until < 0 ? undefined : until).forEach((one, at) => {
        expect(statistics[at]).toBeCloseTo(one, 8);
      });
    }),
  );
});

describe("a whole watch", () => {
  const MINUTE_MS = 60_000;
  const started: Event = {
    ...{ kind: "deploymentStarted", atMs: 60 * MINUTE_MS, knownAtMs: 60 * MINUTE_MS },
    deployment: {
      ...{ deploymentId: "d1", service: "api", environment: "production", kind: "code" as const },
      ...{ startedAtMs: 60 * MINUTE_MS, version: null, author: null, team: null },
      criticality: null,
    },
  };
  test("live in batches is the replay of columns, exposures late, missing and at zero", () => {
    const exposure = fc.constantFrom<unknown>("req*", 50, { metric: "req*", per: "1s" });
    const given = fc.record({
      exposure,
      draws: fc.array(fc.nat(99), { minLength: 53, maxLength: 53 }),
      delayMs: fc.constantFrom(0, 5000, 70_000),
      counter: fc.boolean(),
      shift: fc.constantFrom(0, 10, 40),
    });
    check(
      fc.property(given, ({ exposure: behind, draws, delayMs, counter, shift }) => {
        let turn = 0;
        const draw = (): number => draws[(turn++ * 17) % 53]!;
        const column = (metric: string, stepMs: number, value: (at: number) => number) => {
          const atMs: number[] = [];
          for (let at = 0; at < 100 * MINUTE_MS; at += stepMs) if (draw() > 3) atMs.push(at);
          const series = {
            ...{ service: "api", metric, version: null, percentagePoint: 0.01 },
            counter: counter && metric === "requests",
          };
          const knownAtMs = atMs.map((at) => at + (metric === "errors" ? 0 : delayMs));
          const values = atMs.map((at) => (draw() < 5 ? Number.NaN : value(at)));
          return { series, atMs, knownAtMs, values } satisfies SampleColumn;
        };
        const errors = column("errors", MINUTE_MS, (at) =>
          at > 70 * MINUTE_MS ? (draw() % 5) / 100 + shift / 100 : (draw() % 5) / 100,
        );
        let total = 0;
        const requests = column("requests", 45_000, () =>
          counter ? (total += draw()) : draw() < 20 ? 0 : 60,
        );
        const policy = policyOf({
          ...{ policy: "p", owner: "o", watch: "30m", assign: [{ otherwise: "full" }] },
          signals: {
            errors: {
              ...{ metric: "errors", tolerance: "1pp", hold: "0s" },
              ...{ exposure: behind, detector: { kind: "count", baseline: "30m" } },
            },
          },
        });
        const columns = [errors, requests];
        const live = runLive(policy, [started, ...toBatches(columns)]);
        const whole = replay(policy, columns, [started, ...finished(live)], null);
        expect(whole.records).toEqual(live.records);
      }),
    );
  });
});

/** What the live host was answered to its rollbacks. */
function finished({ steps }: ReturnType<typeof runLive>): readonly Event[] {
  return steps.flatMap(({ event }) => (event.kind === "rollbackFinished" ? [event] : []));
}

describe("what it promises, seeds in counting.ts", () => {
  const runs = SOAK ? 2000 : 200;
  const rates = (mean: number, bursts: boolean, times: number): Rates =>
    countRates(runs, mean, bursts, times, 500, UP(times === 1 ? 0 : Math.log(1.25)));
  test.each([
    [10, false],
    [10, true],
    [1, false],
    [1, true],
    [0.1, false],
  ])("few healthy watches are flagged at %d events a sample, bursts %s", (mean, bursts) => {
    expect(rates(mean, bursts, 1).flagged).toBeLessThan(0.01 + threeErrors(0.01, runs));
  });

  test("harm is found: as many times, within as many samples", () => {
    expect(rates(10, true, 3)).toMatchObject({ flagged: 1 });
    expect(rates(10, true, 3).median).toBeLessThanOrEqual(6);
    expect(rates(1, false, 5).flagged).toBeGreaterThan(0.98);
    expect(rates(1, false, 5).median).toBeLessThanOrEqual(6);
  });

  test("one burst alone never fires, and no clip may let it", () => {
    const baseline = baselineOf(signalOf({}), EVENTS, REQUESTS);
    const counts = { events: Float64Array.of(1e6), requests: Float64Array.of(1) };
    expect(statisticsOf(COUNT, baseline, counts, UP(0)).flags).toEqual([0]);
    expect(oneBurstFires(COUNT)).toBe(false);
    expect(oneBurstFires({ ...COUNT, clip: 250 })).toBe(true);
  });
});

/**
 * 100 requests a window at a true 2 % against a limit of 5 %: 3 pp on top of what an hour
 * before was like. 60 windows a watch. A true 10 % beside it, and the rule that compares
 * each window with 5 %.
 */
test("low traffic: at most one window in a thousand trips, and 10 % is found", () => {
  const watches = SOAK ? 4000 : 150;
  const signal = signalOf({ tolerance: "3pp" });
  let trips = 0;
  let naiveTrips = 0;
  const delays: number[] = [];
  for (let seed = 0; seed < watches; seed++) {
    const healthy = counting(seed, 2, false);
    const harmful = counting(seed, 10, false);
    const hundred = Array.from({ length: 60 }, () => 100);
    const baseline = baselineOf(signal, Array.from({ length: 60 }, healthy), hundred);
    const flagsOf = (draw: () => number): { flags: readonly number[]; events: Float64Array } => {
      const events = Float64Array.from({ length: 60 }, draw);
      const counts = { events, requests: Float64Array.from(hundred) };
      return { flags: statisticsOf(COUNT, baseline, counts, UP(0.03)).flags, events };
    };
    const quiet = flagsOf(healthy);
    trips += quiet.flags.reduce((sum, flag) => sum + flag, 0);
    naiveTrips += quiet.events.filter((count) => count > 5).length;
    const first = flagsOf(harmful).flags.indexOf(1);
    delays.push(first < 0 ? Number.POSITIVE_INFINITY : first + 1);
  }
  delays.sort((a, b) => a - b);
  const windows = 60 * watches;
  expect(trips / windows).toBeLessThanOrEqual(0.001);
  expect(naiveTrips / windows).toBeGreaterThan(0.01);
  expect(delays[Math.floor(0.95 * watches)]).toBeLessThanOrEqual(20);
  expect(delays[watches >> 1]).toBeLessThanOrEqual(10);
});

describe("as a policy writes it", () => {
  const parse = (signal: object) =>
    parsePolicy(
      {
        ...{ policy: "p", owner: "o", assign: [{ otherwise: "full" }] },
        signals: { s: { metric: "m", tolerance: "1pp", detector: { kind: "count" }, ...signal } },
      },
      () => "digest",
    );
  test.each([
    ["n*", { kind: "metric", metric: "n*", perMs: null }],
    [
      { metric: "rps", per: "1s" },
      { kind: "metric", metric: "rps", perMs: 1000 },
    ],
    [100, { kind: "requests", requests: 100 }],
  ])("exposure %j", (exposure, expected) => {
    const { policy } = parse({ exposure });
    expect(policy?.signals[0]).toMatchObject({ exposure: expected, detector: COUNT });
  });

  test.each([
    [{}, "detector", /a ratio is counted with its `exposure`/],
    [{ detector: { kind: "count", reads: "count" } }, "tolerance", /name the `exposure`/],
    [
      { exposure: "n", detector: { kind: "cusum" } },
      "exposure",
      /only `detector: { kind: count }`/,
    ],
    [{ exposure: 9, detector: { kind: "count", clip: 300 } }, "detector.clip", /one sample alone/],
    [{ exposure: 9, calibrate: {} }, "calibrate", /follows from its `alpha`/],
  ])("refuses %j", (signal, key, message) => {
    const { issues } = parse(signal);
    expect(issues?.map(({ path }) => path.join("."))).toEqual([`signals.s.${key}`]);
    expect(issues?.[0]?.message).toMatch(message);
  });
});
