/** Regressions of which nobody wrote down when they began: priced, and in no mean of times. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { DEFAULT_BUDGET } from "../../lab/gate/budget.ts";
import { gateOf } from "../../lab/gate/gate.ts";
import { differencesOf, flipsOf, type Difference } from "../../lab/compare/compare.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import type { History } from "../../lab/history/open.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { evaluated, shipped } from "../history/smallWorld.ts";
import {
  APPROVE,
  FULL,
  MINUTE_MS,
  OBSERVE,
  tinyHistory,
  type TinyDeployment,
} from "../history/tinyHistory.ts";
import { outcome, regression, rolledBack, scoreOf, SCORING } from "./outcomes.ts";

const minutes = (count: number): number => count * MINUTE_MS;
const UNTIMED: TinyDeployment = { label: "regression", slow: [3, 45] };
const CUT: TinyDeployment = {
  label: "regression",
  slow: [20, 45],
  decisions: [
    [6, "rollbackStarted"],
    [7, "rollbackFinished"],
  ],
};
/** Without one rollback in history it takes 90 s, and recovery after it 120 s. */
const SOONEST_MS = minutes(3.5);

async function outcomeUnder(history: History, policy: Policy, name: string): Promise<Outcome> {
  const { policies } = await evaluated(history, [policy], "absent", 100);
  return policies[0]!.outcomes.find(({ service }) => service === name)!;
}

const notesUnder = async (history: History): Promise<string> =>
  (await evaluated(history, [FULL], "absent", 100)).manifest.notes.join("\n");

describe("one among others that are timed", () => {
  let history: History;
  beforeAll(async () => {
    history = await tinyHistory({
      // Approved after ten minutes.
      answered: {
        ...UNTIMED,
        decisions: [
          [4, "proposed"],
          [14, "approvalGiven", "bo"],
        ],
      },
      cut: CUT,
      known: { ...UNTIMED, incident: [3, 45] },
      other: { ...UNTIMED },
    });
  });
  afterAll(() => history.close());

  it("left alone counts as those that history let run, nothing to the longest", async () => {
    expect(await outcomeUnder(history, OBSERVE, "other")).toMatchObject({
      rolledBack: false,
      onsetAtMs: null,
      recoveredAtMs: null,
      recoveryMs: minutes(60),
      recoveryBestMs: 0,
      recoveryWorstMs: minutes(60),
      evidence: "bounded",
      censoredAtMs: null,
    });
  });

  it("rolled back counts from the question on, and at worst from the start", async () => {
    // Slow from minute 3 and seen at 4: back at 5.5, well again at 7.5.
    expect(await outcomeUnder(history, FULL, "other")).toMatchObject({
      rolledBack: true,
      onsetAtMs: null,
      recoveredAtMs: null,
      recoveryMs: SOONEST_MS,
      recoveryBestMs: SOONEST_MS,
      recoveryWorstMs: minutes(7.5),
      sparedMs: minutes(60) - SOONEST_MS,
      evidence: "bounded",
    });
  });

  it("costs more the longer people are waited for", async () => {
    const { policies } = await evaluated(history, [APPROVE], "recorded", 100);
    const answered = policies[0]!.outcomes.find(({ service }) => service === "answered")!;
    expect(answered).toMatchObject({ rolledBack: true, approved: true, evidence: "bounded" });
    expect(answered.recoveryMs).toBe(minutes(10) + SOONEST_MS);
  });

  it("cut short by history is as open as any, between a rollback and the longest", async () => {
    // History's own took a minute.
    expect(await outcomeUnder(history, OBSERVE, "cut")).toMatchObject({
      rolledBack: false,
      recoveryMs: minutes(60),
      recoveryBestMs: minutes(3),
      recoveryWorstMs: minutes(60),
      evidence: "bounded",
      censoredAtMs: expect.any(Number) as number,
    });
  });

  it("is in the cost and in no time, and a note says so", async () => {
    const { policies } = await evaluated(history, [OBSERVE], "absent", 100);
    const { scorecard } = policies[0]!.scored;
    expect(scorecard.mttr).toMatchObject({ n: 1, value: 42 * 60 });
    // 42 minutes that were seen, and an hour for each of the others.
    expect(scorecard.cost.parts["degradation"]).toBe(10 * (42 + 60 + 60 + 60));
    expect(scorecard.cost.value).toBeGreaterThan(0);
    expect(await notesUnder(history)).toContain("3 regressions without a recorded onset");
  });
});

describe("nothing else", () => {
  let history: History;
  beforeAll(async () => {
    const deployments: Record<string, TinyDeployment> = {};
    for (let at = 0; at < 8; at++) {
      deployments[`bad${at}`] = UNTIMED;
      deployments[`good${at}`] = { label: "benign" };
    }
    history = await tinyHistory(deployments);
  });
  afterAll(() => history.close());

  it("has no cost, so a policy that never acts is not the cheapest", async () => {
    const answer = await evaluated(history, [FULL, OBSERVE], "absent", 100);
    for (const { scored } of answer.policies) {
      expect(scored.scorecard.cost).toMatchObject({
        value: null,
        low: null,
        high: null,
        why: "no regression has a recorded onset",
      });
    }
    const cost = answer.differences.find(({ field }) => field === "cost")!;
    expect(cost).toMatchObject({ difference: null, verdict: "no evidence" });
    expect(answer.flips.filter(({ change }) => change === "worse")).toHaveLength(8);
    const gate = gateOf(answer, DEFAULT_BUDGET, [], 1);
    expect(gate.checks.find(({ name }) => name === "cost")!.verdict).toBe("inconclusive");
    expect(await notesUnder(history)).toContain(
      "No regression has a recorded onset: no times to recovery, and no cost.",
    );
  });
});

describe("compared", () => {
  const untimed = { onsetAtMs: null, recoveredAtMs: null, evidence: "bounded" } as const;
  const acted = rolledBack(5, { ...regression(4), ...untimed, recoveryWorstMs: minutes(7) });
  const missed = outcome({ ...regression(60), ...untimed, end: "missed", recoveryBestMs: 0 });
  /** Thirty services that have it, and one whose onset is known. */
  const everywhere = (policy: string, one: Outcome): Evaluated => {
    const outcomes = Array.from({ length: 30 }, (_, at) => `s${at}`).flatMap((service) => [
      rolledBack(5, { ...regression(7), service }),
      { ...one, service },
    ]);
    const scored = scoreOf(outcomes);
    return { policy: { ...shipped("plain-window"), policy }, outcomes, draws: [outcomes], scored };
  };
  const costOf = (before: Outcome, after: Outcome): Difference =>
    differencesOf(everywhere("before", before), everywhere("after", after), {
      scoring: SCORING,
    }).find(({ field }) => field === "cost")!;

  it("gives each side the benefit of the doubt where only one of them rolled back", () => {
    // A rollback is 10 and a minute is 10; the miss may have been over at once.
    const { difference, low, high } = costOf(acted, missed);
    expect(difference).toBe(30 * (600 - 40 - 10));
    expect([low, high]).toEqual([30 * (0 - 70 - 10), 30 * (600 - 40 - 10)]);
  });

  it("goes on as long where neither did", () => {
    expect(costOf(missed, { ...missed, end: "overridden" })).toMatchObject({ low: 0, high: 0 });
  });

  it("was rolled back or not for certain, whatever that spared", () => {
    expect(flipsOf([acted], [missed], "after").map(({ change }) => change)).toEqual(["worse"]);
  });
});
