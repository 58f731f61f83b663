/** The cheapest is recommended only within the limits, or else the next that is. */

import { describe, expect, it } from "vitest";
import type { Difference } from "../../lab/compare/compare.ts";
import type { Check, GateVerdict } from "../../lab/gate/gate.ts";
import { toBeGated, withinLimits, type Gated } from "../../lab/sweep/gated.ts";
import type { Recommendation } from "../../lab/sweep/recommend.ts";

const NOTHING: Recommendation = {
  verdict: "nothing",
  candidate: null,
  reasons: ["luck"],
  best: null,
  folds: [],
  sealed: null,
  detectable: null,
  refused: null,
};
const recommended = (candidate: number): Recommendation => {
  return { ...NOTHING, verdict: "recommended", candidate, reasons: ["cheaper"] };
};

const LATER: Omit<Check, "verdict"> = {
  name: "timeToRecovery.restrictedMean60m",
  baseline: 600,
  candidate: 693,
  worseBy: 93,
  atMost: 120,
  margin: 30,
  historyTimes: null,
  ground: null,
  tipping: null,
  assumed: null,
  reason: "",
};

function gated(place: number, verdict: GateVerdict, cost: Difference["verdict"] = "better"): Gated {
  const difference = { field: "cost", verdict: cost, n: 100, effectiveClusters: 20 };
  return {
    place,
    gate: { verdict, checks: [{ ...LATER, verdict }] },
    change: { verdict, isBetter: true, sentence: "" },
    differences: [difference as Difference],
  };
}

const NAMES = ["1m", "4m", "10m"];
const decide = (all: readonly Gated[], next: (among: ReadonlySet<number>) => Recommendation) =>
  withinLimits(recommended(1), all, next, (at) => NAMES[at]!);
const never = (): never => {
  throw new Error("asked again");
};

describe("a recommendation", () => {
  it("is the cheapest where the gate lets it pass", () => {
    expect(decide([gated(2, "pass")], never)).toEqual(recommended(1));
  });

  it.each(["fail", "inconclusive"] as const)("is another one where the gate says %s", (verdict) => {
    const asked: number[][] = [];
    const all = [gated(1, verdict), gated(2, verdict), gated(3, "pass")];
    const found = decide(all, (among) => {
      asked.push([...among]);
      return recommended(2);
    });
    expect(asked).toEqual([[2]]);
    expect(found).toMatchObject({ verdict: "recommended", candidate: 2, refused: 1 });
    expect(found.reasons.at(-1)).toContain("4m is cheaper, but ");
  });

  it("is none where no other holds, and says which limit the cheapest breaks", () => {
    const found = decide([gated(1, "pass"), gated(2, "fail")], () => NOTHING);
    expect(found).toMatchObject({ verdict: "nothing", candidate: null, refused: 1 });
    expect(found.reasons).toHaveLength(1);
    expect(found.reasons[0]).toMatch(/breaks your limits: recovery 1m33s slower.* limit is 30s/);
  });

  it("is none that passes but is cheaper only if history's rollbacks were right", () => {
    const found = decide([gated(2, "pass", "not distinguishable")], () => NOTHING);
    expect(found).toMatchObject({ verdict: "nothing", candidate: null, refused: 1 });
  });

  it("is not looked for where there was none", () => {
    expect(withinLimits(NOTHING, [], never, String)).toBe(NOTHING);
  });
});

it("a small sweep is gated whole, a large one on its frontier and at its cheapest", () => {
  expect(toBeGated(3, [], NOTHING)).toEqual([1, 2, 3]);
  const best = { candidate: 88, difference: -1, p: 1 };
  const large = { ...NOTHING, best };
  expect(
    toBeGated(
      90,
      [
        [7, 8],
        [0, 5],
      ],
      large,
    ),
  ).toEqual([5, 7, 89]);
});
