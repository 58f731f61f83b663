/**
 * Random fleets that were judged already: deployments, evidence made up by hand, people and
 * time, straight into the machine. Without detection a run is so cheap that questions,
 * answers and what follows them are many; the judgements are wilder than any detector's.
 */

import fc from "fast-check";
import {
  compareEvents,
  nextDueAtMs,
  step,
  type DecisionEvent,
  type EngineCommand,
  type FleetState,
  type Handled,
  type Lesson,
  type Policy,
  type SignalEvidence,
  type Step,
} from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";
import { START_MS } from "./randomCase.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WATCH_MS = 30 * MINUTE_MS;
const oneOf = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);

export interface JudgedCase {
  /** It listens. */
  readonly policy: Policy;
  /** The same without the key. */
  readonly deaf: Policy;
  /** Everything but answers. */
  readonly events: readonly DecisionEvent[];
  readonly answer: (command: EngineCommand) => DecisionEvent | null;
}

export function evidenceOf(
  signal: string,
  logE: number,
  verdict: SignalEvidence["verdict"],
  guard = false,
): SignalEvidence {
  const numbers = { effect: null, expected: null, scale: null, statistic: null, limit: null };
  return {
    signal,
    verdict,
    reason: `${signal} ${verdict}`,
    series: `api/${signal}`,
    ...numbers,
    tolerance: 0.1,
    baseTolerance: 0.1,
    breaching: [],
    logE,
    standing: { tagged: logE, untagged: logE, silent: verdict === "noData" },
    samples: 20,
    baselineSamples: 240,
    missing: 0,
    tags: [],
    untagged: verdict,
    untaggedReason: verdict,
    placebo: null,
    control: null,
    season: null,
    ...(guard ? { hardGuard: true as const } : {}),
  };
}

const SIGNALS = ["errors", "latency"] as const;

const judgement = fc.record({
  signal: oneOf(...SIGNALS),
  afterMs: fc.integer({ min: 4, max: 110 }).map((quarters) => quarters * 15_000),
  // Confidence is 82, 90, 93, 95 and 99.6 % where both signals say so.
  logE: oneOf(0, 4.5, 5.2, 5.6, 5.9, 8.5, 8.5),
  guard: oneOf(false, false, false, false, false, true),
});

const deployed = fc.record({
  service: oneOf("api", "api", "db"),
  kind: oneOf("code" as const, "code" as const, "migration" as const),
  gapMs: fc.integer({ min: 5, max: 60 }).map((minutes) => minutes * MINUTE_MS),
  judgements: fc.array(judgement, { minLength: 1, maxLength: 6 }),
  last: fc.tuple(oneOf(0, 0, 0, 8.5), oneOf(0, 0, 0, 8.5)),
});

const answer = fc.option(
  fc.record({
    afterMs: oneOf(0, 5000, 15_000, 60_000, 120_000),
    by: oneOf("dana", "kim", "lee", "sam"),
    approves: oneOf(false, false, true),
    justification: oneOf("known", "known", ""),
  }),
  { freq: 6 },
);

const policy = fc
  .record({
    full: oneOf("82%", "95%"),
    override: oneOf("80%", "90%", "92%"),
    onTimeout: oneOf("rollback", "rollback", "hold"),
    onExpiry: oneOf("hold", "hold", "rollback"),
    atLeast: oneOf(1, 2),
    halfLife: oneOf("1h", "90d"),
    discountAtMost: oneOf("10%", "50%"),
  })
  .map(({ full, override, onTimeout, onExpiry, ...learning }) => {
    const signal = { tolerance: "10%", detector: { kind: "eprocess" } };
    const deaf = {
      policy: "judged",
      owner: "platform",
      watch: "30m",
      signals: Object.fromEntries(SIGNALS.map((name) => [name, { metric: name, ...signal }])),
      fusion: "evidence",
      attribution: "off",
      tiers: {
        full: { confidence: full },
        override: { confidence: override, window: "2m", onTimeout },
        approve: { sla: "5m", escalate: [{ to: "senior", sla: "5m" }], onExpiry },
      },
      assign: [{ when: { kind: "migration" }, tier: "full" }, { otherwise: "override" }],
    };
    return { policy: policyOf({ ...deaf, learning }), deaf: policyOf(deaf) };
  });

export const judgedCase: fc.Arbitrary<JudgedCase> = fc
  .record({
    policies: policy,
    deployments: fc.array(deployed, { minLength: 1, maxLength: 8 }),
    answers: fc.array(answer, { minLength: 1, maxLength: 5 }),
  })
  .map(({ policies, deployments, answers }) => {
    const events: DecisionEvent[] = [];
    let startedAtMs = START_MS;
    for (const [place, { service, kind, gapMs, judgements, last }] of deployments.entries()) {
      startedAtMs += gapMs;
      const deploymentId = `d${place + 1}`;
      const at = (afterMs: number) => ({
        atMs: startedAtMs + afterMs,
        knownAtMs: startedAtMs + afterMs,
      });
      const catalog = { environment: "production", version: null, author: null };
      const about = { team: null, criticality: null };
      events.push({
        kind: "deploymentStarted",
        ...at(0),
        deployment: { deploymentId, service, kind, startedAtMs, ...catalog, ...about },
      });
      const judged = (afterMs: number, evidence: SignalEvidence, cause: "sample" | "end"): void => {
        events.push({ kind: "signalJudged", ...at(afterMs), deploymentId, evidence, cause });
      };
      for (const { signal, afterMs, logE, guard } of judgements) {
        const verdict = logE > 5 ? "breach" : logE > 0 ? "inconclusive" : "healthy";
        judged(afterMs, evidenceOf(signal, logE, verdict, guard && logE > 5), "sample");
      }
      SIGNALS.forEach((signal, index) => {
        const logE = last[index]!;
        judged(WATCH_MS, evidenceOf(signal, logE, logE > 5 ? "breach" : "healthy"), "end");
      });
    }
    let asked = 0;
    return {
      ...policies,
      events,
      answer: (command) => {
        const { kind, askedAtMs, deploymentId } = command;
        if (kind === "rollBack") {
          const atMs = askedAtMs + MINUTE_MS;
          const timed = { atMs, knownAtMs: atMs, deploymentId };
          return { kind: "rollbackFinished", ...timed, succeeded: true, detail: "" };
        }
        if (kind !== "propose" && kind !== "escalate") return null;
        const said = answers[asked++ % answers.length] ?? null;
        if (said === null) return null;
        const atMs = askedAtMs + said.afterMs;
        const timed = { atMs, knownAtMs: atMs, deploymentId, by: said.by };
        return said.approves
          ? { kind: "approvalGiven", ...timed }
          : { kind: "overrideGiven", ...timed, justification: said.justification };
      },
    };
  });

/** Four people who objected to whatever was like it, and were right; some said other things. */
export const overridesBefore: fc.Arbitrary<readonly Lesson[]> = fc
  .array(
    fc.record({
      service: oneOf("api", "api", "db"),
      kind: oneOf("code" as const, "code" as const, "migration" as const),
      answer: oneOf(
        "override" as const,
        "override" as const,
        "override" as const,
        "approval" as const,
      ),
      daysAgo: fc.integer({ min: 0, max: 30 }),
    }),
    { minLength: 8, maxLength: 60 },
  )
  .map((all) =>
    all
      .map(({ daysAgo, ...given }, place): Lesson => ({
        deploymentId: `p${place}`,
        environment: "production",
        signals: SIGNALS,
        by: ["dana", "kim", "lee", "sam"][place % 4]!,
        quick: false,
        followUp: given.answer === "override" ? "health" : "none",
        atMs: START_MS - daysAgo * DAY_MS,
        ...given,
      }))
      .sort((a, b) => a.atMs - b.atMs),
  );

/** Runs a case through the machine; `look` sees every step with the state before it. */
export function runJudged(
  policy: Policy,
  fleet: FleetState,
  events: readonly DecisionEvent[],
  answer: JudgedCase["answer"] = () => null,
  look: (before: FleetState, event: DecisionEvent, next: Step) => void = () => undefined,
): Handled[] {
  const pending = [...events].sort(compareEvents);
  const handled: Handled[] = [];
  let state = fleet;
  for (;;) {
    const dueAtMs = nextDueAtMs(state);
    const first = pending[0];
    if (first === undefined && dueAtMs === Number.POSITIVE_INFINITY) return handled;
    const event: DecisionEvent =
      first === undefined || dueAtMs < first.knownAtMs
        ? { kind: "clockAdvanced", atMs: dueAtMs, knownAtMs: dueAtMs }
        : pending.shift()!;
    const next = step(policy, state, event);
    look(state, event, next);
    state = next.state;
    handled.push({ event, records: next.records });
    const answers = next.commands.flatMap((command) => answer(command) ?? []);
    if (answers.length === 0) continue;
    pending.push(...answers);
    pending.sort(compareEvents);
  }
}
