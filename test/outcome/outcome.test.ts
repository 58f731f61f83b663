/** The evidence ledger, on tiny histories where the truth is known to the minute. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import type { PeopleChoice } from "../../lab/compare/evaluate.ts";
import type { History } from "../../lab/history/open.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { evaluated } from "../history/smallWorld.ts";
import {
  APPROVE,
  FULL,
  minute,
  MINUTE_MS,
  OBSERVE,
  OVERRIDE,
  SHORT,
  tinyHistory,
} from "../history/tinyHistory.ts";

const REGRESSION = { label: "regression", slow: [3, 45], incident: [3, 45] } as const;

let history: History;
beforeAll(async () => {
  history = await tinyHistory({
    // Nobody intervened; it went away by itself at minute 45.
    alone: { ...REGRESSION },
    // It went away by itself before any rollback could have helped.
    brief: { label: "regression", slow: [3, 6], incident: [3, 6] },
    // Nobody wrote down when it was over.
    endless: { ...REGRESSION, incident: [3, null] },
    // Too small to be seen by anybody.
    unseen: { label: "regression", incident: [3, 50] },
    // History asked at 4 and rolled back at 6: it was slow for no longer.
    early: {
      ...REGRESSION,
      slow: [3, 8],
      incident: [3, 8],
      decisions: [
        [4, "proposed"],
        [6, "rollbackStarted"],
        [7, "rollbackFinished"],
      ],
    },
    // History rolled back something bad before it was bad enough to see.
    foreseen: {
      label: "regression",
      slow: [20, 45],
      incident: [2, 9],
      decisions: [[7, "rollbackStarted"]],
    },
    // History rolled back good deployments: one that looked bad, one that did not.
    wronged: {
      label: "benign",
      slow: [3, 8],
      decisions: [
        [4, "proposed"],
        [6, "rollbackStarted"],
      ],
    },
    quiet: { label: "benign", decisions: [[6, "rollbackStarted"]] },
    // People said no after 70 seconds, or yes after fifteen minutes.
    vetoed: {
      label: "benign",
      slow: [3, 30],
      decisions: [
        [10, "proposed"],
        [10 + 70 / 60, "overrideGiven", "ada"],
      ],
    },
    approved: {
      ...REGRESSION,
      decisions: [
        [20, "proposed"],
        [35, "approvalGiven", "bo"],
      ],
    },
    // History tried to roll back and could not: it went on to minute 45.
    stuck: {
      label: "benign",
      slow: [20, 45],
      decisions: [
        [7, "rollbackStarted"],
        [8, "rollbackFailed"],
      ],
    },
    good: { label: "benign" },
    unlabelled: { slow: [3, 30] },
  });
});
afterAll(() => history.close());

async function outcomes(
  policy: Policy,
  people: PeopleChoice = "absent",
): Promise<(name: string) => Outcome> {
  const { policies } = await evaluated(history, [policy], people, 100);
  return (name) => policies[0]!.outcomes.find(({ service }) => service === name)!;
}

const minutes = (count: number): number => count * MINUTE_MS;

describe("observed: the history itself shows it", () => {
  it("a regression nobody ended is over when the history says so", async () => {
    const outcome = (await outcomes(OBSERVE))("alone");
    expect(outcome).toMatchObject({
      end: "held",
      rolledBack: false,
      verdict: "breach",
      onsetAtMs: minute(3),
      detectedAtMs: minute(4),
      proposedAtMs: minute(4),
      recoveredAtMs: minute(45),
      recoveryMs: minutes(42),
      evidence: "observed",
      tier: "observe",
    });
  });

  it("one that nobody saw is missed, and as long as it was", async () => {
    expect((await outcomes(FULL))("unseen")).toMatchObject({
      end: "missed",
      verdict: "healthy",
      detectedAtMs: null,
      recoveryMs: minutes(47),
      evidence: "observed",
    });
  });

  it("a good deployment left alone", async () => {
    expect((await outcomes(FULL))("good")).toMatchObject({
      end: "healthy",
      verdict: "healthy",
      evidence: "observed",
      recoveryMs: null,
    });
  });

  it("a deployment nobody labelled has no onset and is neither right nor wrong", async () => {
    expect((await outcomes(FULL))("unlabelled")).toMatchObject({
      label: "unknown",
      end: "rolledBack",
      onsetAtMs: null,
      recoveryMs: null,
    });
  });
});

describe("modelled: the decision is exact, the recovery is not", () => {
  it("a rollback history never made ends a regression after the documented medians", async () => {
    expect((await outcomes(FULL))("alone")).toMatchObject({
      end: "rolledBack",
      decidedAtMs: minute(4),
      executedAtMs: minute(5.5),
      recoveredAtMs: minute(7.5),
      // So small a history bounds nothing: at once, or as late as it ended alone.
      recoveryBestMs: minutes(1),
      recoveryWorstMs: minutes(42),
      evidence: "modelled",
      censoredAtMs: null,
    });
  });

  it("one that was over before the rollback usually helps was not ended by it", async () => {
    // Rolled back at 4 + 90 s, and 120 s until it helps: after minute 6, when it ended alone.
    expect((await outcomes(FULL))("brief")).toMatchObject({
      end: "rolledBack",
      executedAtMs: minute(5.5),
      recoveredAtMs: minute(6),
      recoveryBestMs: minutes(1),
      recoveryWorstMs: minutes(3),
      evidence: "modelled",
    });
  });

  it("a rollback before history's own", async () => {
    // History took from 6 to 7 to put the old version back and recovered at 8, so this
    // takes a minute too, and another.
    expect((await outcomes(FULL))("early")).toMatchObject({
      decidedAtMs: minute(4),
      executedAtMs: minute(5),
      recoveredAtMs: minute(6),
      evidence: "modelled",
    });
  });

  it("a question that stood when history rolled back goes on with what it knew", async () => {
    // Asked at 4, due at 9; history's own rollback came at 6, which hides the rest.
    expect((await outcomes(OVERRIDE))("early")).toMatchObject({
      proposedAtMs: minute(4),
      decidedAtMs: minute(9),
      end: "rolledBack",
      evidence: "modelled",
    });
  });
});

describe("a rollback that failed in history", () => {
  it("hides nothing of what came after it, and fails whoever asks", async () => {
    expect((await outcomes(FULL))("stuck")).toMatchObject({
      detectedAtMs: minute(21),
      end: "rollbackFailed",
      rolledBack: false,
      evidence: "observed",
      censoredAtMs: null,
    });
  });
});

describe("bounded: history ended it first", () => {
  it("a regression the policy had not seen by then counts between there and an hour", async () => {
    expect((await outcomes(FULL))("foreseen")).toMatchObject({
      end: "undecidable",
      rolledBack: false,
      verdict: "inconclusive",
      recoveredAtMs: null,
      recoveryMs: minutes(60),
      // Not until history's rollback began: until it had helped.
      recoveryBestMs: minutes(7),
      recoveryWorstMs: minutes(60),
      evidence: "bounded",
      censoredAtMs: minute(7),
    });
  });

  it("one whose end nobody wrote down, where the policy did not act either", async () => {
    expect((await outcomes(OBSERVE))("endless")).toMatchObject({
      recoveredAtMs: null,
      recoveryBestMs: 0,
      recoveryWorstMs: minutes(60),
      evidence: "bounded",
      censoredAtMs: null,
    });
  });

  it("a good one that looked fine until history rolled it back is not called healthy", async () => {
    expect((await outcomes(FULL))("quiet")).toMatchObject({
      end: "undecidable",
      verdict: "inconclusive",
      evidence: "bounded",
      censoredAtMs: minute(6),
    });
  });

  it("says in the reason where the history stops", async () => {
    const { reason } = (await outcomes(FULL))("quiet");
    expect(reason).toContain("history rolled back at 2026-07-07 10:06:00");
  });
});

describe("unknown: nobody recorded what people would have said", () => {
  it("where the policy asks and history never did", async () => {
    const of = await outcomes(OVERRIDE, "recorded");
    expect(of("alone")).toMatchObject({ proposedAtMs: minute(4), evidence: "unknown" });
    expect(of("good").evidence).toBe("observed");
  });

  it("where the policy waits longer than history did", async () => {
    // History's window of two minutes ran out; who would have answered in the third?
    expect((await outcomes(OVERRIDE, "recorded"))("early")).toMatchObject({
      end: "rolledBack",
      decidedAtMs: minute(9),
      evidence: "unknown",
    });
    expect((await outcomes(SHORT, "recorded"))("early")).toMatchObject({
      end: "rolledBack",
      decidedAtMs: minute(6),
      evidence: "observed",
    });
  });

  it("and then an approval at once and a refusal are the bounds", async () => {
    // Asked at 4: back at 5.5 and recovered at 7.5 at the earliest, else over at 45.
    expect((await outcomes(APPROVE, "recorded"))("alone")).toMatchObject({
      end: "expired",
      recoveryMs: minutes(42),
      recoveryBestMs: minutes(4.5),
      recoveryWorstMs: minutes(42),
      evidence: "unknown",
    });
    expect((await outcomes(OVERRIDE, "recorded"))("alone")).toMatchObject({
      end: "rolledBack",
      recoveryMs: minutes(9.5),
      recoveryBestMs: minutes(4.5),
      recoveryWorstMs: minutes(42),
    });
  });

  it("not where nobody is asked: full autonomy acts, observe never does", async () => {
    expect((await outcomes(FULL, "recorded"))("alone").evidence).toBe("modelled");
    expect((await outcomes(OBSERVE, "recorded"))("alone").evidence).toBe("observed");
  });

  it("not where nobody answers by assumption", async () => {
    expect((await outcomes(OVERRIDE, "absent"))("alone").evidence).toBe("modelled");
  });
});

describe("recorded answers", () => {
  it("come as long after our question as they came after history's", async () => {
    expect((await outcomes(OVERRIDE, "recorded"))("vetoed")).toMatchObject({
      proposedAtMs: minute(4),
      end: "overridden",
      decidedAtMs: minute(4) + 70_000,
      decidedBy: "ada",
      evidence: "observed",
    });
  });

  it("may answer an escalation", async () => {
    // Asked at 4, escalated at 14, answered fifteen minutes after the question.
    expect((await outcomes(APPROVE, "recorded"))("approved")).toMatchObject({
      escalations: 1,
      approved: true,
      decidedAtMs: minute(19),
      decidedBy: "bo",
      end: "rolledBack",
    });
  });

  it("that come too late change nothing", async () => {
    // The window of five minutes is over ten minutes before the approval.
    expect((await outcomes(OVERRIDE, "recorded"))("approved")).toMatchObject({
      decidedAtMs: minute(9),
      approved: false,
      end: "rolledBack",
    });
  });
});

describe("in the scorecard", () => {
  it("nothing that history cut short is right, and all of it stays in the means", async () => {
    const { policies } = await evaluated(history, [FULL], "absent", 100);
    const { outcomes: all, scored } = policies[0]!;
    const hidden = all.filter(({ censoredAtMs }) => censoredAtMs !== null);
    expect(hidden.map(({ service }) => service)).toEqual(["foreseen", "quiet"]);
    expect(hidden.every(({ rolledBack, end }) => !rolledBack && end !== "healthy")).toBe(true);
    const regressions = all.filter(({ label }) => label === "regression");
    const { mean } = scored.scorecard.timeToRecovery;
    expect(mean.n).toBe(regressions.length);
    const sum = regressions.reduce((total, { recoveryMs }) => total + recoveryMs! / 1000, 0);
    expect(mean.value).toBeCloseTo(sum / regressions.length, 4);
    // Rollbacks that history never tried fail as often as its own did.
    const failed = regressions.filter(({ end }) => end === "rollbackFailed").length;
    expect(scored.values.get("missRate")).toBeCloseTo((2 + failed) / regressions.length, 9);
  });
});
