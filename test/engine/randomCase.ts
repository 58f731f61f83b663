/**
 * Random deployments, series, policies, tags and people for the property tests.
 *
 * Times lie on a grid of 5 s where they can, because the bugs live where a sample,
 * a silence, a window's end and a person's answer fall on one instant.
 */

import fc from "fast-check";
import {
  seriesKey,
  type ContextTag,
  type Deployment,
  type EngineCommand,
  type Event,
  type Policy,
  type SampleColumn,
} from "../../engine/index.ts";
import { answerInTime, type Answer } from "./liveHost.ts";
import { policyOf } from "./policyFile.ts";
import { randomStages, stageReached, stagesOf } from "./randomStages.ts";

const MINUTE_MS = 60_000;
export const START_MS = Date.UTC(2026, 2, 12, 9);
// Some names are those that every object has already: they are names like any other.
const SERVICES = ["api", "api", "api", "__proto__"] as const;
const METRICS = ["latency_p95_ms", "latency_p95_ms", "hasOwnProperty", "error_rate"] as const;
const SIGNALS = ["errors", "latency", "toString"] as const;
const TAGS = [
  ...["expected_rise", "expected_rise", "window", "constructor", "frozen"],
  ...["expected_change", "expected_change", "dependency"],
] as const;
/** What is declared of one metric, right or wrong way round. */
const CHANGES = [
  "{metric: latency_p95_ms, change: +30%}",
  "{metric: error_rate, change: +30%}",
  "{metric: error_rate, change: +1pp}",
  "{metric: latency_p95_ms, change: -30%}",
] as const;

export interface Case {
  readonly policies: readonly Policy[];
  readonly columns: readonly SampleColumn[];
  /** Deployments and tags. */
  readonly others: readonly Event[];
  /** What people and the platform answer to commands. */
  readonly answer: Answer;
}

const minutes = (min: number, max: number) =>
  fc.integer({ min: min * 12, max: max * 12 }).map((steps) => steps * 5000);
const text = (ms: number): string => `${ms / 1000}s`;
const oneOf = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);

/** Noise around a level that moves once, with missing scrapes and late samples. */
const column = fc
  .record({
    service: oneOf(...SERVICES),
    metric: oneOf(...METRICS),
    version: oneOf(null, null, null, "v2"),
    stepMs: oneOf(15_000, 15_000, 15_000, 30_000, 60_000, 300_000),
    jitter: fc.boolean(),
    fromMs: fc.oneof(fc.constant(0), fc.constant(0), minutes(0, 50)),
    toMs: fc.oneof(fc.constant(110 * MINUTE_MS), minutes(50, 110)),
    level: oneOf(200, 200, 200, 0.02, 0),
    noise: oneOf(0, 0.01, 0.1),
    shiftAtMs: minutes(31, 60),
    shiftForMs: minutes(1, 20),
    shift: oneOf(3, 1.5, 1.5, 1.2, 0.5, 1),
    missing: oneOf(0, 0, 0.05, 0.4),
    silentAtMs: minutes(30, 70),
    silentForMs: oneOf(0, 0, 4 * MINUTE_MS, 5 * MINUTE_MS, 8 * MINUTE_MS),
    delayMs: oneOf(0, 0, 5000, 45_000),
    lateMs: oneOf(0, 0, 60_000, 400_000),
    draws: fc.array(fc.nat(999), { minLength: 97, maxLength: 97 }),
  })
  .map((given): SampleColumn => {
    const samples: { atMs: number; knownAtMs: number; value: number }[] = [];
    let turn = 0;
    // A prime number of draws, walked in a stride, repeats only after all of them.
    const draw = (): number => given.draws[(turn++ * 31) % 97]! / 1000;
    for (let at = given.fromMs; at <= given.toMs; at += given.stepMs) {
      const atMs = START_MS + at + (given.jitter ? Math.floor(draw() * given.stepMs * 0.9) : 0);
      const silence = at - given.silentAtMs;
      if (silence >= 0 && silence < given.silentForMs) continue;
      const since = at - given.shiftAtMs;
      const level = given.level * (since >= 0 && since < given.shiftForMs ? given.shift : 1);
      const value =
        draw() < given.missing ? Number.NaN : level * (1 + given.noise * (draw() - 0.5));
      const lateMs = draw() < 0.2 ? Math.floor((draw() * given.lateMs) / 5000) * 5000 : 0;
      samples.push({ atMs, knownAtMs: atMs + given.delayMs + lateMs, value });
    }
    samples.sort((a, b) => a.knownAtMs - b.knownAtMs || a.atMs - b.atMs);
    return {
      series: {
        service: given.service,
        metric: given.metric,
        version: given.version,
        percentagePoint: 0.01,
        // One in five, taken from a draw that is there anyway: such values restart all the time.
        counter: given.draws[0]! < 200,
      },
      atMs: Float64Array.from(samples, ({ atMs }) => atMs),
      knownAtMs: Float64Array.from(samples, ({ knownAtMs }) => knownAtMs),
      values: Float64Array.from(samples, ({ value }) => value),
    };
  });

const columns = fc.uniqueArray(column, {
  minLength: 1,
  maxLength: 5,
  selector: ({ series }) => seriesKey(series),
});

const deployments = fc.uniqueArray(
  fc.record({
    deploymentId: oneOf("d1", "toString", "__proto__"),
    service: oneOf(...SERVICES),
    environment: oneOf("production", "production", "staging"),
    kind: oneOf("code" as const, "migration" as const),
    startedAtMs: minutes(28, 55).map((ms) => START_MS + ms),
    lateMs: oneOf(0, 0, 0, 5000, 4 * MINUTE_MS, 25 * MINUTE_MS),
    version: fc.constant(null),
    author: oneOf(null, "dana"),
    callers: oneOf([], ["api"], ["api", "__proto__"]),
    team: oneOf(null, "core"),
    criticality: oneOf(null, "critical" as const),
  }),
  { minLength: 1, maxLength: 3, selector: ({ deploymentId }) => deploymentId },
);

export const randomTag = fc
  .record({
    deploymentId: oneOf(null, "d1", "d1", "toString", "__proto__"),
    service: oneOf(...SERVICES),
    tag: oneOf(...TAGS),
    value: oneOf("true", "15%", "30%", "200%", ...CHANGES),
    signal: oneOf(null, null, null, null, ...SIGNALS),
    validFromMs: fc.option(minutes(0, 60).map((ms) => START_MS + ms)),
    validUntilMs: fc.option(minutes(40, 110).map((ms) => START_MS + ms)),
    knownAtMs: minutes(0, 70).map((ms) => START_MS + ms),
    givenBy: oneOf("dana", "sam", null),
    approvedBy: oneOf(null, null, "sam"),
  })
  .map((given): ContextTag => given);

/**
 * What a person does about a proposal, and when; null is silence. Nobody answers in the instant
 * of an escalation: the clock asks, which comes last in it.
 */
const answer = fc.option(
  fc.record({
    afterMs: minutes(1 / 12, 6),
    approves: fc.boolean(),
    justification: oneOf("", "known", "known"),
  }),
);

const detector = fc.oneof(
  fc.record({
    kind: fc.constant("threshold"),
    baseline: oneOf("10m", "30m"),
    breaches: oneOf(1, 2),
    of: oneOf(2, 4),
  }),
  fc
    .record({ baseline: oneOf("10m", "30m"), drift: oneOf(1, 2), wild: fc.boolean() })
    .map(({ baseline, drift, wild }) => {
      const size = wild ? { clip: 10, limit: 12 } : { clip: 3, limit: 4 };
      return { kind: "cusum", baseline, drift, ...size };
    }),
  fc.record({
    kind: oneOf("ewma", "eprocess", "mannWhitney"),
    baseline: oneOf("10m", "30m"),
  }),
);
/** A detector with an e-value that any tier can be content with. */
const evident = (given: { kind: string; baseline: string }): unknown =>
  given.kind === "cusum" ? { ...given, limit: 20 } : { kind: "eprocess", baseline: given.baseline };

const signal = fc.record({
  metric: oneOf("latency_p95_ms", "latency_*", "latency_*", "*", "error_rate"),
  worse: oneOf("up", "up", "both", "down"),
  tolerance: oneOf("10%", "10%", "30%", "1pp"),
  hold: oneOf("0s", "60s", "90s"),
  clear: oneOf("30s", "2m"),
  detector,
});
const tier = oneOf("full", "override", "approve", "observe");

const policy = fc
  .record({
    signals: fc.dictionary(oneOf(...SIGNALS), signal, { minKeys: 1, maxKeys: 3 }),
    fusion: fc.oneof(oneOf("any", "any", "any", "all"), fc.constant({ atLeast: 2 })),
    sure: fc.option(
      fc.record({
        full: oneOf("40%", "90%"),
        override: oneOf("35%", "60%", "80%"),
        approve: oneOf("31%", "50%"),
        observe: oneOf("31%", "50%"),
      }),
    ),
    weight: oneOf(1, 3),
    override: fc.record({
      window: minutes(1, 6).map(text),
      onTimeout: oneOf("rollback", "rollback", "hold"),
    }),
    approve: fc.record({
      sla: minutes(1, 8).map(text),
      escalate: fc.array(fc.record({ to: fc.constant("senior"), sla: minutes(1, 8).map(text) }), {
        maxLength: 2,
      }),
      onExpiry: oneOf("hold", "rollback"),
    }),
    first: tier,
    otherwise: oneOf("full", "override", "override", "approve"),
    times: oneOf(1, 2),
    quietTimes: oneOf(1, 1.5, 0.8),
    max: oneOf("20%", "50%"),
    for: oneOf("10m", "2h"),
    floor: oneOf("approve", "observe"),
    stages: fc.option(randomStages),
    selfIssued: oneOf("count", "count", "refuse"),
    never: fc.boolean(),
    atMost: fc.option(fc.constant("25%")),
    budget: fc.option(
      fc.record({
        per: oneOf("service", "team", "fleet"),
        max: oneOf(0, 1, 1, 2),
        in: fc.constant("6h"),
      }),
    ),
    cooldown: fc.option(oneOf("5m", "30m")),
    storm: fc.option(fc.constant({ services: 2, in: "5m" })),
    guard: fc.option(fc.record({ times: oneOf(2, 2.5) })),
  })
  .map((given) => ({
    policy: "random",
    owner: "platform",
    watch: "20m",
    signals: Object.fromEntries(
      Object.entries(given.signals).map(([name, one], index) => [
        name,
        {
          ...one,
          detector: given.sure === null ? one.detector : evident(one.detector),
          weight: index === 0 ? given.weight : 1,
        },
      ]),
    ),
    // `atLeast: 2` where there are two.
    fusion:
      given.sure !== null
        ? "evidence"
        : typeof given.fusion === "object" && Object.keys(given.signals).length < 2
          ? "any"
          : given.fusion,
    changeFailureRate: "30%",
    tiers: {
      full: { confidence: given.sure?.full ?? "95%" },
      override: { ...given.override, confidence: given.sure?.override ?? "80%" },
      approve: { ...given.approve, confidence: given.sure?.approve ?? "50%" },
      observe: { confidence: given.sure?.observe ?? "50%" },
    },
    assign: [
      { when: { criticality: "critical" }, tier: given.first },
      { otherwise: given.otherwise },
    ],
    modes: {
      maintenance: { when: { tags: { window: "*" } }, toleranceTimes: given.times },
      staging: {
        when: { environment: "staging" },
        toleranceTimes: given.quietTimes,
        tier: { override: "full" },
      },
    },
    stages: given.stages === null ? {} : stagesOf(given.stages, given.signals),
    context: {
      expected_rise: {
        signal: Object.keys(given.signals).sort()[0],
        shifts: "tolerance",
        max: given.max,
        for: given.for,
        selfIssued: given.selfIssued,
      },
      expected_change: { shifts: "tolerance", max: given.max, for: given.for },
      dependency: {
        quietsDependants: true,
        tierAtLeast: given.floor,
        max: given.max,
        for: given.for,
        selfIssued: given.selfIssued,
      },
      constructor: { tierAtLeast: given.floor },
    },
    hardGuard: given.guard === null ? {} : { [Object.keys(given.signals).sort()[0]!]: given.guard },
    guardrails: {
      never: given.never ? [{ when: { tags: { frozen: "*" } } }] : [],
      ...(given.atMost === null ? {} : { toleranceAtMost: given.atMost }),
      ...(given.budget === null ? {} : { rollbackBudget: given.budget }),
      ...(given.cooldown === null ? {} : { cooldown: given.cooldown }),
      ...(given.storm === null ? {} : { stormBrake: given.storm }),
    },
  }));

/** Somebody stops every machine, and may let them go on. */
const halts = fc.oneof(
  fc.constant(null),
  fc.constant(null),
  fc.record({ atMs: minutes(30, 60), forMs: fc.option(minutes(0, 10)) }),
);

export const randomCase: fc.Arbitrary<Case> = fc
  .record({
    policies: fc.array(policy, { minLength: 1, maxLength: 3 }),
    columns,
    deployments,
    tags: fc.array(randomTag, { maxLength: 4 }),
    reached: fc.array(stageReached(START_MS), { maxLength: 4 }),
    answers: fc.array(answer, { minLength: 1, maxLength: 4 }),
    halt: halts,
  })
  .map(({ policies, columns: series, deployments: started, tags, reached, answers, halt }) => ({
    policies: policies.map((written) => policyOf(written)),
    columns: series,
    others: [
      ...started.map(startOf),
      ...tags.map(tagged),
      ...reached,
      ...(halt === null ? [] : haltOf(halt)),
    ],
    answer: (command: EngineCommand): Event | null => {
      if (command.kind !== "propose" && command.kind !== "escalate") {
        return answerInTime(command);
      }
      const { kind, ordinal, askedAtMs, deploymentId } = command;
      const said = answers[(ordinal + (kind === "escalate" ? 1 : 0)) % answers.length] ?? null;
      if (said === null) return null;
      const atMs = askedAtMs + said.afterMs;
      const timed = { atMs, knownAtMs: atMs, deploymentId, by: "dana" };
      return said.approves
        ? { kind: "approvalGiven", ...timed }
        : { kind: "overrideGiven", ...timed, justification: said.justification };
    },
  }));

/** The same, and another policy comes into force on the way. */
export const changingCase: fc.Arbitrary<Case> = fc
  .record({ given: randomCase, atMs: minutes(30, 60), to: policy })
  .map(({ given, atMs, to }) => ({
    ...given,
    others: [...given.others, changed(atMs, policyOf(to))],
  }));

function startOf({ lateMs, ...deployment }: Deployment & { readonly lateMs: number }): Event {
  const atMs = deployment.startedAtMs;
  return { kind: "deploymentStarted", atMs, knownAtMs: atMs + lateMs, deployment };
}

function haltOf({
  atMs,
  forMs,
}: {
  readonly atMs: number;
  readonly forMs: number | null;
}): Event[] {
  const said = (ms: number) => ({ atMs: ms, knownAtMs: ms, by: "sam", reason: "maintenance" });
  const ordered: Event = { kind: "haltOrdered", ...said(START_MS + atMs) };
  if (forMs === null) return [ordered];
  return [ordered, { kind: "haltLifted", ...said(START_MS + atMs + forMs) }];
}

function changed(afterMs: number, to: Policy): Event {
  const atMs = START_MS + afterMs;
  return { kind: "policyChanged", atMs, knownAtMs: atMs, policy: to, by: "sam", reason: "tuned" };
}

function tagged(given: ContextTag): Event {
  return {
    kind: "deploymentTagged",
    atMs: given.knownAtMs,
    knownAtMs: given.knownAtMs,
    tag: given,
  };
}
