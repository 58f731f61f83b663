/**
 * Random scripts for the decision machine: judgements, people, halts and policies, without
 * samples. A step takes microseconds, so a script is long, and its moves aim at what is
 * there: an answer goes to a question that stands, a wait ends where a timer is due.
 */

import fc from "fast-check";
import type {
  ContextTag,
  DecisionEvent,
  Deployment,
  FleetState,
  Policy,
  SignalEvidence,
  Verdict,
} from "../../engine/index.ts";
import { nextDueAtMs } from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

export const START_MS = Date.UTC(2026, 2, 12, 9);
const MINUTE_MS = 60_000;
export const SIGNALS = ["errors", "latency"] as const;

const oneOf = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);

// ── Policies: made once, as reading one takes longer than a script ────────────

const written = fc.record({
  fusion: oneOf("any", "any", "any", "all", "evidence"),
  otherwise: oneOf("full", "full", "override", "override", "override", "approve", "approve"),
  window: oneOf("1m", "2m", "5m"),
  onTimeout: oneOf("rollback", "rollback", "rollback", "hold"),
  sla: oneOf("1m", "4m"),
  escalate: fc.array(oneOf("1m", "3m"), { maxLength: 2 }),
  onExpiry: oneOf("rollback", "hold"),
  budget: fc.option(
    fc.record({
      per: oneOf("service", "team", "fleet"),
      max: oneOf(0, 1, 1, 2, 2),
      in: oneOf("10m", "1h"),
    }),
    { freq: 3 },
  ),
  cooldown: fc.option(oneOf("5m", "20m", "1h"), { freq: 4 }),
  storm: fc.option(fc.record({ services: oneOf(2, 3), in: oneOf("1m", "5m") }), { freq: 2 }),
  never: fc.boolean(),
  owner: oneOf("platform", "payments"),
});

export const POLICIES: readonly Policy[] = fc
  .sample(written, { numRuns: 96, seed: 20260312 })
  .map((given, index) =>
    policyOf({
      policy: `random-${index}`,
      owner: given.owner,
      watch: "30m",
      signals: Object.fromEntries(
        SIGNALS.map((name) => [
          name,
          { metric: name, tolerance: "10%", detector: { kind: "eprocess" } },
        ]),
      ),
      fusion: given.fusion,
      attribution: "off",
      tiers: {
        override: { window: given.window, onTimeout: given.onTimeout },
        approve: {
          sla: given.sla,
          escalate: given.escalate.map((sla) => ({ to: "senior", sla })),
          onExpiry: given.onExpiry,
        },
      },
      assign: [{ otherwise: given.otherwise }],
      context: { careful: { tierAtLeast: "approve" }, watched: { tierAtLeast: "observe" } },
      guardrails: {
        never: given.never ? [{ when: { tags: { frozen: "*" } } }] : [],
        ...(given.budget === null ? {} : { rollbackBudget: given.budget }),
        ...(given.cooldown === null ? {} : { cooldown: given.cooldown }),
        ...(given.storm === null ? {} : { stormBrake: given.storm }),
      },
    }),
  );

// ── Moves ─────────────────────────────────────────────────────────────────────

export type Move =
  /** Told so long after it started. */
  | { readonly do: "start"; readonly lateMs: number; readonly environment: string }
  | {
      readonly do: "judge";
      readonly at: number;
      readonly signal: number;
      readonly verdict: Verdict;
    }
  | { readonly do: "answer"; readonly at: number; readonly say: "approve" | "override" | "shrug" }
  | { readonly do: "finish"; readonly at: number; readonly succeeded: boolean }
  | { readonly do: "tag"; readonly at: number; readonly tag: string; readonly service: boolean }
  | { readonly do: "halt" | "lift" | "fault" }
  | { readonly do: "refuse" | "quarantine"; readonly at: number }
  | { readonly do: "policy"; readonly index: number }
  /** To where silence answers, to a moment before it, to the next timer of any kind, or so long. */
  | { readonly do: "wait"; readonly for: "due" | "almost" | "end" | number };

const verdict = oneOf<Verdict>("breach", "breach", "breach", "healthy", "noData", "inconclusive");
const at = fc.nat(5);
const WEIGHTED: readonly (readonly [number, fc.Arbitrary<Move>])[] = [
  [
    4,
    fc.record({
      do: fc.constant("start"),
      lateMs: oneOf(0, 0, 0, 1000, 4 * MINUTE_MS, 40 * MINUTE_MS),
      environment: oneOf("production", "production", "production", "production", "staging", "test"),
    }),
  ],
  [9, fc.record({ do: fc.constant("judge"), at, signal: fc.nat(1), verdict })],
  [
    3,
    fc.record({
      do: fc.constant("answer"),
      at,
      say: oneOf<"approve" | "override" | "shrug">("approve", "override", "shrug"),
    }),
  ],
  [2, fc.record({ do: fc.constant("finish"), at, succeeded: fc.boolean() })],
  [
    1,
    fc.record({
      do: fc.constant("tag"),
      at,
      tag: oneOf("careful", "careful", "watched", "frozen"),
      service: fc.boolean(),
    }),
  ],
  [1, oneOf<Move>({ do: "halt" }, { do: "lift" }, { do: "lift" })],
  [1, fc.record({ do: fc.constant("policy"), index: fc.nat(POLICIES.length - 1) })],
  [
    5,
    fc.record({
      do: fc.constant("wait"),
      for: fc.oneof(
        { weight: 6, arbitrary: oneOf<"due" | "almost" | number>("due", "due", "almost") },
        { weight: 3, arbitrary: oneOf<"end" | number>(30_000, 5 * MINUTE_MS) },
        { weight: 1, arbitrary: oneOf<"end" | number>("end") },
      ),
    }),
  ],
  [
    1,
    fc.oneof(
      oneOf<Move>({ do: "fault" }),
      fc.record({ do: oneOf<"refuse" | "quarantine">("refuse", "refuse", "quarantine"), at }),
    ),
  ],
];

export interface Script {
  readonly policy: Policy;
  readonly moves: readonly Move[];
  readonly startMs: number;
}

export const randomScript: fc.Arbitrary<Script> = fc.record({
  policy: oneOf(...POLICIES),
  moves: fc
    .array(fc.oneof(...WEIGHTED.map(([weight, arbitrary]) => ({ weight, arbitrary }))), {
      minLength: 12,
      maxLength: 40,
    })
    .map((moves): Move[] => [{ do: "start", lateMs: 0, environment: "production" }, ...moves]),
  startMs: fc.constant(START_MS),
});

// ── What a move is in the state that is there ─────────────────────────────────

const FLEET: readonly (readonly [string, string, string | null])[] = [
  ["d1", "api", "core"],
  ["d2", "db", "core"],
  ["d3", "api", "core"],
  ["d4", "web", null],
  ["d5", "api", "core"],
  ["d6", "db", "core"],
  ["d7", "web", null],
  ["d8", "api", "core"],
];

export function eventOf(
  move: Move,
  policy: Policy,
  fleet: FleetState,
  nowMs: number,
): DecisionEvent | null {
  const timed = { atMs: nowMs, knownAtMs: nowMs };
  const started = [...fleet.deployments, ...fleet.ended];
  // What is open first: nothing can happen to the rest but a refusal.
  const pick = (index: number, phase: string | null): FleetState["deployments"][number] => {
    const open = fleet.deployments.filter(
      ({ phase: { name } }) => phase === null || name === phase,
    );
    const from = open.length > 0 ? open : started;
    return from[index % from.length]!;
  };
  switch (move.do) {
    case "start": {
      const next = FLEET[started.length];
      return next === undefined
        ? null
        : startOf(deploymentOf(next, move.environment, nowMs - move.lateMs), nowMs);
    }
    case "judge": {
      const { deployment, policyDigest } = pick(move.at, null);
      const { deploymentId } = deployment;
      const { fusion } = fleet.policies.find(({ digest }) => digest === policyDigest) ?? policy;
      const evidence = evidenceOf(SIGNALS[move.signal]!, move.verdict, fusion);
      return { kind: "signalJudged", ...timed, deploymentId, evidence, cause: "sample" };
    }
    case "answer": {
      const whose = {
        ...timed,
        deploymentId: pick(move.at, "proposed").deployment.deploymentId,
        by: "dana",
      };
      return move.say === "approve"
        ? { kind: "approvalGiven", ...whose }
        : { kind: "overrideGiven", ...whose, justification: move.say === "shrug" ? " " : "known" };
    }
    case "finish": {
      const { deploymentId } = pick(move.at, "rollingBack").deployment;
      const { succeeded } = move;
      return { kind: "rollbackFinished", ...timed, deploymentId, succeeded, detail: "" };
    }
    case "tag":
      return { kind: "deploymentTagged", ...timed, tag: tagOf(move, started, nowMs) };
    case "halt":
      return { kind: "haltOrdered", ...timed, by: "sam", reason: "drill" };
    case "lift":
      return { kind: "haltLifted", ...timed, by: "sam", reason: "over" };
    case "refuse":
      return {
        kind: "requestRefused",
        ...timed,
        deploymentId: move.at === 0 ? null : pick(move.at, null).deployment.deploymentId,
        by: "eve",
        what: "approval",
        why: "not entitled",
      };
    case "quarantine": {
      const { deploymentId } = pick(move.at, null).deployment;
      return { kind: "deploymentQuarantined", ...timed, deploymentId, reason: "it threw" };
    }
    case "fault":
      return { kind: "faultReported", ...timed, source: "metrics", reason: "no answer" };
    case "policy":
      return {
        kind: "policyChanged",
        ...timed,
        policy: POLICIES[move.index]!,
        by: "sam",
        reason: "tuned",
      };
    case "wait":
      return { kind: "clockAdvanced", ...timed };
  }
}

/** When the move happens: most at the instant of the one before, waits where timers are due. */
export function timeOf(move: Move, fleet: FleetState, nowMs: number): number {
  if (move.do !== "wait") return nowMs + 1000;
  if (typeof move.for === "number") return nowMs + move.for;
  const asked = fleet.deployments.filter(({ phase }) => phase.name === "proposed");
  const due = nextDueAtMs(move.for === "end" ? fleet : { ...fleet, deployments: asked });
  if (due === Number.POSITIVE_INFINITY) return nowMs + MINUTE_MS;
  return Math.max(nowMs, move.for === "almost" ? due - 1 : due);
}

function startOf(deployment: Deployment, knownAtMs: number): DecisionEvent {
  return { kind: "deploymentStarted", atMs: deployment.startedAtMs, knownAtMs, deployment };
}

function deploymentOf(
  [deploymentId, service, team]: readonly [string, string, string | null],
  environment: string,
  startedAtMs: number,
): Deployment {
  return {
    deploymentId,
    service,
    environment,
    kind: "code",
    startedAtMs,
    version: null,
    author: null,
    team,
    criticality: null,
  };
}

function tagOf(
  move: Move & { readonly do: "tag" },
  started: FleetState["deployments"],
  nowMs: number,
): ContextTag {
  const { deployment } = started[move.at % started.length]!;
  return {
    deploymentId: move.service ? null : deployment.deploymentId,
    service: deployment.service,
    tag: move.tag,
    value: "true",
    signal: null,
    validFromMs: null,
    validUntilMs: null,
    knownAtMs: nowMs,
    givenBy: "dana",
    approvedBy: null,
  };
}

/** By verdict, what evidence stands: enough for every tier, some, or none. */
const LOG_E: Readonly<Record<Verdict, number>> = {
  breach: 14,
  inconclusive: 2,
  healthy: 0,
  noData: 0,
};

function evidenceOf(signal: string, said: Verdict, fusion: Policy["fusion"]): SignalEvidence {
  const numbers = { effect: null, expected: null, scale: null, statistic: null, limit: null };
  const logE = LOG_E[said];
  return {
    signal,
    verdict: said,
    reason: `${signal} ${said}`,
    series: `api/${signal}`,
    ...numbers,
    tolerance: 0.1,
    baseTolerance: 0.1,
    breaching: [],
    logE: null,
    standing:
      fusion === "evidence" ? { tagged: logE, untagged: logE, silent: said === "noData" } : null,
    samples: 20,
    baselineSamples: 240,
    missing: 0,
    tags: [],
    untagged: said,
    untaggedReason: said,
    placebo: null,
    control: null,
    season: null,
  };
}
