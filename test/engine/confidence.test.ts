/** Evidence of several signals as one confidence: known values, levels, and what never happens. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { confidenceOf, stands, withJudgement, type SignalEvidence } from "../../engine/index.ts";
import { logEOf, logEOfP, mostLogEOf } from "../../engine/detect/evidence/eValue.ts";
import { BEYOND, WITHIN } from "../../engine/detect/detectors/contract.ts";
import { holdSample, startHold } from "../../engine/detect/hold.ts";
import {
  holdLevels,
  levelsReached,
  logEAt,
  noLevels,
} from "../../engine/detect/evidence/levels.ts";
import type { ContextTag, Deployment, SignalJudged } from "../../engine/event.ts";
import { check, holds, LIMIT_MS } from "./check.ts";
import { judge } from "./columnar.ts";
import { runLive, toBatches } from "./liveHost.ts";
import { policyOf } from "./policyFile.ts";
import { randomCase, randomTag, type Case } from "./randomCase.ts";

const tagsOf = (given: Case): ContextTag[] =>
  given.others.flatMap((event) => (event.kind === "deploymentTagged" ? [event.tag] : []));
const deploymentsOf = (given: Case): Deployment[] =>
  given.others.flatMap((event) => (event.kind === "deploymentStarted" ? [event.deployment] : []));

const eprocess = { kind: "eprocess", alpha: "0.1%" };
const written = {
  policy: "sure",
  owner: "platform",
  signals: {
    errors: { metric: "error_rate", tolerance: "1pp", detector: eprocess },
    latency: { metric: "latency", tolerance: "10%", detector: eprocess },
  },
  fusion: "evidence",
  assign: [{ otherwise: "override" }],
};
const policy = policyOf(written);

function judged(signal: string, logE: number, more: Partial<SignalEvidence> = {}): SignalEvidence {
  return {
    signal,
    verdict: "inconclusive",
    reason: "",
    series: `shop/${signal}`,
    effect: null,
    expected: null,
    scale: null,
    tolerance: 0.1,
    baseTolerance: 0.1,
    statistic: null,
    limit: null,
    logE,
    standing: { tagged: logE, untagged: logE, silent: false },
    samples: 20,
    baselineSamples: 60,
    missing: 0,
    placebo: null,
    control: null,
    season: null,
    tags: [],
    untagged: "inconclusive",
    untaggedReason: "",
    breaching: [],
    ...more,
  };
}
const both = (a: SignalEvidence, b: SignalEvidence): readonly SignalEvidence[] => [a, b];
const sure = (signals: readonly SignalEvidence[], of = policy) =>
  confidenceOf(of, signals, "tagged")!;

describe("e-values", () => {
  // p = [.05, .01, .001, 1e-4]; (1 - p + p*log(p)) / (p*log(p)^2)   in R
  test.each([
    [0.05, 1.78347],
    [0.01, 4.45127],
    [0.001, 20.7907],
    [0.0001, 117.762],
  ])("p = %d is worth %d", (p, e) => {
    expect(Math.exp(logEOfP(p))).toBeCloseTo(e, 3);
  });

  test("on average a p-value that means nothing is worth 1", () => {
    // The integral of e over p in (0, 1] is 1; midpoints in ln p, as e is steep near 0.
    let sum = 0;
    const step = 0.001;
    for (let log = -60 + step / 2; log < 0; log += step) {
      sum += Math.exp(logEOfP(Math.exp(log)) + log) * step;
    }
    // What lies below e^-60 is worth about 1/60.
    expect(sum + 1 / 60).toBeCloseTo(1, 2);
  });

  test("an e-process past its horizon has bet more than it owned", () => {
    const [{ detector }] = policy.signals as [(typeof policy.signals)[0]];
    expect(logEOf(detector, 5, 60)).toBe(5);
    expect(logEOf(detector, 5, 180)).toBeCloseTo(5 - Math.log(3), 12);
    expect(logEOf(detector, 30, 10)).toBe(9.25);
    expect(mostLogEOf({ ...detector, kind: "cusum", drift: 1, clip: 4, limit: 8 })).toBeCloseTo(
      logEOfP(Math.exp((-16 * Math.log(100)) / 12.1)),
      12,
    );
  });
});

describe("levels", () => {
  test("each is held and cleared as a breach is", () => {
    const path = fc.array(
      fc.record({
        stepMs: fc.integer({ min: 1, max: 90 }),
        logE: fc.double({ min: -2, max: 11, noNaN: true }),
      }),
      { minLength: 1, maxLength: 40 },
    );
    const wait = fc.constantFrom(0, 30, 60, 120);
    fc.assert(
      fc.property(path, wait, wait, fc.boolean(), (samples, holdMs, clearMs, inSamples) => {
        let levels = noLevels;
        const holdsOf = Array.from({ length: 34 }, () => startHold());
        const rule = inSamples
          ? { hold: holdMs / 30, clear: clearMs / 30, holdsSamples: true, clearsSamples: true }
          : { hold: holdMs, clear: clearMs, holdsSamples: false, clearsSamples: false };
        let atMs = 0;
        for (const [place, { stepMs, logE }] of samples.entries()) {
          atMs += stepMs;
          const time = { atMs, count: place + 1 };
          levels = holdLevels(levels, logE, time, rule);
          holdsOf.forEach((one, at) => {
            holdSample(one, levelsReached(logE) > at ? BEYOND : WITHIN, time, rule);
          });
          const held = holdsOf.filter(({ verdict }) => verdict === "breach").length;
          expect(levels.standing).toBe(held);
        }
      }),
      { seed: 20260312 },
    );
  });

  test("what stands is at most a quarter below what was reached", () => {
    for (const logE of [1, 1.2, 3.99, 9.25, 40]) {
      const stood = logEAt(levelsReached(logE));
      expect(Math.min(logE, 9.25) - stood).toBeLessThan(0.25);
      expect(stood).toBeLessThanOrEqual(logE);
    }
    expect(logEAt(levelsReached(0.99))).toBe(0);
  });
});

describe("confidence", () => {
  // plogis(qlogis(.05) + log(c(20, 100, 1000)))   in R, and method 1.12
  test.each([
    [20, 0.512821],
    [100, 0.840336],
    [1000, 0.981354],
  ])("E = %d at a change failure rate of 5 %", (e, confidence) => {
    const logE = Math.log(e);
    expect(sure(both(judged("errors", logE), judged("latency", logE))).value).toBeCloseTo(
      confidence,
      6,
    );
  });

  test("signals are averaged by weight, over those that have a series", () => {
    const one = judged("errors", Math.log(99));
    const split = sure(both(one, judged("latency", 0)));
    expect(Math.exp(split.logE)).toBeCloseTo(50, 9);
    expect(sure([one]).logE).toBeCloseTo(Math.log(99), 12);
    const absent = judged("latency", 0, { series: null, standing: null });
    expect(sure(both(one, absent)).logE).toBeCloseTo(Math.log(99), 12);
    const { signals } = written;
    const weighted = policyOf({
      ...written,
      signals: { ...signals, errors: { ...signals.errors, weight: 3 } },
    });
    const three = sure(both(one, judged("latency", 0)), weighted);
    expect(Math.exp(three.logE)).toBeCloseTo(74.5, 9);
    expect(three.weights).toEqual({ errors: 0.75, latency: 0.25 });
  });

  test("one signal alone is at most 97 %", () => {
    const alone = sure([judged("errors", 9.25)]);
    expect(alone.value).toBe(0.97);
    expect(alone.uncapped).toBeGreaterThan(0.99);
    expect(alone.caps).toEqual([{ rule: "single signal", atMost: 0.97 }]);
    expect(sure(both(judged("errors", 9.25), judged("latency", 2))).caps).toEqual([]);
  });

  test("a short history or missing samples are worth 60 % at most, sound signals their own", () => {
    const short = judged("errors", 9, { baselineSamples: 5 });
    const holes = judged("errors", 9, { missing: 0.25 });
    const sound = judged("latency", 6);
    for (const poor of [short, holes]) {
      expect(sure(both(poor, judged("latency", 0))).value).toBe(0.6);
      expect(sure(both(poor, sound)).value).toBeCloseTo(
        sure(both(judged("errors", 0), sound)).uncapped,
        12,
      );
    }
  });

  test("where only poor data stand in the way of the machine, a person is asked", () => {
    const poor = both(judged("errors", 9, { missing: 0.25 }), judged("latency", 0));
    const deployment: Deployment = {
      deploymentId: "d1",
      service: "shop",
      environment: "production",
      kind: "code",
      startedAtMs: 0,
      version: null,
      author: null,
      team: null,
      criticality: null,
    };
    expect(stands(policy, { deployment, tags: [], stages: [], signals: poor }, 0, "tagged")).toBe(
      true,
    );
  });
});

describe("a policy that could never be sure enough is refused", () => {
  const refusalOf = (policy: object): string => {
    try {
      policyOf(policy);
      return "";
    } catch (error) {
      return String(error);
    }
  };
  const issuesOf = (detector: unknown): string =>
    refusalOf({ ...written, signals: { errors: { ...written.signals.errors, detector } } });

  test.each([
    [{ kind: "threshold" }, /signals.errors.detector: threshold has no e-value/],
    [{ kind: "cusum" }, /tiers.override.confidence: these signals give .* at most, so 80 %/],
    [{ kind: "cusum", limit: 14 }, /^$/],
    [{ kind: "eprocess" }, /^$/],
  ])("%j", (detector, message) => {
    expect(issuesOf(detector)).toMatch(message);
  });

  /** Two signals that give 38.1 % at most, and what asks for 95 % before `full` acts. */
  const weak = (more: object): string => {
    const detector = { kind: "cusum", limit: 8 };
    const signals = {
      errors: { ...written.signals.errors, detector },
      latency: { ...written.signals.latency, detector },
    };
    const tiers = { full: { confidence: "95%" }, override: { confidence: "30%" } };
    return refusalOf({ ...written, signals, tiers, ...more });
  };
  const nights = { calendar: "Mon-Fri 18:00-09:00", timezone: "UTC" };
  const FULL = /tiers.full.confidence: these signals give 38.1 % at most, so 95 %/;
  const APPROVE = /tiers.approve.confidence: these signals give 38.1 % at most, so 50 %/;

  test.each<[string, object, RegExp]>([
    ["a rule", { assign: [{ otherwise: "full" }] }, FULL],
    ["a mode", { modes: { nights: { ...nights, tier: { override: "full" } } } }, FULL],
    [
      "a mode after another",
      {
        modes: {
          asleep: { ...nights, tier: { override: "approve" } },
          bold: { ...nights, tier: { approve: "full" } },
        },
      },
      FULL,
    ],
    ["a stage", { stages: { canary: { upTo: "5%", tier: { override: "full" } } } }, FULL],
    ["a tag", { context: { promised: { tierAtLeast: "approve" } } }, APPROVE],
    ["nothing", {}, /^$/],
    [
      "a mode that never meets its tier",
      { modes: { a: { ...nights, tier: { approve: "full" } } } },
      /^$/,
    ],
    [
      "a tag that is no stricter",
      {
        assign: [{ otherwise: "observe" }],
        tiers: { observe: { confidence: "30%" } },
        context: { promised: { tierAtLeast: "approve" } },
      },
      /^$/,
    ],
  ])("where %s gives the tier", (_, more, message) => {
    expect(weak(more)).toMatch(message);
  });

  test("one signal alone is never surer than 97 %", () => {
    const { errors, latency } = written.signals;
    const asking = (confidence: string, signals: object) =>
      refusalOf({ ...written, signals, tiers: { override: { confidence } } });
    expect(asking("97%", { errors })).toBe("");
    expect(asking("98%", { errors })).toMatch(
      "tiers.override.confidence: one signal alone gives 97 % at most, so 98 % would never be " +
        "reached: ask for less, or judge a second signal",
    );
    expect(asking("98%", { errors, latency })).toBe("");
  });
});

describe("what never happens", () => {
  test(
    "without a sample after the deployment nothing is proposed",
    () => {
      holds((given) => {
        const silent = given.columns.map((column) => ({
          ...column,
          values: Float64Array.from(column.values, (value, at) =>
            deploymentsOf(given).some(({ startedAtMs }) => column.atMs[at]! >= startedAtMs)
              ? Number.NaN
              : value,
          ),
        }));
        for (const one of given.policies) {
          const run = runLive(one, [...given.others, ...toBatches(silent)], given.answer);
          expect(run.records.filter(({ decision }) => decision === "proposed")).toEqual([]);
        }
      });
    },
    LIMIT_MS,
  );

  test(
    "one tag more never makes the machine surer",
    () => {
      check(
        fc.property(randomCase, randomTag, (given, extra) => {
          const fused = given.policies.find(({ fusion }) => fusion === "evidence");
          if (fused === undefined) return;
          const tags = tagsOf(given);
          for (const deployment of deploymentsOf(given)) {
            const fewer = pathOf(judge(fused, given.columns, deployment, tags));
            const more = pathOf(judge(fused, given.columns, deployment, [...tags, extra]));
            for (const atMs of [...fewer.keys(), ...more.keys()]) {
              expect(at(more, atMs)).toBeLessThanOrEqual(at(fewer, atMs) + 1e-12);
            }
          }
          function pathOf(judgements: readonly SignalJudged[]): Map<number, number> {
            let signals: readonly SignalEvidence[] = [];
            const path = new Map<number, number>();
            for (const { evidence, knownAtMs } of judgements) {
              signals = withJudgement(signals, evidence);
              path.set(knownAtMs, confidenceOf(fused!, signals, "tagged")?.uncapped ?? 0);
            }
            return path;
          }
        }),
      );
    },
    LIMIT_MS,
  );
});

/** What held at that time: the value at the newest time not after it. */
function at(path: ReadonlyMap<number, number>, atMs: number): number {
  let value = 0;
  for (const [time, one] of path) if (time <= atMs) value = one;
  return value;
}
