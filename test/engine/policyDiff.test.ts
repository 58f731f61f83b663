/** What two policies do differently: in words, with paths, and nothing left out. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { diffPolicies, type Policy } from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

type Written = Readonly<Record<string, unknown>>;

const FOLDER = new URL("../../scenarios/policies/", import.meta.url).pathname;
const written = (name: string): Written =>
  parse(readFileSync(join(FOLDER, `${name}.yaml`), "utf8")) as Written;
const shipped = (name: string): Policy => policyOf(written(name), name);
const words = (before: Policy, after: Policy): readonly string[] =>
  diffPolicies(before, after).map(({ text }) => text);

const BEFORE = {
  policy: "before",
  owner: "platform",
  signals: {
    latency: { metric: "latency", tolerance: "10%", detector: { kind: "cusum" } },
    errors: { metric: "errors", tolerance: "1pp" },
  },
  assign: [{ when: { criticality: "critical" }, tier: "approve" }, { otherwise: "override" }],
  modes: {
    office: { calendar: "Mon-Fri 09:00-18:00", tier: { override: "approve" } },
  },
  context: {
    rise: { signal: "latency", shifts: "tolerance", max: "50%" },
    promised: { tierAtLeast: "override" },
  },
  guardrails: {
    never: [{ when: { kind: "migration" } }],
    toleranceAtMost: "60%",
    rollbackBudget: { max: 3, in: "24h" },
  },
};

describe("what two policies do differently", () => {
  it("is said in words, in the order of the file", () => {
    const after = policyOf({
      ...BEFORE,
      policy: "after",
      watch: "2h",
      fusion: { atLeast: 2 },
      signals: {
        latency: { metric: "latency", tolerance: "12%", detector: { kind: "ewma" }, hold: "2m" },
        conversion: { metric: "conversion", worse: "down", tolerance: "5%" },
      },
      tiers: { override: { window: "5m", onTimeout: "hold" } },
      assign: [
        { when: { environment: ["test", "staging"] }, tier: "full" },
        { when: { criticality: "critical" }, tier: "approve" },
        { otherwise: "full" },
      ],
      modes: {
        office: { calendar: "Mon-Fri 08:00-18:00", tier: { override: "observe" } },
      },
      context: {
        rise: { signal: "latency", shifts: "tolerance", max: "30%" },
        promised: { tierAtLeast: "approve" },
      },
      guardrails: {
        never: [{ when: { tags: { irreversible: true } } }],
        toleranceAtMost: "80%",
        rollbackBudget: { max: 1, in: "24h" },
        cooldown: "30m",
      },
    });
    expect(words(policyOf(BEFORE), after)).toMatchInlineSnapshot(`
      [
        "name before → after",
        "watch 1h → 2h",
        "signal errors is gone: metric errors, of own, worse up, detector (kind cusum, season true, drift 1, clip 4, limit 8, baseline 1h), tolerance 1 pp, hold 1m, clear 2m, weight 1",
        "latency detector kind cusum, season true, drift 1, clip 4, limit 8, baseline 1h → kind ewma, season true, weight 0.4, clip 3, limit 5, baseline 1h",
        "latency tolerates 10 % → 12 %",
        "latency must breach for 1m → 2m",
        "signal conversion is new: metric conversion, of own, worse down, detector (kind cusum, season true, drift 1, clip 4, limit 8, baseline 1h), tolerance 5 %, hold 1m, clear 2m, weight 1",
        "fusion any → atLeast 2",
        "override window 2m → 5m",
        "override on silence rollback → hold",
        "assign[0] is new: environment test or staging: full",
        "every other deployment override → full",
        "mode office calendar loses: Mon-Fri 09:00-18:00",
        "mode office calendar gains: Mon-Fri 08:00-18:00",
        "mode office makes override approve → observe",
        "tag promised wants at least override → approve (tightened)",
        "tag rise counts up to 50 % → 30 % (tightened)",
        "never delegated loses: kind migration (loosened)",
        "never delegated gains: tag irreversible=true (tightened)",
        "tolerance at most 60 % → 80 % (loosened)",
        "rollback budget max 3 → 1 (tightened)",
        "cooldown is new: 30m (tightened)",
      ]
    `);
  });

  it("names paths, values and which way they went", () => {
    const after = policyOf({ ...BEFORE, guardrails: { ...BEFORE.guardrails, cooldown: "1h" } });
    expect(diffPolicies(policyOf(BEFORE), after)).toEqual([
      {
        path: ["guardrails", "cooldown"],
        before: null,
        after: "1h",
        direction: "tightened",
        text: "cooldown is new: 1h (tightened)",
      },
    ]);
    expect(words(after, policyOf(BEFORE))).toEqual(["cooldown is gone: 1h (loosened)"]);
  });

  it("says what is learned, and which way that was tightened", () => {
    const evidence = shipped("evidence");
    const learns = (learning: unknown): Policy =>
      policyOf({ ...written("evidence"), learning }, "evidence");
    expect(words(evidence, learns({}))).toEqual([
      "learning from overrides is new: halfLife 90d, atLeast 5, discountAtMost 50 %",
    ]);
    const careful = learns({ halfLife: "30d", atLeast: 8, discountAtMost: "30%" });
    expect(words(learns({}), careful)).toEqual([
      "what was learned weighs half after 90d → 30d",
      "similar proposals teach from a weight of 5 → 8 (tightened)",
      "learning lowers a confidence by at most 50 % → 30 % (tightened)",
    ]);
    expect(words(evidence, learns({ fromOverrides: false }))).toEqual([]);
  });

  it("is the window alone between the two shipped override policies", () => {
    expect(words(shipped("two-minute-override"), shipped("five-minute-override"))).toEqual([
      "name two-minute-override → five-minute-override",
      "override window 2m → 5m",
    ]);
  });

  it("is nothing where the order of keys differs, and something where a digest does", () => {
    const turned = Object.fromEntries(Object.entries(BEFORE).reverse());
    expect(words(policyOf(BEFORE), policyOf(turned))).toEqual([]);
    const names = ["default", "evidence", "plain-window", "human-approval", "tagged-threshold"];
    for (const one of names) {
      for (const other of names) {
        const differs = shipped(one).digest !== shipped(other).digest;
        expect(diffPolicies(shipped(one), shipped(other)).length > 0).toBe(differs);
      }
    }
  });

  it("says when only the order of assign changed", () => {
    const rules = [
      { when: { criticality: "critical" }, tier: "approve" },
      { when: { environment: "test" }, tier: "full" },
    ];
    const policy = (assign: readonly unknown[]): Policy =>
      policyOf({ ...BEFORE, assign: [...assign, { otherwise: "override" }] });
    expect(words(policy(rules), policy([...rules].reverse()))).toEqual([
      "assign in another order: criticality critical: approve; environment test: full → " +
        "environment test: full; criticality critical: approve",
    ]);
  });
});
