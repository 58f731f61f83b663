/**
 * Comparing is paired: a policy never differs from itself, nobody's scorecard
 * depends on who else is there, and what the history hides decides nothing.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { differencesOf, flipsOf, type Difference } from "../../lab/compare/compare.ts";
import { compareDocument, outcomeDocument } from "../../lab/compare/document.ts";
import type { Evaluated, Evaluation } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { isOpen, type Outcome } from "../../lab/outcome/outcome.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import {
  MINUTE_MS,
  NOON_MS,
  outcome,
  regression,
  rolledBack,
  scoreOf,
  SCORING,
} from "../outcome/outcomes.ts";
import { evaluated, HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

let history: History;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
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
    for (const name of ["plain-window", "human-approval"]) {
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
      "too few to tell": "too few to tell",
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
  return {
    policy: { ...shipped("plain-window"), policy: name },
    outcomes,
    draws: [outcomes],
    scored: scoreOf(outcomes),
  };
}

/** The same outcomes under a policy that watches for longer, so it may have acted later. */
function acting(one: Evaluated): Evaluated {
  const { policy } = one;
  return {
    ...one,
    policy: { ...policy, watchMs: policy.watchMs + MINUTE_MS, digest: `${policy.digest}-longer` },
  };
}

function verdicts(baseline: Evaluated, candidate: Evaluated): Record<string, string> {
  const differences = differencesOf(baseline, candidate, { scoring: SCORING });
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
    const [bad, good] = [rolledBack(7, regression(9)), rolledBack(3, regression(5))];
    const before = everywhere("before", rolledBack(5), rolledBack(5), hidden, bad);
    const after = acting(everywhere("after", outcome(), outcome(), hidden, good));
    const found = verdicts(before, after);
    expect(found["falsePositiveRollbacks"]).toBe("better");
    expect(found["mttr"]).toBe("better");
    expect(verdicts(after, before)["falsePositiveRollbacks"]).toBe("worse");
    const discordant = Object.fromEntries(
      differencesOf(before, after, { scoring: SCORING }).map((one) => [one.field, one.discordant]),
    );
    // Both catch the regression; two good ones of each service are told apart, one is hidden.
    expect(discordant["missRate"]).toEqual({ better: 0, worse: 0, p: 1 });
    expect(discordant["falsePositiveRollbacks"]).toMatchObject({ better: 60, worse: 0 });
    expect(discordant["mttr"]).toBeNull();
  });

  it("is not alike under policies that may have acted differently", () => {
    for (const one of [
      HIDDEN_GOOD,
      HIDDEN_REGRESSION,
      rolledBack(5, { evidence: "unknown" }),
      outcome({ ...regression(60), end: "expired", evidence: "unknown", recoveryBestMs: 0 }),
    ]) {
      const field = one.label === "benign" ? "falsePositiveRollbacks" : "missRate";
      const before = everywhere("before", one);
      const differenceTo = (after: Evaluated): Difference =>
        differencesOf(before, after, { scoring: SCORING }).find((found) => found.field === field)!;
      const most = field === "missRate" ? 1 : 30;
      expect(differenceTo(acting(everywhere("after", one)))).toMatchObject({
        difference: 0,
        low: -most,
        high: most,
      });
      // The same policy under another name and owner could not have.
      const twin = everywhere("twin", one);
      const policy: Policy = { ...twin.policy, owner: "others", digest: "another" };
      expect(differenceTo({ ...twin, policy })).toMatchObject({ difference: 0, low: 0, high: 0 });
    }
  });

  it("hides as much of a time to recovery as an answer nobody recorded", () => {
    // Rolled back at 20, or at 5 had somebody approved at once.
    const asked = rolledBack(20, {
      ...regression(22),
      recoveryBestMs: 7 * MINUTE_MS,
      evidence: "unknown",
    });
    const acted = everywhere("acted", rolledBack(12, regression(14)));
    expect(verdicts(acted, everywhere("asked", asked))["mttr"]).toBe("not distinguishable");
    const fast = everywhere("fast", rolledBack(4, regression(6)));
    expect(verdicts(fast, everywhere("asked", asked))["mttr"]).toBe("worse");
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
    // Rolled back by neither policy it goes on as long, whoever declined it and how.
    const other = acting(everywhere("other", { ...declined, end: "overridden" }));
    const mttr = differencesOf(held, other, { scoring: SCORING }).find(
      ({ field }) => field === "mttr",
    );
    const { below, above } = mttr!.unseen;
    expect(mttr).toMatchObject({ difference: 0, low: -below, high: above });
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

/** Apart from the value of one deployment, which differs between services. */
function uneven(name: string, ...each: readonly Outcome[]): Evaluated {
  const whole = everywhere(name, ...each);
  const outcomes = whole.outcomes.map((one, at) =>
    one.recoveryMs === null ? one : { ...one, recoveryMs: one.recoveryMs + at * 1000 },
  );
  return { ...whole, outcomes, draws: [outcomes], scored: scoreOf(outcomes) };
}

describe("what a history resolves", () => {
  const fieldOf = (before: Evaluated, after: Evaluated, name: string): Difference =>
    differencesOf(before, after, { scoring: SCORING }).find(({ field }) => field === name)!;

  it("is never less than what stands beside it as not distinguishable", async () => {
    let hidden = 0;
    for (const pair of [
      ["full-autonomy", "default"],
      ["two-minute-override", "default"],
      ["naive-threshold", "human-approval"],
    ]) {
      const { differences } = await evaluated(history, pair.map(shipped));
      for (const { field, difference, low, high, resolves, verdict } of differences) {
        if (difference === null || resolves === null || low === null || high === null) continue;
        if (verdict !== "not distinguishable") continue;
        if (difference !== 0 && low < 0 && high > 0) hidden++;
        expect([field, resolves >= Math.abs(difference)]).toEqual([field, true]);
        expect([field, resolves >= difference - low && resolves >= high - difference]).toEqual([
          field,
          true,
        ]);
      }
    }
    expect(hidden).toBeGreaterThan(10);
  });

  it("is 2.8 standard errors where nothing is hidden, and more by what is", () => {
    const before = everywhere("before", rolledBack(20, regression(22)), outcome());
    const seen = uneven("seen", rolledBack(10, regression(12)), outcome());
    const { low, high, difference, resolves } = fieldOf(before, seen, "mttr");
    const half = Math.max(high! - difference!, difference! - low!);
    expect(resolves! / half).toBeGreaterThan(2.6 / 1.96);
    expect(resolves! / half).toBeLessThan(3 / 1.96);
    // Half of the good deployments were hidden by history, which nobody else can tell.
    const acted = everywhere("acted", rolledBack(5), outcome());
    const unseen = acting(everywhere("unseen", HIDDEN_GOOD, outcome()));
    expect(fieldOf(acted, unseen, "falsePositiveRate")).toMatchObject({
      difference: -0.5,
      verdict: "not distinguishable",
    });
    expect(fieldOf(acted, unseen, "falsePositiveRate").resolves).toBeGreaterThan(0.5);
  });
});

describe("the outcomes that are published", () => {
  it("add up to the scorecard", async () => {
    const { policies } = await evaluated(history, [shipped("human-approval")], "recorded");
    const { outcomes } = policies[0]!;
    const ms = (time: string | null): number | null => (time === null ? null : Date.parse(time));
    const duration = (seconds: number | null): number | null =>
      seconds === null ? null : seconds * 1000;
    const read = outcomes.map((one) => {
      const document = JSON.parse(
        JSON.stringify(outcomeDocument("human-approval", one, DEFAULT_COSTS)),
      ) as ReturnType<typeof outcomeDocument>;
      return outcome({
        ...document,
        startedAtMs: ms(document.startedAt)!,
        onsetAtMs: ms(document.onsetAt),
        detectedAtMs: ms(document.detectedAt),
        proposedAtMs: ms(document.proposedAt),
        executedAtMs: ms(document.executedAt),
        recoveryMs: duration(document.recoverySeconds),
        recoveryBestMs: duration(document.recoveryBestSeconds),
        recoveryWorstMs: duration(document.recoveryWorstSeconds),
        censoredAtMs: ms(document.censoredAt),
        pagesAtMs: document.pagesAt.map((time) => Date.parse(time)),
        untaggedProposedAtMs: ms(document.untaggedProposedAt),
      });
    });
    expect(outcomes.some(({ pagesAtMs }) => pagesAtMs.length > 0)).toBe(true);
    expect(outcomes.some(({ censoredAtMs }) => censoredAtMs !== null)).toBe(true);
    expect(scoreOf(read).scorecard).toEqual(scoreOf(outcomes).scorecard);
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
        end !== after.outcomes.at(index)!.end || done !== after.outcomes.at(index)!.rolledBack,
    );
    expect(flips.map(({ deploymentId }) => deploymentId)).toEqual(
      differing.map(({ deploymentId }) => deploymentId),
    );
    expect(flips.length).toBeGreaterThan(3);
  });
});
