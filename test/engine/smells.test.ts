/** What a reviewer would ask about in a policy that is allowed: each smell, and beside it none. */

import { describe, expect, test } from "vitest";
import { smellsOf } from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

type Written = Readonly<Record<string, unknown>>;

const SOUND: Written = {
  policy: "sound",
  owner: "platform",
  signals: { latency: { metric: "latency", tolerance: "10%", hold: "60s" } },
  tiers: {
    override: { window: "2m" },
    approve: { sla: "10m", escalate: [{ to: "senior", sla: "30m" }], onExpiry: "rollback" },
  },
  assign: [{ when: { criticality: "critical" }, tier: "approve" }, { otherwise: "override" }],
  modes: { nights: { calendar: "Mon-Fri 18:00-09:00", tier: { override: "approve" } } },
  context: { rise: { signal: "latency", shifts: "tolerance" } },
  guardrails: { never: [{ when: { tags: { irreversible: true } } }], toleranceAtMost: "60%" },
};

function smells(changes: Written): string[] {
  const written: Written = { ...SOUND, ...changes };
  const isWritten = (path: readonly (string | number)[]): boolean =>
    path.reduce<unknown>((value, key) => (value as Written | undefined)?.[key], written) !==
    undefined;
  return smellsOf(policyOf(written), isWritten).map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );
}

const otherwise = (tier: string): Written => ({ assign: [{ otherwise: tier }] });
const evidence = (full: string, override: string): Written => ({
  ...otherwise("override"),
  fusion: "evidence",
  signals: { latency: { metric: "latency", tolerance: "10%", detector: { kind: "eprocess" } } },
  tiers: { full: { confidence: full }, override: { confidence: override } },
});

const AGENT = { sre: { from: "50%", aloneFrom: "60%", needsEvidence: true } };

describe("a policy", () => {
  test("that is sound has none", () => {
    expect(smells({})).toEqual([]);
    expect(smells({ ...evidence("95%", "80%"), assign: [{ otherwise: "full" }] })).toEqual([]);
  });

  test.each<[string, Written, string]>([
    [
      "whose window nobody can use",
      { tiers: { override: { window: "45s" } } },
      "tiers.override.window: people cannot answer within 45s",
    ],
    [
      "whose window is shorter than a hold",
      { signals: { latency: { metric: "latency", tolerance: "10%", hold: "5m" } } },
      "tiers.override.window: 2m to object to a breach that took 5m to be believed (latency)",
    ],
    [
      "with a rule behind one that takes all",
      {
        assign: [
          { when: { criticality: ["high", "critical"] }, tier: "approve" },
          { when: { criticality: "critical", service: "cart" }, tier: "approve" },
          { otherwise: "override" },
        ],
      },
      "assign.1: this rule never matches",
    ],
    [
      "with a tier that nothing gives",
      { ...otherwise("override"), modes: {} },
      "tiers.approve: no rule, mode, stage or tag gives the tier approve",
    ],
    [
      "with a mode that changes nothing",
      {
        modes: {
          ...(SOUND["modes"] as Written),
          idle: { otherwise: true, tier: { full: "observe" } },
        },
      },
      "modes.idle: this mode changes nothing",
    ],
    [
      "with a mode that a tag switches on for good",
      { modes: { maintenance: { when: { tags: { window: true } }, toleranceTimes: 2 } } },
      "modes.maintenance.when.tags.window: the tag window switches this mode on",
    ],
    [
      "that tolerates more than its own ceiling",
      { signals: { latency: { metric: "latency", tolerance: "70%" } } },
      "signals.latency.tolerance: 70 % is above toleranceAtMost, 60 %",
    ],
    [
      "whose tags nothing bounds",
      { guardrails: { never: [{ when: { tags: { irreversible: true } } }] } },
      "context.rise: a tag lifts the tolerance of latency, and no",
    ],
    [
      "that acts on silence and asks nobody else",
      { tiers: { approve: { sla: "10m", onExpiry: "rollback" } } },
      "tiers.approve.onExpiry: without an answer in 10m the machine acts",
    ],
    [
      "that asks more of less authority",
      { ...evidence("70%", "80%"), assign: [{ otherwise: "full" }], modes: {} },
      "tiers.full.confidence: full asks for 70 %, less than override with 80 %",
    ],
    [
      "with a confidence that no fusion reads",
      { tiers: { override: { confidence: "90%" } } },
      "tiers.override.confidence: only `fusion: evidence` asks",
    ],
    ...(["any", { atLeast: 1 }, { weight: 1 }, "all"] as const).map(
      (fusion): [string, Written, string] => [
        `whose agent needs evidence that acts by itself under ${JSON.stringify(fusion)}`,
        { fusion, agents: AGENT },
        "agents.sre.needsEvidence: one breach is enough to act on, so the word of sre adds nothing",
      ],
    ),
    [
      "that may undo what cannot be undone",
      { guardrails: { toleranceAtMost: "60%" } },
      "guardrails.never: a change that cannot be undone",
    ],
  ])("%s", (_, changes, message) => {
    const found = smells(changes);
    expect(found.filter((one) => one.startsWith(message))).toHaveLength(1);
  });

  test("may want evidence beside an agent's word where one breach is not enough", () => {
    const latency = (SOUND["signals"] as Written)["latency"];
    const signals = { latency, errors: { metric: "errors", tolerance: "1pp", hold: "60s" } };
    for (const fusion of ["all", { atLeast: 2 }, { weight: 1.5 }]) {
      expect(smells({ fusion, signals, agents: AGENT })).toEqual([]);
    }
    const evident = { ...evidence("95%", "80%"), assign: [{ otherwise: "full" }] };
    expect(smells({ ...evident, agents: AGENT })).toEqual([]);
    expect(smells({ agents: { sre: { from: "50%" } } })).toEqual([]);
  });

  test("may have a mode that a tag switches on for a time, or off", () => {
    const tags = { window: true, quiet: false };
    const modes = { maintenance: { when: { tags }, toleranceTimes: 2, tier: { full: "approve" } } };
    const assign = [{ when: { criticality: "critical" }, tier: "full" }, { otherwise: "override" }];
    const context = { window: { for: "4h" } };
    expect(smells({ assign, modes, context, tiers: {} })).toEqual([]);
  });

  test("that only watches may meet what cannot be undone, as may one that observes it", () => {
    const none = { guardrails: { toleranceAtMost: "60%" }, modes: {} };
    expect(smells({ ...none, ...otherwise("observe"), tiers: {} })).toEqual([]);
    const kept = [
      { when: { tags: { irreversible: "*" } }, tier: "observe" },
      { otherwise: "override" },
    ];
    expect(smells({ ...none, assign: kept, tiers: {} })).toEqual([]);
  });
});
