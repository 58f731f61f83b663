/** The shapes of scenarios/judge: out of reach of the words of 0.3, and found with those of 0.4. */

import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadPolicy } from "../../lab/policy/load.ts";
import {
  drawShapes,
  FAMILIES,
  scoreShapes,
  type ShapeScore,
} from "../../scenarios/judge/shapes.ts";

const FOLDER = join(import.meta.dirname, "../../scenarios/judge");
const SEED = 203;

describe("shapes of series", () => {
  let scores: readonly ShapeScore[] = [];
  beforeAll(async () => {
    const policies = ["shapes-before.yaml", "shapes.yaml"].map((name) =>
      loadPolicy(join(FOLDER, name)),
    );
    scores = await scoreShapes([SEED], policies, 10);
  });

  test.each(Object.keys(FAMILIES))(
    "%s: nearly all harmed cases and hardly a healthy one",
    (name) => {
      const { found, falsely } = scores.find(({ family }) => family === name)!;
      expect(found[1]).toBeGreaterThanOrEqual(0.9);
      expect(falsely[1]).toBeLessThanOrEqual(0.1);
      // The same with the words of 0.3 misses harm, or flags what is healthy. A season and an
      // incident before the change need no new word.
      if (name.endsWith("-season") || name.endsWith("-before")) return;
      expect(found[0]! < 0.9 || falsely[0]! > 0.1).toBe(true);
    },
  );

  test("depend on their seed, family and number alone", () => {
    const values = (cases: ReturnType<typeof drawShapes>) =>
      cases.map(({ id, drawn }) => [id, ...drawn.map((one) => one.values)]);
    const [few, more] = [2, 3].map((cases) => drawShapes(SEED, cases));
    const ids = new Set(few!.map(({ id }) => id));
    expect(values(more!.filter(({ id }) => ids.has(id)))).toEqual(values(few!));
    expect(values(drawShapes(SEED + 1, 2))).not.toEqual(values(few!));
  });
});
