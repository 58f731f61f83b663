/**
 * Too few to tell is one rule: whatever speaks of a difference says the same of it, and the gate
 * never passes, nor fails, what rests on so little.
 */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differencesOf, type Difference } from "../../lab/compare/compare.ts";
import { tooFew } from "../../lab/compare/enough.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import { resolution, sentence, VERDICT_MARKS } from "../../lab/compare/words.ts";
import { DEFAULT_BUDGET } from "../../lab/gate/budget.ts";
import { gateOf, type Gate } from "../../lab/gate/gate.ts";
import { differenceCells } from "../../lab/report/sections/estimate.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { effectiveClusters } from "../../lab/evidence.ts";
import { tidy } from "../../lab/score/intervals.ts";
import { factorialOf } from "../../lab/tags/factorial.ts";
import { shipped } from "../history/smallWorld.ts";
import { outcome, rolledBack, scoreOf, SCORING } from "../outcome/outcomes.ts";

/** Good deployments, so many of each service; under one policy all are rolled back. */
function under(name: string, isRolledBack: boolean, perService: readonly number[]): Evaluated {
  const outcomes = perService.flatMap((count, service) =>
    Array.from({ length: count }, (_, at) => {
      const own = { service: `service-${service}`, deploymentId: `d-${service}-${at}` };
      return isRolledBack ? rolledBack(5, own) : outcome(own);
    }),
  );
  const scored = scoreOf(outcomes);
  return {
    policy: { ...shipped("plain-window"), policy: name },
    outcomes,
    draws: [outcomes],
    scored,
  };
}

const ALL_BUT_ONE_SMALL = [40, 2, 2, 2, 2, 2, 2, 2];
const EQUAL = [7, 7, 7, 7, 7, 7, 7, 7];

function compared(perService: readonly number[]): {
  readonly baseline: Evaluated;
  readonly candidate: Evaluated;
  readonly differences: readonly Difference[];
} {
  const baseline = under("now", true, perService);
  const candidate = under("next", false, perService);
  return {
    baseline,
    candidate,
    differences: differencesOf(baseline, candidate, { scoring: SCORING }),
  };
}

function rate(differences: readonly Difference[]): Difference {
  return differences.find(({ field }) => field === "falsePositiveRate")!;
}

function gated({ baseline, candidate, differences }: ReturnType<typeof compared>): Gate {
  const policies = [baseline, { ...candidate, policy: shipped("naive-threshold") }];
  const manifest = { costs: DEFAULT_COSTS, recovery: { unaidedSeconds: 3600 } };
  const evaluation = { policies, differences, flips: [], manifest };
  return gateOf(evaluation as unknown as Parameters<typeof gateOf>[0], DEFAULT_BUDGET, [], 2);
}

describe("eight services of which one has nearly everything", () => {
  const few = compared(ALL_BUT_ONE_SMALL);
  const found = rate(few.differences);

  it("differ beyond their interval, and are too few to tell", () => {
    expect(found.high).toBeLessThan(0);
    expect(found.effectiveClusters).toBeLessThan(5);
    expect(found.verdict).toBe("too few to tell");
    expect(few.differences.filter(({ verdict }) => /better|worse/.test(verdict))).toEqual([]);
  });

  it("are said to be so in a sentence, without an interval that nobody should believe", () => {
    expect(`${VERDICT_MARKS[found.verdict]} ${sentence(found)}`).toBe(
      "? the share of good deployments rolled back: 100.0 % → 0.0 %, " +
        "too few to tell: 1.8 effective services; five are needed.",
    );
    expect(resolution(few.differences)).toBeNull();
  });

  it("are so in the report", () => {
    expect(differenceCells(found)[2]).toEqual({
      text: "? too few to tell",
      below: "1.8 effective services; five are needed",
      tone: "open",
    });
  });

  it("pass no guard of the gate", () => {
    const { verdict, checks } = gated(few);
    expect(verdict).toBe("inconclusive");
    expect(checks.find(({ name }) => name === "falsePositiveRate")).toMatchObject({
      verdict: "inconclusive",
      reason: "too few to tell: 1.8 effective services; five are needed",
    });
    expect(checks.filter((one) => one.verdict === "pass").map(({ name }) => name)).toEqual([
      "ownerlessActions",
    ]);
  });

  it("give tags and modes no interval", () => {
    const [none, all] = [few.baseline, few.candidate];
    const cells = { neither: none, tagsOnly: none, modesOnly: none, both: all };
    const effect = factorialOf(cells).find(({ field }) => field === "falsePositiveRate")!;
    expect(effect.tags).toEqual({ value: -0.5, low: null, high: null });
  });
});

describe("services of one size of which single deployments end differently", () => {
  /** So many services have one good deployment that only the baseline rolls back. */
  function differing(count: number): ReturnType<typeof compared> {
    const { baseline, candidate } = compared(EQUAL);
    const seen = new Set<string>();
    const outcomes = baseline.outcomes.map((before, at) => {
      const isFirst = !seen.has(before.service);
      seen.add(before.service);
      return isFirst && seen.size <= count ? candidate.outcomes.at(at)! : before;
    });
    const next = { ...candidate, outcomes, draws: [outcomes], scored: scoreOf(outcomes) };
    const options = { scoring: SCORING };
    return { baseline, candidate: next, differences: differencesOf(baseline, next, options) };
  }

  it.each([
    [4, "too few to tell"],
    [5, "better"],
  ])("%i of them are %s", (count, verdict) => {
    const found = rate(differing(count).differences);
    expect(found.high).toBeLessThan(0);
    expect(found).toMatchObject({ verdict, differing: count });
  });

  it("never fail the gate, and pass it where they harm nothing", () => {
    const { baseline, candidate, differences } = differing(4);
    const worse = differencesOf(candidate, baseline, { scoring: SCORING });
    const checkOf = (gate: Gate) => gate.checks.find(({ name }) => name === "falsePositiveRate");
    expect(checkOf(gated({ baseline, candidate, differences }))!.verdict).toBe("pass");
    const turned = { baseline: candidate, candidate: baseline, differences: worse };
    expect(checkOf(gated(turned))).toMatchObject({
      verdict: "inconclusive",
      reason: "too few to tell: 4 deployments end differently; five are needed",
    });
  });
});

it("as many services of one size are enough for better, and for the gate", () => {
  const enough = compared(EQUAL);
  expect(rate(enough.differences).verdict).toBe("better");
  expect(gated(enough).checks.find(({ name }) => name === "falsePositiveRate")).toMatchObject({
    verdict: "pass",
  });
});

describe("a number is printed so that it is below five", () => {
  it.each([
    [4.96, "4.96 effective services; five are needed"],
    [4.9996, "4.9996 effective services; five are needed"],
    [1, "1 effective service; five are needed"],
  ])("%d effective services", (effectiveClusters, said) => {
    expect(tooFew({ n: 100, effectiveClusters })).toBe(said);
  });

  it.each([
    [4.97, "4.97 observations; five are needed"],
    [1, "1 observation; five are needed"],
    [0, "0 observations; five are needed"],
  ])("%d observations", (n, said) => {
    expect(tooFew({ n, effectiveClusters: 20 })).toBe(said);
  });

  it("whatever it is, and the text is of the value that is compared", () => {
    const below = fc.double({ min: 4.9, max: 5.1, noNaN: true }).map(tidy);
    fc.assert(
      fc.property(below, (effectiveClusters) => {
        const said = tooFew({ n: 100, effectiveClusters });
        if (effectiveClusters >= 5) expect(said).toBeNull();
        else expect(Number.parseFloat(said!)).toBeLessThan(5);
      }),
    );
  });

  it("five services of one size are five, also as means over draws", () => {
    const sizes = Array.from({ length: 5 }, () => 0.1 + 0.2);
    expect(effectiveClusters(sizes)).toBe(5);
    expect(effectiveClusters([7, 7, 7, 7, 6.3])).toBeLessThan(5);
  });
});

it("where nothing differs nothing is to be told", () => {
  const one = under("now", true, ALL_BUT_ONE_SMALL);
  const other = under("next", true, ALL_BUT_ONE_SMALL);
  expect(rate(differencesOf(one, other, { scoring: SCORING })).verdict).toBe("not distinguishable");
});
