/** Rollouts and AnalysisTemplates of Argo as plans: what is read, what is refused, and where. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { argo } from "../../../engine/index.ts";
import {
  importArgo,
  type ArgoSettings,
  type ImportedAll,
} from "../../../lab/policy/import/argo.ts";
import { fillArguments } from "../../../lab/policy/import/argoArguments.ts";
import { isScalarQuery, parseGoDuration } from "../../../lab/policy/import/argoTemplate.ts";
import { documentsOf } from "../../../lab/policy/import/document.ts";

const ROLLOUT = readFileSync(new URL("./rollout.yaml", import.meta.url), "utf8");

function read(text: string, args: ReadonlyMap<string, string> = new Map()): ImportedAll {
  const settings: ArgoSettings = { args, lastsMs: 600_000 };
  return importArgo(documentsOf(text, "a.yaml").objects, settings);
}

/** What is refused, each with its line and its words. */
function refusals(text: string): readonly string[] {
  return read(text).problems.map(
    ({ what, where }) => `${where.line}: ${what.replace(/ \(.*/, "")}`,
  );
}

test("a Rollout becomes a plan that the engine accepts, with its queries", () => {
  const { imported, problems } = read(ROLLOUT);
  expect(problems).toEqual([]);
  expect(imported).toHaveLength(1);
  const [{ plan, queries }] = imported as [(typeof imported)[number]];
  expect(argo.schema.parse(plan)).toEqual(plan);
  expect(plan.steps.map(({ kind }) => kind)).toEqual([
    "setWeight",
    "pause",
    "setWeight",
    "pause",
    "analysis",
  ]);
  expect(plan.steps[3]).toEqual({ kind: "pause", durationMs: 300_000 });
  expect(plan.background).toMatchObject({
    startingStep: 2,
    analysis: {
      metrics: [
        { name: "success-rate", intervalMs: 60_000, count: 20, failureLimit: 2, dryRun: false },
      ],
    },
  });
  expect(plan.background?.analysis.metrics[0]?.successCondition).toBe("result[0] >= 0.95");
  expect(plan.steps[4]).toMatchObject({
    analysis: { metrics: [{ dryRun: false }, { name: "warnings", dryRun: true }] },
  });
  expect(queries.map(({ name, expr }) => [name, expr])).toEqual([
    ["up", "min(up)"],
    ["warnings", "sum(warnings)"],
    ["success-rate", 'ok:ratio{service="checkout-canary"}'],
  ]);
  expect([...argo.queries(plan)].sort()).toEqual(queries.map(({ name }) => name).sort());
});

test("arguments: of the command line, then the Rollout, then the template", () => {
  const all = read(ROLLOUT, new Map([["threshold", "0.5"]]));
  const condition = all.imported[0]?.plan.background?.analysis.metrics[0]?.successCondition;
  expect(condition).toBe("result[0] >= 0.5");
  const template = ROLLOUT.slice(ROLLOUT.indexOf("---") + 4, ROLLOUT.lastIndexOf("---"));
  const [own] = read(template).imported;
  expect(own?.queries[0]).toMatchObject({ open: ["service-name"] });
  const filled = fillArguments(own!.queries[0]!.expr, new Map([["service-name", "{{args.x}}"]]));
  expect(filled).toEqual({ text: 'ok:ratio{service="{{args.x}}"}', open: [] });
});

const METRIC = { name: "m", provider: { prometheus: { query: "up" } } };

function template(metric: object, spec: object = {}): string {
  const metrics = [{ ...METRIC, ...metric }];
  return stringify({
    kind: "AnalysisTemplate",
    metadata: { name: "t" },
    spec: { metrics, ...spec },
  });
}

describe("refused by name, with the line", () => {
  test.each<[object, object, string]>([
    [{ provider: { datadog: {} } }, {}, "8: the provider datadog is not emulated"],
    [{ provider: { plugin: { "a/b": {} } } }, {}, "8: the provider plugin a/b is not emulated"],
    [{ provider: {} }, {}, "7: the metric has no provider"],
    [{ interval: "5" }, {}, "10: interval: expected a duration"],
    [{ interval: "10ms" }, {}, "10: interval: less than 1s is not emulated"],
    [{ count: "many" }, {}, "10: count: expected an integer"],
    [{ count: 2 }, {}, "6: `count` is above 1 without an `interval`, which Argo refuses"],
    [{ failureLimits: 2 }, {}, "10: unknown key `failureLimits`"],
    [{ successCondition: "result.x > 1" }, {}, "10: successCondition: `.` is not emulated"],
    [
      { successCondition: "{{args.x}} > 1" },
      {},
      "10: successCondition: the argument x has no value",
    ],
    [
      { provider: { prometheus: { query: "{{args.x}}" } } },
      {},
      "9: the template declares no argument x",
    ],
    [
      {},
      { args: [{ name: "token", valueFrom: { secretKeyRef: {} } }] },
      "12: the argument token comes from secretKeyRef, which only the cluster knows",
    ],
    [
      {},
      { dryRun: [{ metricName: "n" }] },
      "11: the rule n matches no metric, so Argo ends the run with an error",
    ],
    [{}, { dryRun: [{ metricName: "(a+)+" }] }, "11: the expression"],
  ])("%j %j: %s", (metric, spec, expected) => {
    const text = template(metric, spec);
    const all = refusals(text);
    expect(all).toHaveLength(1);
    expect(all[0]).toBe(expected);
    expect(read(text).imported).toEqual([]);
  });

  test.each<[string, string, string]>([
    ["- setWeight: 20", "- experiment: {}", "17: the step experiment is not emulated"],
    ["{ duration: 5m }", "{ duration: soon }", "18: pause: expected a duration"],
    [
      "templateName: smoke",
      "templateName: absent",
      "23: no ClusterAnalysisTemplate absent among the files",
    ],
    ["canary:", "blueGreen:", "8: a blue-green strategy is not emulated"],
  ])("%s → %s", (from, to, expected) => {
    expect(refusals(ROLLOUT.replace(from, to))).toContain(expected);
  });

  test("a value given for an argument of the cluster settles it", () => {
    const text = template({}, { args: [{ name: "token", valueFrom: { secretKeyRef: {} } }] });
    expect(read(text, new Map([["token", "x"]])).problems).toEqual([]);
  });
});

test("durations as Go reads them, and which queries give a number", () => {
  expect(["1h30m", "90s", "1.5h", "0", "300ms", "5", "1d", "", "-1s"].map(parseGoDuration)).toEqual(
    [5_400_000, 90_000, 5_400_000, 0, 300, null, null, null, null],
  );
  const queries = [
    "scalar(up)",
    'scalar(up{a=")"})',
    "1.5",
    "scalar(a) / b",
    "up",
    "scalar(a)+(b)",
  ];
  expect(queries.map(isScalarQuery)).toEqual([true, true, true, false, false, false]);
});

describe("hostile files", () => {
  const bomb = (): string => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let at = 1; at < 10; at++) {
      lines.push(
        `a${at}: &a${at} [${Array(10)
          .fill(`*a${at - 1}`)
          .join(", ")}]`,
      );
    }
    return lines.join("\n");
  };
  test.each<[string, string, RegExp]>([
    ["aliases", bomb(), /too many aliases/],
    ["depth", `a: ${"[".repeat(20_000)}`, /nested too deep/],
    ["documents", "---\na: 1\n".repeat(3000), /more than 2000 documents/],
    ["length", `a: ${"x".repeat(4_000_001)}`, /too long/],
    ["a key", "kind: Rollout\nspec:\n  __proto__: { a: 1 }\n", /__proto__/],
    ["a list", "- a\n", /expected a Kubernetes object/],
    ["syntax", "a: [1\nb: 2\n", /./],
  ])("%s", (_what, text, message) => {
    const { objects, problems } = documentsOf(text, "h.yaml");
    expect(objects).toEqual([]);
    expect(problems[0]?.what).toMatch(message);
  });

  test("a Helm template says so", () => {
    const { problems } = documentsOf("a:\n{{- if .Values.b }}\n  c: d\n{{- end }}\n", "h.yaml");
    expect(problems[0]?.where.cure).toMatch(/helm template/);
  });
});
