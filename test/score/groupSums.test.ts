/** Groups of services that are added up: whatever is read, and however they are kept. */

import { expect, test } from "vitest";
import { addendsOf, FIELDS } from "../../lab/score/fields.ts";
import { GroupSums, type Seconds, type Sums } from "../../lab/score/groupSums.ts";
import { resamplesOf } from "../../lab/score/resamples.ts";
import { sumByService } from "../../lab/score/sums.ts";
import { outcome, regression, rolledBack, SCORING } from "../outcome/outcomes.ts";

const OUTCOMES = [
  outcome({ service: "a" }),
  rolledBack(4, { service: "a" }),
  rolledBack(9, { ...regression(12), service: "b" }),
  outcome({ ...regression(70), service: "c" }),
];
const ADDENDS = addendsOf(sumByService([OUTCOMES], SCORING.costs, SCORING.timezoneOf));
const { drawn } = resamplesOf(ADDENDS.sums.length, SCORING);

/** The same groups, with how often they were read. */
function counted(areKept: boolean) {
  const passes = { count: 0 };
  const lists = {
    [Symbol.iterator]() {
      passes.count++;
      return drawn.lists[Symbol.iterator]();
    },
  };
  return { passes, groups: { count: drawn.count, lists, areKept } };
}

test("groups that are drawn again each time give every field the same values", () => {
  const [kept, again] = [counted(true), counted(false)];
  const [one, other] = [kept, again].map(({ groups }) => new GroupSums(ADDENDS, groups));
  for (const { name, value } of FIELDS) {
    const valueOf = (sums: Sums, seconds: Seconds): number => value(sums, seconds, 2);
    expect(other!.values(valueOf), name).toEqual(one!.values(valueOf));
  }
  // All sums at once, and each of the four durations.
  expect(again.passes.count).toBe(5);
});

test("a sum is added up when it is first read, and once", () => {
  const { passes, groups } = counted(true);
  const resampled = new GroupSums(ADDENDS, groups);
  expect(passes.count).toBe(0);
  const rollbacks = resampled.values((sums) => sums.rollbacks / sums.deployments);
  expect(passes.count).toBe(2);
  expect(resampled.values((sums) => sums.rollbacks / sums.deployments)).toEqual(rollbacks);
  expect(passes.count).toBe(2);
});

test("samples of one run are drawn once for all its policies", () => {
  expect(resamplesOf(ADDENDS.sums.length, SCORING).drawn).toBe(drawn);
  expect(resamplesOf(ADDENDS.sums.length, { ...SCORING }).drawn).not.toBe(drawn);
});
