/**
 * Canaries and MetricTemplates of Flagger as plans: what is read, what is refused, and where. Names
 * in brackets are cases of Flagger's own tests, written anew.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { flagger } from "../../../engine/index.ts";
import { importFlagger, type ImportedCanaries } from "../../../lab/policy/import/flagger.ts";
import { renderQuery } from "../../../lab/policy/import/flaggerQuery.ts";
import { documentsOf } from "../../../lab/policy/import/document.ts";
import { loadPolicy } from "../../../lab/policy/load.ts";
import { inTurn } from "../../commandLine.ts";
import { temporaryDirectory } from "../../directories.ts";

const FILE = new URL("./canary.yaml", import.meta.url).pathname;
const TEXT = readFileSync(FILE, "utf8");

function read(...texts: readonly string[]): ImportedCanaries {
  return importFlagger(texts.flatMap((text) => documentsOf(text, "c.yaml").objects));
}

function canary(analysis: object | undefined, spec: object = {}, namespace = "default"): string {
  const metadata = { name: "podinfo", namespace };
  const targetRef = { kind: "Deployment", name: "podinfo" };
  return stringify({ kind: "Canary", metadata, spec: { targetRef, analysis, ...spec } });
}

function template(name: string, query: string, type = "prometheus"): string {
  const metadata = { name, namespace: "default" };
  return stringify({ kind: "MetricTemplate", metadata, spec: { provider: { type }, query } });
}

const RANGE = { thresholdRange: { min: 0, max: 100 } };

/** What is refused, each with its line and its words. */
const refusals = (...texts: readonly string[]): readonly string[] =>
  read(...texts).problems.map(({ what, where }) => `${where.line}: ${what.replace(/ \(.*/, "")}`);

test("a Canary becomes a plan that the engine accepts, with its checks in Flagger's order", () => {
  const { imported, problems, notes } = read(TEXT);
  expect(problems).toEqual([]);
  const [{ name, plan, queries }] = imported as [(typeof imported)[number]];
  expect([name, flagger.schema.parse(plan)]).toEqual(["checkout", plan]);
  expect(plan).toMatchObject({
    intervalMs: 30_000,
    threshold: 4,
    confirmPromotion: true,
    strategy: { kind: "canary", stepWeight: 20, maxWeight: 60, mirror: false },
  });
  expect(plan.metrics.map(({ name, compares, min, max }) => [name, compares, min, max])).toEqual([
    ["request-success-rate", "number", 99, null],
    ["request-duration", "milliseconds", null, 500],
    ["queue", "number", null, 100],
    ["orders", "number", 1, null],
  ]);
  expect(queries.map(({ expr }) => expr?.replaceAll(/\s+/g, " ") ?? null)).toEqual([
    'sum(rate(orders_total{namespace="shop", service="checkout-web", ' +
      'target="checkout", currency="EUR"}[2m]))',
    null,
    null,
    "max(queue_length)",
  ]);
  expect(notes.map(({ where }) => where.line)).toEqual([28, 29]);
});

describe("defaults", () => {
  const plan = (analysis: object | undefined, spec: object = {}) =>
    read(canary(analysis, spec)).imported[0]?.plan;

  test("of the interval, its floor, and the threshold", () => {
    const metrics = [{ name: "request-success-rate" }];
    expect(plan({ metrics })).toMatchObject({ intervalMs: 60_000, threshold: 1 });
    expect(plan({ metrics, interval: "1s" })?.intervalMs).toBe(10_000);
    expect(plan({ metrics, interval: "soon" })?.intervalMs).toBe(60_000);
    expect(plan({ metrics, threshold: -2 })?.threshold).toBe(1);
  });

  test("without a range, `threshold` is the least success rate and the most of the rest", () => {
    const names = ["request-success-rate", "request-duration", "other"];
    const metrics = names.map((name) => ({ name, ...(name === "other" ? { query: "up" } : {}) }));
    const bounds = plan({ metrics })?.metrics.map(({ min, max }) => [min, max]);
    expect(bounds).toEqual([
      [0, null],
      [null, 0],
      [null, 0],
    ]);
  });

  test("no analysis skips it, and so does `skipAnalysis`", () => {
    expect(plan(undefined)?.skipAnalysis).toBe(true);
    expect(plan({}, { skipAnalysis: true })?.skipAnalysis).toBe(true);
    expect(plan({})?.skipAnalysis).toBe(false);
  });

  test("Kubernetes alone makes ten iterations of any strategy", () => {
    const strategy = { kind: "blueGreen", iterations: 10, shiftsTraffic: false };
    expect(plan({ stepWeight: 10 }, { provider: "kubernetes" })?.strategy).toEqual(strategy);
  });
});

describe("[getDeploymentStrategy]", () => {
  const HEADERS = [{ headers: { "x-canary": { exact: "insider" } } }];
  test.each([
    ["canary strategy with maxWeight", { maxWeight: 30, stepWeight: 10 }, "canary"],
    ["canary strategy with stepWeights", { stepWeights: [10, 20, 30] }, "canary"],
    ["blue_green strategy with iterations", { iterations: 5 }, "blueGreen"],
    ["ab_testing strategy", { iterations: 10, match: HEADERS }, "abTesting"],
    ["default to canary when analysis is nil", undefined, "canary"],
    ["default to canary when analysis is empty", {}, "canary"],
  ])("%s", (_case, analysis, kind) => {
    expect(read(canary(analysis)).imported[0]?.plan.strategy.kind).toBe(kind);
  });
});

describe("[scheduler_metrics_test.go]", () => {
  const metric = (over: object): string => canary({ metrics: [{ name: "m", ...RANGE, ...over }] });
  const VARS = template("custom-vars", 'up{a="{{ variables.first }}", b="{{ variables.second }}"}');
  const referring = {
    templateRef: { name: "custom-vars", namespace: "default" },
    templateVariables: { first: "abc", second: "def" },
  };
  const exprs = (...texts: readonly string[]): unknown =>
    read(...texts).imported[0]?.queries.map(({ expr }) => expr);

  test("checkMetricProviderAvailability/templateRef: a template that is not there", () => {
    expect(refusals(metric({ templateRef: { name: "non-exist", namespace: "default" } }))).toEqual([
      "15: no MetricTemplate non-exist among the files",
    ]);
  });

  test("checkMetricProviderAvailability/intraNamespaceTemplateRef", () => {
    const own = metric({ templateRef: { name: "envoy" } });
    expect(exprs(own, template("envoy", "up"))).toEqual(["up"]);
    const elsewhere = own.replace("namespace: default", "namespace: other");
    expect(refusals(elsewhere, template("envoy", "up"))).toHaveLength(1);
  });

  test("runMetricChecks/customVariables", () => {
    expect(exprs(metric(referring), VARS)).toEqual(['up{a="abc", b="def"}']);
  });

  test("runMetricChecks/undefined metric: without a query every check would fail", () => {
    expect(refusals(metric({}))).toEqual(["11: m has no templateRef and no query"]);
  });

  test("runMetricChecks/builtinMetric, and a query in place", () => {
    expect(exprs(metric({ name: "request-success-rate" }))).toEqual([null]);
    expect(exprs(metric({ query: "sum(e) <= bool 0" }))).toEqual(["sum(e) <= bool 0"]);
  });

  test("runMetricChecks/both have metric Template and query: both are checked", () => {
    expect(exprs(metric({ ...referring, query: "up" }), VARS)).toEqual([
      "up",
      'up{a="abc", b="def"}',
    ]);
  });
});

describe("[observers/render_test.go]", () => {
  const values = new Map([
    ["namespace", "default"],
    ["target", "myapp"],
    ["interval", "1m"],
    ["variables.cluster", "dev"],
  ]);

  test("ok_without_variables, ok_with_variables", () => {
    const text =
      'rq{name=~"{{ namespace }}_{{target}}", c="{{ variables.cluster }}"}[{{ interval }}]';
    expect(renderQuery(text, values)).toEqual({
      text: 'rq{name=~"default_myapp", c="dev"}[1m]',
      open: [],
      refused: [],
    });
  });

  test("missing_variable_key, and what is no variable", () => {
    const rendered = renderQuery("{{ variables.none }} {{ if eq 1 2 }} {{ ingress }}", values);
    expect(rendered).toMatchObject({ open: ["ingress"], refused: ["variables.none", "if eq 1 2"] });
  });
});

test("what cannot be emulated is refused with its line", () => {
  const metric = { name: "m", interval: "1m", templateRef: { name: "t" } };
  const text = canary({ metrics: [metric] });
  expect(refusals(text, template("t", "up", "datadog"))).toEqual([
    '7: the provider "datadog" is not emulated',
  ]);
  expect(
    refusals(text.replace("interval: 1m", "x: y"), template("t", "up[{{ interval }}]")),
  ).toEqual(["13: the query uses `{{ interval }}`, and the metric has no interval"]);
  expect(refusals(canary({ webhooks: [{ name: "w", type: "odd" }] }))).toEqual([
    "11: the webhook w has the type odd, which is not emulated",
  ]);
  expect(refusals(canary({}, { suspend: true }))).toEqual(["10: the Canary is suspended"]);
  expect(refusals(canary({ maxWeight: 900 }))).toHaveLength(1);
});

test("a scalar query is kept as one that fails every check", () => {
  const metrics = [{ name: "m", query: "scalar(up)" }];
  expect(read(canary({ metrics })).imported[0]?.plan.metrics[0]?.answer).toBe("scalar");
});

test("the command writes a policy that loads, and says what it assumes", async () => {
  const out = temporaryDirectory();
  const args = ["policy", "import", "flagger", FILE, "--out", out, "--owner", "shop"];
  const { code, stderr } = await inTurn([...args, "--metric", "queue=queue_length"]);
  expect(code).toBe(0);
  expect(stderr).toContain(`${FILE}:28:`);
  const { incumbent, signals } = loadPolicy(join(out, "checkout.yaml"));
  expect(incumbent).toMatchObject({ system: "flagger", plan: { threshold: 4 } });
  expect(incumbent!.queries.map(({ query }) => query === null)).toEqual([true, true, false, false]);
  expect(signals.some(({ metric }) => metric.startsWith("queue_length"))).toBe(true);
});
