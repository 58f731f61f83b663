/** When history's own rollback began, from what it wrote down of its attempts. */

import { describe, expect, it } from "vitest";
import type { DecisionRow } from "../../lab/history/tables.ts";
import { rollbacksOf } from "../../lab/replay/censor.ts";

type What = "started" | "failed" | "finished";

/** Of one deployment: `[1, "started"]` is an attempt that began in second 1. */
function begunAt(...rows: readonly (readonly [second: number, what: What])[]): number | null {
  const decisions = rows.map(([second, what]): DecisionRow => {
    const name = { started: "rollbackStarted", failed: "rollbackFailed" } as const;
    return {
      deploymentId: "d",
      what: what === "finished" ? "rollbackFinished" : name[what],
      atMs: second * 1000,
      by: null,
      justification: null,
      confidence: null,
    };
  });
  const forwards = rollbacksOf(decisions).get("d") ?? null;
  expect(rollbacksOf(decisions.toReversed()).get("d") ?? null).toBe(forwards);
  return forwards === null ? null : forwards / 1000;
}

describe("the rollback that brought the old version back", () => {
  it("is the first attempt that did not fail", () => {
    expect(begunAt([1, "started"], [3, "finished"])).toBe(1);
    expect(begunAt([1, "started"], [2, "failed"])).toBeNull();
    expect(begunAt([1, "started"], [2, "failed"], [3, "started"], [4, "finished"])).toBe(3);
    expect(begunAt([1, "started"], [2, "started"], [4, "finished"])).toBe(1);
  });

  it("may begin in the instant in which the one before failed", () => {
    expect(begunAt([1, "started"], [2, "failed"], [2, "started"], [3, "finished"])).toBe(2);
    const twice = [
      [2, "failed"],
      [2, "started"],
      [3, "failed"],
      [3, "started"],
    ] as const;
    expect(begunAt([1, "started"], ...twice)).toBe(3);
    expect(begunAt([1, "started"], ...twice, [4, "failed"])).toBeNull();
  });

  it("is none where the only one failed in the instant it began", () => {
    expect(begunAt([2, "started"], [2, "failed"])).toBeNull();
    expect(begunAt([2, "started"], [2, "failed"], [3, "started"])).toBe(3);
  });
});
