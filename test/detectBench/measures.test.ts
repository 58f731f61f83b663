/**
 * The measures of detect-bench against brute force, and the detectors that look at
 * nothing against what they must score.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blindCases } from "../../lab/detectBench/baselines.ts";
import type { Case } from "../../lab/detectBench/cases.ts";
import { aucOf, crossValidatedFlags, measure } from "../../lab/detectBench/measures.ts";

function caseOf(given: Partial<Case> & { readonly bad: boolean }, index: number): Case {
  return {
    deploymentId: `d${index}`,
    cluster: `s${index % 7}`,
    flagged: false,
    detectedAfterMs: null,
    score: 0,
    pastSamples: 60,
    undecided: false,
    ...given,
  };
}

describe("AUC", () => {
  test("is the share of pairs in which the bad one scores higher, ties half", () => {
    const some = fc.record({ bad: fc.boolean(), score: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(some, { minLength: 2, maxLength: 40 }), (given) => {
        const cases = given.map(caseOf);
        const bad = cases.filter((one) => one.bad);
        const good = cases.filter((one) => !one.bad);
        fc.pre(bad.length > 0 && good.length > 0);
        let wins = 0;
        for (const b of bad) {
          for (const g of good) wins += b.score > g.score ? 1 : b.score === g.score ? 0.5 : 0;
        }
        expect(aucOf(cases)).toBeCloseTo(wins / (bad.length * good.length), 12);
      }),
      { seed: 20260312, numRuns: 200 },
    );
  });
});

describe("measures", () => {
  // Ten bad and twenty good: eight of the bad and two of the good are flagged.
  const cases = Array.from({ length: 30 }, (_, index) => {
    const bad = index < 10;
    const flagged = index < 8 || index >= 28;
    return caseOf({ bad, flagged, detectedAfterMs: flagged ? 1000 * index : null }, index);
  });

  test("of all or none say how few that was: Wilson's interval, and none where it has none", () => {
    const faultless = cases.map((one) => ({ ...one, flagged: one.bad, score: one.bad ? 1 : 0 }));
    const { precision, recall, falsePositiveRate, auc } = measure(faultless, 1, 200);
    // Of 10: z² / (n + z²) below one; of 20 the same above none, with n over the design effect.
    for (const { value, low, high } of [precision, recall]) {
      expect({ value, high }).toEqual({ value: 1, high: 1 });
      expect(low).toBeLessThan(0.73);
    }
    expect(falsePositiveRate).toMatchObject({ value: 0, low: 0 });
    expect(falsePositiveRate.high).toBeGreaterThan(0.15);
    expect(auc).toEqual({ value: 1, low: null, high: null });
  });

  test("count what they say", () => {
    const measured = measure(cases, 1, 200);
    expect(measured).toMatchObject({
      truePositives: 8,
      falseNegatives: 2,
      falsePositives: 2,
      trueNegatives: 18,
    });
    expect(measured.precision.value).toBeCloseTo(0.8, 12);
    expect(measured.recall.value).toBeCloseTo(0.8, 12);
    expect(measured.f1.value).toBeCloseTo(0.8, 12);
    expect(measured.falsePositiveRate.value).toBeCloseTo(0.1, 12);
    // Of the bad that were flagged only: 0 to 7 s.
    expect(measured.timeToDetectMedian.value).toBe(3.5);
    expect(measured.recall.low).toBeLessThan(0.8);
    expect(measured.recall.high).toBeGreaterThan(0.8);
    expect(measure(cases, 1, 200)).toEqual(measured);
  });

  test("count what could not be judged apart from misses and from correct passes", () => {
    // Of the ten bad, two are unjudged in place of missed; of the twenty good, nine.
    const partly = cases.map((one, at) => ({ ...one, undecided: !one.flagged && at < 19 }));
    const measured = measure(partly, 1, 200);
    expect(measured).toMatchObject({
      truePositives: 8,
      falseNegatives: 0,
      unjudgedBad: 2,
      falsePositives: 2,
      trueNegatives: 9,
      unjudgedGood: 9,
    });
    expect(measured.recall.value).toBeCloseTo(0.8, 12);
    expect(measured.falsePositiveRate.value).toBeCloseTo(2 / 20, 12);
    expect(measured.balancedAccuracy.value).toBeCloseTo((0.8 + 9 / 20) / 2, 12);
    expect(measure(cases, 1, 200).balancedAccuracy.value).toBeCloseTo((0.8 + 0.9) / 2, 12);
  });

  test("never, always, coin and history length score what looking at nothing scores", () => {
    const blind = blindCases(cases, 1);
    const of = (name: string) => measure(blind.get(name)!, 1, 100);
    expect(of("never")).toMatchObject({ truePositives: 0, falsePositives: 0 });
    expect(of("never").precision.value).toBeNull();
    expect(of("always").recall.value).toBe(1);
    expect(of("always").precision.value).toBeCloseTo(1 / 3, 12);
    for (const name of ["never", "always", "history length"]) {
      expect(of(name).auc.value).toBe(0.5);
    }
    const short = cases.map((one) => ({ ...one, pastSamples: one.bad ? 2 : 60 }));
    expect(measure(blindCases(short, 1).get("history length")!, 1, 100).auc.value).toBe(1);
  });

  test("a threshold chosen on other services does not know the service it judges", () => {
    // The score tells bad from good within each service, but at another level in each.
    const levels = [0, 100, 200, 300, 400];
    const shifted = levels.flatMap((level, service) =>
      [0, 1].map((bad) => ({
        ...caseOf({ bad: bad === 1, score: level + bad }, 2 * service + bad),
        cluster: `s${service}`,
      })),
    );
    const flags = crossValidatedFlags(shifted);
    expect(flags.size).toBe(shifted.length);
    const right = shifted.filter((one) => flags.get(one.deploymentId) === one.bad).length;
    expect(right).toBeLessThan(shifted.length);
  });
});
