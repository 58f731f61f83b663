/** A replay of what agents proposed: who listens acts on it, and nobody else is any different. */

import { expect, it } from "vitest";
import { evaluated } from "../history/smallWorld.ts";
import { minute, OVERRIDE, tinyHistory, tinyPolicy } from "../history/tinyHistory.ts";

const LISTENING = tinyPolicy(
  "listening",
  `agents: { sre: { from: 60%, aloneFrom: 90% } }
tiers: { override: { window: 5m, onTimeout: rollback } }
assign: [{ otherwise: override }]`,
);
const FLEET = {
  // Seen by our detector five minutes after the agent spoke.
  bad: { slow: [10, 60], label: "regression", incident: [4, null], proposals: [[5, "sre", 0.95]] },
  // Nothing to be seen: only the agent speaks, and it is wrong.
  good: { label: "benign", proposals: [[5, "sre", 0.92]] },
  unsure: { label: "benign", proposals: [[5, "sre", 0.7]] },
  deaf: { label: "benign", proposals: [[5, "other", 1]] },
} as const;

it("acts on the word of an agent under a policy that listens, and under no other", async () => {
  const history = await tinyHistory(FLEET);
  const silent = await tinyHistory({
    bad: { slow: [10, 60], label: "regression", incident: [4, null] },
    good: { label: "benign" },
    unsure: { label: "benign" },
    deaf: { label: "benign" },
  });
  const evaluation = await evaluated(history, [OVERRIDE, LISTENING]);
  const alone = await evaluated(silent, [OVERRIDE]);
  const [without, listening] = evaluation.policies;
  expect([...without!.outcomes]).toEqual([...alone.policies[0]!.outcomes]);
  const ends = Object.fromEntries(
    [...listening!.outcomes].map((one) => [one.service, [one.end, one.executedAtMs !== null]]),
  );
  expect(ends).toEqual({
    bad: ["rolledBack", true],
    good: ["rolledBack", true],
    // Nobody said yes.
    unsure: ["withdrawn", false],
    deaf: ["healthy", false],
  });
  const bad = [...listening!.outcomes].find(({ service }) => service === "bad")!;
  expect([bad.detectedAtMs, bad.proposedAtMs, bad.confidence]).toEqual([
    minute(5),
    minute(5),
    null,
  ]);
});
