/**
 * Walks the machine: from a deployment's start every event there is, then every event from
 * wherever that led, until nothing new turns up. What it saw is the state diagram.
 *
 * States that differ only in times, numbers and texts count as one, so the walk ends. Bias:
 * one deployment with one signal; budgets, cooldown and storm brake act as the halt does.
 */

import {
  initialFleet,
  step,
  type ContextTag,
  type DecisionEvent,
  type DecisionRecord,
  type Deployment,
  type FleetState,
  type Lesson,
  type Policy,
  type Verdict,
} from "../../engine/index.ts";
import { evidenceOf } from "./judgedFleet.ts";
import { policyOf } from "./policyFile.ts";

/** A whole run of one event on one state. */
export interface Transition {
  /** `start` before the deployment is known. */
  readonly from: string;
  readonly to: string;
  readonly event: string;
  readonly decision: DecisionRecord["decision"];
  readonly record: DecisionRecord;
}

const START_MS = 1_000_000_000;
const GUARD = "hard guard";

function written(tier: string, tiers: unknown, more: object = {}): Policy {
  return policyOf({
    policy: "walk",
    owner: "platform",
    watch: "10m",
    signals: { latency: { metric: "latency", tolerance: "10%" } },
    tiers,
    assign: [{ otherwise: tier }],
    context: { careful: { tierAtLeast: "approve" } },
    guardrails: { never: [{ when: { tags: { frozen: true } } }] },
    ...more,
  });
}

const POLICIES: readonly Policy[] = [
  written("full", {}),
  written("override", {}),
  written("override", { override: { onTimeout: "hold" } }),
  written("approve", { approve: { escalate: [{ to: "senior", sla: "5m" }] } }),
  written("approve", { approve: { onExpiry: "rollback" } }),
  written("observe", {}),
  ...["full", "override", "observe"].map((tier) => {
    return written(tier, {}, { agents: { sre: { from: "60%", aloneFrom: "90%" } } });
  }),
];

/** A machine that learned from four people who objected to all it proposed. */
const learned = (tier: string): Policy =>
  policyOf({
    policy: "walk",
    owner: "platform",
    watch: "10m",
    signals: { latency: { metric: "latency", tolerance: "10%", detector: { kind: "eprocess" } } },
    fusion: "evidence",
    tiers: { full: { confidence: "90%" }, override: { confidence: "90%" } },
    assign: [{ otherwise: tier }],
    learning: { atLeast: 3 },
  });
const LESSONS = ["dana", "kim", "lee", "sam"].map((by): Lesson => ({
  ...{ deploymentId: "d0", service: "orders", environment: "production", kind: "code" },
  ...{ signals: ["latency"], answer: "override", by, atMs: START_MS },
  ...{ quick: false, followUp: "health" },
}));
const TAUGHT: FleetState = { ...initialFleet, learning: { open: [], lessons: LESSONS } };
const WALKS: readonly (readonly [Policy, FleetState])[] = [
  ...POLICIES.map((policy) => [policy, initialFleet] as const),
  [learned("full"), TAUGHT],
  [learned("override"), TAUGHT],
];

const deployment: Deployment = {
  deploymentId: "d1",
  service: "orders",
  environment: "production",
  kind: "code",
  startedAtMs: START_MS,
  version: null,
  author: null,
  team: null,
  criticality: null,
};

const WORD = { proposalId: "p1", agent: "sre", rationale: null };

/** Every event, with a name for it; null stands for the time at which the machine is due. */
function eventsAt(nowMs: number, isTaught: boolean): readonly (readonly [string, DecisionEvent])[] {
  const timed = { atMs: nowMs, knownAtMs: nowMs };
  const id = { ...timed, deploymentId: "d1" };
  const who = { by: "dana", reason: "maintenance" };
  const tag = (name: string): ContextTag => ({
    deploymentId: "d1",
    service: "orders",
    tag: name,
    value: "true",
    signal: null,
    validFromMs: null,
    validUntilMs: null,
    knownAtMs: nowMs,
    givenBy: null,
    approvedBy: null,
  });
  const judged = (verdict: Verdict, guard = false): DecisionEvent => ({
    kind: "signalJudged",
    ...id,
    // A confidence of 93 %, of which what was learned leaves 88 %.
    evidence: evidenceOf("latency", verdict === "breach" ? 5.5 : 0, verdict, guard),
    cause: "sample",
  });
  const finished = (succeeded: boolean): DecisionEvent => ({
    kind: "rollbackFinished",
    ...id,
    succeeded,
    detail: "",
  });
  const next = { ...deployment, deploymentId: "d2", startedAtMs: nowMs };
  return [
    ["breach", judged("breach")],
    ...(isTaught ? [[GUARD, judged("breach", true)] as const] : []),
    ["healthy again", judged("healthy")],
    ["no data", judged("noData")],
    ["override", { kind: "overrideGiven", ...id, by: "dana", justification: "known" }],
    ["override without a reason", { kind: "overrideGiven", ...id, by: "dana", justification: "" }],
    ["approval", { kind: "approvalGiven", ...id, by: "dana" }],
    ["rollback finished", finished(true)],
    ["rollback failed", finished(false)],
    ["next deployment", { kind: "deploymentStarted", ...timed, deployment: next }],
    ["the same deployment", { kind: "deploymentStarted", ...timed, deployment }],
    ["tag", { kind: "deploymentTagged", ...timed, tag: tag("careful") }],
    ["tag", { kind: "deploymentTagged", ...timed, tag: tag("frozen") }],
    ["stage", { kind: "stageReached", ...id, share: 0.05 }],
    ["agent, sure", { kind: "agentProposed", ...id, ...WORD, confidence: 0.95 }],
    ["agent, less sure", { kind: "agentProposed", ...id, ...WORD, confidence: 0.7 }],
    ["halt", { kind: "haltOrdered", ...timed, ...who }],
    ["halt lifted", { kind: "haltLifted", ...timed, ...who }],
    [
      "refusal",
      { kind: "requestRefused", ...id, by: "eve", what: "override", why: "not entitled" },
    ],
    ["quarantine", { kind: "deploymentQuarantined", ...id, reason: "the engine threw" }],
    ["fault", { kind: "faultReported", ...timed, source: "clock", reason: "it jumped" }],
  ];
}

interface Place {
  readonly fleet: FleetState;
  readonly nowMs: number;
}

/** What makes two places different, apart from when. */
function kindOf({ fleet }: Place): string {
  const one = [...fleet.deployments, ...fleet.ended].find(
    ({ deployment: { deploymentId } }) => deploymentId === "d1",
  );
  if (one === undefined) return "start";
  const { phase, signals, tags, stages, observed, withdrawals, guarded, agent } = one;
  const asked =
    phase.name === "proposed" ? [phase.tier, phase.step, phase.learned, phase.agent] : [];
  const { verdict = null, hardGuard } = signals.find(({ signal }) => signal === "latency") ?? {};
  const known = [...new Set(tags.map((tag) => tag.tag))].sort();
  const ended = phase.name === "ended" ? phase.end : null;
  const halted = fleet.halted !== null;
  return JSON.stringify([
    phase.name,
    ended,
    asked,
    verdict,
    hardGuard,
    guarded,
    known,
    stages.length > 0,
    observed,
    withdrawals > 0,
    halted,
    agent?.confidence,
    agent?.unanswered,
  ]);
}

/** The phase, or how it ended. */
function placeName({ phaseAfter, end }: DecisionRecord): string {
  return end ?? phaseAfter;
}

/** Everything the machine records about the deployment, from every place it can be in. */
export function walk(): readonly Transition[] {
  const seen: Transition[] = [];
  for (const [policy, first] of WALKS) {
    const known = new Set<string>();
    const places: Place[] = [];
    const go = ({ fleet }: Place, name: string, event: DecisionEvent): void => {
      const next = step(policy, fleet, event);
      for (const record of next.records) {
        if (record.deploymentId !== "d1") continue;
        const from = record.decision === "watchStarted" ? "start" : record.phaseBefore;
        // A timer that was due before the event fired first.
        const timer = from === "watching" ? "watch over" : "silence";
        // While nothing is asked a hard guard is a breach like any other.
        const said = from === "watching" && name === GUARD ? "breach" : name;
        const cause = record.knownAtMs < event.knownAtMs ? timer : said;
        seen.push({ from, to: placeName(record), event: cause, decision: record.decision, record });
      }
      const place = { fleet: next.state, nowMs: event.knownAtMs };
      const kind = kindOf(place);
      if (known.has(kind)) return;
      known.add(kind);
      places.push(place);
    };
    const before = { fleet: first, nowMs: START_MS };
    for (const lateMs of [0, 3_600_000]) {
      const [atMs, knownAtMs] = [START_MS, START_MS + lateMs];
      const name = lateMs === 0 ? "deployment" : "deployment, known after its watch";
      go(before, name, { kind: "deploymentStarted", atMs, knownAtMs, deployment });
    }
    const nowMs = START_MS + 1000;
    const [, next] = eventsAt(nowMs, false).find(([name]) => name === "next deployment")!;
    const after = { fleet: step(policy, first, next).state, nowMs };
    const told = { atMs: START_MS, knownAtMs: nowMs, deployment };
    go(after, "deployment, known after the next one", { kind: "deploymentStarted", ...told });
    for (let place = places.pop(); place !== undefined; place = places.pop()) {
      for (const [name, event] of eventsAt(place.nowMs + 1000, first === TAUGHT)) {
        go(place, name, event);
      }
      const one = place.fleet.deployments.find((state) => state.deployment.deploymentId === "d1");
      if (one === undefined) continue;
      const { phase, watchEndsAtMs } = one;
      if (phase.name === "rollingBack" || phase.name === "ended") continue;
      const atMs = phase.name === "watching" ? watchEndsAtMs : phase.answerByMs;
      const name = phase.name === "watching" ? "watch over" : "silence";
      go(place, name, { kind: "clockAdvanced", atMs, knownAtMs: atMs });
    }
  }
  return seen;
}
