/**
 * Policies that are evaluated together share detection, quiet deployments and outcomes.
 * None of that may show: each must come out as it does alone.
 */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { compareDocument } from "../../lab/compare/document.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { outcomesOf, type Outcome } from "../../lab/outcome/outcome.ts";
import { standingFor } from "../../lab/outcome/outcomeList.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { modelled } from "../../lab/people/modelled.ts";
import { recorded } from "../../lab/people/recorded.ts";
import { quietMemory } from "../../lab/replay/beginning.ts";
import { decisionsOf, type PolicyReplay } from "../../lab/replay/decide.ts";
import { knownFrom } from "../../lab/replay/known.ts";
import { replay, watchHistory, type Replay } from "../../lab/replay/replay.ts";
import { decisionKey } from "./decisionKey.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

const SEED = 20_261_124;
const SOAKS = process.env["SOAK"] === "1";
const TOGETHER = SOAKS ? 50 : 16;
/** Alone each costs a whole replay. */
const ALONE = SOAKS ? TOGETHER : 3;

let history: History;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
}, HOOK_MS);
afterAll(() => history.close());

const minutes = (most: number) => fc.integer({ min: 1, max: most }).map((one) => one * 60_000);

/** Everything a sweep usually varies, and some of what it rarely does. */
const variation: fc.Arbitrary<Policy> = fc
  .record({
    base: fc.constantFrom("two-minute-override", "plain-window", "tagged-threshold").map(shipped),
    holdMs: fc.constantFrom(0, 30_000, 60_000, 300_000),
    clearMs: minutes(6),
    windowMs: minutes(10),
    slaMs: minutes(30),
    watchMs: fc.constantFrom(1_800_000, 3_600_000, 10_800_000),
    tier: fc.constantFrom("full" as const, "override" as const, "approve" as const),
    times: fc.constantFrom(0.5, 1, 1, 2),
    onTimeout: fc.constantFrom("rollback" as const, "hold" as const),
    of: fc.constantFrom(["own"], ["own"], ["dependants"], ["callers", "partner-api"]),
    attribution: fc.constantFrom("on" as const, "on" as const, "off" as const),
  })
  .map(({ base, holdMs, clearMs, windowMs, slaMs, watchMs, tier, times, onTimeout, ...rest }) => ({
    ...base,
    watchMs,
    attribution: rest.attribution,
    signals: base.signals.map((signal) => ({
      ...signal,
      of: rest.of,
      holdMs,
      clearMs,
      tolerance: { ...signal.tolerance, amount: signal.tolerance.amount * times },
    })),
    tiers: {
      ...base.tiers,
      override: { ...base.tiers.override, windowMs, onTimeout },
      approve: { ...base.tiers.approve, slaMs, escalate: [{ to: "senior", slaMs }] },
    },
    assign: [...base.assign.slice(0, -1), { when: null, tier }],
  }));

function replayed(policies: readonly Policy[]): Promise<Replay> {
  const people = recorded(history.tables.decisions);
  return replay(history, policies, people, recoveryOf(history.tables, 1), silent);
}

function outcomes(made: Replay, at: number, alike?: Map<never, never>): readonly Outcome[] {
  const { tables } = history;
  const people = recorded(tables.decisions);
  const shown = { plan: made.plan, imagined: made.imagined[at]! };
  return [...outcomesOf(history, shown, made.policies[at]!, people, recoveryOf(tables, 1), alike)];
}

it("a policy that learns decides alike with and without quiet ones in the fold", async () => {
  const about = (deploymentId: string) => ({
    timezone: null,
    team: null,
    // Nearly everything is fine, so nearly everything is overridden.
    truthIsBad: deploymentId.endsWith("7"),
  });
  const base = shipped("evidence-learning");
  const policy: Policy = { ...base, learning: { ...base.learning!, atLeast: 0.1 } };
  const people = modelled(about, SEED);
  const made = (await replay(history, [policy], people, recoveryOf(history.tables, 1), silent))
    .policies[0]!;
  expectAlike(made, [...made.judged.keys()]);
  expect(made.records.filter(({ learned }) => learned !== undefined).length).toBeGreaterThan(2);
});

/** What is decided of each, alone or with some others, is what the whole fleet decides. */
function expectAlike(made: PolicyReplay, places: readonly number[]): void {
  const sorted = (all: readonly unknown[]): string[] =>
    all.map((one) => JSON.stringify(one)).sort();
  const parts = places.map((place) => made.of(place));
  expect(sorted(parts.flatMap(({ records }) => records))).toEqual(sorted(made.records));
  expect(sorted(parts.flatMap(({ commands }) => commands))).toEqual(sorted(made.commands));
}

describe(`random variations (seed ${SEED})`, () => {
  const policies = fc.sample(variation, { seed: SEED, numRuns: TOGETHER });
  let together: Replay;
  beforeAll(async () => {
    together = await replayed(policies);
  }, HOOK_MS);

  it("decide alike whether quiet deployments are left out of the fold or not", () => {
    let alone = 0;
    for (const made of together.policies) {
      const places = [...together.plan.deployments.keys()];
      alone += places.filter((place) => made.alone()[place] === 1).length;
      expectAlike(made, places);
    }
    const all = together.plan.deployments.length * policies.length;
    expect(alone).toBeGreaterThan(0.2 * all);
    expect(alone).toBeLessThan(0.9 * all);
  });

  it("decide alike beside one that asks for no other explanation", async () => {
    const asking = policies.filter(
      ({ attribution, signals }) => attribution === "on" && signals[0]!.of[0] !== "own",
    );
    const pairs = asking.slice(0, 4).flatMap((policy): Policy[] => {
      return [{ ...policy, attribution: "off", digest: `${policy.digest} off` }, policy];
    });
    const made = await replayed(pairs);
    for (const one of made.policies) expectAlike(one, [...made.plan.deployments.keys()]);
    const alone = (attribution: Policy["attribution"]): number =>
      made.policies
        .filter(({ policy }) => policy.attribution === attribution)
        .reduce((sum, one) => sum + one.alone().reduce((of, is) => of + is, 0), 0);
    expect(made.policies[0]!.judged).toBe(made.policies[1]!.judged);
    expect(alone("off")).toBeGreaterThan(alone("on"));
  });

  it("have the judgements, records and outcomes that each has alone", async () => {
    const alike = new Map<never, never>();
    for (let at = 0; at < ALONE; at++) {
      const own = await replayed([policies[at]!]);
      expect(together.policies[at]!.judged).toEqual(own.policies[0]!.judged);
      expect(together.policies[at]!.records).toEqual(own.policies[0]!.records);
      expect(outcomes(together, at, alike)).toEqual(outcomes(own, 0));
    }
  });

  it("share an outcome object where they differ only in what is never read", () => {
    const people = recorded(history.tables.decisions);
    const recovery = recoveryOf(history.tables, 1);
    const judgedBy = together.policies.map(({ judged }) => judged);
    const named = [...policies.keys()]
      .slice(0, SOAKS ? TOGETHER : 16)
      .flatMap((at) => TWINS.map((twin) => ({ at, twin })));
    let alike = 0;
    for (const { at, twin } of named) {
      const other: Policy = { ...policies[at]!, ...twin(policies[at]!), digest: "another" };
      if (decisionKey(other) !== decisionKey(policies[at]!)) continue;
      alike++;
      const made = decisionsOf(
        together.plan,
        other,
        judgedBy[at]!,
        people,
        recovery,
        quietMemory(false),
      );
      const plain = { plan: together.plan, imagined: together.imagined[at]! };
      expect([...outcomesOf(history, plain, made, people, recovery)]).toEqual(
        outcomes(together, at),
      );
    }
    expect(alike).toBeGreaterThan(0);
    expect(alike).toBeLessThan(named.length);
  });

  it("have one outcome in all draws of what is decided alone, by any name", async () => {
    const pair = [policies[0]!, { ...policies[0]!, policy: "other", digest: "other" }];
    const options = { people: "modelled", seed: 1, replicates: 100, draws: 3, progress: silent };
    const made = await evaluate(history, pair, { ...options, scoresOnly: true });
    const [first, ...others] = made.policies.flatMap(({ draws }) => draws.map(standingFor));
    const same = first!.filter((one, at) => others.every((other) => other.at(at) === one));
    expect(same.length).toBeGreaterThan(0.2 * first!.length);
  });

  it("have in each draw the outcomes each has alone, whatever past others ask for", async () => {
    const hours = (baselineMs: number): Policy => ({
      ...policies[0]!,
      policy: `baseline of ${baselineMs}`,
      digest: String(baselineMs),
      signals: policies[0]!.signals.map((signal) => ({
        ...signal,
        detector: { ...signal.detector, baselineMs },
      })),
    });
    const all = [1_200_000, 3_600_000, 21_600_000].map(hours);
    const options = { people: "absent", seed: 1, replicates: 10, draws: 3, progress: silent };
    const beside = await evaluate(history, all, { ...options, scoresOnly: true });
    expect(beside.replay.imagined[0]!.size).toBeGreaterThan(5);
    for (const [at, policy] of all.entries()) {
      const alone = await evaluate(history, [policy], { ...options, scoresOnly: true });
      const [own] = alone.policies;
      expect(beside.policies[at]!.draws.map((one) => [...one])).toEqual(
        own!.draws.map((one) => [...one]),
      );
    }
  });

  it("compare alike on reused judgements and on newly read samples", async () => {
    const pair = [
      { ...policies[0]!, policy: "one" },
      { ...policies[1]!, policy: "other" },
    ];
    const { judged } = await watchHistory(history, policies, silent);
    const options = { people: "modelled", seed: 1, replicates: 100, draws: 2, progress: silent };
    const read = await evaluate(history, pair, options);
    const judgements = knownFrom({ judged: judged.slice(0, 2) });
    const known = await evaluate(history, pair, { ...options, judgements });
    expect(known.replay.imagined[0]!.size).toBeGreaterThan(0);
    expect(known.replay.samplesRead).toBeLessThan(read.replay.samplesRead / 2);
    const results = ({ manifest, ...rest }: ReturnType<typeof compareDocument>): unknown => ({
      ...rest,
      notes: manifest.notes,
    });
    expect(results(compareDocument(known))).toEqual(results(compareDocument(read)));
  });
});

/** Each changes one thing that some policies read and others never do. */
const TWINS: readonly ((policy: Policy) => Partial<Policy>)[] = [
  ({ tiers }) => ({ tiers: { ...tiers, override: { ...tiers.override, windowMs: 777_000 } } }),
  ({ tiers }) => ({ tiers: { ...tiers, approve: { ...tiers.approve, slaMs: 777_000 } } }),
  ({ tiers }) => ({ tiers: { ...tiers, override: { ...tiers.override, confidence: 0.123 } } }),
];
