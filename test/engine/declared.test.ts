/** What tags declare about any signal, about callers, and by whom: by hand. */

import { describe, expect, test } from "vitest";
import {
  isSelfIssued,
  parseChange,
  resolveTier,
  resolveTolerance,
  tagsAt,
  type ContextTag,
  type Deployment,
  type SampleColumn,
} from "../../engine/index.ts";
import { judge } from "./columnar.ts";
import { policyOf } from "./policyFile.ts";

const MINUTE_MS = 60_000;
const deployment: Deployment = {
  deploymentId: "d1",
  service: "checkout",
  environment: "production",
  kind: "code",
  startedAtMs: 0,
  version: null,
  author: "kim",
  team: null,
  criticality: null,
  callers: ["web"],
};
const tag = (name: string, value: string, more: Partial<ContextTag> = {}): ContextTag => ({
  deploymentId: "d1",
  service: "checkout",
  tag: name,
  value,
  signal: null,
  validFromMs: null,
  validUntilMs: null,
  knownAtMs: 0,
  givenBy: "dana",
  approvedBy: null,
  ...more,
});
const change = (value: string, more: Partial<ContextTag> = {}) =>
  tag("expected_change", value, more);
const base = {
  policy: "p",
  owner: "o",
  signals: {
    conversion: { metric: "conversion_rate", worse: "down", tolerance: "10%" },
    errors: { metric: "error_rate", tolerance: "1pp" },
    latency: { metric: "latency_*", tolerance: "10%", of: ["own", "callers"] },
    load: { metric: "rps", worse: "both", tolerance: "10%" },
  },
  assign: [{ otherwise: "full" }],
  context: {
    expected_change: { shifts: "tolerance", max: "50%", for: "2h", selfIssued: "refuse" },
    expected_latency_increase: { signal: "latency", shifts: "tolerance" },
    migration_dependency: { quietsDependants: true, tierAtLeast: "approve", max: "40%" },
  },
};
const policy = policyOf(base);
const tolerated = (
  name: string,
  tags: readonly ContextTag[],
  asked: { service: string; metric: string } | null = null,
  whose = deployment,
): number => {
  const signal = policy.signals.find((one) => one.name === name)!;
  const counting = tagsAt(policy, whose, tags, 0, 0);
  return resolveTolerance(policy, signal, whose, counting, 0, 1, asked).amount;
};

describe("expected_change", () => {
  test.each([
    ["{metric: a, change: -15%}", { metric: "a", change: -0.15, unit: "relative" }],
    ['{"change":"+2pp","metric":"a"}', { metric: "a", change: 0.02, unit: "points" }],
    ["{metric: a, change: −0.2}", { metric: "a", change: -0.2, unit: "relative" }],
    ["{metric: a, change: 150%}", { metric: "a", change: 1.5, unit: "relative" }],
    ["{metric: a, change: 15}", null],
    ["{metric: a}", null],
    ["{metric: a, change: 0%}", null],
    ["{metric: a, metric: b, change: 1%}", null],
    ["15%", null],
  ])("%s", (text, expected) => {
    expect(parseChange(text)).toEqual(expected);
  });

  test("shifts the signal of its metric, in the direction that is worse, up to `max`", () => {
    expect(
      tolerated("conversion", [change("{metric: conversion_rate, change: -20%}")]),
    ).toBeCloseTo(1 - 0.9 * 0.8, 12);
    expect(
      tolerated("conversion", [change("{metric: conversion_rate, change: +20%}")]),
    ).toBeCloseTo(0.1, 12);
    expect(tolerated("latency", [change("{metric: latency_p95, change: +90%}")])).toBeCloseTo(
      1.1 * 1.5 - 1,
      12,
    );
    expect(tolerated("load", [change("{metric: rps, change: +20%}")])).toBeCloseTo(0.1, 12);
  });

  test("never another metric: of a signal with several only the named one", () => {
    const named = change("{metric: latency_p95, change: +20%}");
    const of = (metric: string): number =>
      tolerated("latency", [named], { service: "checkout", metric });
    expect(of("latency_p95")).toBeCloseTo(1.1 * 1.2 - 1, 12);
    expect(of("latency_p99")).toBeCloseTo(0.1, 12);
    expect(tolerated("errors", [named])).toBe(0.01);
  });

  test("errors only by name and in their own unit", () => {
    expect(tolerated("errors", [change("{metric: error_rate, change: +2pp}")])).toBeCloseTo(
      0.03,
      12,
    );
    expect(tolerated("errors", [change("{metric: error_rate, change: +2%}")])).toBe(0.01);
  });

  test("of several tags on one signal the largest counts, not the sum", () => {
    const both = [
      change("{metric: latency_p95, change: +20%}"),
      tag("expected_latency_increase", "30%"),
    ];
    expect(tolerated("latency", both)).toBeCloseTo(1.1 * 1.3 - 1, 12);
    expect(tolerated("latency", [...both].reverse())).toBeCloseTo(1.1 * 1.3 - 1, 12);
  });

  test("after `for` the tolerance is the policy's again, and what was gathered stays", () => {
    const step = 15_000;
    const startMs = 60 * MINUTE_MS;
    const atMs = Float64Array.from({ length: 400 }, (_, at) => at * step);
    const slowFrom = (sample: number): SampleColumn => ({
      series: { service: "checkout", metric: "latency_p95", version: null, percentagePoint: 0.01 },
      atMs,
      knownAtMs: atMs,
      values: Float64Array.from(atMs, (_, at) => (at < sample ? 240 + (at % 5) : 330 + (at % 5))),
    });
    const short = policyOf({
      ...base,
      signals: {
        latency: {
          metric: "latency_p95",
          tolerance: "10%",
          hold: "0s",
          detector: { kind: "cusum", season: false, clip: 2, limit: 12 },
        },
      },
      context: { expected_change: { shifts: "tolerance", for: "20m" } },
    });
    const given = { validFromMs: startMs, knownAtMs: startMs };
    const tags = [change("{metric: latency_p95, change: +15%}", given)];
    const begun = { ...deployment, startedAtMs: startMs };
    const breach = (column: SampleColumn): number =>
      judge(short, [column], begun, tags).find(({ evidence }) => evidence.verdict === "breach")!
        .knownAtMs;
    const endsAtMs = startMs + 20 * MINUTE_MS;
    const endSample = endsAtMs / step;
    // Four samples beyond even the tagged tolerance, and then it ends: they are not forgotten.
    expect(breach(slowFrom(endSample - 4))).toBeLessThan(breach(slowFrom(endSample)));
    expect(breach(slowFrom(endSample - 4))).toBeGreaterThanOrEqual(endsAtMs);
  });
});

describe("migration_dependency", () => {
  const from = { service: "ledger", deploymentId: "d0", selfIssued: false };
  const passed = (value: string) =>
    tag("migration_dependency", value, { deploymentId: null, from });
  const web = { ...deployment, service: "web", callers: [] };

  test("half of what is believed, for the caller's own series, and never for its errors", () => {
    expect(tolerated("latency", [passed("20%")])).toBeCloseTo(1.1 * 1.1 - 1, 12);
    expect(tolerated("latency", [passed("90%")])).toBeCloseTo(1.1 * 1.2 - 1, 12);
    expect(tolerated("latency", [passed("true")])).toBeCloseTo(0.1, 12);
    expect(tolerated("errors", [passed("20%")])).toBe(0.01);
  });

  test("and for the callers' series that the migration itself watches, none further away", () => {
    const own = [tag("migration_dependency", "20%")];
    const of = (service: string): number =>
      tolerated("latency", own, { service, metric: "latency_p95" });
    expect(of("web")).toBeCloseTo(1.1 * 1.1 - 1, 12);
    expect(of("checkout")).toBeCloseTo(0.1, 12);
    expect(of("mobile")).toBeCloseTo(0.1, 12);
  });

  test("a caller is asked about what the migration may have caused, and about nothing else", () => {
    const tierOf = (accused: readonly string[]): string =>
      resolveTier(policy, deployment, [passed("20%")], 0, { share: 1, breaching: accused, accused })
        .tier;
    expect(tierOf([])).toBe("approve");
    expect(tierOf(["latency"])).toBe("approve");
    expect(tierOf(["errors"])).toBe("full");
    expect(tierOf(["errors", "latency"])).toBe("full");
  });

  test("is no condition of the caller's own, and says whose it is", () => {
    const asked = policyOf({
      ...base,
      assign: [
        { when: { tags: { migration_dependency: "*" } }, tier: "observe" },
        { otherwise: "full" },
      ],
    });
    expect(resolveTier(asked, web, [passed("20%")], 0).path[0]!.rule).toBe("assign.otherwise");
    const signal = policy.signals.find(({ name }) => name === "latency")!;
    expect(resolveTolerance(policy, signal, deployment, [passed("20%")], 0).tags).toEqual([
      "migration_dependency=20% of ledger",
    ]);
  });

  test("a policy that would quiet errors is refused", () => {
    const context = { dependency: { quietsDependants: true, signal: "errors" } };
    expect(() => policyOf({ ...base, context })).toThrow(/no dependency quiets errors/);
  });
});

describe("self-issued", () => {
  const started = { ...deployment, startedAtMs: 10 * MINUTE_MS };
  test.each<[string, Partial<ContextTag>, boolean]>([
    ["nobody owns it", { givenBy: null }, true],
    ["its deployer, as it went out", { givenBy: "kim", knownAtMs: 9 * MINUTE_MS }, true],
    ["its deployer, in good time", { givenBy: "kim", knownAtMs: 8 * MINUTE_MS }, false],
    [
      "its deployer, approved",
      { givenBy: "kim", knownAtMs: 9 * MINUTE_MS, approvedBy: "lee" },
      false,
    ],
    ["somebody else", { givenBy: "dana", knownAtMs: 11 * MINUTE_MS }, false],
  ])("%s", (_who, more, expected) => {
    expect(isSelfIssued(change("15%", more), started)).toBe(expected);
  });

  test("refused, it moves no tolerance; where it only is counted, it does", () => {
    const own = { givenBy: "kim" };
    expect(tolerated("latency", [change("{metric: latency_p95, change: +20%}", own)])).toBeCloseTo(
      0.1,
      12,
    );
    expect(tolerated("latency", [tag("expected_latency_increase", "20%", own)])).toBeCloseTo(
      0.32,
      12,
    );
  });
});
