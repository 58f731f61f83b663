/**
 * Do the intervals hold what they promise? Small fleets are simulated with a planted
 * truth; the services of a fleet differ, and are of very unequal size.
 */

import { beforeAll, describe, expect, it } from "vitest";
import { differencesOf } from "../../lab/compare/compare.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { randomStream } from "../../lab/random.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import { studentQuantile } from "../../lab/score/student.ts";
import type { Scored } from "../../lab/score/scorecard.ts";
import {
  estimate,
  outcome,
  regression,
  rolledBack,
  scoreOf,
  SCORING,
} from "../outcome/outcomes.ts";
import { HOOK_MS, shipped } from "../history/smallWorld.ts";

const FLEETS = 200;
const NULLS = 100;
const SERVICES = 24;

/**
 * Regressions of one fleet under one policy. A service catches 90 % or 50 % of its
 * own, so the planted miss rate is 30 %; a miss lasts 60 minutes, a catch 5 to 15.
 */
function fleet(seed: number, policy: string): readonly Outcome[] {
  const sizes = randomStream(seed, "sizes", 0);
  const luck = randomStream(seed, policy, 0);
  return Array.from({ length: SERVICES }, (_, index) => {
    const service = `service-${index}`;
    const missRate = sizes.next() < 0.5 ? 0.1 : 0.5;
    // One to thirteen, most of them small.
    const size = 1 + Math.floor(12 * sizes.next() ** 2);
    return Array.from({ length: size }, () => {
      if (luck.next() < missRate) return outcome({ ...regression(60), service, end: "missed" });
      return rolledBack(5, { ...regression(5 + 10 * luck.next()), service });
    });
  }).flat();
}

interface ScoredFleet {
  readonly outcomes: readonly Outcome[];
  readonly scored: Scored;
}

function scoredFleet(seed: number, policy: string): ScoredFleet {
  const outcomes = fleet(seed, policy);
  return { outcomes, scored: scoreOf(outcomes, { seed, bootstraps: 80 }) };
}

let fleets: readonly ScoredFleet[];
beforeAll(() => {
  fleets = Array.from({ length: FLEETS }, (_, seed) => scoredFleet(seed, "mine"));
}, HOOK_MS);

describe(`95 % intervals over ${FLEETS} fleets of ${SERVICES} unequal services`, () => {
  // A miss is as likely in a small service as in a large one, so the truth is the mean.
  const truths: readonly (readonly [string, number])[] = [
    ["missRate", 0.3],
    ["recall", 0.7],
    ["mttr", 0.3 * 3600 + 0.7 * 600],
    ["timeToRecovery.restrictedMean60m", 0.3 * 3600 + 0.7 * 600],
  ];
  it.each(truths)("of %s hold the planted %d about as often as they say", (name, truth) => {
    const held = fleets.filter(({ scored }) => {
      const { low, high } = estimate(scored, name);
      return low! <= truth && truth <= high!;
    });
    // Measured over 1,000 fleets with 200 samples each: 94.4 % and 94.8 %.
    expect(held.length / FLEETS).toBeGreaterThan(0.9);
    expect(held.length / FLEETS).toBeLessThan(0.99);
  });

  it("call a difference where there is none about once in twenty", () => {
    const policy = shipped("plain-window");
    const fields = ["missRate", "mttr", "timeToRollback.mean"];
    const called = new Map(fields.map((field) => [field, 0]));
    for (const [seed, mine] of fleets.slice(0, NULLS).entries()) {
      const [baseline, candidate] = [mine, scoredFleet(seed, "yours")].map((one): Evaluated => ({
        policy,
        draws: [one.outcomes],
        ...one,
      })) as [Evaluated, Evaluated];
      for (const { field, verdict } of differencesOf(baseline, candidate, { scoring: SCORING })) {
        if (!called.has(field) || verdict === "not distinguishable") continue;
        called.set(field, called.get(field)! + 1);
      }
    }
    // Measured over 1,000 fleets: 4.9 %; the percentile interval alone called 8.5 %.
    for (const [field, times] of called) {
      expect(times / NULLS, field).toBeGreaterThan(0);
      expect(times / NULLS, field).toBeLessThan(0.12);
    }
  });
});

describe("intervals of fleets of two to five services", () => {
  const SMALL = 60;
  const policy = shipped("plain-window");
  /** Of a small fleet's card, by field: what is stretched most of all. */
  const smallFleets = (name: string): readonly Evaluated[] =>
    Array.from({ length: SMALL }, (_, seed): Evaluated => {
      const services = new Set(Array.from({ length: 2 + (seed % 4) }, (_, at) => `service-${at}`));
      const outcomes = fleet(seed, name).filter(({ service }) => services.has(service));
      return {
        policy,
        draws: [outcomes],
        outcomes,
        scored: scoreOf(outcomes, { seed, bootstraps: 80 }),
      };
    });

  it("stay where the number can be, and hold it; so do those of differences", () => {
    const mine = smallFleets("mine");
    const yours = smallFleets("yours");
    let cut = 0;
    let full = 0;
    for (const [index, baseline] of mine.entries()) {
      const of = (name: string): number => estimate(baseline.scored, name).value!;
      const mosts: Readonly<Record<string, number>> = {
        rollbacks: of("deployments"),
        truePositiveRollbacks: of("regressions"),
        falsePositiveRollbacks: of("benign"),
      };
      for (const { name, unit } of FIELDS) {
        const { value, low, high } = estimate(baseline.scored, name);
        if (value === null || low === null || high === null) continue;
        // None of the planted times is longer than the hour that what did not happen counts.
        const isCut = /\.restrictedMean60m$|^timeTo(Detect|Proposal|Rollback)\./.test(name);
        const other = isCut ? 3600 : Infinity;
        const most = unit === "share" ? 1 : (mosts[name] ?? other);
        if (name in mosts && low < high && high === most) full++;
        const text = `${name} of fleet ${index}: ${value} [${low}, ${high}]`;
        expect(0 <= low && low <= value && value <= high && high <= most, text).toBe(true);
        if (unit === "share" && low < high && (low === 0 || high === 1)) cut++;
      }
      for (const name of ["deployments", "regressions", "benign", "unlabelled"]) {
        const { value, low, high } = estimate(baseline.scored, name);
        expect([low, high], name).toEqual([value, value]);
      }
      for (const one of differencesOf(baseline, yours[index]!, { scoring: SCORING })) {
        const most = one.unit === "share" ? 1 : mosts[one.field];
        if (most === undefined || one.low === null) continue;
        expect(one.low, one.field).toBeGreaterThanOrEqual(-most);
        expect(one.high, one.field).toBeLessThanOrEqual(most);
      }
    }
    expect(full, "no count's interval was cut").toBeGreaterThan(SMALL / 4);
    expect(cut, "no fleet was small enough to ask").toBeGreaterThan(SMALL / 4);
  });
});

describe("a total and its share, of services of one size", () => {
  /** Six services of twelve good deployments each, of which the first rolls back most. */
  const rolledBackOf = (counts: readonly number[]): readonly Outcome[] =>
    counts.flatMap((wrong, index) => {
      const service = `service-${index}`;
      const of = (at: number): Outcome =>
        at < wrong ? rolledBack(5, { service }) : outcome({ service });
      return Array.from({ length: 12 }, (_, at) => of(at));
    });
  const evaluated = (counts: readonly number[]): Evaluated => {
    const outcomes = rolledBackOf(counts);
    const scored = scoreOf(outcomes, { seed: 1, bootstraps: 400 });
    return { policy: shipped("plain-window"), draws: [outcomes], outcomes, scored };
  };
  const GOOD = 6 * 12;

  it("have one interval, and so have their differences", () => {
    const [before, after] = [evaluated([7, 2, 4, 1, 0, 3]), evaluated([4, 2, 2, 0, 0, 2])];
    const count = estimate(before.scored, "falsePositiveRollbacks");
    const rate = estimate(before.scored, "falsePositiveRate");
    expect(count.low! / GOOD).toBeCloseTo(rate.low!, 8);
    expect(count.high! / GOOD).toBeCloseTo(rate.high!, 8);
    const differences = differencesOf(before, after, { scoring: SCORING });
    const of = (name: string) => differences.find(({ field }) => field === name)!;
    expect(of("falsePositiveRollbacks").low! / GOOD).toBeCloseTo(of("falsePositiveRate").low!, 8);
    expect(of("falsePositiveRollbacks").high! / GOOD).toBeCloseTo(of("falsePositiveRate").high!, 8);
    expect(of("falsePositiveRollbacks").verdict).toBe(of("falsePositiveRate").verdict);
  });
});

describe("Student's t at 97.5 %", () => {
  // The integral of its density, and R's qt().
  const known: readonly (readonly [number, number])[] = [
    [1, 12.7062],
    [1.05, 11.3619],
    [1.2, 8.6488],
    [1.4, 6.657],
    [1.5, 6.0167],
    [1.6, 5.5172],
    [2, 4.3027],
    [3, 3.1824],
    [10, 2.2281],
    [30, 2.0423],
  ];
  it.each(known)("of %d degrees is %d, or a little wider where there are hardly any", (n, t) => {
    expect(studentQuantile(n)).toBeGreaterThan(t - 1e-4);
    expect(studentQuantile(n)).toBeLessThan(t * (n < 1.9 ? 1.02 : 1) + 1e-4);
  });

  it("has no step", () => {
    expect(studentQuantile(1.5 - 1e-9)).toBeCloseTo(studentQuantile(1.5), 6);
    expect(studentQuantile(1 + 1e-9)).toBeCloseTo(studentQuantile(1), 6);
  });
});
