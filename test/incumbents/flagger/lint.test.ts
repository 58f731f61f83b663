/**
 * `policy lint` for Flagger: Canaries in the style of public examples, written anew. What each does
 * on a healthy answer, on an empty one and on NaN, and that every mend holds.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments, stringify, type Document } from "yaml";
import { documentsOf } from "../../../lab/policy/import/document.ts";
import { FLAGGER_LINTER } from "../../../lab/policy/lint/flagger.ts";
import type { Linted, LintFinding } from "../../../lab/policy/lint/finding.ts";
import { lintFiles } from "../../../lab/policy/lint/lint.ts";
import { inTurn } from "../../commandLine.ts";

const HERE = new URL("./", import.meta.url).pathname;
const NO_ARGS = { args: new Map<string, string>() };

function template(name: string): string {
  return join(HERE, "templates", `${name}.yaml`);
}

function lintText(text: string): Linted {
  return FLAGGER_LINTER.lint(documentsOf(text, "c.yaml").objects, NO_ARGS);
}

const short = ({ code, line }: LintFinding): string => `${code}:${line}`;

/** Finding and line, by Canary. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "built-in": [
    "outageAborts:10",
    "failsOnEmptyAnswer:14",
    "failsOnNaN:14",
    "failsOnEmptyAnswer:17",
    "failsOnNaN:17",
  ],
  units: ["boundIsRatio:14", "boundIsSeconds:16"],
  "custom-query": ["neverSucceeds:19", "neverSucceeds:21"],
  "data-optional": [
    "outageAborts:9",
    "succeedsWithoutData:13",
    "failsOnEmptyAnswer:16",
    "neverFails:17",
  ],
  "slow-steps": ["longerThanWatch:8"],
  "no-steps": ["neverPromoted:7", "neverFails:12"],
};

describe("Canaries of public style", () => {
  test.each(Object.entries(EXPECTED))("%s", (name, expected) => {
    const { findings, problems } = lintFiles([template(name)], NO_ARGS);
    expect(problems).toEqual([]);
    expect(findings.map(short)).toEqual(expected);
  });

  test("an outage rolls back at the tick after the last of `threshold` failed checks", () => {
    const [outage] = lintFiles([template("built-in")], NO_ARGS).findings;
    expect(outage?.params).toEqual({ seconds: 120, checks: 5, afterS: 150 });
    const once = readFileSync(template("built-in"), "utf8").replace("threshold: 5", "threshold: 1");
    const [first] = lintText(once).findings;
    expect(first?.params).toEqual({ seconds: 0, checks: 1, afterS: 30 });
  });

  test("every mend, written into the file, ends its finding", () => {
    const mended: string[] = [];
    for (const name of Object.keys(EXPECTED)) {
      const text = readFileSync(template(name), "utf8");
      for (const finding of lintText(text).findings) {
        if (finding.mend === null) continue;
        const after = lintText(withMend(text, finding.mend, finding.subject));
        expect(after.problems).toEqual([]);
        const same = ({ code, subject }: LintFinding): boolean =>
          code === finding.code && subject === finding.subject;
        expect(after.findings.filter(same)).toEqual([]);
        mended.push(`${name}:${finding.code}`);
      }
    }
    expect(mended).toHaveLength(13);
  });
});

/** A mend as a key of the analysis, or of the metric that it is about. */
function withMend(text: string, mend: string, subject: string): string {
  const documents = parseAllDocuments(text) as Document[];
  const [canary] = documents;
  const at = mend.indexOf(": ");
  const [key, value] = [mend.slice(0, at), mend.slice(at + 2)];
  const { metrics } = (canary!.toJS() as { spec: { analysis: { metrics: { name: string }[] } } })
    .spec.analysis;
  const named = / metric (.+)$/.exec(subject)?.[1];
  const metric = metrics.findIndex(({ name }) => name === named);
  const ofMetric = key === "query" || key === "thresholdRange";
  const path = ofMetric ? ["spec", "analysis", "metrics", metric, key] : ["spec", "analysis", key];
  canary!.setIn(path, key === "query" ? value : parseAllDocuments(value)[0]!.toJS());
  return documents.map((document) => stringify(document)).join("---\n");
}

interface Given {
  readonly analysis?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function canaryText({ analysis = {}, spec = {} }: Given): string {
  const steps = { interval: "1m", threshold: 10, stepWeight: 10 };
  return stringify({
    kind: "Canary",
    metadata: { name: "c" },
    spec: { analysis: { ...steps, ...analysis }, ...spec },
  });
}

describe("single findings", () => {
  const codes = (given: Given): readonly string[] =>
    lintText(canaryText(given)).findings.map(({ code }) => code);
  const metric = (over: object): Given => ({
    analysis: { metrics: [{ name: "m", query: "up", thresholdRange: { min: 1 }, ...over }] },
  });

  test.each<[string, Given, readonly string[]]>([
    ["a check that is sound", metric({}), []],
    ["no metrics", { analysis: { metrics: [] } }, ["checksNothing"]],
    ["no analysis", { spec: { skipAnalysis: true } }, ["skipsAnalysis"]],
    ["no range: the older threshold is 0", metric({ thresholdRange: undefined }), ["noRange"]],
    [
      "a success rate without a range",
      { analysis: { metrics: [{ name: "request-success-rate" }] } },
      ["noRange"],
    ],
    ["data that may be missing", metric({ query: "up or vector(1)" }), ["succeedsWithoutData"]],
    ["data whose absence fails", metric({ query: "up or vector(0)" }), []],
    [
      "a quotient",
      { analysis: { ...metric({ query: "a / b" }).analysis, threshold: 2 } },
      ["failsOnEmptyAnswer", "failsOnNaN", "outageAborts"],
    ],
    [
      "a quotient whose divisor is never 0",
      { analysis: { ...metric({ query: "a / (b > 0)" }).analysis, threshold: 2 } },
      ["failsOnEmptyAnswer", "outageAborts"],
    ],
  ])("%s", (_what, given, expected) => {
    expect(codes(given)).toEqual(expected);
  });
});

describe("hindsight policy lint", () => {
  test("ends with 1, and says where and how to mend it", async () => {
    const { code, stdout } = await inTurn(["policy", "lint", template("built-in")]);
    expect(code).toBe(1);
    expect(stdout).toContain("built-in.yaml:10:5: Canary built-in: an outage of the metrics");
    expect(stdout).toContain("mend: threshold: 11");
  });

  test("a MetricTemplate without its Canary is not linted, which is no success", () => {
    const text = stringify({
      kind: "MetricTemplate",
      metadata: { name: "t" },
      spec: { provider: { type: "prometheus" }, query: "up" },
    });
    expect(lintText(text).problems.map(({ where }) => where.line)).toEqual([3]);
  });
});
