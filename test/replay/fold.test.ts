/** One fold of everything known: what comes first at one instant, and what follows from answers. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type {
  DecisionEvent,
  DecisionRecord,
  EngineCommand,
  Policy,
  SignalEvidence,
  Verdict,
} from "../../engine/index.ts";
import { absent, type Responder } from "../../lab/people/recorded.ts";
import { foldDecisions, type Platform } from "../../lab/replay/fold.ts";
import { APPROVE, minute, OVERRIDE, tinyHistory } from "../history/tinyHistory.ts";
import { evaluated } from "../history/smallWorld.ts";

const PLATFORM: Platform = { rollBack: () => ({ durationMs: 90_000, succeeds: true }) };

function started(service = "shop"): DecisionEvent {
  return {
    kind: "deploymentStarted",
    atMs: minute(0),
    knownAtMs: minute(0),
    deployment: {
      deploymentId: `d-${service}`,
      service,
      environment: "production",
      kind: "code",
      startedAtMs: minute(0),
      version: null,
      author: null,
      team: null,
      criticality: null,
    },
  };
}

function judged(at: number, verdict: Verdict, service = "shop"): DecisionEvent {
  const evidence: SignalEvidence = {
    signal: "latency",
    verdict,
    reason: `${verdict} at ${at}`,
    series: `${service}/latency_p95_ms`,
    effect: null,
    expected: null,
    scale: null,
    tolerance: 0.2,
    baseTolerance: 0.2,
    statistic: null,
    limit: null,
    samples: 1,
    baselineSamples: 60,
    tags: [],
    untagged: verdict,
    untaggedReason: "",
    breaching: [],
    placebo: null,
    control: null,
    season: null,
    logE: null,
    standing: null,
    missing: null,
  };
  return {
    kind: "signalJudged",
    atMs: minute(at),
    knownAtMs: minute(at),
    deploymentId: `d-${service}`,
    evidence,
    cause: "sample",
  };
}

/** Somebody who answers so many minutes after being asked; null is silence. */
function answering(
  kind: "overrideGiven" | "approvalGiven",
  after: (command: Extract<EngineCommand, { kind: "propose" | "escalate" }>) => number | null,
): Responder {
  return {
    ...absent,
    answers: (command) => {
      const minutes = after(command);
      if (minutes === null) return [];
      const atMs = command.askedAtMs + minutes * 60_000;
      const { deploymentId } = command;
      const by = command.to;
      const given = { deploymentId, by, atMs, knownAtMs: atMs };
      return kind === "approvalGiven"
        ? [{ kind, ...given }]
        : [{ kind, ...given, justification: "expected" }];
    },
  };
}

function story(records: readonly DecisionRecord[]): readonly string[] {
  return records.map(({ decision, end, knownAtMs, authority }) => {
    const at = (knownAtMs - minute(0)) / 60_000;
    return `${at} ${decision}${end === null ? "" : ` ${end}`} (${authority})`;
  });
}

function fold(
  policy: Policy,
  people: Responder,
  events: readonly DecisionEvent[],
): readonly string[] {
  return story(foldDecisions(policy, events, people, PLATFORM).records);
}

const WATCHED = "0 watchStarted (policy override)";
const ASKED = "4 proposed (on-call, by override)";

describe("at one instant", () => {
  it("an answer at the end of the window is in time", () => {
    const people = answering("overrideGiven", () => 5);
    expect(fold(OVERRIDE, people, [started(), judged(4, "breach")])).toEqual([
      WATCHED,
      ASKED,
      "9 ended overridden (on-call)",
    ]);
  });

  it("one a millisecond later is refused", () => {
    const people = answering("overrideGiven", () => 5 + 1 / 60_000);
    expect(fold(OVERRIDE, people, [started(), judged(4, "breach")]).slice(2, 4)).toEqual([
      "9 rollbackOrdered (policy override, tier override)",
      `${9 + 1 / 60_000} refused (policy override)`,
    ]);
  });

  it("a recovery measured when the window ends withdraws the proposal first", () => {
    const events = [started(), judged(4, "breach"), judged(9, "healthy")];
    expect(fold(OVERRIDE, absent, events)).toEqual([
      WATCHED,
      ASKED,
      "9 withdrawn (policy override)",
      "60 ended withdrawn (policy override)",
    ]);
  });

  it("a recovery measured when somebody approves withdraws it first, too", () => {
    const people = answering("approvalGiven", () => 3);
    const events = [started(), judged(4, "breach"), judged(7, "healthy")];
    expect(fold(OVERRIDE, people, events)).toEqual([
      WATCHED,
      ASKED,
      "7 withdrawn (policy override)",
      "7 refused (policy override)",
      "60 ended withdrawn (policy override)",
    ]);
  });

  it("the order in which events are handed in never matters", () => {
    const services = ["cart", "pay", "shop"];
    const events = services.flatMap((service, index) => [
      started(service),
      judged(4, "breach", service),
      judged(4 + index, "breach", service),
      judged(9, index === 1 ? "healthy" : "breach", service),
    ]);
    const people = answering("overrideGiven", ({ deploymentId }) =>
      deploymentId === "d-pay" ? 5 : null,
    );
    const expected = fold(OVERRIDE, people, events);
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (shuffled) => {
        expect(fold(OVERRIDE, people, shuffled)).toEqual(expected);
      }),
      { seed: 20260701, numRuns: 50 },
    );
  });
});

describe("answers", () => {
  it("that come before the next event are heard before it", () => {
    const people = answering("approvalGiven", () => 1);
    const events = [started(), judged(4, "breach"), judged(6, "healthy"), judged(30, "breach")];
    expect(fold(OVERRIDE, people, events)).toEqual([
      WATCHED,
      ASKED,
      "5 rollbackOrdered (on-call)",
      "6.5 ended rolledBack (policy override)",
    ]);
  });

  it("after the last event are heard as well, and so is the platform", () => {
    expect(fold(OVERRIDE, absent, [started(), judged(4, "breach")])).toEqual([
      WATCHED,
      ASKED,
      "9 rollbackOrdered (policy override, tier override)",
      "10.5 ended rolledBack (policy override)",
    ]);
  });

  it("to an escalation come from whom it went to", () => {
    const people = answering("approvalGiven", ({ kind }) => (kind === "escalate" ? 4 : null));
    expect(fold(APPROVE, people, [started(), judged(4, "breach")])).toEqual([
      "0 watchStarted (policy approve)",
      "4 proposed (on-call, by approval)",
      "14 escalated (senior, by approval)",
      "18 rollbackOrdered (senior)",
      "19.5 ended rolledBack (policy approve)",
    ]);
  });

  it("by nobody expire", () => {
    expect(fold(APPROVE, absent, [started(), judged(4, "breach")]).slice(2)).toEqual([
      "14 escalated (senior, by approval)",
      "44 ended expired (policy approve)",
    ]);
  });

  it("to a second proposal are asked for again, with its number", () => {
    const asked: number[] = [];
    const people = answering("overrideGiven", (command) => {
      asked.push(command.ordinal);
      return command.ordinal === 2 ? 1 : null;
    });
    const events = [started(), judged(4, "breach"), judged(6, "healthy"), judged(20, "breach")];
    expect(fold(OVERRIDE, people, events).slice(2)).toEqual([
      "6 withdrawn (policy override)",
      "20 proposed (on-call, by override)",
      "21 ended overridden (on-call)",
    ]);
    expect(asked).toEqual([1, 2]);
  });

  it("a rollback that fails ends as failed, with a page", () => {
    const failing: Platform = { rollBack: () => ({ durationMs: 60_000, succeeds: false }) };
    const events = [started(), judged(4, "breach")];
    const { records, commands } = foldDecisions(OVERRIDE, events, absent, failing);
    expect(story(records).at(-1)).toBe("10 ended rollbackFailed (policy override)");
    expect(commands.filter(({ kind }) => kind === "page")).toHaveLength(2);
  });
});

describe("cases", () => {
  it("are a fleet each: nothing in one changes anything in another", async () => {
    const recording = (caseId: string, from: number, to: number) => ({
      caseId,
      startsAtMs: minute(from),
      endsAtMs: minute(to),
    });
    const one = { "a-shop": { slow: [3, 50] as const }, "b-shop": { slow: [3, 50] as const } };
    // Both start at the same time; the id says which recording is whose.
    const cases = [recording("d-a", -120, 120), recording("d-b", -120, 120)];
    const together = await tinyHistory(one);
    const apart = await tinyHistory(one, cases);
    try {
      const [whole, cut] = [
        await evaluated(together, [OVERRIDE], "absent", 100),
        await evaluated(apart, [OVERRIDE], "absent", 100),
      ];
      const of = (evaluation: typeof whole) => evaluation.policies[0]!.outcomes;
      expect(of(cut)).toEqual(of(whole));
      // Records come recording by recording, not mixed in time.
      const ids = cut.replay.policies[0]!.records.map(({ deploymentId }) => deploymentId);
      expect(ids).toEqual([...ids].sort());
      expect(cut.replay.plan.deployments.map(({ caseId }) => caseId)).toEqual(["d-a", "d-b"]);
    } finally {
      together.close();
      apart.close();
    }
  });

  it("see no sample from outside themselves", async () => {
    const short = [{ caseId: "d-shop", startsAtMs: minute(-60), endsAtMs: minute(3) }];
    const history = await tinyHistory({ shop: { slow: [3, 50] } }, short);
    try {
      const { policies, manifest } = await evaluated(history, [OVERRIDE], "absent", 100);
      expect(manifest.samplesRead).toBe(63);
      // It was slow from the very minute in which the recording ends, and not a healthy one.
      expect(policies[0]!.outcomes.at(0)).toMatchObject({ end: "undecidable", detectedAtMs: null });
    } finally {
      history.close();
    }
  });
});
