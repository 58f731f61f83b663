/** Cases that were alike, of those known before. */

import { expect, it } from "vitest";
import type { Case } from "../../lab/confidence/cases.ts";
import { nearestCases } from "../../lab/explain/nearestAlarms.ts";
import { silent } from "../../lab/progress.ts";
import { FULL, tinyHistory } from "../history/tinyHistory.ts";
import { SEEN } from "../confidence/seen.ts";
import { explainHistory } from "../../lab/explain/find.ts";
import { learnedNode } from "../../lab/explain/learned.ts";

const DAY_MS = 86_400_000;

function alarm(at: number, excess: number, isBad: boolean): Case {
  const seen = { ...SEEN, agreeing: 1, excess };
  return {
    deploymentId: `d-${at}`,
    service: "cart",
    ground: "alarm",
    atMs: at * DAY_MS,
    seen: [seen, seen, null, null, null],
    label: isBad ? "regression" : "benign",
    knownAtMs: at * DAY_MS + DAY_MS / 2,
  };
}

/** Ten small excursions that were harmless and six large ones that were not, then one more. */
const cases = [
  ...Array.from({ length: 10 }, (_, at) => alarm(at, at / 10, false)),
  ...Array.from({ length: 6 }, (_, at) => alarm(10 + at, 2.5 + at / 10, true)),
];
const asked = {
  ...alarm(20, 2.6, true),
  label: "unknown" as const,
  knownAtMs: Infinity,
};
const later = alarm(21, 2.6, false);

it("finds the five most alike, and none whose label became known later", () => {
  const found = nearestCases([...cases, asked, later], asked)!;
  expect(found.cases.map(({ case: one }) => one.deploymentId)).toEqual([
    "d-11",
    "d-12",
    "d-10",
    "d-13",
    "d-14",
  ]);
  expect(found.regressions).toBe(5);
  // Wilson's interval of five in five, by hand, of which a design effect of 1.5 leaves 10 / 3.
  expect(found.low).toBeCloseTo(10 / 3 / (10 / 3 + 1.959964 ** 2), 3);
  expect(found.high).toBeCloseTo(1, 6);
  expect(nearestCases([asked, later], asked)).toBeNull();
  expect(nearestCases(cases, { ...asked, ground: "quiet", seen: [] })).toBeNull();
});

it("explains the confidence as it moved, and says where labels are too few", () => {
  const learned = learnedNode([...cases, asked], "d-20")!;
  const [confidence, nearest] = learned.children;
  // Seen at the alarm and a minute later.
  expect(confidence!.children.map(({ atMs }) => atMs)).toContain(20 * DAY_MS + 60_000);
  expect(nearest!.children).toHaveLength(5);
  const few = learnedNode([...cases.slice(8, 12), asked], "d-20")!;
  expect(few.children[0]!.says).toContain("no confidence, only evidence");
  expect(few.children[1]!.children).toHaveLength(4);
  expect(learnedNode(cases, "d-99")).toBeNull();
});

it("ends the tree of a labelled history with it, and of no other", async () => {
  const slow = [5, 60] as const;
  const labelled = await tinyHistory({ a: { slow }, b: { label: "benign" } });
  const bare = await tinyHistory({ a: { slow } });
  labelled.close();
  bare.close();
  const lastOf = async (dir: string) =>
    (await explainHistory(dir, FULL, "d-a", "absent", 1, silent)).tree.children.at(-1)!;
  const [learned, none] = [await lastOf(labelled.dir), await lastOf(bare.dir)];
  expect([learned.about, learned.children.length]).toEqual(["confidence", 2]);
  expect(none.about).toBe("untagged");
});
