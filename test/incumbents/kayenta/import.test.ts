/** Canary configs of Kayenta as policies: what is read, what is refused, and where. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { kayenta } from "../../../engine/index.ts";
import { documentsOf } from "../../../lab/policy/import/document.ts";
import { importKayenta, type ImportedConfigs } from "../../../lab/policy/import/kayenta.ts";
import { buildQuery } from "../../../lab/policy/import/kayentaQuery.ts";
import { loadPolicy } from "../../../lab/policy/load.ts";
import { inTurn } from "../../commandLine.ts";
import { temporaryDirectory } from "../../directories.ts";
import { config, measured, request, stage } from "./files.ts";

const CONFIG = "scenarios/incumbents/canary.json";
const STAGE = "scenarios/incumbents/canary-stage.json";

function read(...texts: readonly string[]): ImportedConfigs {
  return importKayenta(texts.flatMap((text, n) => documentsOf(text, `${n}.json`).objects));
}

const refusals = (...texts: readonly string[]): readonly string[] =>
  read(...texts).problems.map(
    ({ what, where }) => `${where.file}:${where.line}: ${what.replace(/ \(.*/, "")}`,
  );

test("a config and its stage become a plan that the engine accepts", () => {
  const { imported, problems, notes } = read(
    readFileSync(CONFIG, "utf8"),
    readFileSync(STAGE, "utf8"),
  );
  expect([problems, notes]).toEqual([[], []]);
  const [{ name, plan, queries }] = imported as [(typeof imported)[number]];
  expect([name, kayenta.schema.parse(plan)]).toEqual(["checkout-canary", plan]);
  expect(plan).toMatchObject({
    beginAfterMs: 300_000,
    lifetimeMs: 3_600_000,
    intervalMs: 1_200_000,
    lookbackMs: 0,
    stepMs: 60_000,
    marginal: 50,
    pass: 75,
    groupWeights: { latency: 40, errors: 60 },
  });
  expect(plan.metrics).toMatchObject([
    { direction: "increase", nanStrategy: "remove", critical: false, outliers: "keep" },
    { critical: true, nanStrategy: "replace", effectSize: { criticalIncrease: 2 } },
  ]);
  expect(plan.metrics[0]!.effectSize).toMatchObject({ allowedIncrease: 1.1, allowedDecrease: 1 });
  expect(queries.map(({ open }) => open)).toEqual([["scope"], ["scope"]]);
  expect(queries[0]!.expr).toContain('version="{{args.scope}}"');
});

test("what a metric leaves out is what the judge takes", () => {
  const { imported } = read(config([measured("m")]));
  const [metric] = imported[0]!.plan.metrics;
  expect(metric).toMatchObject({
    ...{ direction: "either", nanStrategy: "remove", outliers: "keep", outlierFactor: 3 },
    ...{ critical: false, mustHaveData: false, muted: false },
    effectSize: { measure: "meanRatio", allowedIncrease: 1, criticalDecrease: 1 },
  });
});

test("words that the judge does not know are no error, here as there", () => {
  const canary = { direction: "sideways", nanStrategy: "none", effectSize: { measure: "cles" } };
  const { imported } = read(config([measured("m", canary)]));
  expect(imported[0]!.plan.metrics[0]).toMatchObject({
    ...{ direction: "either", nanStrategy: "remove" },
    effectSize: { measure: "cles", allowedIncrease: 0.5 },
  });
});

describe("the timing", () => {
  it("is that of a stage of a whole pipeline, by the config's id or name", () => {
    const pipeline = JSON.stringify({
      stages: [
        { type: "deploy" },
        stage({ canaryConfigId: "one", lookbackMins: 10 }),
        stage({ canaryConfigName: "other", lifetimeDuration: "PT2H30M" }, "long"),
      ],
    });
    const files = [
      config([measured("m")], { id: "one" }),
      config([measured("m")], { name: "other" }),
    ];
    const { imported, problems } = read(...files, pipeline);
    expect(problems).toEqual([]);
    expect(imported.map(({ name, plan }) => [name, plan.lifetimeMs, plan.lookbackMs])).toEqual([
      ["canary", 3_600_000, 600_000],
      ["other", 9_000_000, 0],
    ]);
  });

  it("makes a policy for each stage that runs a config", () => {
    const stages = [stage({}, "short"), stage({ lifetimeDuration: "PT2H" }, "long")];
    const { imported } = read(config([measured("m")]), JSON.stringify({ stages }));
    expect(imported.map(({ name }) => name)).toEqual(["canary-short", "canary-long"]);
  });

  it("is that of a request of the standalone API, which may hold the config", () => {
    const both = { canaryConfig: JSON.parse(config([measured("m")])) as object, ...request() };
    const [one] = read(JSON.stringify(both)).imported;
    expect(one!.plan).toMatchObject({
      lifetimeMs: 7_200_000,
      intervalMs: 1_800_000,
      baselineOffsetMs: 300_000,
      stepMs: 30_000,
      marginal: 60,
      pass: 90,
    });
    const apart = read(config([measured("m")]), JSON.stringify(request().executionRequest));
    expect(apart.imported[0]!.plan).toEqual(one!.plan);
  });

  it("is assumed where no file says it, and that is noted", () => {
    const { imported, notes } = read(config([measured("m")]));
    expect(imported[0]!.plan).toMatchObject({ lifetimeMs: 3_600_000, marginal: 50, pass: 75 });
    expect(notes).toHaveLength(1);
  });
});

describe("is refused by file, line and name", () => {
  const whole = config([measured("m")]);

  test.each<[string, readonly string[]]>([
    [
      config([measured("m", {}, { type: "datadog" })]),
      ["0.json:15: the provider datadog of m is not emulated"],
    ],
    [
      config([measured("m")], { judge: { name: "dredd-v1.0" } }),
      ["0.json:9: the judge dredd-v1.0 is not emulated"],
    ],
    [
      config([measured("m", {}, { type: "prometheus", customFilter: "a" })]),
      ["0.json:16: m: Kayenta refuses customFilter"],
    ],
    [
      config([measured("m", {}, { type: "prometheus", customFilterTemplate: "gone" })]),
      ["0.json:16: m: there is no template gone"],
    ],
    [
      config([measured("m", {}, { type: "prometheus", metricName: "up" })]),
      ["0.json:14: m: the query has neither a filter nor a resource type that Kayenta knows"],
    ],
    [config([measured("m", { critical: "yes" })]), ["0.json:23: critical: expected true or false"]],
    [
      config([measured("m", { outliers: { outlierFactor: -1 } })]),
      ["0.json:24: metrics.0.outlierFactor: Too small: expected number to be >0"],
    ],
    [
      config([measured("m"), measured("m")]),
      ["0.json:11: metrics: two metrics have the same name"],
    ],
  ])("%#", (text, expected) => {
    expect(refusals(text)).toEqual(expected);
  });

  test.each<[object, string]>([
    [{ lifetimeDuration: "${ parameters.life }" }, "expected a duration such as PT1H30M"],
    [{ lifetimeDuration: undefined }, "there is no lifetimeDuration"],
    [{ lookbackMins: "${lookback}" }, "lookbackMins: expected a number"],
    [{ scopes: [{ startTimeIso: "2026-07-01T00:00:00Z" }] }, "analysis of a fixed time"],
    [{ canaryAnalysisIntervalMins: 0.5 }, "intervalMs: Too small"],
    [{ canaryConfigId: "other" }, ""],
  ])("a stage with %j", (given, what) => {
    const found = refusals(whole, JSON.stringify(stage(given), null, 2));
    if (what === "") expect(found).toEqual([]);
    else expect(found).toMatchObject([expect.stringContaining(what) as string]);
    expect(found.every((line) => line.startsWith("1.json:"))).toBe(true);
  });

  it("a stage whose score decides nothing, and one without its config", () => {
    const goesOn = { ...stage({}), continuePipeline: true };
    expect(refusals(whole, JSON.stringify(goesOn))).toMatchObject([
      expect.stringContaining("continuePipeline") as string,
    ]);
    const lonely = refusals(JSON.stringify(stage({ canaryConfigId: "gone" })));
    expect(lonely).toMatchObject([expect.stringContaining("no canary config gone") as string]);
  });
});

describe("a query", () => {
  const built = (query: object, templates: object = {}): unknown => {
    const found = buildQuery(query as never, templates);
    return "expr" in found ? [found.expr, found.open] : found.what;
  };

  test.each<[object, readonly [string, readonly string[]]]>([
    [{ customInlineTemplate: "PromQL:up{v='${scope}'}" }, ["up{v='{{args.scope}}'}", ["scope"]]],
    [{ customInlineTemplate: "PromQL:up{v='$\\{scope}'}" }, ["up{v='{{args.scope}}'}", ["scope"]]],
    [
      {
        metricName: "cpu",
        resourceType: "aws_ec2_instance",
        labelBindings: ['job="a"'],
        groupByFields: ["zone"],
      },
      [
        'avg(cpu{job="a",asg_groupName="{{args.scope}}",zone=~"{{args.location}}.{1}"}) by (zone)',
        ["scope", "location"],
      ],
    ],
    [
      { metricName: "cpu", customFilterTemplate: "t", labelBindings: ['job="a"'] },
      ['avg(cpu{v="{{args.scope}}",job="a"})', ["scope"]],
    ],
  ])("%j", (query, expected) => {
    expect(built(query, { t: 'v="${scope}"' })).toEqual(expected);
  });
});

test("the command writes a policy that is checked and watched to its end", async () => {
  const out = temporaryDirectory();
  const asked = ["policy", "import", "kayenta", CONFIG, STAGE, "--owner", "checkout"];
  const made = await inTurn([...asked, "--out", out, "--metric", "latency=latency_p95_ms"]);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const file = join(out, "checkout-canary.yaml");
  const policy = loadPolicy(file);
  expect(policy.incumbent!.system).toBe("kayenta");
  // Five minutes, an hour, and one to see the end.
  expect(policy.watchMs).toBe(66 * 60_000);
  const short = await inTurn([...asked, "--out", out, "--force", "--watch", "30m"]);
  expect(short.code).toBe(2);
  expect(short.stderr).toContain("1h6m");
  const wrong = join(out, "wrong.json");
  writeFileSync(wrong, config([measured("m", {}, { type: "newrelic" })]));
  const refused = await inTurn([
    ...["policy", "import", "kayenta", wrong, "--owner", "p", "--out", join(out, "none")],
  ]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(`${wrong}:15`);
});
