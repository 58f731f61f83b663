/** Who drags a control is answered about where it stands, not about every place it passed. */

import { expect, it } from "vitest";
import { Newest } from "../../lab/server/newest.ts";

it("drops what a page no longer waits for, and nothing of another page", () => {
  const newest = new Newest();
  const first = newest.of("a", "2m");
  const other = newest.of("b", "2m");
  expect(newest.of("a", "2m")).toBe(first);
  expect(first.aborted).toBe(false);
  const second = newest.of("a", "3m");
  expect([first.aborted, second.aborted, other.aborted]).toEqual([true, false, false]);
});

it("remembers so many pages and no more", () => {
  const newest = new Newest();
  const first = newest.of("page", "2m");
  for (let at = 0; at < 1000; at++) newest.of(`page-${at}`, "2m");
  newest.of("page", "3m");
  expect(first.aborted).toBe(false);
});
