/** What one deployment teaches: codes of its outcome, its judgements and the history's record. */

import { describe, expect, it } from "vitest";
import { lessonOf, type Taught } from "../../lab/explain/lesson.ts";
import { lessonText } from "../../lab/explain/lessonWords.ts";
import { shipped } from "../history/smallWorld.ts";
import { MINUTE_MS, NOON_MS, outcome, regression, rolledBack } from "../outcome/outcomes.ts";

const POLICY = shipped("two-minute-override");

function codes(change: Partial<Taught>): readonly string[] {
  const taught: Taught = {
    policy: POLICY,
    outcome: outcome(),
    judgements: [],
    incident: null,
    rolledBackAtMs: null,
    unitOf: () => null,
    ...change,
  };
  return lessonOf(taught).map(({ code }) => code);
}

describe("the lesson of a deployment", () => {
  it.each([
    ["left alone", outcome(), ["ended", "right"]],
    ["rolled back though good", rolledBack(3), ["ended", "wrong"]],
    ["rolled back without a label", rolledBack(3, { label: "unknown" }), ["ended", "unlabelled"]],
    [
      "hidden by a tag",
      outcome({ ...regression(60), end: "missed", untaggedProposedAtMs: NOON_MS }),
      ["ended", "tagsHid", "harm"],
    ],
  ] as const)("of one %s", (_, seen, wanted) => {
    expect(codes({ outcome: seen })).toEqual(wanted);
  });

  it("says that a rollback was in vain only where the record does", () => {
    const seen = rolledBack(3, {
      ...regression(30),
      end: "rolledBack",
      rolledBack: true,
      onsetAtMs: NOON_MS,
      detectedAtMs: NOON_MS + 2 * MINUTE_MS,
      sparedMs: 0,
      sparedSize: null,
    });
    const harm = (resolvedBy: string | null) =>
      lessonOf({
        policy: POLICY,
        outcome: seen,
        judgements: [],
        incident: {
          incidentId: "i",
          deploymentId: "d",
          service: "shop",
          label: "bad-deployment",
          onsetAtMs: NOON_MS,
          detectedAtMs: null,
          resolvedAtMs: NOON_MS + 30 * MINUTE_MS,
          resolvedBy,
          severity: null,
        },
        rolledBackAtMs: NOON_MS + 4 * MINUTE_MS,
        unitOf: () => null,
      }).find(({ code }) => code === "harm");
    expect(harm("fix")).toMatchObject({ helped: false, lastedMs: 30 * MINUTE_MS });
    expect(harm("rollback")).toMatchObject({ helped: true });
    expect(harm(null)).toMatchObject({ helped: true });
  });

  it("says a measurement beyond the tolerance, where no alarm came, apart from one within", () => {
    const said = (measured: number): string => {
      const shown = { signal: "latency", unit: "ms", expected: 100, measured, tolerated: 110 };
      const ended = {
        code: "ended",
        end: "healthy",
        at: null,
        isBreach: false,
        reason: "",
      } as const;
      return lessonText([{ ...ended, shown }], String);
    };
    expect(said(130)).toMatch(/100 ms → 130 ms \(110 ms tolerated\), but not for long/);
    expect(said(105)).toMatch(/no signal was in breach; .*105 ms/);
  });
});
