/** Policies of which only the outcomes are read, as of those that are evaluated again. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import { pairsOf } from "../../lab/compare/pairs.ts";
import { DEFAULT_BUDGET, limitsOf } from "../../lab/gate/budget.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { silent } from "../../lab/progress.ts";
import { score } from "../../lab/score/scorecard.ts";
import { HOOK_MS, shipped, fewHistory } from "../history/smallWorld.ts";
import { outcome, rolledBack, SCORING } from "../outcome/outcomes.ts";

let history: History;
beforeAll(async () => {
  history = await openHistory(await fewHistory());
}, HOOK_MS);
afterAll(() => history.close());

describe("policies that are not compared", () => {
  it("are not evaluated under other models of what history hid", async () => {
    const policies = [shipped("two-minute-override"), shipped("human-approval")];
    const asked = {
      people: "absent",
      seed: 1,
      replicates: 20,
      draws: 2,
      modelled: { limits: [] },
      scoresOnly: true,
      progress: silent,
    } as const;
    const compared = await evaluate(history, policies, asked);
    const alone = await evaluate(history, policies, { ...asked, compared: false });
    expect(compared.again).not.toBeNull();
    expect([alone.again, alone.differences, alone.flips]).toEqual([null, [], []]);
    const valuesOf = ({ policies: made }: Evaluation) => made.map(({ scored }) => scored.values);
    expect(valuesOf(alone)).toEqual(valuesOf(compared));
  });
});

describe("two policies", () => {
  const NAMES = ["two-minute-override", "human-approval", "evidence", "naive-threshold"];
  const asked = {
    people: "modelled",
    seed: 1,
    replicates: 100,
    draws: 2,
    modelled: { limits: limitsOf(DEFAULT_BUDGET) },
    scoresOnly: true,
    progress: silent,
  } as const;

  it("get one verdict, whichever others are beside them", async () => {
    // The last one acts before the others, and looks longer.
    const policies = NAMES.map(shipped);
    policies[3] = { ...policies[3]!, watchMs: 7_200_000 };
    const beside = await evaluate(history, policies, asked);
    const pair = await evaluate(history, NAMES.slice(0, 2).map(shipped), asked);
    const ofPair = beside.differences.filter(({ candidatePolicy: name }) => name === NAMES[1]);
    expect(pair.differences.some(({ modelled }) => modelled !== null)).toBe(true);
    expect(ofPair).toEqual(pair.differences);
    const told = (await pairsOf(beside, "all")).find(
      ({ baselinePolicy: one, candidatePolicy: other }) => one === NAMES[1] && other === NAMES[2],
    );
    const alone = await evaluate(history, [NAMES[1]!, NAMES[2]!].map(shipped), {
      ...asked,
      modelled: { limits: [] },
    });
    expect(told!.differences).toEqual(alone.differences);
  }, 120_000);
});

describe("a scorecard", () => {
  it("is made when it is first read, and once", () => {
    let passes = 0;
    const all: readonly Outcome[] = [outcome({}), rolledBack(5, { service: "pay" })];
    const counted = {
      *[Symbol.iterator]() {
        passes++;
        yield* all;
      },
    };
    const scored = score([counted as unknown as readonly Outcome[]], SCORING);
    expect(passes).toBe(0);
    const { rollbacks } = scored.scorecard as unknown as { rollbacks: { value: number } };
    expect([rollbacks.value, scored.values.get("rollbacks"), scored.clusters]).toEqual([1, 1, 2]);
    expect(passes).toBe(1);
  });
});
