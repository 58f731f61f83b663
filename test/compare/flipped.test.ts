/** A deployment that ends differently under several policies is one deployment. */

import { expect, it } from "vitest";
import type { Answer } from "../../lab/compare/answer.ts";
import type { Flip } from "../../lab/compare/compare.ts";
import { countFlipped, flippedOf } from "../../lab/compare/flipped.ts";
import { flippedLines } from "../../lab/compare/print.ts";

function flip(deploymentId: string, candidatePolicy: string, change: Flip["change"]): Flip {
  return {
    deploymentId,
    service: "s",
    label: "benign",
    candidatePolicy,
    baseline: { end: "healthy", rolledBack: false },
    candidate: { end: "rolledBack", rolledBack: true },
    change,
    why: `as ${candidatePolicy} saw it`,
  };
}

/** By policy, as an evaluation has them. */
const FLIPS = [
  flip("one", "b", "neutral"),
  flip("two", "b", "worse"),
  flip("one", "c", "better"),
  flip("two", "c", "worse"),
  flip("three", "c", "open"),
];

it("is a row with the policies that end it differently, and the worst of it", () => {
  const rows = flippedOf(FLIPS).map(({ deploymentId, under, change }) => [
    deploymentId,
    [...under.keys()].join(),
    change,
  ]);
  expect(rows).toEqual([
    ["one", "b,c", "better"],
    ["two", "b,c", "worse"],
    ["three", "c", "open"],
  ]);
  expect(countFlipped(FLIPS)).toBe(3);
});

it("is told once in a terminal, with the policies that end it alike in one line", () => {
  const deployments = { deployments: { value: 40, low: 40, high: 40, n: 40 } };
  const policies = ["a", "b", "c"].map((policy) => ({
    policy: { policy },
    scored: { scorecard: deployments },
  }));
  const answer = { policies, flips: FLIPS } as unknown as Answer;
  expect(flippedLines(answer, "", 2)).toEqual([
    "3 of 40 deployments end differently than under a: 2 under b, 3 under c.",
    "  two (benign): healthy under a",
    "    − rolledBack under b, c\n      as b saw it",
    "  one (benign): healthy under a",
    "    · rolledBack under b\n      as b saw it",
    "    + rolledBack under c\n      as c saw it",
    "  … and 1 more (--json has all)",
  ]);
});
