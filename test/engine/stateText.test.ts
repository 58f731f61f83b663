/** A state as text: also as it was written before some of it had another form. */

import { expect, test } from "vitest";
import { initialController, restore, serialise } from "../../engine/index.ts";

const BREACHES = [
  { service: "search", atMs: 1_000 },
  { service: "length", atMs: 2_000 },
];

test("breaches that were written by service come back in their order", () => {
  const { fleet } = initialController;
  const state = { ...initialController, fleet: { ...fleet, breaches: BREACHES } };
  const text = serialise(state);
  expect(restore(text)).toEqual(state);
  const older = text.replace(JSON.stringify(BREACHES), '{"length":2000,"search":1000}');
  expect(older).not.toBe(text);
  expect(restore(older)).toEqual(state);
});
