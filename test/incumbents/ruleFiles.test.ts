/** Files of rule groups: what is read from them, and the place of everything that is refused. */

import { expect, test } from "vitest";
import { prometheus } from "../../engine/index.ts";
import { parsePrometheusDuration } from "../../lab/policy/import/ruleFile.ts";
import { Problems } from "../../lab/problem.ts";
import { importedRules } from "./alerts.ts";

const CHECKOUT = `groups:
  - name: checkout
    interval: 30s
    limit: 20
    query_offset: 1m
    labels: { team: shop }
    rules:
      - record: job:errors:rate5m
        expr: sum by (job) (rate(errors_total[5m]))
      - alert: ErrorsHigh
        expr: job:errors:rate5m / job:requests:rate5m > 0.05
        for: 2m
        keep_firing_for: 5m
        labels: { severity: page, of: "{{ $labels.job }}" }
        annotations: { summary: "{{ $value | humanize }} of {{ $labels.job }}" }
      - alert: ErrorsVeryHigh
        expr: 0.2 < job:errors:rate5m / job:requests:rate5m
        labels: { team: platform }
      - alert: Gone
        expr: absent(up{job="checkout"})
        for: 0
`;

test("a file's groups become a plan, and queries that rules share", () => {
  const { plan, queries, recorded, alerts } = importedRules(CHECKOUT);
  const ratio = "checkout/ErrorsHigh";
  expect(prometheus.schema.parse(plan)).toEqual({
    evaluator: "prometheus",
    groups: [
      {
        name: "checkout",
        intervalMs: 30_000,
        offsetMs: 0,
        queryOffsetMs: 60_000,
        limit: 20,
        rules: [
          {
            alert: "ErrorsHigh",
            query: ratio,
            bound: { op: ">", value: 0.05 },
            forMs: 120_000,
            keepFiringForMs: 300_000,
            labels: { team: "shop", severity: "page", of: "{{ $labels.job }}" },
          },
          {
            alert: "ErrorsVeryHigh",
            query: ratio,
            bound: { op: ">", value: 0.2 },
            forMs: 0,
            keepFiringForMs: 0,
            labels: { team: "platform" },
          },
          {
            alert: "Gone",
            query: "checkout/Gone",
            bound: null,
            forMs: 0,
            keepFiringForMs: 0,
            labels: { team: "shop" },
          },
        ],
      },
    ],
    onFiring: "rollBack",
    serviceLabel: null,
    watchMs: 3_600_000,
    warmUpMs: 450_000,
  });
  expect(queries).toEqual([
    { name: ratio, expr: "job:errors:rate5m / job:requests:rate5m", intervalMs: 30_000 },
    { name: "checkout/Gone", expr: 'absent(up{job="checkout"})', intervalMs: 30_000 },
  ]);
  expect(recorded).toEqual([
    { record: "job:errors:rate5m", place: { file: "rules.yml", line: 8, column: 9 } },
  ]);
  expect(alerts.map(({ placeOf }) => placeOf("expr").line)).toEqual([11, 17, 20]);
});

test("the operator's resource, groups of one name, and groups without alerts", () => {
  const rule = (group: string, expr: string): string =>
    `    - name: ${group}\n      rules: [{ alert: A, expr: "${expr}" }]\n`;
  const { plan, queries } = importedRules(
    `apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: { name: x }\nspec:\n` +
      `  groups:\n${rule("g", "a > 1")}${rule("g", "b > 1")}    - name: none\n      rules:\n`,
  );
  expect(plan.groups.map(({ name, intervalMs }) => [name, intervalMs])).toEqual([
    ["g", 60_000],
    ["g", 60_000],
  ]);
  expect(queries.map(({ name, expr }) => [name, expr])).toEqual([
    ["g/A", "a"],
    ["g/A 2", "b"],
  ]);
});

test("vmalert's files: its offset and delay count, and MetricsQL is asked as it is", () => {
  const text = `groups:
  - name: g
    interval: 1m
    eval_offset: 10s
    eval_delay: 30s
    concurrency: 2
    rules: [{ alert: A, expr: "default_rollup(a[5m]) > 5" }]
`;
  const { plan, queries, alerts } = importedRules(text, { evaluator: "vmalert" });
  expect(plan.groups[0]).toMatchObject({ offsetMs: 10_000, queryOffsetMs: 30_000 });
  expect(queries[0]!.expr).toBe("default_rollup(a[5m]) > 5");
  expect(alerts[0]!.split.whole).toBe("notPromql");
});

test.each([
  ["an unknown key", "groups: [{ name: g, rules: [{ alert: A, expr: a, fro: 5m }] }]", 1, 50],
  ["no alert and no record", "groups:\n  - name: g\n    rules:\n      - expr: a\n", 4, 9],
  ["both", "groups:\n  - name: g\n    rules:\n      - { alert: A, record: b, expr: a }\n", 4, 9],
  ["a duration", "groups:\n  - name: g\n    interval: 30\n    rules: []\n", 3, 5],
  ["an interval", "groups:\n  - name: g\n    interval: 10ms\n    rules: []\n", 3, 5],
  [
    "a label's name",
    'groups: [{ name: g, rules: [{ alert: A, expr: a, labels: { "x-y": 1 } }] }]',
    1,
    60,
  ],
  [
    "no PromQL",
    "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: a > > 1\n",
    5,
    9,
  ],
  [
    "a label that follows the value",
    'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: a\n    labels: { x: "{{ $value }}" }\n',
    6,
    5,
  ],
  ["graphite", "groups:\n  - name: g\n    type: graphite\n    rules: []\n", 3, 5],
  ["no groups", "rules: []\n", 1, 1],
  ["no YAML", "groups: [\n", 2, 1],
])("%s is refused with its place", (_, text, line, column) => {
  let problems: Problems | null = null;
  try {
    importedRules(text);
  } catch (error) {
    if (error instanceof Problems) problems = error;
    else throw error;
  }
  expect(problems!.all.map(({ where }) => [where.file, where.line, where.column])).toContainEqual([
    "rules.yml",
    line,
    column,
  ]);
});

test.each([
  ["0", 0],
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["1y2w3d4h5m6s7ms", 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_706_007],
  ["30", null],
  ["1.5h", null],
  ["5m1h", null],
  ["", null],
])("a duration of %j is %s ms", (text, ms) => {
  expect(parsePrometheusDuration(text)).toBe(ms);
});
