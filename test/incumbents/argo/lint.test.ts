/**
 * `policy lint` for Argo: twelve templates in the style of public examples, written anew. What each
 * does on a healthy answer, on an empty one and on NaN, and that every mend holds.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments, stringify, type Document } from "yaml";
import { documentsOf } from "../../../lab/policy/import/document.ts";
import { ARGO_LINTER } from "../../../lab/policy/lint/argo.ts";
import type { Linted, LintFinding } from "../../../lab/policy/lint/finding.ts";
import { lintFiles } from "../../../lab/policy/lint/lint.ts";
import { inTurn } from "../../commandLine.ts";

const HERE = new URL("./", import.meta.url).pathname;
const NO_ARGS = { args: new Map<string, string>() };

function template(name: string): string {
  return join(HERE, "templates", `${name}.yaml`);
}

function lintText(text: string): Linted {
  return ARGO_LINTER.lint(documentsOf(text, "t.yaml").objects, NO_ARGS);
}

const short = ({ code, line }: LintFinding): string => `${code}:${line}`;

/** Finding and line, by template. The first two kinds err on every answer of one series. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "bare-result": ["errsOnHealthyAnswer:11"],
  "default-value": ["errsOnHealthyAnswer:12"],
  "two-series": ["errsOnHealthyAnswer:12"],
  "first-series": ["outageAborts:9", "errsOnEmptyAnswer:12", "failsOnNaN:12"],
  "guard-after": ["outageAborts:9", "errsOnEmptyAnswer:12", "failsOnNaN:12"],
  "nan-guard": ["outageAborts:9", "errsOnEmptyAnswer:12", "succeedsOnNaN:12"],
  "failure-only": ["outageAborts:9", "errsOnEmptyAnswer:12", "succeedsOnNaN:12", "neverFails:13"],
  "guard-before": ["outageAborts:9", "succeedsWithoutData:12", "failsOnNaN:12"],
  "every-pod": ["outageAborts:9", "succeedsWithoutData:12", "failsOnNaN:12"],
  "guarded-twice": ["succeedsWithoutData:11", "succeedsOnNaN:11"],
  "scalar-query": ["outageAborts:9", "failsOnNaN:12"],
  "pauses-without-data": [],
};

describe("twelve templates", () => {
  test.each(Object.entries(EXPECTED))("%s", (name, expected) => {
    const { findings, problems } = lintFiles([template(name)], NO_ARGS);
    expect(problems).toEqual([]);
    expect(findings.map(short)).toEqual(expected);
  });

  test("an outage of 40 s aborts by default: five errors, 10 s apart", () => {
    const [outage] = lintFiles([template("first-series")], NO_ARGS).findings;
    expect(outage?.params).toEqual({ seconds: 40, errors: 5 });
  });

  test("how a condition errs is named, and how many series it needs", () => {
    const params = (name: string): unknown =>
      lintFiles([template(name)], NO_ARGS).findings[0]?.params;
    expect(params("bare-result")).toMatchObject({ error: "mismatchedTypes", series: null });
    expect(params("two-series")).toMatchObject({ error: "indexOutOfRange", series: 2 });
  });

  test("every mend, written into the file, ends its finding", () => {
    const mended: string[] = [];
    for (const name of Object.keys(EXPECTED)) {
      const text = readFileSync(template(name), "utf8");
      for (const { code, mend } of lintText(text).findings) {
        if (mend === null) continue;
        const after = lintText(withMend(text, mend));
        expect(after.problems).toEqual([]);
        expect(after.findings.map((finding) => finding.code)).not.toContain(code);
        mended.push(`${name}:${code}`);
      }
    }
    expect(mended).toHaveLength(24);
  });
});

/** The lines of a mend as keys of the file's only metric. */
function withMend(text: string, mend: string): string {
  const [document] = parseAllDocuments(text) as Document[];
  for (const line of mend.split("\n")) {
    const [key = "", ...rest] = line.split(": ");
    const value = rest.join(": ");
    const number = /^-?\d+$/.test(value) ? Number(value) : value;
    document!.setIn(["spec", "metrics", 0, key], number);
  }
  return stringify(document);
}

interface Given {
  readonly metric?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function templateText({ metric = {}, spec = {} }: Given): string {
  const provider = { prometheus: { query: "up" } };
  return stringify({
    kind: "AnalysisTemplate",
    metadata: { name: "t" },
    spec: { metrics: [{ name: "m", provider, ...metric }], ...spec },
  });
}

describe("single findings", () => {
  const codes = (given: Given): readonly string[] =>
    lintText(templateText(given)).findings.map(({ code }) => code);

  test.each<[string, Given, readonly string[]]>([
    ["no condition", { metric: {} }, ["neverFails", "outageAborts"]],
    [
      "a contradiction",
      { metric: { successCondition: "result[0] > 1 && result[0] < 0" } },
      ["neverSucceeds"],
    ],
    [
      "every number is fine, and no data errs",
      { metric: { successCondition: "result[0] > 1 || result[0] <= 1" } },
      ["errsOnEmptyAnswer", "failsOnNaN", "outageAborts"],
    ],
    [
      "true",
      { metric: { successCondition: "true" } },
      ["neverFails", "succeedsWithoutData", "succeedsOnNaN", "outageAborts"],
    ],
    ["an unknown name", { metric: { successCondition: "value > 1" } }, ["errsOnHealthyAnswer"]],
    [
      "a number that only arithmetic reaches",
      {
        metric: {
          successCondition:
            "len(result) > 0 && !isNaN(result[0]) && result[0] * 100 > 95 && result[0] * 100 < 96",
          failureCondition: "len(result) > 0 && !isNaN(result[0]) && result[0] < 0.95",
          consecutiveErrorLimit: 40,
        },
      },
      [],
    ],
    [
      "a dry run decides nothing",
      { metric: { successCondition: "result[0] > 1" }, spec: { dryRun: [{ metricName: "m" }] } },
      [],
    ],
  ])("%s", (_what, given, expected) => {
    expect(codes(given)).toEqual(expected);
  });

  test("one failed query aborts where no error is allowed", () => {
    const metric = { successCondition: "result[0] > 1", consecutiveErrorLimit: 0 };
    const found = lintText(templateText({ metric })).findings;
    expect(found.find(({ code }) => code === "outageAborts")?.params).toEqual({
      seconds: 0,
      errors: 1,
    });
  });

  test("a metric beside one that is refused is linted, and the other is named", () => {
    const metrics = [
      { name: "a", successCondition: "result > 1", provider: { prometheus: { query: "up" } } },
      { name: "b", provider: { datadog: { query: "x" } } },
    ];
    const { findings, problems } = lintText(templateText({ spec: { metrics } }));
    expect(findings.map(({ code }) => code)).toEqual(["errsOnHealthyAnswer"]);
    expect(problems.map(({ what }) => what)).toEqual([
      "the provider datadog is not emulated (AnalysisTemplate t)",
    ]);
  });
});

describe("a Rollout", () => {
  const file = join(HERE, "rollout.yaml");
  const text = readFileSync(file, "utf8");
  const whole = (from: string, to: string): readonly string[] => {
    expect(text).toContain(from);
    return lintText(text.replace(from, to))
      .findings.filter(({ subject }) => subject.startsWith("Rollout"))
      .map(({ code, params }) => `${code} ${JSON.stringify(params)}`);
  };

  test("ends before its background analysis reaches its count; with the mend it does", () => {
    const [found] = lintText(text).findings.filter(({ code }) => code === "neverReachesCount");
    expect(found).toMatchObject({ params: { count: 20, measured: 5 }, mend: "count: 5" });
    expect(whole("count: 20", "count: 5")).toEqual([]);
  });

  test("ends before a metric is measured at all", () => {
    expect(whole("interval: 1m", "interval: 1m\n      initialDelay: 1h")).toEqual([
      'neverMeasured {"rollout":"checkout","count":20,"measured":0}',
    ]);
  });

  test("has a step that never ends", () => {
    const found = whole("    - name: up\n", "    - name: up\n      interval: 30s\n");
    expect(found).toContain('endlessStep {"rollout":"checkout"}');
  });

  test("gives its templates the arguments that they need", () => {
    const needs = text
      .replace('value: "0.95"', "")
      .replace(
        "value: checkout-canary",
        'value: checkout-canary\n          - name: threshold\n            value: "0.95"',
      );
    const { findings, problems } = lintText(needs);
    expect(problems).toEqual([]);
    expect(findings.map(({ code }) => code)).toContain("failsOnNaN");
  });
});

describe("hindsight policy lint", () => {
  test("ends with 1 where it finds something, and says where and how to mend it", async () => {
    const { code, stdout } = await inTurn(["policy", "lint", template("bare-result")]);
    expect(code).toBe(1);
    expect(stdout).toContain("bare-result.yaml:11:7: AnalysisTemplate bare-result");
    expect(stdout).toContain("mend: successCondition: result[0] >= 0.95");
  });

  test("ends with 0 where it finds nothing, and prints one JSON document", async () => {
    const { code, stdout } = await inTurn([
      "policy",
      "lint",
      template("pauses-without-data"),
      "--json",
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ findings: [], notLinted: [] });
  });

  test("ends with 3 where nothing is found but a part is not linted", async () => {
    const dir = mkdtempSync(join(tmpdir(), "lint-"));
    try {
      const file = join(dir, "web.yaml");
      const metrics = [{ name: "m", provider: { web: { url: "http://x.example" } } }];
      writeFileSync(file, templateText({ spec: { metrics } }));
      const { code, stdout } = await inTurn(["policy", "lint", file, "--json"]);
      expect(code).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({
        findings: [],
        notLinted: [{ file, line: 8, column: 9 }],
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test("a file that is missing or of other kinds is no success", async () => {
    expect((await inTurn(["policy", "lint", join(HERE, "absent.yaml")])).code).toBe(2);
    const { code } = await inTurn([
      "policy",
      "lint",
      "scenarios/policies/two-minute-override.yaml",
    ]);
    expect(code).toBe(3);
  });
});
