/**
 * `--people recorded` with what people answered agents: the same proposal gets the same answer, as
 * long after the question, and no other question does.
 */

import { describe, expect, it } from "vitest";
import type { Propose } from "../../engine/index.ts";
import type { DecisionRow, ProposalRow } from "../../lab/history/tables.ts";
import { checkPeople, choosePeople } from "../../lab/people/choose.ts";
import { recorded } from "../../lab/people/recorded.ts";
import { evaluated } from "../history/smallWorld.ts";
import { minute, tinyHistory, tinyPolicy } from "../history/tinyHistory.ts";

/** A person must agree to what the agent says; the detector acts alone. */
const ASKING = tinyPolicy(
  "asking",
  `agents: { sre: { from: 60% } }
assign: [{ otherwise: full }]`,
);
const WINDOW = tinyPolicy(
  "window",
  `agents: { sre: { from: 60%, aloneFrom: 60% } }
tiers: { override: { window: 5m, onTimeout: rollback } }
assign: [{ otherwise: override }]`,
);

async function outcomes(policy: typeof ASKING, fleet: Parameters<typeof tinyHistory>[0]) {
  const { policies, manifest } = await evaluated(await tinyHistory(fleet), [policy], "recorded");
  const told = [...policies[0]!.outcomes].map((one) => [
    one.service,
    [one.end, one.decidedAtMs, one.evidence],
  ]);
  return { told: Object.fromEntries(told) as Record<string, unknown>, manifest };
}

describe("answers to proposals of agents", () => {
  it("are given again to the same proposal, as long after it was asked", async () => {
    const { told, manifest } = await outcomes(ASKING, {
      yes: { label: "benign", proposals: [[5, "sre", 0.7, "accepted"]] },
      no: { label: "benign", proposals: [[5, "sre", 0.7, "rejected"]] },
      // What people would have said is unknown.
      silent: { label: "benign", proposals: [[5, "sre", 0.7]] },
      // The policy does not ask about the first one, which people accepted.
      second: {
        label: "benign",
        proposals: [
          [5, "sre", 0.5, "accepted"],
          [9, "sre", 0.8, "rejected"],
        ],
      },
    });
    expect(told).toMatchObject({
      yes: ["rolledBack", minute(6), "observed"],
      no: ["overridden", minute(6), "observed"],
      second: ["overridden", minute(10), "observed"],
    });
    expect((told["silent"] as unknown[])[2]).toBe("unknown");
    expect(manifest.peopleFrom).toBe("the recorded answers, 4 of them to proposals of agents");
  });

  it("stop a window, and let it run at once", async () => {
    const { told } = await outcomes(WINDOW, {
      yes: { label: "benign", proposals: [[5, "sre", 0.7, "accepted"]] },
      no: { label: "benign", proposals: [[5, "sre", 0.7, "rejected"]] },
    });
    expect(told).toMatchObject({
      yes: ["rolledBack", minute(6), "observed"],
      no: ["overridden", minute(6), "observed"],
    });
  });

  it("are no answers to a question of our own detector", async () => {
    const { told } = await outcomes(WINDOW, {
      // The detector asks at minute 11; the agent spoke at 40, after the end.
      seen: {
        ...{ slow: [10, 60], label: "regression", incident: [10, null] },
        proposals: [[40, "sre", 0.7, "rejected"]],
      },
    });
    const [end, , evidence] = told["seen"] as unknown[];
    expect([end, evidence]).toEqual(["rolledBack", "unknown"]);
  });
});

const ROW: ProposalRow = {
  ...{ proposalId: "p", deploymentId: "d", agent: "sre", action: "rollback", confidence: 0.9 },
  ...{ rationale: null, proposedAtMs: 1000, answeredBy: "ann", answer: "rejected" },
  answeredAtMs: 61_000,
};
const DECISION = { deploymentId: "d", by: "bob", justification: null, confidence: null };
const DECISIONS: readonly DecisionRow[] = [
  { ...DECISION, what: "proposed", atMs: 5000 },
  { ...DECISION, what: "approvalGiven", atMs: 35_000 },
];
const ASK: Propose = {
  ...{ kind: "propose", deploymentId: "d", askedAtMs: 100_000, decisionId: "x", ordinal: 2 },
  ...{ answers: ["override", "approve"], answerByMs: 1e9, onSilence: "hold", to: "team" },
};
const WORD = { agent: "sre", proposalId: "p" };

describe("a recorded responder", () => {
  const people = recorded(DECISIONS, [ROW]);

  it("answers a proposal by its agent and its id, however often it asked before", () => {
    expect(people.answers(ASK, WORD)).toMatchObject([
      { kind: "overrideGiven", by: "ann", atMs: 160_000, knownAtMs: 160_000 },
    ]);
    // Another agent's, another one, and our own: as without proposals, the first question only.
    for (const other of [{ ...WORD, agent: "ops" }, { ...WORD, proposalId: "q" }, undefined]) {
      expect(people.answers(ASK, other)).toEqual([]);
      expect(people.answers({ ...ASK, ordinal: 1 }, other)).toMatchObject([
        { kind: "approvalGiven", by: "bob", atMs: 130_000 },
      ]);
    }
  });

  it("has no answer where its time is not recorded", () => {
    const untimed = recorded([], [{ ...ROW, answeredAtMs: null }]);
    expect(untimed.answers(ASK, WORD)).toEqual([]);
    expect(untimed.knows("d", 1, WORD)).toBe(false);
    expect(recorded([], [ROW]).knows("d", 1, WORD)).toBe(true);
    expect(recorded([], [ROW]).knows("d", 1)).toBe(false);
  });

  it("needs decisions or answered proposals", async () => {
    const asked = await tinyHistory({ a: { label: "benign", proposals: [[5, "sre", 0.7]] } });
    expect(() => choosePeople(asked, "recorded", 1)).toThrow(/no answered proposals/);
    checkPeople("recorded", asked.dir, asked.manifest.rows);
    const none = await tinyHistory({ a: { label: "benign" } });
    expect(() => checkPeople("recorded", none.dir, none.manifest.rows)).toThrow(/no recorded/);
  });
});
