/**
 * Comparing is paired: a policy never differs from itself, nobody's scorecard
 * depends on who else is there, and what the history hides decides nothing.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { isOpen } from "../../lab/compare/bounds.ts";
import { differencesOf, flipsOf, type Difference } from "../../lab/compare/compare.ts";
import { compareDocument } from "../../lab/compare/document.ts";
import type { Evaluated, Evaluation } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { temporaryDirectory } from "./directories.ts";
import { MINUTE_MS, NOON_MS, outcome, regression, rolledBack, scoreOf } from "./outcomes.ts";
import { evaluated, generateSmall, HOOK_MS, shipped } from "./smallWorld.ts";

let history: History;
beforeAll(async () => {
  const dir = join(temporaryDirectory(), "history");
  await generateSmall(dir);
  history = await openHistory(dir);
}, HOOK_MS);
afterAll(() => history.close());

/** A policy's part of the JSON: its scorecard, outcomes and records. */
function partOf(evaluation: Evaluation, name: string): string {
  const at = evaluation.policies.findIndex(({ policy }) => policy.policy === name);
  const { outcomes } = evaluation.policies[at]!;
  const { records } = evaluation.replay.policies[at]!;
  const scorecard = compareDocument(evaluation).scorecards[name];
  return JSON.stringify({ scorecard, outcomes, records });
}

describe("a policy and its namesake", () => {
  it.each(["absent", "recorded"] as const)("do not differ, with people %s", async (people) => {
    for (const name of ["incumbent", "human-approval"]) {
      const policy = shipped(name);
      const twin: Policy = { ...policy, policy: "twin" };
      const { differences, flips } = await evaluated(history, [policy, twin], people);
      expect(differences.length).toBeGreaterThan(20);
      for (const difference of differences) {
        const { field, low, high, verdict } = difference;
        const nothing = verdict === "no evidence" && difference.difference === null;
        expect(
          nothing ? null : { field, difference: difference.difference, low, high, verdict },
        ).toEqual(
          nothing
            ? null
            : { field, difference: 0, low: 0, high: 0, verdict: "not distinguishable" },
        );
      }
      expect(flips).toEqual([]);
    }
  });
});

describe("who else is there", () => {
  const NAMES = ["full-autonomy", "two-minute-override", "naive-threshold", "tagged-threshold"];
  let together: Evaluation;
  beforeAll(async () => {
    together = await evaluated(history, NAMES.map(shipped), "recorded");
  });

  it("does not change a policy's scorecard, outcomes or records, nor does the order", async () => {
    const reversed = await evaluated(history, [...NAMES].reverse().map(shipped), "recorded");
    for (const name of NAMES) expect(partOf(reversed, name)).toBe(partOf(together, name));
    expect(reversed.manifest.samplesRead).toBe(together.manifest.samplesRead);
  });

  // The first two share every judgement, the last two only the residuals.
  it.each(NAMES)("%s alone is as in company", async (name) => {
    expect(partOf(await evaluated(history, [shipped(name)], "recorded"), name)).toBe(
      partOf(together, name),
    );
  });

  it("turning a comparison round turns every difference round", async () => {
    const pair = ["two-minute-override", "naive-threshold"].map(shipped);
    const there = await evaluated(history, pair);
    const back = await evaluated(history, [...pair].reverse());
    const turned: Readonly<Record<Difference["verdict"], string>> = {
      better: "worse",
      worse: "better",
      "not distinguishable": "not distinguishable",
      "no evidence": "no evidence",
    };
    expect(there.differences.some(({ verdict }) => verdict === "worse")).toBe(true);
    there.differences.forEach((one, index) => {
      const other = back.differences[index]!;
      expect(other.field).toBe(one.field);
      expect(other.verdict, one.field).toBe(turned[one.verdict]);
      expect(other.baseline).toBe(one.candidate);
      if (one.difference !== null) expect(other.difference! + one.difference).toBe(0);
    });
    expect(back.flips.length).toBe(there.flips.length);
  });
});

/** Thirty services with the same outcome each, under one policy. */
function everywhere(name: string, ...each: readonly Outcome[]): Evaluated {
  const outcomes = Array.from({ length: 30 }, (_, index) =>
    each.map((one, at) => ({
      ...one,
      service: `service-${String(index).padStart(2, "0")}`,
      deploymentId: `d${index}-${at}`,
      policy: name,
    })),
  ).flat();
  return { policy: { ...shipped("incumbent"), policy: name }, outcomes, scored: scoreOf(outcomes) };
}

function verdicts(baseline: Evaluated, candidate: Evaluated): Record<string, string> {
  const differences = differencesOf(baseline, candidate, scoreOf);
  return Object.fromEntries(differences.map(({ field, verdict }) => [field, verdict]));
}

/** History rolled it back at minute 10, and this policy had not acted by then. */
const CENSORED = { censoredAtMs: NOON_MS + 10 * MINUTE_MS, evidence: "bounded" } as const;
const HIDDEN_REGRESSION = outcome({
  ...regression(60),
  ...CENSORED,
  end: "undecidable",
  recoveredAtMs: null,
  recoveryBestMs: 10 * MINUTE_MS,
});
const HIDDEN_GOOD = outcome({ ...CENSORED, end: "undecidable" });

describe("what the history hides", () => {
  it("never counts as right, whatever it is", () => {
    const { scored } = everywhere("hidden", HIDDEN_REGRESSION, HIDDEN_GOOD);
    const { values } = scored;
    expect(values.get("truePositiveRollbacks")).toBe(0);
    expect(values.get("recall")).toBe(0);
    expect(values.get("missRate")).toBe(1);
    expect(values.get("mttr")).toBe(3600);
    expect(values.get("boundedShare")).toBe(1);
    expect(scored.scorecard.identifiedShare).toBe(0);
    expect(scored.scorecard.mttrBounds).toEqual({ best: 600, worst: 3600 });
    // Nor as wrong for certain: the rates say between which values they lie.
    expect(scored.scorecard.missRateBounds).toEqual({ best: 0, worst: 1 });
    expect(scored.scorecard.falsePositiveRateBounds).toEqual({ best: 0, worst: 1 });
  });

  it("decides no difference: a good deployment the other policy rolled back", () => {
    const acted = everywhere("acted", rolledBack(5), outcome());
    const hidden = everywhere("hidden", HIDDEN_GOOD, outcome());
    // Counted as it stands the slower policy has no false positive at all.
    expect(hidden.scored.values.get("falsePositiveRate")).toBe(0);
    const found = verdicts(acted, hidden);
    for (const field of ["falsePositiveRollbacks", "falsePositiveRate", "cost", "toilHours"]) {
      expect([field, found[field]]).toEqual([field, "not distinguishable"]);
    }
  });

  it("decides no difference: a regression the other policy caught", () => {
    const acted = everywhere("acted", rolledBack(10, regression(10)));
    const hidden = everywhere("hidden", HIDDEN_REGRESSION);
    const found = verdicts(acted, hidden);
    for (const field of ["missRate", "recall", "mttr", "truePositiveRollbacks"]) {
      expect([field, found[field]]).toEqual([field, "not distinguishable"]);
    }
  });

  it("still lets be seen what is better or worse however it would have gone", () => {
    const hidden = HIDDEN_GOOD;
    const before = everywhere("before", rolledBack(5), hidden, rolledBack(7, regression(9)));
    const after = everywhere("after", outcome(), hidden, rolledBack(3, regression(5)));
    const found = verdicts(before, after);
    expect(found["falsePositiveRollbacks"]).toBe("better");
    expect(found["mttr"]).toBe("better");
    expect(verdicts(after, before)["falsePositiveRollbacks"]).toBe("worse");
  });

  it("decides no time to recovery where history ended what people had declined", () => {
    // Nobody acted at 5 and history did at 10: it may have been over at 11, or never.
    const declined = outcome({
      ...regression(60),
      end: "held",
      proposals: 1,
      recoveredAtMs: null,
      recoveryBestMs: 10 * MINUTE_MS,
      evidence: "bounded",
    });
    const acted = everywhere("acted", rolledBack(12, regression(15)));
    const held = everywhere("held", declined);
    expect(verdicts(acted, held)["mttr"]).toBe("not distinguishable");
    expect(verdicts(held, acted)["mttr"]).toBe("not distinguishable");
    // That it was not rolled back is known for certain.
    expect(verdicts(acted, held)["missRate"]).toBe("worse");
    expect(verdicts(everywhere("twin", declined), held)["mttr"]).toBe("not distinguishable");
    // Faster than the best that could have been is faster.
    const fast = everywhere("fast", rolledBack(4, regression(6)));
    expect(verdicts(held, fast)["mttr"]).toBe("better");
  });

  it("makes a flip open, neither better nor worse", () => {
    const changes = (a: Outcome, b: Outcome): readonly string[] =>
      flipsOf([a], [b], "after").map(({ change }) => change);
    expect(changes(rolledBack(5), HIDDEN_GOOD)).toEqual(["open"]);
    expect(changes(HIDDEN_REGRESSION, rolledBack(5, regression(7)))).toEqual(["open"]);
    expect(changes(rolledBack(5), outcome({ end: "overridden", evidence: "unknown" }))).toEqual([
      "open",
    ]);
    expect(changes(rolledBack(5), outcome())).toEqual(["better"]);
    expect(changes(outcome(), rolledBack(5))).toEqual(["worse"]);
    expect(
      changes(outcome({ ...regression(60), end: "missed" }), rolledBack(5, regression(7))),
    ).toEqual(["better"]);
    expect(changes(outcome(), rolledBack(5, { label: "unrelated_incident" }))).toEqual(["neutral"]);
    expect(changes(outcome({ end: "withdrawn" }), outcome())).toEqual(["neutral"]);
    expect(changes(outcome(), outcome())).toEqual([]);
  });

  it("is what an answer nobody recorded is, too", () => {
    const unknown = rolledBack(5, { evidence: "unknown" });
    expect(isOpen(unknown)).toBe(true);
    const found = verdicts(everywhere("spared", outcome()), everywhere("asked", unknown));
    expect(found["falsePositiveRollbacks"]).toBe("not distinguishable");
  });
});

describe("a real pair on the small world", () => {
  it("has intervals that hold the point, and flips of real deployments", async () => {
    const { differences, flips, policies } = await evaluated(history, [
      shipped("naive-threshold"),
      shipped("full-autonomy"),
    ]);
    for (const { difference, low, high } of differences) {
      if (difference === null || low === null || high === null) continue;
      expect(low).toBeLessThanOrEqual(high);
    }
    const [before, after] = policies as [Evaluated, Evaluated];
    const differing = before.outcomes.filter(
      ({ end, rolledBack: done }, index) =>
        end !== after.outcomes[index]!.end || done !== after.outcomes[index]!.rolledBack,
    );
    expect(flips.map(({ deploymentId }) => deploymentId)).toEqual(
      differing.map(({ deploymentId }) => deploymentId),
    );
    expect(flips.length).toBeGreaterThan(3);
  });
});
