/** Whose lesson a deployment's page opens with, and which charts and lanes come first. */

import { describe, expect, it } from "vitest";
import type { LessonPoint } from "../../lab/explain/lesson.ts";
import type { Lane } from "../../lab/server/contract/deployments.ts";
import { focusOf, inOrderOfTelling, lanesApart } from "../../ui/views/deployment/focus.ts";

const lane = (policy: string, lesson: readonly LessonPoint[] = []): Lane =>
  ({ policy, lesson }) as unknown as Lane;
const shown = { unit: null, expected: 0, measured: 0, tolerated: 0 };
const told = (signal: string): LessonPoint => ({
  code: "ended",
  end: "rolledBack",
  at: null,
  shown: { signal, ...shown },
  isBreach: true,
  reason: "",
});
const series = (metric: string, ...watchedBy: readonly (readonly [string, string])[]) => ({
  metric,
  watchedBy: watchedBy.map(([policy, signal]) => ({ policy, signal })),
});

describe("the policy in focus", () => {
  const lanes = [lane("first"), lane("second")];
  it.each([
    [null, "first"],
    ["second", "second"],
    ["a policy that is gone", "first"],
  ])("is for %s in the address: %s", (asked, wanted) => {
    expect(focusOf(asked, lanes)).toBe(wanted);
  });

  it("is nobody while no policy is replayed", () => {
    expect(focusOf("second", [])).toBe("");
  });
});

describe("lanes", () => {
  const named = (count: number) => Array.from({ length: count }, (_, at) => lane(`p${at}`));
  it("stand over the charts while they are few", () => {
    expect(lanesApart(named(3), "p1")).toEqual({ above: named(3), below: [] });
  });

  it("of eight policies leave only the one in focus there", () => {
    const { above, below } = lanesApart(named(8), "p5");
    expect([above.map(({ policy }) => policy), below.length]).toEqual([["p5"], 7]);
  });
});

describe("charts", () => {
  const all = [
    series("unwatched"),
    series("conversion", ["p", "conversion"]),
    series("errors", ["p", "errors"], ["other", "latency"]),
    series("latency_ms", ["p", "latency"]),
  ];
  const order = (recorded: readonly LessonPoint[], ...lesson: readonly LessonPoint[]) =>
    inOrderOfTelling(all, lane("p", lesson), recorded).map(({ metric }) => metric);

  it("begin with the signal of the lesson and end with what is not watched", () => {
    expect(order([], told("errors"))).toEqual(["errors", "conversion", "latency_ms", "unwatched"]);
  });

  it("begin with the metric that history gave as its reason", () => {
    const recorded: LessonPoint = { code: "recorded", at: "", reason: "latency_ms +28 %" };
    const [first, second] = order([recorded], told("errors"));
    expect([first, second]).toEqual(["latency_ms", "errors"]);
  });
});
