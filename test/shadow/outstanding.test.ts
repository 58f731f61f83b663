/** What a host that restarts asks once more: open rollbacks, and questions that still stand. */

import { expect, it } from "vitest";
import type {
  ClockAdvanced,
  ControllerStep,
  DecisionKind,
  DecisionRecord,
  EngineCommand,
} from "../../engine/index.ts";
import { initialController } from "../../engine/index.ts";
import { Outstanding } from "../../lab/shadow/outstanding.ts";

const START_MS = Date.UTC(2026, 6, 1);

function stepOf(decision: DecisionKind, commands: readonly EngineCommand[] = []): ControllerStep {
  const record = { decisionId: `cart-1#${decision}`, deploymentId: "cart-1", decision, reason: "" };
  return {
    state: initialController,
    commands,
    records: [record as unknown as DecisionRecord],
    handled: [],
  };
}

function clockAt(afterMs: number): ClockAdvanced {
  return { kind: "clockAdvanced", atMs: START_MS + afterMs, knownAtMs: START_MS + afterMs };
}

const ABOUT = { deploymentId: "cart-1", askedAtMs: START_MS, to: "on-call" } as const;
const PROPOSE: EngineCommand = {
  ...ABOUT,
  kind: "propose",
  decisionId: "cart-1#proposed",
  ordinal: 1,
  answers: ["override"],
  answerByMs: START_MS + 120_000,
  onSilence: "rollback",
};
const NOTIFY: EngineCommand = {
  ...ABOUT,
  kind: "notify",
  decisionId: "cart-1#proposed",
  reason: "",
};

it.each(["ended", "withdrawn", "rollbackOrdered"] as const)(
  "a question is asked of nobody again once it is %s, and what was only told still is",
  (decision) => {
    const outstanding = new Outstanding({ act: true, errands: [] }, initialController);
    outstanding.take(clockAt(0), stepOf("proposed", [PROPOSE, NOTIFY]));
    expect(outstanding.all.map(({ command }) => command)).toEqual([PROPOSE, NOTIFY]);
    outstanding.take(clockAt(1000), stepOf(decision));
    expect(outstanding.all.map(({ command }) => command)).toEqual([NOTIFY]);
    outstanding.take(clockAt(300_001), stepOf("refused"));
    expect(outstanding.all).toEqual([]);
  },
);

it("a restarted host repeats open questions, and rollbacks that have not ended", () => {
  const rollBack: EngineCommand = {
    kind: "rollBack",
    deploymentId: "cart-1",
    askedAtMs: START_MS,
    decisionId: "cart-1#rollbackOrdered",
    authority: "policy",
    accountable: "team",
  };
  const outstanding = new Outstanding({ act: true, errands: [] }, initialController);
  outstanding.take(clockAt(0), stepOf("proposed", [PROPOSE]));
  outstanding.take(clockAt(1000), stepOf("refused"));
  expect(outstanding.all.map(({ command }) => command)).toEqual([PROPOSE]);
  outstanding.take(clockAt(2000), stepOf("rollbackOrdered", [rollBack]));
  outstanding.take(clockAt(3_600_000), stepOf("refused"));
  expect(outstanding.all.map(({ command }) => command)).toEqual([rollBack]);
  outstanding.take(clockAt(3_600_001), stepOf("ended"));
  expect(outstanding.all).toEqual([]);
});
