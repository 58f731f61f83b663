/** Which cause a miss or a false rollback gets, and how causes are counted. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seenFalse, seenMiss, statedMiss, type Move } from "../../lab/causes/causes.ts";
import { coincidentIncident } from "../../lab/causes/coincident.ts";
import { hasMoved, movementOf } from "../../lab/causes/movement.ts";
import { tallyOf } from "../../lab/causes/tally.ts";
import type { IncidentRow } from "../../lab/history/tables.ts";
import { MINUTE_MS, NOON_MS, outcome, regression, rolledBack } from "../outcome/outcomes.ts";
import { shipped } from "../history/smallWorld.ts";

const POLICY = shipped("two-minute-override");
const LATENCY = POLICY.signals.find(({ name }) => name === "latency")!;

/** A series that goes from 100 ± 1 to a level, and at the end to another one. */
function moveTo(level: number, end = level, worse: "up" | "down" | "both" = "up") {
  const wave = (around: number, samples: number): number[] =>
    Array.from({ length: samples }, (_, at) => around + [-1, 1, 0.5, -0.5][at % 4]!);
  return movementOf(
    { past: wave(100, 60), range: null, since: wave(level, 20), after: wave(end, 20) },
    worse,
  )!;
}

function move(level: number, end = level): Move {
  return {
    signal: LATENCY,
    percentagePoint: 1,
    tolerated: LATENCY.tolerance.amount,
    movement: moveTo(level, end),
  };
}

const missed = (change = {}) => outcome({ ...regression(60), end: "missed", ...change });

describe("the cause of a miss", () => {
  it.each([
    ["hidden", null, { censoredAtMs: NOON_MS }],
    ["hidden", null, { evidence: "unknown", end: "overridden" }],
    ["rollbackFailed", null, { end: "rollbackFailed", proposedAtMs: NOON_MS }],
    ["stopped", "overridden", { end: "overridden", proposedAtMs: NOON_MS }],
    ["stopped", "unanswered", { end: "expired", proposedAtMs: NOON_MS }],
    ["stopped", "guardrails.cooldown", { restrainedBy: "guardrails.cooldown" }],
    ["stopped", "unanswered", { proposedAtMs: NOON_MS, agent: { name: "sre", unanswered: true } }],
    ["withdrawn", null, { proposedAtMs: NOON_MS, agent: { name: "sre", unanswered: false } }],
    ["superseded", null, { end: "superseded" }],
    ["withdrawn", "latency", { proposedAtMs: NOON_MS, signals: ["latency"] }],
    ["tagged", null, { untaggedProposedAtMs: NOON_MS }],
    ["unsure", null, { detectedAtMs: NOON_MS }],
    ["tooLate", null, { onsetAtMs: NOON_MS + 59 * MINUTE_MS }],
  ] as const)("is %s (%s) by its outcome", (cause, by, change) => {
    expect(statedMiss(missed(change), POLICY)).toEqual({ cause, by });
  });

  it("is left to the samples where the outcome says nothing", () => {
    expect(statedMiss(missed(), POLICY)).toBe(null);
  });

  it.each([
    ["invisible", null, 100],
    ["belowTolerance", "latency", 107],
    ["notHeld", "latency", 125],
  ])("is %s (%s) by a series that went from 100 to %s", (cause, by, level) => {
    expect(seenMiss(missed(), [move(100), move(level)])).toEqual({ cause, by });
  });

  it("is not known without samples, and noData where nothing could be judged", () => {
    expect(seenMiss(missed(), []).cause).toBe("unknown");
    expect(seenMiss(missed({ end: "undecidable" }), []).cause).toBe("noData");
  });
});

describe("the cause of a false rollback", () => {
  it.each([
    ["passing", 125, 100],
    ["lasting", 125, 125],
    ["noise", 101, 101],
  ])("is %s where it went to %s and ended at %s", (cause, level, end) => {
    expect(seenFalse(rolledBack(10), [move(level, end)])).toEqual({ cause, by: "latency" });
  });

  it("is hidden where history rolled back too, and unknown without samples", () => {
    expect(seenFalse(rolledBack(10, { censoredAtMs: NOON_MS }), [move(125)]).cause).toBe("hidden");
    expect(seenFalse(rolledBack(10), []).cause).toBe("unknown");
  });

  const incident = (service: string, minutes: number, change = {}): IncidentRow => ({
    incidentId: `${service}-${minutes}`,
    deploymentId: null,
    service,
    label: "unrelated:incident",
    onsetAtMs: NOON_MS + minutes * MINUTE_MS,
    detectedAtMs: null,
    resolvedAtMs: NOON_MS + (minutes + 20) * MINUTE_MS,
    resolvedBy: null,
    severity: null,
    ...change,
  });
  const found = (incidents: readonly IncidentRow[]) =>
    coincidentIncident(incidents, "d", new Set(["shop"]), NOON_MS, NOON_MS + 30 * MINUTE_MS)
      ?.cause ?? null;

  it("is an incident of something else only while that was going on in a watched service", () => {
    expect(found([incident("shop", 10)])).toBe("coincident");
    expect(found([incident("shop", 10), incident("cart", 12), incident("ads", 9)])).toBe("shared");
    expect(found([incident("shop", -30)])).toBe(null);
    expect(found([incident("shop", 31)])).toBe(null);
    expect(found([incident("cart", 10)])).toBe(null);
    expect(found([incident("shop", 10, { deploymentId: "d" })])).toBe(null);
    expect(found([incident("shop", -30, { resolvedAtMs: null })])).toBe("coincident");
  });
});

describe("a movement", () => {
  it("is judged in the direction that is worse", () => {
    expect(hasMoved(moveTo(80))).toBe(false);
    expect(hasMoved(moveTo(80, 80, "down"))).toBe(true);
    expect(hasMoved(moveTo(80, 80, "both"))).toBe(true);
    expect(moveTo(80, 80, "down").relative).toBeCloseTo(0.2, 1);
  });

  it("is none where the past went as far", () => {
    const range = [
      ...Array.from({ length: 60 }, () => 100),
      ...Array.from({ length: 9 }, () => 150),
    ];
    const past = Array.from({ length: 60 }, (_, at) => 100 + (at % 2));
    const since = Array.from({ length: 20 }, () => 130);
    const samples = { past, since, after: [] };
    expect(hasMoved(movementOf({ ...samples, range: null }, "up")!)).toBe(true);
    expect(hasMoved(movementOf({ ...samples, range }, "up")!)).toBe(false);
  });

  it("is not known with too little of the past, and finite or Infinity on any numbers", () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { maxLength: 40 });
    fc.assert(
      fc.property(values, values, values, (past, since, after) => {
        const found = movementOf({ past, range: null, since, after }, "both");
        if (past.length < 16 || since.length === 0) expect(found).toBe(null);
        else
          for (const value of [found!.times, found!.timesBefore, found!.relative, found!.absolute])
            expect(value).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

it("counts causes as means over the draws, the most frequent first", () => {
  const one = { cause: "notHeld", by: "latency", deploymentId: "a" } as const;
  const other = { cause: "invisible", by: null, deploymentId: "b" } as const;
  const tagged = { cause: "notHeld", by: "__proto__", deploymentId: "c" } as const;
  expect(tallyOf([other, one, one, tagged], 2)).toEqual([
    {
      cause: "notHeld",
      count: 1.5,
      by: Object.fromEntries([
        ["latency", 1],
        ["__proto__", 0.5],
      ]),
      deployments: ["a", "c"],
    },
    { cause: "invisible", count: 0.5, by: {}, deployments: ["b"] },
  ]);
});
