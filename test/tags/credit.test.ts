/** What tags are credited with is known; what history hid is counted apart, never as saved. */

import { expect, test } from "vitest";
import { changesBetween, creditOf } from "../../lab/tags/credit.ts";
import { MINUTE_MS, NOON_MS, outcome, regression, rolledBack } from "../outcome/outcomes.ts";

const HIDDEN = { censoredAtMs: NOON_MS + MINUTE_MS } as const;
const BAD = regression(30);

test.each([
  ["known", {}, {}, { saved: 1, masked: 1, delayed: 1, delaySeconds: 300, open: 0 }],
  ["hidden without tags", HIDDEN, {}, { saved: 0, masked: 0, delayed: 0, open: 3 }],
  ["hidden with tags", {}, HIDDEN, { saved: 0, masked: 0, delayed: 0, open: 3 }],
  [
    "an answer nobody recorded",
    {},
    { evidence: "unknown" },
    { saved: 0, delaySeconds: 0, open: 3 },
  ],
] as const)("of what is %s", (_, before, after, credit) => {
  const without = [
    rolledBack(5, before),
    rolledBack(5, { ...BAD, ...before }),
    rolledBack(5, { ...BAD, ...before }),
    outcome(before),
  ];
  const withTags = [
    outcome(after),
    outcome({ ...BAD, ...after }),
    rolledBack(10, { ...BAD, ...after }),
    outcome(after),
  ];
  expect(creditOf(changesBetween(without, withTags))).toMatchObject(credit);
});
