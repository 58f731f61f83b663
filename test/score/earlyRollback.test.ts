/** A regression rolled back on an alarm from before its onset: wrong, and no miss. */

import { describe, expect, it } from "vitest";
import { isEarlyRollback, type Outcome } from "../../lab/outcome/outcome.ts";
import { flipsOf } from "../../lab/compare/compare.ts";
import {
  estimate,
  MINUTE_MS,
  NOON_MS,
  outcome,
  regression,
  rolledBack,
  scoreOf,
} from "../outcome/outcomes.ts";

/** Its onset is 20 minutes after the start, and it was rolled back at 5. */
const EARLY: Partial<Outcome> = {
  ...regression(0),
  onsetAtMs: NOON_MS + 20 * MINUTE_MS,
  earlyAlarm: true,
  detectedAtMs: null,
};

describe("one regression rolled back before its onset, one after it, and a third missed", () => {
  const scored = scoreOf([
    rolledBack(5, EARLY),
    rolledBack(5, regression(7)),
    outcome({ ...regression(60), end: "missed" }),
    outcome(),
  ]);

  it.each([
    ["earlyRollbacks", 1],
    ["truePositiveRollbacks", 1],
    ["falsePositiveRollbacks", 0],
    ["falsePositiveShare", 1 / 2],
    ["falsePositiveRate", 0],
    ["precision", 1 / 2],
    ["recall", 1 / 3],
    ["missRate", 1 / 3],
    ["f1", 2 / 4],
    ["toilHours", 3],
  ])("has %s of %d", (name, value) => {
    expect(estimate(scored, name).value).toBeCloseTo(value, 9);
  });

  it("has bounds that are points, for nothing is hidden", () => {
    expect(scored.scorecard.falsePositiveShareBounds).toEqual({ best: 1 / 2, worst: 1 / 2 });
    expect(scored.scorecard.cost.parts.falsePositives).toBe(60);
  });
});

it("has bounds that hold whatever was done, where the early rollback is open", () => {
  const open = rolledBack(5, { ...EARLY, evidence: "unknown" });
  const { scorecard } = scoreOf([open, rolledBack(5, regression(7))]);
  expect(scorecard.falsePositiveShareBounds).toEqual({ best: 0, worst: 1 / 2 });
  expect(scorecard.missRateBounds).toEqual({ best: 0, worst: 1 / 2 });
});

it("is right where a breach of the incident itself came before the order", () => {
  const detectedAtMs = NOON_MS + 20 * MINUTE_MS;
  expect(isEarlyRollback(rolledBack(21, { ...EARLY, detectedAtMs }))).toBe(false);
  expect(isEarlyRollback(rolledBack(19, { ...EARLY, detectedAtMs }))).toBe(true);
  expect(isEarlyRollback(rolledBack(5, { earlyAlarm: true, detectedAtMs: null }))).toBe(false);
});

it("makes a flip neither better nor worse", () => {
  const missed = outcome({ ...EARLY, end: "missed", earlyAlarm: false });
  expect(flipsOf([missed], [rolledBack(5, EARLY)], "next")[0]!.change).toBe("neutral");
});
