/** Agents that propose: when their word counts, what it may not do, and what the record says. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  diffPolicies,
  explain,
  explanationText,
  initialFleet,
  nextDueAtMs,
  parsePolicy,
  step,
  type DecisionEvent,
  type DecisionRecord,
  type Deployment,
  type EngineCommand,
  type Handled,
  type Policy,
} from "../../engine/index.ts";
import { check } from "./check.ts";
import { evidenceOf } from "./judgedFleet.ts";
import { policyOf, sha256 } from "./policyFile.ts";

const START_MS = Date.UTC(2026, 2, 12, 9);
const MINUTE_MS = 60_000;
const WRITTEN = {
  policy: "listening",
  owner: "platform",
  watch: "30m",
  signals: { latency: { metric: "latency_p95_ms", tolerance: "10%" } },
  tiers: { approve: { sla: "10m", onExpiry: "rollback" } },
  assign: [{ otherwise: "full" }],
};
const SRE = { from: "60%", aloneFrom: "90%" };
const listening = (more: object = {}, agent: object = SRE): Policy =>
  policyOf({ ...WRITTEN, ...more, agents: { sre: agent } });
const EVIDENCE = {
  fusion: "evidence",
  signals: {
    latency: { metric: "latency_p95_ms", tolerance: "10%", detector: { kind: "eprocess" } },
  },
};

const at = (minute: number) => {
  const atMs = START_MS + minute * MINUTE_MS;
  return { deploymentId: "d1", atMs, knownAtMs: atMs };
};
const says = (minute: number, confidence: number, more: object = {}): DecisionEvent => ({
  kind: "agentProposed",
  ...at(minute),
  ...{ proposalId: `p${minute}`, agent: "sre", confidence, rationale: "errors doubled" },
  ...more,
});
const breach = (minute: number, logE = 9): DecisionEvent => ({
  kind: "signalJudged",
  ...at(minute),
  cause: "sample",
  evidence: evidenceOf("latency", logE, logE > 0 ? "breach" : "healthy"),
});
const healthy = (minute: number): DecisionEvent => breach(minute, 0);
const approval = (minute: number): DecisionEvent => {
  return { kind: "approvalGiven", ...at(minute), by: "dana" };
};
const override = (minute: number): DecisionEvent => {
  return { kind: "overrideGiven", ...at(minute), by: "dana", justification: "it is fine" };
};

interface Told {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
  readonly handled: readonly Handled[];
}

/** One deployment, with a punctual clock to the end. */
function run(policy: Policy, ...events: readonly DecisionEvent[]): Told {
  const deployment: Deployment = {
    ...{ deploymentId: "d1", service: "api", environment: "production", kind: "code" },
    ...{ startedAtMs: START_MS, version: null, author: null, team: null, criticality: "low" },
  };
  const { atMs, knownAtMs } = at(0);
  const started: DecisionEvent = { kind: "deploymentStarted", atMs, knownAtMs, deployment };
  let fleet = initialFleet;
  const handled: Handled[] = [];
  const commands: EngineCommand[] = [];
  const give = (event: DecisionEvent): void => {
    const made = step(policy, fleet, event);
    fleet = made.state;
    handled.push({ event, records: made.records });
    commands.push(...made.commands);
  };
  const toldTo = (untilMs: number): void => {
    for (let due = nextDueAtMs(fleet); due < untilMs; due = nextDueAtMs(fleet)) {
      give({ kind: "clockAdvanced", atMs: due, knownAtMs: due });
    }
  };
  for (const event of [started, ...events]) {
    toldTo(event.knownAtMs);
    give(event);
  }
  toldTo(Number.POSITIVE_INFINITY);
  return { records: handled.flatMap(({ records }) => records), commands, handled };
}

const said = ({ records }: Told): string[] =>
  records
    .filter(({ decision }) => decision !== "watchStarted")
    .map(({ decision, knownAtMs, tier, end }) => {
      const minute = (knownAtMs - START_MS) / MINUTE_MS;
      return `${minute} ${decision} ${end ?? tier}`;
    });

describe("the word of an agent", () => {
  it("rolls back at once where the tier is full and the agent is sure enough", () => {
    const told = run(listening(), says(5, 0.9));
    expect(said(told)).toEqual(["5 proposed full", "5 rollbackOrdered full"]);
    const [, , ordered] = told.records;
    expect(ordered!.agent).toEqual({
      ...{ proposalId: "p5", agent: "sre", confidence: 0.9, rationale: "errors doubled" },
      alone: true,
    });
    expect(told.records[1]!.reason).toContain("errors doubled");
  });

  it("needs a person where the agent is less sure, and a person's yes acts", () => {
    const told = run(listening(), says(5, 0.89), approval(7));
    expect(said(told)).toEqual(["5 proposed approve", "7 rollbackOrdered approve"]);
    expect(told.records[1]!.tierPath.at(-1)).toEqual({ rule: "agents.sre", tier: "approve" });
  });

  it("always needs a person where the policy does not say from when it does not", () => {
    const told = run(listening({}, { from: "60%" }), says(5, 1), approval(7));
    expect(said(told)).toEqual(["5 proposed approve", "7 rollbackOrdered approve"]);
  });

  it("is heard and refused below `from`, and from an agent without a name in the policy", () => {
    const told = run(listening(), says(5, 0.59), says(6, 1, { agent: "__proto__" }), healthy(29));
    expect(said(told)).toEqual(["5 refused null", "6 refused null", "30 ended healthy"]);
  });

  it("changes nothing under a policy that names no agent, and records nothing", () => {
    const policy = policyOf(WRITTEN);
    const told = run(policy, says(5, 1), breach(8), says(9, 1));
    expect(told.records).toEqual(run(policy, breach(8)).records);
    expect(policy.agents).toBeUndefined();
    expect(policyOf({ ...WRITTEN, agents: {} }).digest).toBe(policy.digest);
  });

  it("holds on silence even where approvals roll back on expiry, and is watched on", () => {
    const told = run(listening(), says(5, 0.7), breach(20));
    expect(said(told)).toEqual([
      "5 proposed approve",
      "15 withdrawn approve",
      "20 proposed full",
      "20 rollbackOrdered full",
    ]);
    const propose = told.commands.find(({ kind }) => kind === "propose");
    expect(propose).toMatchObject({ onSilence: "hold" });
    expect(told.records.at(-1)!.agent).toMatchObject({ alone: false, unanswered: true });
  });

  it("asks again only when the agent speaks again", () => {
    const told = run(
      listening(),
      says(5, 0.7),
      healthy(16),
      healthy(20),
      says(25, 0.8),
      approval(26),
    );
    expect(said(told).slice(1)).toEqual([
      "15 withdrawn approve",
      "25 proposed approve",
      "26 rollbackOrdered approve",
    ]);
  });

  it("keeps nothing from our own evidence: a question it asked is asked anew", () => {
    const told = run(listening(), says(5, 0.7), breach(6));
    expect(said(told)).toEqual(["5 proposed approve", "6 proposed full", "6 rollbackOrdered full"]);
  });

  it("is not taken back because our signals are healthy", () => {
    const told = run(listening({ assign: [{ otherwise: "override" }] }), says(5, 0.95), healthy(6));
    expect(said(told)).toEqual(["5 proposed override", "7 rollbackOrdered override"]);
    const sure = run(
      listening({ ...EVIDENCE, assign: [{ otherwise: "override" }] }),
      says(5, 0.95),
      breach(6, -2),
    );
    expect(said(sure)).toEqual(["5 proposed override", "7 rollbackOrdered override"]);
  });

  it("waits for evidence of ours where it needs some, however little", () => {
    const policy = listening(EVIDENCE, { ...SRE, needsEvidence: true });
    expect(said(run(policy, says(5, 0.95), healthy(29)))).toEqual(["30 ended healthy"]);
    const told = run(policy, says(5, 0.95), breach(8, 0.5));
    expect(said(told)).toEqual(["8 proposed full", "8 rollbackOrdered full"]);
    expect(told.records.at(-1)!.agent!.alone).toBe(true);
    expect(said(run(policy, breach(8, 0.5), healthy(29)))).toEqual(["30 ended healthy"]);
  });

  it("is bound by budgets, halts and tags as any other breach", () => {
    const broke = listening({ guardrails: { rollbackBudget: { max: 0, in: "6h" } } });
    expect(said(run(broke, says(5, 0.95)))[0]).toBe("5 paged observe");
    const observed = listening({ assign: [{ otherwise: "observe" }] });
    expect(said(run(observed, says(5, 0.95)))[0]).toBe("5 paged observe");
    const halted: DecisionEvent = { kind: "haltOrdered", ...at(3), by: "kim", reason: "freeze" };
    expect(said(run(listening(), halted, says(5, 0.95)))[1]).toBe("5 paged observe");
  });

  it("comes too late for a deployment that ended, and early for one that nobody knows", () => {
    const told = run(listening(), says(5, 0.95), says(6, 0.95), override(7));
    expect(said(told).slice(2)).toEqual(["6 refused full", "7 refused full"]);
    const unknown = step(listening(), initialFleet, says(5, 0.95));
    expect(unknown.records).toEqual([]);
  });

  it("counts once, and not where it was made before this deployment started", () => {
    const policy = listening({ tiers: { approve: { sla: "5m" } } });
    const again = { proposalId: "p5" };
    const old = { atMs: START_MS - 1 };
    const told = run(policy, says(5, 0.7), says(12, 0.7, again), says(13, 0.7, old), healthy(29));
    expect(said(told)).toEqual([
      "5 proposed approve",
      "10 withdrawn approve",
      "12 refused null",
      "13 refused null",
      "30 ended withdrawn",
    ]);
  });

  it("only asks where its sender proved itself by a token alone, however sure it is", () => {
    const told = run(listening(), says(5, 1, { asksOnly: true }));
    expect(said(told)[0]).toBe("5 proposed approve");
    expect(told.records[1]!.agent).toMatchObject({ asksOnly: true });
  });

  it("teaches nothing about our signals when people say no to it", () => {
    const policy = listening({ ...EVIDENCE, learning: { atLeast: 1 } });
    let fleet = initialFleet;
    const { handled } = run(policy, says(5, 0.7), override(7));
    for (const { event } of handled) fleet = step(policy, fleet, event).state;
    expect(said(run(policy, says(5, 0.7), override(7)))).toContain("7 ended overridden");
    expect(fleet.learning.lessons).toEqual([]);
  });

  it("is told in the explanation of the deployment", () => {
    const { handled } = run(listening(), says(5, 0.7), approval(7));
    const text = explanationText(explain(listening(), handled, "d1")!);
    expect(text).toContain("sre is 70 % sure");
    expect(text).toContain("agents.sre");
  });
});

describe("under any order of words, judgements and answers", () => {
  const policies = ["full", "override", "approve"].flatMap((otherwise) =>
    [{}, EVIDENCE].flatMap((more) =>
      [SRE, { from: "60%" }, { ...SRE, needsEvidence: true }].map((agent) =>
        listening({ ...more, assign: [{ otherwise }] }, agent),
      ),
    ),
  );
  const minutes = fc.integer({ min: 1, max: 45 });
  const proposal = fc.record({
    do: fc.constant("say" as const),
    minute: minutes,
    confidence: fc.constantFrom(0, 0.59, 0.6, 0.7, 0.9, 1),
  });
  const judged = fc.record({
    do: fc.constant("judge" as const),
    minute: minutes,
    logE: fc.constantFrom(0, 0.5, 9),
  });
  const move = fc.oneof(proposal, judged);
  const toEvents = (moves: readonly (typeof move extends fc.Arbitrary<infer M> ? M : never)[]) =>
    [...moves]
      .sort((a, b) => a.minute - b.minute)
      .map((one) =>
        one.do === "say" ? says(one.minute, one.confidence) : breach(one.minute, one.logE),
      );

  it("a word below its share never acts without a person", () => {
    check(
      fc.property(
        fc.constantFrom(...policies),
        fc.array(move, { maxLength: 8 }),
        (policy, moves) => {
          const aloneFrom = policy.agents![0]!.aloneFrom ?? Number.POSITIVE_INFINITY;
          for (const record of run(policy, ...toEvents(moves)).records) {
            if (record.decision !== "rollbackOrdered" || record.agent?.alone !== true) continue;
            expect(record.agent.confidence).toBeGreaterThanOrEqual(aloneFrom);
          }
        },
      ),
    );
  });

  it("a word that needs evidence adds nothing where one breach acts, as the check warns", () => {
    const tiers = ["full", "override", "approve"];
    const acts = (told: Told) => said(told).filter((line) => !line.includes("refused"));
    check(
      fc.property(
        fc.constantFrom(...tiers),
        fc.array(move, { maxLength: 8 }),
        (otherwise, moves) => {
          const assign = { assign: [{ otherwise }] };
          const needs = listening(assign, { ...SRE, needsEvidence: true });
          const deaf = policyOf({ ...WRITTEN, ...assign });
          const events = toEvents(moves);
          expect(acts(run(needs, ...events))).toEqual(acts(run(deaf, ...events)));
        },
      ),
    );
  });

  it("words that only people may act on never keep our own evidence from acting", () => {
    const rolledBackAt = ({ records }: Told): number =>
      records.find(({ decision }) => decision === "rollbackOrdered")?.knownAtMs ?? Infinity;
    const careful = policies.filter(({ agents }) => agents![0]!.aloneFrom === null);
    check(
      fc.property(
        fc.constantFrom(...careful),
        fc.array(move, { maxLength: 8 }),
        (policy, moves) => {
          const silent = moves.filter((one) => one.do === "judge");
          const without = rolledBackAt(run(policy, ...toEvents(silent)));
          expect(rolledBackAt(run(policy, ...toEvents(moves)))).toBeLessThanOrEqual(without);
        },
      ),
    );
  });
});

describe("a policy that listens to agents", () => {
  const issuesOf = (agent: object) =>
    parsePolicy({ ...WRITTEN, agents: { sre: agent } }, sha256).issues?.map(({ path }) => path);

  it.each([
    [{}, ["agents", "sre", "from"]],
    [{ from: "0%" }, ["agents", "sre", "from"]],
    [{ from: 0.8 }, ["agents", "sre", "from"]],
    [{ from: "80%", aloneFrom: "70%" }, ["agents", "sre", "aloneFrom"]],
    [{ from: "80%", needsEvidence: "yes" }, ["agents", "sre", "needsEvidence"]],
    [{ from: "80%", alone: "90%" }, ["agents", "sre", "alone"]],
  ])("refuses %j", (agent, path) => {
    expect(issuesOf(agent)).toEqual([path]);
  });

  it("is compared in words", () => {
    const said = diffPolicies(listening(), listening({}, { ...SRE, aloneFrom: "80%" }));
    expect(said.map(({ text }) => text)).toEqual([
      expect.stringMatching(/agent sre needs no person from.*90 %.*80 %/),
    ]);
  });
});
