/** A what-if says that nothing differs where that is known, and not where it only seems so. */

import { expect, test } from "vitest";
import { nothingDiffers } from "../../ui/views/whatIf/nothing.ts";

const row = (difference: number | null, low: number | null, high: number | null) => ({
  difference: { difference, low, high },
});
const NONE = row(0, 0, 0);
const QUICK = row(0, null, null);
const UNKNOWN = row(null, null, null);

const told = (changes: number, flipped: number, settled: boolean) => ({
  changes,
  flipped,
  settled,
  whole: true,
});

test("nothing changed is nothing different, before any draw", () => {
  const said = "Nothing is changed, so nothing differs.";
  expect(nothingDiffers([QUICK], told(0, 0, false))).toBe(said);
});

test("a change that moves nothing is said to move nothing, once every draw is in", () => {
  const said = "Nothing differs: every deployment of this history ends as before.";
  expect(nothingDiffers([NONE, UNKNOWN], told(1, 0, true))).toBe(said);
  expect(nothingDiffers([QUICK], told(1, 0, false))).toBeNull();
});

test("it is said of no more than what is scored", () => {
  const said = "Nothing differs: every deployment that is scored ends as before.";
  expect(nothingDiffers([NONE], { ...told(1, 0, true), whole: false })).toBe(said);
});

test.each([
  ["a number", [NONE, row(-2, -3, -1)], 0],
  ["a number in some draw or as history hid it", [row(0, 0, 3)], 0],
  ["an ending", [NONE], 1],
])("it is not said where %s differs", (_, rows, flipped) => {
  expect(nothingDiffers(rows, told(1, flipped, true))).toBeNull();
});
