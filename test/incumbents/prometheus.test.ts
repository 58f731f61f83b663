/**
 * The states of alerts. Goal: they are those of Prometheus and vmalert. Method: the cases of their
 * own tests, written anew as facts: the results of each evaluation, and the states after it.
 */

import { describe, expect, test } from "vitest";
import { prometheus } from "../../engine/incumbents/prometheus.ts";
import type { AlertRule, PrometheusPlan } from "../../engine/incumbents/prometheusPlan.ts";
import { evaluated, MINUTE_MS, planOf, ruleOf, statesOf, type Results } from "./alerts.ts";

interface Case {
  /** The upstream file and case; those of vmalert are in app/vmalert/rule/alerting_test.go. */
  readonly from: string;
  readonly evaluator?: PrometheusPlan["evaluator"];
  readonly rule?: Partial<AlertRule>;
  readonly intervalMs?: number;
  readonly limit?: number;
  readonly results: readonly Results[];
  readonly states: readonly (readonly string[])[];
}

const over50 = { op: ">", value: 50 } as const;
const app = "job=app-server,instance=0";
const appIs = (state: string): string[] => [`instance=0,job=app-server ${state}`];
const none: string[] = [];
const [on, off]: Results[] = [{ "name=foo": 1 }, {}];
const foo = (state: string): string[] => [`name=foo ${state}`];
/** Results at these seconds, of 1 to the last of them. */
const at = (...seconds: readonly number[]): Results[] =>
  Array.from({ length: seconds.at(-1)! }, (_, i) => (seconds.includes(i + 1) ? { "": 1 } : {}));
/** The states at these seconds, and nothing between them. */
const then = (states: Readonly<Record<number, string>>, last: number): string[][] =>
  Array.from({ length: last }, (_, i) => (states[i + 1] === undefined ? [] : [states[i + 1]!]));

const cases: readonly Case[] = [
  {
    from: "rules/alerting_test.go TestKeepFiringFor",
    rule: { bound: over50, forMs: MINUTE_MS, keepFiringForMs: MINUTE_MS },
    results: [75, 85, 70, 70, 10, 10].map((value) => ({ [app]: value })),
    states: [
      appIs("pending"),
      appIs("firing"),
      appIs("firing"),
      appIs("firing"),
      appIs("firing"),
      none,
    ],
  },
  {
    from: "rules/alerting_test.go TestPendingAndKeepFiringFor",
    rule: { bound: over50, forMs: MINUTE_MS, keepFiringForMs: MINUTE_MS },
    results: [75, 10].map((value) => ({ [app]: value })),
    states: [appIs("pending"), none],
  },
  {
    from: "rules/alerting_test.go TestAlertingRuleDuplicate",
    rule: { labels: { test: "test" } },
    results: [{ "": 0, "test=x": 0 }],
    states: [none],
  },
  ...[0, -1, 2].map((limit) => ({
    from: `rules/alerting_test.go TestAlertingRuleLimit, ${limit}`,
    limit,
    rule: { bound: { op: ">", value: 0 } as const, labels: { test: "test" }, forMs: MINUTE_MS },
    results: [{ "label=1": 1, "label=2": 1 }],
    states: [["label=1,test=test pending", "label=2,test=test pending"]],
  })),
  {
    from: "rules/alerting_test.go TestAlertingRuleLimit, 1",
    limit: 1,
    rule: { bound: { op: ">", value: 0 }, forMs: MINUTE_MS },
    results: [{ "label=1": 1 }, { "label=1": 1, "label=2": 1 }, { "label=1": 1 }],
    states: [["label=1 pending"], none, ["label=1 pending"]],
  },
  {
    from: "rules/alerting_test.go TestAlertingRuleEmptyLabelFromTemplate",
    rule: { bound: { op: "<", value: 100 }, forMs: MINUTE_MS, labels: { empty_label: "" } },
    results: [{ [app]: 70 }],
    states: [appIs("pending")],
  },
  {
    from: "cmd/promtool/testdata/unittest.yml, InstanceDown",
    rule: { bound: { op: "==", value: 0 }, forMs: 5 * MINUTE_MS, labels: { severity: "page" } },
    results: Array.from({ length: 6 }, () => ({ "__name__=up,job=prometheus": 0 })),
    states: [
      ...Array.from({ length: 5 }, () => ["job=prometheus,severity=page pending"]),
      ["job=prometheus,severity=page firing"],
    ],
  },
  {
    from: "cmd/promtool/testdata/unittest.yml, AlwaysFiring",
    results: [{ "": 1 }],
    states: [["firing"]],
  },
  {
    from: "vmalert TestAlertingRule_Exec, multiple-steps-firing",
    results: [{ "name=foo": 1 }, { "name=foo1": 1 }, { "name=foo2": 1 }],
    states: [["name=foo firing"], ["name=foo1 firing"], ["name=foo2 firing"]],
  },
  {
    from: "vmalert TestAlertingRule_Exec, for-pending=>empty",
    rule: { forMs: 2 * MINUTE_MS },
    results: [on!, on!, off!],
    states: [foo("pending"), foo("pending"), none],
  },
  {
    from: "vmalert TestAlertingRule_Exec, for-pending=>firing=>inactive=>pending=>firing",
    rule: { forMs: MINUTE_MS },
    results: [on!, on!, off!, on!, on!],
    states: [foo("pending"), foo("firing"), none, foo("pending"), foo("firing")],
  },
  {
    from: "vmalert TestAlertingRule_Exec, for-pending=>firing=>keepfiring=>firing",
    rule: { forMs: MINUTE_MS, keepFiringForMs: MINUTE_MS },
    results: [on!, on!, off!, on!],
    states: [foo("pending"), foo("firing"), foo("firing"), foo("firing")],
  },
  {
    from: "vmalert TestAlertingRule_Exec, …=>keepfiring=>keepfiring=>inactive=>…",
    rule: { forMs: MINUTE_MS, keepFiringForMs: 2 * MINUTE_MS },
    results: [on!, on!, off!, off!, off!, on!, on!],
    states: [
      foo("pending"),
      ...Array.from({ length: 3 }, () => foo("firing")),
      none,
      foo("pending"),
      foo("firing"),
    ],
  },
  {
    from: "rules/alerting.go Eval: active again, `keep_firing_for` is counted anew",
    rule: { keepFiringForMs: 2 * MINUTE_MS },
    results: [on!, off!, on!, off!, off!, off!],
    states: [...Array.from({ length: 5 }, () => foo("firing")), none],
  },
  {
    from: "vmalert/rule/alerting.go execRange: a failed evaluation is a gap",
    evaluator: "vmalertReplay",
    rule: { forMs: 1_000 },
    results: [on!, on!, "failed", on!, on!],
    states: [foo("pending"), foo("firing"), foo("firing"), foo("pending"), foo("firing")],
  },
  {
    from: "vmalert TestAlertingRuleExecRange, for-pending",
    evaluator: "vmalertReplay",
    rule: { forMs: 1_000 },
    results: at(1, 3, 5),
    states: then({ 1: "pending", 3: "pending", 5: "pending" }, 5),
  },
  {
    from: "vmalert TestAlertingRuleExecRange, for-firing",
    evaluator: "vmalertReplay",
    intervalMs: 2_000,
    rule: { forMs: 3_000 },
    results: at(1, 2, 3),
    states: then({ 1: "pending", 2: "pending", 3: "firing" }, 3),
  },
  {
    from: "vmalert TestAlertingRuleExecRange, for-hold-pending",
    evaluator: "vmalertReplay",
    rule: { forMs: 1_000 },
    results: at(1, 2, 5),
    states: then({ 1: "pending", 2: "firing", 5: "pending" }, 5),
  },
  {
    from: "vmalert TestAlertingRuleExecRange, firing=>inactive=>inactive=>firing=>firing",
    evaluator: "vmalertReplay",
    results: at(1, 4, 5, 6),
    states: then({ 1: "firing", 4: "firing", 5: "firing", 6: "firing" }, 6),
  },
  {
    from: "vmalert TestAlertingRuleExecRange, for=>pending=>firing=>pending=>…",
    evaluator: "vmalertReplay",
    rule: { forMs: 1_000 },
    results: at(1, 2, 5, 6, 20),
    states: then({ 1: "pending", 2: "firing", 5: "pending", 6: "firing", 20: "pending" }, 20),
  },
  {
    from: "vmalert TestAlertingRuleExecRange, multi-series",
    evaluator: "vmalertReplay",
    intervalMs: 2_000,
    rule: { forMs: 3_000 },
    results: [{ "": 1, "foo=bar": 1 }, { "": 1 }, { "": 1, "foo=bar": 1 }],
    states: [["pending", "foo=bar pending"], ["pending"], ["firing", "foo=bar pending"]],
  },
  {
    from: "vmalert/rule/alerting.go execRange: `keep_firing_for` has no effect",
    evaluator: "vmalertReplay",
    rule: { keepFiringForMs: 10_000 },
    results: at(1, 4),
    states: then({ 1: "firing", 4: "firing" }, 4),
  },
  {
    from: "vmalert/rule/alerting.go labelSet.add: an overridden label is kept as exported_…",
    evaluator: "vmalert",
    rule: { labels: { job: "all", of: "{{ $labels.instance }}" } },
    results: [{ [app]: 1 }],
    states: [["exported_job=app-server,instance=0,job=all,of=0 firing"]],
  },
];

describe("the states of alerts", () => {
  test.each(cases)("are those of $from", (given) => {
    const { evaluator = "prometheus", rule = {}, results, states } = given;
    const { intervalMs = evaluator === "vmalertReplay" ? 1_000 : MINUTE_MS, limit = 0 } = given;
    const plan = planOf({ intervalMs, limit, rules: [ruleOf(rule)] }, { evaluator });
    expect(prometheus.schema.parse(plan)).toEqual(plan);
    expect(evaluated(plan, results).states.map((sorted) => sorted.sort())).toEqual(
      states.map((sorted) => [...sorted].sort()),
    );
  });

  test("a firing alert whose `for` was made longer is pending again", () => {
    // rules/alerting.go `Eval`; the case is TestFiringAlertResetToPendingOnHoldDurationIncrease.
    const before = planOf({ rules: [ruleOf({ forMs: MINUTE_MS })] });
    const after = planOf({ rules: [ruleOf({ forMs: 5 * MINUTE_MS, keepFiringForMs: MINUTE_MS })] });
    const { state } = evaluated(before, [on!, on!]);
    expect(statesOf(state)).toEqual(foo("firing"));
    expect(evaluated(after, [on!, on!, on!, on!], state).states).toEqual([
      foo("pending"),
      foo("pending"),
      foo("pending"),
      foo("firing"),
    ]);
  });

  test("a failed query leaves them as they are, and time passes", () => {
    const pending = planOf({ rules: [ruleOf({ forMs: 2 * MINUTE_MS })] });
    expect(evaluated(pending, [on!, "failed", on!])).toMatchObject({
      states: [foo("pending"), foo("pending"), foo("firing")],
      findings: ["alertPending", "evaluationFailed", "alertFiring"],
    });
    const kept = planOf({ rules: [ruleOf({ keepFiringForMs: 2 * MINUTE_MS })] });
    expect(evaluated(kept, [on!, off!, "failed", off!])).toMatchObject({
      states: [foo("firing"), foo("firing"), foo("firing"), none],
      findings: ["alertFiring", "alertKeptFiring", "evaluationFailed", "alertResolved"],
    });
  });

  test.each([
    [">", [none, none, foo("firing"), none]],
    [">=", [none, foo("firing"), foo("firing"), none]],
    ["<", [foo("firing"), none, none, none]],
    ["<=", [foo("firing"), foo("firing"), none, none]],
    ["==", [none, foo("firing"), none, none]],
    ["!=", [foo("firing"), none, foo("firing"), foo("firing")]],
  ] as const)("NaN is not %s a bound; it only differs from it", (op, states) => {
    const plan = planOf({ rules: [ruleOf({ bound: { op, value: 5 } })] });
    const results = [4, 5, Infinity, NaN].map((value) => ({ "name=foo": value }));
    expect(evaluated(plan, results).states).toEqual(states);
  });
});

describe("what an alert does to a deployment", () => {
  const rules = [ruleOf({ forMs: MINUTE_MS })];

  test("it rolls back once it fires, and that is decided", () => {
    const plan = planOf({ rules }, { onFiring: "rollBack" });
    const { acts, state } = evaluated(plan, [on!, on!, on!]);
    expect(acts).toEqual(["rollBack"]);
    expect(prometheus.due(plan, state)).toBeNull();
  });

  test("it pages each time that it begins to fire, until the watch is over", () => {
    const plan = planOf({ rules }, { watchMs: 6 * MINUTE_MS });
    const { acts, states, state } = evaluated(plan, [on!, on!, off!, on!, on!, on!, on!, on!]);
    expect(acts).toEqual(["page", "page"]);
    expect(states).toHaveLength(7);
    expect(prometheus.due(plan, state)).toBeNull();
  });

  test("what fires before the start does nothing, what pends before it may fire after it", () => {
    const plan = planOf({ rules }, { onFiring: "rollBack", warmUpMs: 2 * MINUTE_MS });
    const start = prometheus.start(plan, 10 * MINUTE_MS, "checkout");
    expect(evaluated(plan, [on!, on!, on!, on!], start).acts).toEqual([]);
    expect(evaluated(plan, [off!, on!, on!], start).acts).toEqual(["rollBack"]);
  });

  test("evaluations are at multiples of the interval plus the offset, queries before them", () => {
    const plan = planOf({ rules, offsetMs: 7_000, queryOffsetMs: 30_000 });
    expect(prometheus.reachMs!({ ...plan, warmUpMs: 60_000 })).toBe(90_000);
    const state = prometheus.start(plan, 61_000, "checkout");
    expect(prometheus.due(plan, state)).toEqual({
      atMs: 67_000,
      questions: [{ query: "high", scope: "all", fromMs: 37_000, toMs: 37_000 }],
    });
  });

  test("only alerts of the deployment's service count", () => {
    const plan = planOf({ rules: [ruleOf()] }, { onFiring: "rollBack", serviceLabel: "service" });
    const [own, other]: Results[] = [{ "service=checkout": 1 }, { "service=search": 1 }];
    expect(evaluated(plan, [other!, { "": 1 }]).acts).toEqual([]);
    expect(evaluated(plan, [other!, own!]).acts).toEqual(["rollBack"]);
  });

  test("groups are evaluated at their own intervals", () => {
    const [a, b] = [
      planOf({ rules, intervalMs: 20_000 }).groups[0]!,
      planOf({ rules: [ruleOf({ query: "b" }), ruleOf({ query: "c" })], intervalMs: 30_000 })
        .groups[0]!,
    ];
    const plan = { ...planOf({ rules }), groups: [a, b], watchMs: 60_000 };
    expect(prometheus.queries(plan)).toEqual(["high", "b", "c"]);
    let state = prometheus.start(plan, 0, "checkout");
    const asked: string[] = [];
    for (let due = prometheus.due(plan, state); due !== null; due = prometheus.due(plan, state)) {
      asked.push(`${due.atMs / 1_000} ${due.questions.map(({ query }) => query).join(" ")}`);
      const answers = due.questions.map(() => ({ kind: "series" as const, series: [] }));
      ({ state } = prometheus.step(plan, state, due.atMs, answers));
    }
    expect(asked).toEqual(["0 high b c", "20 high", "30 b c", "40 high", "60 high b c"]);
  });
});
