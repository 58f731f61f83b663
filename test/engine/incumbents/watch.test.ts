/** An incumbent in the controller: the same live, from whole columns, and after a restart. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AnswerKind,
  handle,
  initialController,
  restore,
  serialise,
  type Event,
  type Policy,
  type SampleColumn,
} from "../../../engine/index.ts";
import { check } from "../check.ts";
import { judge, replay } from "../columnar.ts";
import { runLive, toBatches } from "../liveHost.ts";
import { policyOf } from "../policyFile.ts";
import { deployed } from "../deployed.ts";

const START_MS = Date.UTC(2026, 6, 1, 12);
const MINUTE_MS = 60_000;
const WATCH_MS = 60 * MINUTE_MS;

function argoPolicy(
  limits: Readonly<Record<string, number | string>> = {},
  unit: Readonly<Record<string, number>> = {},
): Policy {
  const metric = {
    name: "errors",
    query: "errors",
    scope: "all",
    answer: "vector",
    initialDelayMs: 0,
    intervalMs: MINUTE_MS,
    count: 10,
    failureLimit: 0,
    inconclusiveLimit: 0,
    consecutiveErrorLimit: 4,
    consecutiveSuccessLimit: 0,
    successCondition: "result[0] <= 0.05",
    failureCondition: null,
    dryRun: false,
    ...limits,
  };
  const plan = { steps: [{ kind: "analysis", analysis: { metrics: [metric] } }], background: null };
  const queries = { errors: { metric: "error_rate", ...unit } };
  const incumbent = { system: "argo", plan, queries };
  return policyOf({ policy: "argo", owner: "payments", incumbent });
}

function alertPolicy(forMs: number): Policy {
  const rule = {
    alert: "Errors",
    query: "error_rate",
    bound: { op: ">", value: 0.05 },
    forMs,
    keepFiringForMs: 0,
    labels: {},
  };
  const group = { name: "slo", intervalMs: MINUTE_MS, offsetMs: 0, queryOffsetMs: 0, limit: 0 };
  const plan = {
    evaluator: "prometheus",
    onFiring: "rollBack",
    serviceLabel: "service",
    watchMs: WATCH_MS,
    warmUpMs: 10 * MINUTE_MS,
    groups: [{ ...group, rules: [rule] }],
  };
  const incumbent = { system: "prometheus", plan };
  return policyOf({ policy: "alerts", owner: "payments", incumbent });
}

function flaggerPolicy(threshold: number, confirmPromotion = false): Policy {
  const plan = {
    intervalMs: MINUTE_MS,
    threshold,
    skipAnalysis: false,
    strategy: { kind: "canary", stepWeight: 10, stepWeights: [], maxWeight: 50, mirror: false },
    stepWeightPromotion: 0,
    confirmPromotion,
    metrics: [
      {
        name: "errors",
        query: "errors",
        scope: "all",
        compares: "number",
        answer: "vector",
        min: null,
        max: 0.05,
      },
    ],
  };
  const queries = { errors: { metric: "error_rate" } };
  const incumbent = { system: "flagger", plan, queries };
  return policyOf({ policy: "flagger", owner: "payments", incumbent });
}

const deployment = deployed(START_MS, { service: "shop" });

/** One sample a minute from an hour before the start to an hour after it. */
function errors(
  valueAt: (minute: number) => number,
  delayMs = 0,
  answerAt?: (minute: number) => number,
): SampleColumn {
  const minutes = Array.from({ length: 121 }, (_, at) => at - 60);
  const atMs = Float64Array.from(minutes, (minute) => START_MS + minute * MINUTE_MS);
  return {
    series: { service: "shop", metric: "error_rate", version: null, percentagePoint: 0.01 },
    atMs,
    knownAtMs: atMs.map((at) => at + delayMs),
    values: Float64Array.from(minutes, valueAt),
    ...(answerAt === undefined ? {} : { answers: Float64Array.from(minutes, answerAt) }),
  };
}

const started: Event = {
  kind: "deploymentStarted",
  atMs: START_MS,
  knownAtMs: START_MS,
  deployment,
};

/** When it was rolled back, in minutes after the start, and how each query ended. */
function judged(policy: Policy, column: SampleColumn | null) {
  const columns = column === null ? [] : [column];
  const judgements = judge(policy, columns, deployment, []);
  const breach = judgements.find(({ evidence }) => evidence.verdict === "breach");
  const end = judgements.filter(({ cause }) => cause === "end");
  return {
    breachMinute: breach === undefined ? null : (breach.atMs - START_MS) / MINUTE_MS,
    ends: end.map(({ evidence }) => evidence.verdict),
  };
}

describe("an incumbent's watch", () => {
  test("rolls back where its condition fails, and not before", () => {
    const bad = errors((minute) => (minute >= 3 ? 0.2 : 0.01));
    const { breachMinute, ends } = judged(argoPolicy(), bad);
    // Measurements come a millisecond after each interval (see argo in the README).
    expect(Math.floor(breachMinute!)).toBe(3);
    expect(ends).toEqual(["breach"]);
    expect(judged(alertPolicy(5 * MINUTE_MS), bad)).toEqual({ breachMinute: 8, ends: ["breach"] });
  });

  test("is healthy where every answer passed", () => {
    const good = errors(() => 0.01);
    expect(judged(argoPolicy(), good)).toEqual({ breachMinute: null, ends: ["healthy"] });
    expect(judged(alertPolicy(0), good)).toEqual({ breachMinute: null, ends: ["healthy"] });
  });

  test("never calls silence healthy, whatever the system itself makes of it", () => {
    expect(judged(alertPolicy(0), null)).toEqual({ breachMinute: null, ends: ["noData"] });
    const dry = argoPolicy({ consecutiveErrorLimit: 1000 });
    expect(judged(dry, null).ends).toEqual(["noData"]);
  });

  test("aborts a healthy rollout on five failed answers in a row, as Argo does", () => {
    const { breachMinute } = judged(argoPolicy(), null);
    expect(breachMinute! * 60).toBeCloseTo(40, 0);
  });

  test("rolls back by Flagger one tick after the threshold, on bad values and on silence", () => {
    const bad = errors((minute) => (minute >= 3 ? 0.2 : 0.01));
    expect(judged(flaggerPolicy(2), bad)).toEqual({ breachMinute: 5, ends: ["breach"] });
    expect(judged(flaggerPolicy(2), null)).toEqual({ breachMinute: 4, ends: ["breach"] });
    const good = errors(() => 0.01);
    expect(judged(flaggerPolicy(2), good)).toEqual({ breachMinute: null, ends: ["healthy"] });
    expect(judged(flaggerPolicy(2, true), good).ends).toEqual(["inconclusive"]);
  });

  describe("says why it rolled back", () => {
    const causeOf = (policy: Policy, column: SampleColumn | null): string | undefined =>
      judge(policy, column === null ? [] : [column], deployment, []).find(
        ({ evidence }) => evidence.verdict === "breach",
      )?.evidence.cause;
    const bad = errors((minute) => (minute >= 3 ? 0.2 : 0.01));
    const silent = errors((minute) => (minute >= 3 ? NaN : 0.01));
    const as = (answer: number): SampleColumn =>
      errors(
        (minute) => (minute >= 3 ? NaN : 0.01),
        0,
        (minute) => (minute >= 3 ? answer : AnswerKind.value),
      );

    test.each([
      ["a number beyond the bound", bad, "condition"],
      ["no data", silent, "noData"],
      ["NaN", as(AnswerKind.nan), "noData"],
      ["a query that failed", as(AnswerKind.failed), "queryFailed"],
    ])("%s", (_what, column, cause) => {
      expect(causeOf(argoPolicy(), column)).toBe(cause);
      expect(causeOf(flaggerPolicy(2), column)).toBe(cause);
      expect(causeOf(alertPolicy(0), column)).toBe(cause === "condition" ? cause : undefined);
    });

    test("a number on which the condition errs", () => {
      const bare = argoPolicy({ successCondition: "result <= 0.05" });
      expect(
        causeOf(
          bare,
          errors(() => 0.01),
        ),
      ).toBe("conditionError");
    });

    test("in the outcome's record, and not where detectors judge", () => {
      const { records } = replay(argoPolicy(), [bad], [started], null);
      const asked = records.find(({ decision }) => decision === "proposed");
      expect(asked!.signals.map(({ cause }) => cause)).toEqual(["condition"]);
    });
  });

  test("reads the history in the unit of the query", () => {
    const success = argoPolicy({ successCondition: "result[0] >= 95" }, { times: -100, plus: 100 });
    const bad = errors((minute) => (minute >= 3 ? 0.2 : 0.01));
    expect(Math.floor(judged(success, bad).breachMinute!)).toBe(3);
    expect(
      judged(
        success,
        errors(() => 0.01),
      ).ends,
    ).toEqual(["healthy"]);
  });

  test("knows no answer before it was known", () => {
    const late = errors((minute) => (minute >= 3 ? 0.2 : 0.01), 2 * MINUTE_MS);
    expect(Math.floor(judged(argoPolicy(), late).breachMinute!)).toBe(5);
  });

  const values = fc.array(fc.constantFrom(0.01, 0.01, 0.04, 0.2, Number.NaN), {
    minLength: 121,
    maxLength: 121,
  });
  const policies = fc.constantFrom(
    argoPolicy(),
    argoPolicy({ failureLimit: 2, consecutiveErrorLimit: 1 }),
    alertPolicy(0),
    alertPolicy(3 * MINUTE_MS),
    flaggerPolicy(1),
    flaggerPolicy(3, true),
  );
  const delays = fc.constantFrom(0, 5000, 90_000);

  test("decides live as from whole columns", () => {
    check(
      fc.property(policies, values, delays, (policy, drawn, delayMs) => {
        const column = errors((minute) => drawn[minute + 60]!, delayMs);
        const live = runLive(policy, [started, ...toBatches([column])]);
        const others = live.steps
          .map(({ event }) => event)
          .filter(({ kind }) => kind !== "samplesTaken" && kind !== "clockAdvanced");
        expect(live.records).toEqual(replay(policy, [column], others, null).records);
        expect(live.records.length).toBeGreaterThan(1);
      }),
    );
  });

  test("goes on after a restart as if there had been none", () => {
    check(
      fc.property(policies, values, (policy, drawn) => {
        const events = [started, ...toBatches([errors((minute) => drawn[minute + 60]!)])].sort(
          (a, b) => a.knownAtMs - b.knownAtMs,
        );
        let kept = initialController;
        let restarted = initialController;
        for (const event of events) {
          const one = handle(policy, kept, event);
          const other = handle(policy, restore(serialise(restarted)), event);
          expect(other.records).toEqual(one.records);
          kept = one.state;
          restarted = other.state;
        }
      }),
    );
  });
});

describe("an incumbent's policy", () => {
  test("names what is wrong with it", () => {
    const wrong = (incumbent: object): string[] => {
      try {
        policyOf({ policy: "p", owner: "o", incumbent });
        return [];
      } catch (error) {
        return (error as Error).message.split("\n").slice(1);
      }
    };
    expect(wrong({ system: "jenkins", plan: {} })[0]).toMatch(/^incumbent\.system: /);
    expect(wrong({ system: "argo", plan: {} })[0]).toMatch(/^incumbent\.plan\.steps: /);
    const { plan } = argoPolicy().incumbent!;
    const queries = { latency: { metric: "m" } };
    expect(wrong({ system: "argo", plan, queries })[0]).toMatch(/^incumbent\.queries\.latency: /);
  });

  test("can be put behind a window, which changes who decides and not what is judged", () => {
    const { plan } = alertPolicy(0).incumbent!;
    const policy = policyOf({
      policy: "asked",
      owner: "payments",
      incumbent: { system: "prometheus", plan },
      assign: [{ otherwise: "override" }],
    });
    const column = errors((minute) => (minute >= 3 ? 0.2 : 0.01));
    const { records } = replay(policy, [column], [started], null);
    const [asked] = records.filter(({ decision }) => decision === "proposed");
    const [ordered] = records.filter(({ decision }) => decision === "rollbackOrdered");
    expect(ordered!.atMs - asked!.atMs).toBe(policy.tiers.override.windowMs);
  });
});
