/** A row that a sweep takes over from another policy is the row that deciding would have made. */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { watchHistory } from "../../lab/replay/replay.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { decisionKey } from "./decisionKey.ts";
import { rowMaker, type RowMaker } from "../../lab/sweep/rows.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

const SEED = 20_261_126;

let history: History;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
}, HOOK_MS);
afterAll(() => history.close());

function makerOf(people: string, past: History): RowMaker {
  const { from, to } = past.manifest;
  const edgesMs = [Date.parse(from!), Date.parse(to!)];
  return rowMaker(past, { people, costs: DEFAULT_COSTS, seed: 1, edgesMs });
}

/** How many rows were taken over; each is held against that of a maker who knows no other. */
async function takenOver(
  policies: readonly Policy[],
  people: string,
  past: History = history,
): Promise<number> {
  const watched = await watchHistory(past, policies, silent, { glances: true });
  const together = makerOf(people, past);
  const alike = new Map<never, never>();
  const rows = policies.map((policy, at) => {
    const { people: who, recovery } = together;
    const row = together.rowOf(watched.plan, watched.decide(at, who, recovery), alike);
    const alone = makerOf(people, past);
    const decided = watched.decide(at, alone.people, alone.recovery);
    expect(row, policy.policy).toEqual(alone.rowOf(watched.plan, decided, new Map()));
    return row;
  });
  return rows.length - new Set(rows).size;
}

/** The same, but that every service calls all others: a breach of one may be of any. */
function entangled(): History {
  const { tables } = history;
  const all = tables.services.map(({ service }) => service);
  const services = tables.services.map((row) => ({
    ...row,
    dependsOn: all.filter((service) => service !== row.service),
  }));
  return { ...history, tables: { ...tables, services } };
}

const RULES: readonly Policy["assign"][number][] = [
  { when: { environment: ["nowhere"] }, tier: "approve" },
  { when: { criticality: ["high", "critical"] }, tier: "approve" },
  { when: { kind: ["migration"], tags: { irreversible: "true" } }, tier: "observe" },
  {
    when: { kind: ["code", "config", "migration", "infrastructure", "feature_flag"] },
    tier: "full",
  },
  { when: { tags: { expected_change: "*" } }, tier: "approve" },
  { when: { service: ["nobody"], tags: { expected_change: "*" } }, tier: "full" },
];

const variation = fc.record({
  base: fc.constantFrom("two-minute-override", "evidence").map(shipped),
  rules: fc.subarray([...RULES], { maxLength: 2 }),
  tier: fc.constantFrom("full" as const, "override" as const, "approve" as const),
  windowMs: fc.constantFrom(60_000, 600_000),
  slaMs: fc.constantFrom(300_000, 900_000),
  onTimeout: fc.constantFrom("rollback" as const, "hold" as const),
  confidence: fc.constantFrom(0.5, 0.9),
});

function policyOf({
  base,
  rules,
  tier,
  windowMs,
  slaMs,
  onTimeout,
  confidence,
}: typeof variation extends fc.Arbitrary<infer Value> ? Value : never): Policy {
  const { override, approve } = base.tiers;
  return {
    ...base,
    assign: [...rules, { when: null, tier }],
    modes: base.modes.map((mode) => ({ ...mode, tier: {} })),
    tiers: {
      ...base.tiers,
      override: { ...override, windowMs, onTimeout, confidence },
      approve: { ...approve, slaMs },
    },
  };
}

describe(`random variations (seed ${SEED})`, () => {
  it.each(["absent", "modelled"])(
    "have the same rows together as alone, people %s",
    async (people) => {
      const policies = fc.sample(variation.map(policyOf), { seed: SEED, numRuns: 24 });
      const taken = await takenOver(policies, people);
      expect(taken).toBeGreaterThan(3);
      expect(taken).toBeLessThan(20);
    },
  );
});

describe("a row is reused where the policies differ only in", () => {
  const base: Policy = { ...shipped("two-minute-override"), modes: [] };
  const tier = (name: "full" | "override" | "approve"): Policy => ({
    ...base,
    assign: [{ when: null, tier: name }],
  });
  const waiting = (policy: Policy, windowMs: number): Policy => ({
    ...policy,
    tiers: { ...policy.tiers, override: { ...policy.tiers.override, windowMs } },
  });

  it("a window in which nobody was asked, not one in which somebody was", async () => {
    const asks = tier("override");
    expect(await takenOver([tier("approve"), waiting(tier("approve"), 777_000)], "absent")).toBe(1);
    expect(await takenOver([asks, waiting(asks, 777_000)], "absent")).toBe(0);
  });

  it("an approval that nobody was asked for, not one that a doubtful breach needed", async () => {
    // A breach of a caller may be of whatever else it calls.
    const signals = base.signals.map((signal) => ({ ...signal, of: ["callers" as const] }));
    const waiting = (slaMs: number, attribution: "on" | "off"): Policy => ({
      ...tier("full"),
      signals,
      attribution,
      tiers: { ...base.tiers, approve: { ...base.tiers.approve, slaMs, onExpiry: "rollback" } },
    });
    const doubting = [waiting(60_000, "on"), waiting(3_000_000, "on")] as const;
    const sure = [waiting(60_000, "off"), waiting(3_000_000, "off")] as const;
    expect(await takenOver(doubting, "absent", entangled())).toBe(0);
    expect(await takenOver(sure, "absent", entangled())).toBe(1);
    expect(decisionKey(doubting[0])).not.toBe(decisionKey(doubting[1]));
    expect(decisionKey(sure[0])).toBe(decisionKey(sure[1]));
  });

  it("a rule that no deployment meets, not one that some deployment meets", async () => {
    const after = (rule: Policy["assign"][number]): Policy => ({
      ...base,
      assign: [rule, { when: null, tier: "override" }],
    });
    const [nowhere, criticality] = RULES as [Policy["assign"][number], Policy["assign"][number]];
    expect(await takenOver([tier("override"), after(nowhere)], "absent")).toBe(1);
    expect(await takenOver([tier("override"), after(criticality)], "absent")).toBe(0);
  });
});
