/** The verdict on a change in one sentence, and limits as an address writes them. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { budgetWith, DEFAULT_BUDGET, leftOutOf } from "../../lab/gate/budget.ts";
import { choose, type Candidate } from "../../lab/gate/verdict.ts";
import { Problem } from "../../lab/problem.ts";

const candidate = (name: string, told: Partial<Candidate>): Candidate => ({
  name,
  verdict: "pass",
  isBetter: true,
  sentence: name,
  cost: 1,
  ...told,
});

describe("the policy to adopt", () => {
  test("is the cheapest of those that pass and are better", () => {
    const all = [
      candidate("fails", { verdict: "fail", cost: 0 }),
      candidate("unsure", { verdict: "inconclusive", cost: 0 }),
      candidate("no-gain", { isBetter: false, cost: 0 }),
      candidate("dear", { cost: 3 }),
      candidate("cheap", { cost: 2 }),
      candidate("no-cost", { cost: null }),
    ];
    expect(choose("current", all).adopt).toBe("cheap");
    expect(choose("current", all.slice(0, 3)).adopt).toBeNull();
    expect(choose("current", [all[0]!])).toMatchObject({ adopt: null, sentence: "fails" });
    expect(choose("current", []).adopt).toBeNull();
  });
});

describe("limits of an address", () => {
  test("change and remove the margins that they name, and no others", () => {
    expect(budgetWith("")).toEqual(DEFAULT_BUDGET);
    const budget = budgetWith("missRate:2pp,cost:off,mttr:1m");
    const margins = budget.guards.map(({ field, margin }) => [field.name, margin.text]);
    expect(Object.fromEntries(margins)).toEqual({
      "timeToRecovery.restrictedMean60m": "30s",
      missRate: "2pp",
      falsePositiveRate: "0.2pp",
      nightPages: "0.5/week",
      tagMasked: "0",
      mttr: "1m",
    });
    expect(leftOutOf(budget).map(({ name }) => name)).toEqual(["cost"]);
  });

  test("are refused where they are none, whatever they are", () => {
    const hostile = ["missRate", "missRate:", "missRate:3kg", "__proto__:1", "constructor:off:1"];
    for (const text of hostile) expect(() => budgetWith(text), text).toThrow(Problem);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (name, text) => {
        try {
          expect(budgetWith(`${name}:${text}`).guards.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
    );
  });
});
