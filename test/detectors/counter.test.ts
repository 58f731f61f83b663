/** Counters that restart, and the rates a signal makes of them. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counterAfter, ratesAfter, ratesBefore } from "../../engine/detect/baseline/counter.ts";
import type { SampleColumn } from "../../engine/index.ts";
import { check } from "../engine/check.ts";
import { judge } from "../engine/columnar.ts";
import { policyOf } from "../engine/policyFile.ts";

const NONE = Number.NaN;
const seconds = (...at: number[]): number[] => at.map((one) => one * 1000);
const rates = (at: number[], values: number[]): number[] => [...ratesBefore(at, values)];

describe("rates of a raw counter", () => {
  test("increase over seconds; over a gap its average; none for the first", () => {
    expect(rates(seconds(0, 10, 20, 30, 60), [5, 25, 25, NONE, 65])).toEqual([NONE, 2, 0, NONE, 1]);
  });

  test("after a reset the counter has grown by what it shows", () => {
    expect(rates(seconds(0, 10, 20, 30, 40), [5, 25, 3, 13, 23])).toEqual([NONE, 2, 0.3, 1, 1]);
  });

  test("a reset within two samples of the deployment is evidence of nothing", () => {
    expect(rates(seconds(0, 10, 20, 30), [5, 25, 3, 13])).toEqual([NONE, 2, NONE, 1]);
    expect(rates(seconds(0, 10, 20, 30), [5, 25, 3, NONE])).toEqual([NONE, 2, NONE, NONE]);
    const before = counterAfter(null, seconds(0, 10), [5, 25], false);
    const after = (values: number[]): number[] => [
      ...ratesAfter(before, seconds(20, 30, 40, 50), values),
    ];
    expect(after([3, 13, 23, 3])).toEqual([NONE, 1, 1, 0.3]);
    expect(after([45, 3, 13, 3])).toEqual([2, NONE, 1, 0.3]);
    // Missing scrapes are no samples: the second that came is still the second.
    expect(after([45, NONE, NONE, 3])).toEqual([2, NONE, NONE, NONE]);
  });

  test("one sample, none, and nothing but missing ones have no rate", () => {
    expect(rates([], [])).toEqual([]);
    expect(rates([0], [7])).toEqual([NONE]);
    expect(rates(seconds(0, 10), [NONE, NONE])).toEqual([NONE, NONE]);
    expect(counterAfter(null, seconds(0, 10), [NONE, NONE], false)).toBeNull();
  });

  test("any cutting gives the same rates, and without resets they add up to the increase", () => {
    const step = fc.record({ dt: fc.integer({ min: 1, max: 50 }), up: fc.integer({ max: 9 }) });
    check(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, cut) => {
        let atMs = 0;
        let value = 100;
        const at = steps.map(({ dt }) => (atMs += dt * 1000));
        const values = steps.map(({ up }) =>
          up < -5 ? NONE : (value = up < -3 ? 0 : value + Math.max(0, up)),
        );
        const whole = ratesAfter(null, at, values);
        const state = counterAfter(null, at.slice(0, cut), values.slice(0, cut), true);
        const rest = ratesAfter(state, at.slice(cut), values.slice(cut));
        const first = ratesAfter(null, at.slice(0, cut), values.slice(0, cut));
        expect([...first, ...rest]).toEqual([...whole]);
        const ends = values.flatMap((one, index) => (Number.isNaN(one) ? [] : [index]));
        if (ends.length < 2 || steps.some(({ up }) => up < -3 && up >= -5)) return;
        let sum = 0;
        ends
          .slice(1)
          .forEach((end, k) => (sum += (whole[end]! * (at[end]! - at[ends[k]!]!)) / 1000));
        expect(sum).toBeCloseTo(values[ends.at(-1)!]! - values[ends[0]!]!, 6);
      }),
    );
  });
});

describe("a signal on a counter", () => {
  const MINUTE_MS = 60_000;
  const deployment = {
    ...{ deploymentId: "d1", service: "api", environment: "production", kind: "code" as const },
    ...{ startedAtMs: 60 * MINUTE_MS, version: null, author: null, team: null, criticality: null },
  };
  const policyWith = (signal: object) =>
    policyOf({
      ...{ policy: "p", owner: "o", watch: "30m", assign: [{ otherwise: "full" }] },
      signals: { served: { metric: "requests_total", worse: "down", tolerance: "10%", ...signal } },
    });
  /** A hundred a minute, then `after` of it; restarted at the deployment, and every `restart`. */
  const served = (after: number, restart = Infinity, counter?: boolean): SampleColumn => {
    const atMs = Array.from({ length: 361 }, (_, index) => index * 15_000);
    let value = 5000;
    const values = atMs.map((at, index) => {
      if (at === deployment.startedAtMs || (index > 0 && index % restart === 0)) value = 0;
      return (value += at <= deployment.startedAtMs ? 25 : 25 * after);
    });
    const [metric, version] = ["requests_total", null];
    const series = { service: "api", metric, version, percentagePoint: 0.01 };
    return {
      series: counter === undefined ? series : { ...series, counter },
      ...{ atMs, knownAtMs: atMs, values },
    };
  };
  const last = (column: SampleColumn, signal: object = {}) =>
    judge(policyWith(signal), [column], deployment, []).at(-1)!.evidence;

  test("is judged by its rate, the restart of the deployment being no evidence", () => {
    expect(last(served(1, Infinity, true))).toMatchObject({ verdict: "healthy", samples: 120 });
    expect(last(served(1), { counter: true }).verdict).toBe("healthy");
    const worse = judge(policyWith({}), [served(0.5, Infinity, true)], deployment, []);
    expect(worse[0]!.evidence).toMatchObject({ verdict: "breach" });
    expect(worse[0]!.evidence.expected).toBeCloseTo(25 / 15, 6);
  });

  test("as a plain number a restart looks like an outage, so the signal has a say", () => {
    expect(last(served(1, Infinity, true), { counter: false }).verdict).toBe("breach");
    expect(last(served(1)).verdict).toBe("breach");
  });

  test("restarts now and then, before and after, are no breach", () => {
    expect(last(served(1, 37, true)).verdict).toBe("healthy");
  });

  test("with one sample before the deployment there is no rate to compare with", () => {
    const { series, atMs, values } = served(0.2, Infinity, true);
    const cut = { series, atMs: atMs as number[], values: values as number[] };
    const from = 240;
    const column = {
      ...{ series, atMs: cut.atMs.slice(from - 1), knownAtMs: cut.atMs.slice(from - 1) },
      values: cut.values.slice(from - 1),
    };
    expect(last(column)).toMatchObject({ verdict: "inconclusive" });
    expect(last(column).reason).toMatch(
      /requests_total: fewer than two samples of a counter before/,
    );
  });
});
