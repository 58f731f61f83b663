/** What the gate says where the policies watch differently, on which ground. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createWorld } from "../../datasets/world/index.ts";
import type { Policy } from "../../engine/index.ts";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import { DEFAULT_BUDGET, limitsOf, type Budget } from "../../lab/gate/budget.ts";
import { gateOf, type Check, type Gate } from "../../lab/gate/gate.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import { knownFrom } from "../../lab/replay/known.ts";
import { historyOf, knownOn, live, wholeOf } from "../../lab/simulate/closedLoop.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { HOOK_MS, policyFile, ROOT, shipped } from "../history/smallWorld.ts";

const TEXT = readFileSync(policyFile("two-minute-override"), "utf8");
const WEEKS = 2;
/** The policy with so many times its tolerances. */
const tolerating = (times: number, name: string): Policy =>
  policyFromText(
    TEXT.replace("policy: two-minute-override", `policy: ${name}`)
      .replaceAll("tolerance: 10%", `tolerance: ${10 * times}%`)
      .replaceAll("tolerance: 1pp", `tolerance: ${times}pp`)
      .replace("toleranceAtMost: 60%", "toleranceAtMost: 95%"),
    `${name}.yaml`,
  );

let evaluation: Evaluation;
/** On a history that acted before either: another ceiling of tolerances, which none comes near. */
let nearlySame: Evaluation;

beforeAll(async () => {
  const { world } = openWorld(join(ROOT, "datasets/worlds/fidelity.yaml"), 5);
  const stage = wholeOf(createWorld(world.spec, 5));
  const policies = [tolerating(1, "now"), tolerating(8, "deaf")];
  const ceiling = TEXT.replace("toleranceAtMost: 60%", "toleranceAtMost: 70%");
  const other = policyFromText(ceiling.replace("two-minute-override", "other"), "other.yaml");
  const early = shipped("plain-window");
  const lives = await live(stage, [...policies, other, early], "modelled", silent);
  const compared = async (by: number, at: readonly number[]): Promise<Evaluation> => {
    const history = historyOf(stage, lives[by]!);
    const asked = at.map((one) => lives[one]!);
    return evaluate(
      history,
      asked.map(({ policy }) => policy),
      {
        judgements: knownFrom(await knownOn(stage, history, lives[by]!, asked)),
        people: "modelled",
        seed: 1,
        replicates: 200,
        draws: 3,
        scoresOnly: true,
        modelled: { limits: limitsOf(DEFAULT_BUDGET) },
        progress: silent,
      },
    );
  };
  evaluation = await compared(0, [0, 1]);
  nearlySame = await compared(3, [0, 2]);
}, HOOK_MS);

const judge = (budget: Budget): Gate => gateOf(evaluation, budget, [], WEEKS);
const check = (budget: Budget, name: string): Check =>
  judge(budget).checks.find((one) => one.name === name)!;

describe("eight times the tolerances, on a history that rolled back early", () => {
  test("fail by the model, with what would overturn that", () => {
    expect(judge(DEFAULT_BUDGET).verdict).toBe("fail");
    const missed = check(DEFAULT_BUDGET, "missRate");
    expect(missed).toMatchObject({ verdict: "fail", ground: "modelled" });
    const { flips, of } = missed.tipping!;
    expect(flips ?? of).toBeGreaterThanOrEqual(of * DEFAULT_BUDGET.tipping);
  });

  test("are inconclusive where a verdict may rest on nothing that history hid", () => {
    const budget = { ...DEFAULT_BUDGET, ground: "identified" as const };
    expect(check(budget, "missRate")).toMatchObject({ verdict: "inconclusive", ground: null });
  });

  test("are inconclusive where too few of what was hidden would overturn it", () => {
    const tipping = { flips: 1, of: 40, deployments: [] };
    const differences = evaluation.differences.map((one) => ({ ...one, tipping }));
    const { checks } = gateOf({ ...evaluation, differences }, DEFAULT_BUDGET, [], WEEKS);
    const found = checks.find(({ name }) => name === "missRate");
    expect(found).toMatchObject({ verdict: "inconclusive", ground: null, tipping });
  });

  test("are judged by single deployments where a budget asks for that", () => {
    const budget = { ...DEFAULT_BUDGET, decide: "flips" as const };
    const names = judge(budget).checks.map(({ name }) => name);
    expect(names).toEqual(["ownerlessActions", "flips"]);
    expect(judge(budget).verdict).not.toBe("pass");
  });
});

describe("a policy that never ends a deployment otherwise", () => {
  test("is as good, though nothing of what history hid can test the model", () => {
    const wrong = nearlySame.differences.find(({ field }) => field === "falsePositiveRate")!;
    expect(wrong.untested).not.toEqual([]);
    expect(wrong.modelled).toMatchObject({ low: 0, high: 0 });
    expect(wrong.identified.high).toBeGreaterThan(0);
  });
});

describe("every difference", () => {
  test("names its ground, and what would overturn a verdict by the model", () => {
    const modelled = evaluation.differences.filter((one) => one.modelled !== null);
    expect(modelled.length).toBeGreaterThan(10);
    for (const { ground, verdict, modelled: model, tipping } of modelled) {
      const { draws, heldOut, models, bySize } = model!.errors;
      expect(Math.min(draws, heldOut, models)).toBeGreaterThanOrEqual(0);
      expect(bySize.every(({ error }) => error >= 0)).toBe(true);
      expect(ground !== null).toBe(verdict === "better" || verdict === "worse");
      expect(tipping !== null).toBe(ground === "modelled");
    }
    expect(evaluation.differences.some((one) => one.ground === "modelled")).toBe(true);
  });

  test("says how the model fared by size, of all that history hid", () => {
    const { modelled, assumed } = evaluation.differences.find(({ field }) => field === "missRate")!;
    const { bySize, heldOut } = modelled!.errors;
    const regressions = bySize.filter(({ kind }) => kind === "regression");
    expect(regressions.length).toBeGreaterThan(1);
    expect(regressions.filter(({ tested }) => tested > 0).length).toBeGreaterThan(0);
    const hidden = regressions.reduce((sum, one) => sum + one.hidden, 0);
    expect(hidden).toBeGreaterThanOrEqual(assumed.bounded);
    expect(heldOut).toBeGreaterThan(0);
  });

  test("of a quantile rests on what holds whatever history hid alone", () => {
    const median = evaluation.differences.find(({ field }) => field === "timeToRecovery.median")!;
    expect(median.modelled).toBeNull();
    expect(median).toMatchObject({ low: median.identified.low, high: median.identified.high });
  });
});
