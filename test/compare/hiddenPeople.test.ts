/** What history hid counts in pages and in rollbacks of unrelated incidents, as in every score. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Policy, TierName } from "../../engine/index.ts";
import { WITHOUT_A_PLAN } from "../../lab/compare/bounds.ts";
import { differencesOf, flipsOf, type Difference } from "../../lab/compare/compare.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import { DEFAULT_BUDGET, type Budget } from "../../lab/gate/budget.ts";
import { gateOf, type Check } from "../../lab/gate/gate.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import { shipped } from "../history/smallWorld.ts";
import {
  MINUTE_MS,
  NOON_MS,
  outcome,
  regression,
  rolledBack,
  scoreDraws,
  SCORING,
} from "../outcome/outcomes.ts";

const SERVICES = Array.from({ length: 20 }, (_, at) => `s${at}`);
const CUT_MS = NOON_MS + 4 * MINUTE_MS;
const HIDDEN: Partial<Outcome> = { censoredAtMs: CUT_MS, evidence: "bounded", end: "undecidable" };

/** A policy that has every deployment in one tier; `watch` sets it apart from others. */
function policyIn(tier: TierName, watch = 0): Policy {
  const policy = shipped("human-approval");
  const assign = [{ when: null, tier }];
  const watchMs = policy.watchMs + watch;
  return { ...policy, policy: `${tier} ${watch}`, digest: `${tier} ${watch}`, assign, watchMs };
}

function under(policy: Policy, change: (at: number) => Partial<Outcome>): Evaluated {
  const outcomes = SERVICES.map((service, at) => outcome({ service, ...change(at) }));
  return { policy, outcomes, draws: [outcomes], scored: scoreDraws([outcomes]) };
}

function difference(field: string, before: Evaluated, after: Evaluated): Difference {
  return differencesOf(before, after, { scoring: SCORING }).find((one) => one.field === field)!;
}

const KNOWN = under(policyIn("override"), () => ({}));
const steps = policyIn("approve").tiers.approve.escalate.length;

describe("pages of deployments that history hid before anybody was asked", () => {
  it.each([
    ["full", 0],
    ["override", 1],
    ["observe", 1],
    ["approve", 1 + steps],
  ] as const)("may be one course of tier %s", (tier, pages) => {
    const hidden = under(policyIn(tier, 1), () => HIDDEN);
    expect(difference("pages", KNOWN, hidden)).toMatchObject({
      difference: 0,
      hiddenLow: 0,
      hiddenHigh: 20 * pages,
      verdict: "not distinguishable",
    });
    const { hiddenHigh } = difference("escalations", KNOWN, hidden);
    expect(hiddenHigh).toBe(tier === "approve" ? 20 * steps : 0);
    expect(difference("approvalsExpired", KNOWN, hidden).hiddenHigh).toBe(
      tier === "approve" ? 20 : 0,
    );
  });

  it("are pages by night where history rolled back by night", () => {
    const atMs = NOON_MS + 11 * 60 * MINUTE_MS;
    const night = under(policyIn("override", 1), () => ({ ...HIDDEN, censoredAtMs: atMs }));
    expect(difference("nightPages", KNOWN, night)).toMatchObject({ hiddenLow: 0, hiddenHigh: 20 });
    const day = under(policyIn("override", 1), () => HIDDEN);
    expect(difference("nightPages", KNOWN, day).hiddenHigh).toBe(0);
  });

  it("of a model are no more certain than none", () => {
    const paged = { ...HIDDEN, pagesAtMs: [CUT_MS + MINUTE_MS], tier: "override" as const };
    const modelled = under(policyIn("override", 1), () => paged);
    expect(difference("pages", KNOWN, modelled)).toMatchObject({
      difference: 20,
      hiddenLow: 0,
      hiddenHigh: 20,
      verdict: "not distinguishable",
    });
    // A page from before history's rollback happened, whatever it hid.
    const before = under(policyIn("override", 1), () => ({ ...paged, pagesAtMs: [CUT_MS] }));
    expect(difference("pages", KNOWN, before)).toMatchObject({ hiddenLow: 20, hiddenHigh: 40 });
  });

  it("of two policies that watch the same: both ask or neither does", () => {
    const [full, asks] = [policyIn("full"), policyIn("override")].map((policy) =>
      under(policy, () => HIDDEN),
    );
    const found = difference("pages", full!, asks!);
    expect(found).toMatchObject({ hiddenLow: 0, hiddenHigh: 20 });
    expect(found.assumed).toEqual({ bounded: 0, alike: 20, modelled: 0 });
    const same = under({ ...policyIn("override"), policy: "other" }, () => HIDDEN);
    expect(difference("pages", same, asks!)).toMatchObject({ hiddenLow: 0, hiddenHigh: 0 });
  });

  it("whose answer is unknown: the question is certain, the escalations are not", () => {
    const asked: Partial<Outcome> = {
      evidence: "unknown",
      tier: "approve",
      proposedAtMs: CUT_MS,
      pagesAtMs: [CUT_MS],
    };
    const unknown = under(policyIn("approve", 1), () => asked);
    expect(difference("pages", KNOWN, unknown)).toMatchObject({
      hiddenLow: 20,
      hiddenHigh: 20 * (1 + steps),
    });
  });
});

it("a rollback during an unrelated incident is as open as any other where history hid it", () => {
  const label = "unrelated_incident" as const;
  const before = under(policyIn("full"), () => ({ label }));
  const model = rolledBack(6, { label, ...HIDDEN, end: "rolledBack", evidence: "modelled" });
  const after = under(policyIn("full", 1), (at) => ({ ...model, service: SERVICES[at]! }));
  expect(difference("unrelatedRollbacks", before, after)).toMatchObject({
    difference: 20,
    hiddenLow: 0,
    hiddenHigh: 20,
    verdict: "not distinguishable",
  });
});

it("what may be masked is bounded where the policy reads tags, and never beyond", () => {
  const before = under(policyIn("full"), () => regression(30));
  const reads = { ...policyIn("full", 1), context: shipped("three-tiers").context };
  const after = under(reads, () => ({ ...regression(30), ...HIDDEN }));
  expect(difference("tagMasked", before, after).hiddenHigh).toBe(20);
  const plain = { ...after, policy: { ...reads, context: [] } };
  expect(difference("tagMasked", before, plain).hiddenHigh).toBe(0);
});

it("whatever history hid, the true difference lies between the bounds", () => {
  const tiers = fc.constantFrom<TierName>("full", "override", "approve", "observe");
  const one = fc.record({
    isOpen: fc.boolean(),
    sure: fc.nat(2),
    asked: fc.nat(1 + steps),
    modelled: fc.nat(1 + steps),
    label: fc.constantFrom<Outcome["label"]>("benign", "unrelated_incident"),
    truly: fc.boolean(),
    inModel: fc.boolean(),
  });
  fc.assert(
    fc.property(tiers, fc.array(one, { minLength: 20, maxLength: 20 }), (tier, all) => {
      const most = tier === "full" ? 0 : tier === "approve" ? 1 + steps : 1;
      const lived = (isTrue: boolean) => (at: number) => {
        const { isOpen, sure, asked, modelled, label, truly, inModel } = all[at]!;
        const later = isOpen ? Math.min(most, isTrue ? asked : modelled) : 0;
        const acts = isOpen && (isTrue ? truly : inModel);
        const base = acts ? rolledBack(6) : outcome();
        return {
          ...base,
          service: SERVICES[at]!,
          label,
          tier,
          pagesAtMs: [
            ...Array.from({ length: sure }, () => NOON_MS),
            ...Array.from({ length: later }, () => CUT_MS + MINUTE_MS),
          ],
          ...(isOpen && !isTrue ? { censoredAtMs: CUT_MS, evidence: "bounded" as const } : {}),
        };
      };
      const policy = policyIn(tier, 1);
      const [truth, shown] = [under(policy, lived(true)), under(policy, lived(false))];
      for (const field of ["pages", "unrelatedRollbacks", "falsePositiveRollbacks"]) {
        const { hiddenLow, hiddenHigh } = difference(field, KNOWN, shown);
        const value = truth.scored.values.get(field)! - KNOWN.scored.values.get(field)!;
        expect(value).toBeGreaterThanOrEqual(hiddenLow!);
        expect(value).toBeLessThanOrEqual(hiddenHigh!);
      }
    }),
    { numRuns: 60 },
  );
});

describe("the gate", () => {
  function check(name: string, before: Evaluated, after: Evaluated, budget: Budget): Check {
    const differences = differencesOf(before, after, { scoring: SCORING, hidden: WITHOUT_A_PLAN });
    const manifest = { costs: DEFAULT_COSTS, recovery: { unaidedSeconds: 3600 } };
    const evaluation = { policies: [before, after], differences, flips: [], manifest };
    const asked = evaluation as unknown as Parameters<typeof gateOf>[0];
    return gateOf(asked, budget, [], 2).checks.find((one) => one.name === name)!;
  }
  const guards = (name: string, amount: number): Budget => ({
    ...DEFAULT_BUDGET,
    guards: [
      {
        field: FIELDS.find((field) => field.name === name)!,
        margin: { amount, of: "absolute", text: String(amount) },
      },
    ],
    worseFlips: null,
  });

  it("neither passes nor fails pages that history hid, and did on a model", () => {
    const none = under(policyIn("override", 1), () => HIDDEN);
    const paged = under(policyIn("override", 1), () => ({
      ...HIDDEN,
      pagesAtMs: [CUT_MS + MINUTE_MS],
    }));
    for (const candidate of [none, paged]) {
      expect(check("pages", KNOWN, candidate, guards("pages", 5))).toMatchObject({
        verdict: "inconclusive",
        ground: null,
        assumed: { bounded: 20 },
      });
    }
  });

  it("passes no limit of worse flips that open ones may exceed", () => {
    const [before, after] = [KNOWN, under(policyIn("override", 1), () => HIDDEN)];
    const flips = flipsOf(before.outcomes, after.outcomes, "next");
    expect(flips.map(({ change }) => change)).toEqual(SERVICES.map(() => "open"));
    const verdictFor = (worseFlips: number): Check => {
      const manifest = { costs: DEFAULT_COSTS, recovery: { unaidedSeconds: 3600 } };
      const differences = differencesOf(before, after, { scoring: SCORING });
      const evaluation = { policies: [before, after], differences, flips, manifest };
      const asked = evaluation as unknown as Parameters<typeof gateOf>[0];
      const { checks } = gateOf(asked, { ...DEFAULT_BUDGET, worseFlips }, [], 2);
      return checks.find(({ name }) => name === "worseFlips")!;
    };
    expect(verdictFor(19)).toMatchObject({ verdict: "inconclusive", atMost: 20, ground: null });
    expect(verdictFor(20)).toMatchObject({ verdict: "pass", ground: "identified" });
  });

  it("passes whatever history hid where that is within the margin, and says so", () => {
    const few = under(policyIn("override", 1), (at) => (at < 2 ? HIDDEN : {}));
    const found = check("pages", KNOWN, few, guards("pages", 20));
    expect(found).toMatchObject({ verdict: "pass", ground: "identified", assumed: { bounded: 2 } });
    expect(found.reason).toContain("whatever history hid of 2 deployments");
  });

  it("says where it passes on a model of recoveries", () => {
    const slow = under(policyIn("full"), () => ({ ...regression(40), end: "missed" }));
    const quick = under(policyIn("full", 1), (at) => ({
      ...rolledBack(5, { ...regression(9), evidence: "modelled" }),
      service: SERVICES[at]!,
    }));
    const name = "timeToRecovery.restrictedMean60m";
    const found = check(name, slow, quick, DEFAULT_BUDGET);
    expect(found).toMatchObject({
      verdict: "pass",
      ground: "modelled",
      assumed: { bounded: 0, alike: 0, modelled: 20 },
    });
    expect(found.reason).toContain("on the recovery of 20 deployments from a model");
    // What was done is exact: that fewer are missed rests on no model.
    expect(check("missRate", slow, quick, DEFAULT_BUDGET)).toMatchObject({
      verdict: "pass",
      ground: "identified",
    });
  });
});
