/** What an agent's proposal caused, and what agents did about regressions that were missed. */

import { expect, it } from "vitest";
import { causeLines } from "../../lab/causes/words.ts";
import { OVERRIDE, tinyHistory, tinyPolicy } from "../history/tinyHistory.ts";
import { evaluated } from "../history/smallWorld.ts";

const LISTENING = tinyPolicy(
  "listening",
  `agents: { sre: { from: 60%, aloneFrom: 90% }, careful: { from: 60%, needsEvidence: true } }
tiers: { override: { window: 5m, onTimeout: rollback }, approve: { sla: 10m, onExpiry: hold } }
assign: [{ otherwise: override }]`,
);
const missed = { label: "regression", incident: [4, 90] } as const;

it("names the agent that caused a wrong rollback, and whether a person approved", async () => {
  const history = await tinyHistory({
    alone: { label: "benign", proposals: [[5, "sre", 0.95]] },
    approved: {
      label: "benign",
      proposals: [[5, "sre", 0.7]],
      decisions: [
        [6, "proposed"],
        [7, "approvalGiven", "ana"],
      ],
    },
    // The detector asks before the agent speaks.
    own: { label: "benign", slow: [1, 60], proposals: [[9, "sre", 0.95]] },
  });
  const causes = async (people: "absent" | "recorded") => {
    const { policies } = await evaluated(history, [LISTENING, OVERRIDE], people);
    return policies.map(({ scored }) =>
      scored.scorecard.causes!.falseRollbacks.map(({ cause, by }) => [cause, by]),
    );
  };
  const [alone, without] = await causes("absent");
  expect(alone).toEqual([
    ["agentAlone", { sre: 1 }],
    ["lasting", { latency: 1 }],
  ]);
  expect(without).toEqual([["lasting", { latency: 1 }]]);
  const [approved] = await causes("recorded");
  expect(approved).toContainEqual(["agentApproved", { sre: 1 }]);
});

it("says what agents did about each regression that was missed", async () => {
  const history = await tinyHistory({
    silent: missed,
    unsure: { ...missed, proposals: [[5, "sre", 0.5]] },
    // The surer word does not count, the one that got furthest is told.
    unseen: {
      ...missed,
      proposals: [
        [5, "sre", 0.5],
        [6, "careful", 0.9],
      ],
    },
    stranger: { ...missed, proposals: [[5, "other", 1]] },
    late: { ...missed, proposals: [[61, "sre", 0.95]] },
    unanswered: { ...missed, proposals: [[5, "sre", 0.7]] },
    cut: { ...missed, proposals: [[9, "sre", 0.95]], decisions: [[8, "rollbackStarted"]] },
  });
  const { policies } = await evaluated(history, [LISTENING, OVERRIDE]);
  const [listening, deaf] = policies.map(({ scored }) => scored.scorecard.causes!);
  const found = listening!.agents!.map(({ cause, by, deployments }) => [cause, by, ...deployments]);
  expect(found).toEqual([
    ["hidden", {}, "d-cut"],
    ["asked", { sre: 1 }, "d-unanswered"],
    ["notWatched", { sre: 1 }, "d-late"],
    ["noEvidence", { careful: 1 }, "d-unseen"],
    ["belowFrom", { sre: 1 }, "d-unsure"],
    ["notNamed", { other: 1 }, "d-stranger"],
    ["silent", {}, "d-silent"],
  ]);
  const sum = listening!.misses.reduce((total, { count }) => total + count, 0);
  expect(found).toHaveLength(sum);
  expect(listening!.misses).toContainEqual(
    expect.objectContaining({ cause: "stopped", by: { unanswered: 1 } }),
  );
  expect(deaf!.agents).toBe(undefined);
  expect(causeLines("listening", listening)).toHaveLength(2);
  expect(causeLines("override", deaf)).toHaveLength(1);
});
