/**
 * `policy lint` for Kayenta: what a config and its stage do without data, with their thresholds and
 * with their intervals. Every mend, written into the file, ends its finding.
 */

import { describe, expect, test } from "vitest";
import { documentsOf } from "../../../lab/policy/import/document.ts";
import type { LintFinding } from "../../../lab/policy/lint/finding.ts";
import { KAYENTA_LINTER } from "../../../lab/policy/lint/kayenta.ts";
import type { Happened } from "../../../lab/policy/lint/happened.ts";
import { temporaryDirectory } from "../../directories.ts";
import { inTurn } from "../../commandLine.ts";
import { config, measured, request, stage } from "./files.ts";

const NO_ARGS = { args: new Map<string, string>() };

function lint(...texts: readonly string[]): readonly LintFinding[] {
  const objects = texts.flatMap((text, n) => documentsOf(text, `${n}.json`).objects);
  const { findings, problems } = KAYENTA_LINTER.lint(objects, NO_ARGS);
  expect(problems).toEqual([]);
  return findings;
}

const short = ({ code, file, line }: LintFinding): string => `${code} ${file}:${line}`;

/** Nothing is wrong with it: an effect size, required data, and an hour of values. */
const GOOD = {
  direction: "increase",
  mustHaveData: true,
  effectSize: { allowedIncrease: 1.2 },
} as const;

interface Files {
  readonly metrics: readonly object[];
  readonly weights?: object;
  readonly timing?: object;
}

const texts = ({ metrics, weights = {}, timing = {} }: Files): readonly [string, string] => [
  config(metrics, { classifier: { groupWeights: weights } }),
  JSON.stringify(stage(timing), null, 2),
];

const silent = measured("silent", { ...GOOD, mustHaveData: false });
const zeros = measured("zeros", { ...GOOD, nanStrategy: "replace" });
const inGroup = (group: string, canary: object): object => ({
  ...measured(group, canary),
  groups: [group],
});

const CASES: Readonly<Record<string, readonly [Files, readonly string[]]>> = {
  "nothing is wrong": [{ metrics: [measured("m", GOOD)] }, []],
  "silence passes beside two metrics with data": [
    { metrics: [silent, measured("a", GOOD), measured("b", GOOD)] },
    ["succeedsWithoutData 0.json:24"],
  ],
  "silence becomes zeros": [{ metrics: [zeros] }, ["succeedsWithoutData 0.json:28"]],
  "a critical metric fails in an outage": [
    { metrics: [measured("m", { ...GOOD, critical: true })] },
    ["failsOnEmptyAnswer 0.json:28"],
  ],
  "an effect size out of reach": [
    {
      metrics: [measured("m", { ...GOOD, effectSize: { measure: "cles", allowedIncrease: 1.5 } })],
    },
    ["neverClassified 0.json:25"],
  ],
  "no effect size": [
    { metrics: [measured("m", { direction: "increase", mustHaveData: true })] },
    ["smallDifferenceFails 0.json:22"],
  ],
  "a group that weighs too little": [
    {
      metrics: [inGroup("light", GOOD), inGroup("heavy", GOOD)],
      weights: { light: 20, heavy: 80 },
    },
    ["neverDecides 0.json:25", "succeedsWithoutData 0.json:27"],
  ],
  "a weight that is lost": [
    { metrics: [inGroup("g", GOOD)], weights: { g: 80, gone: 20 } },
    ["weightsLost 0.json:4"],
  ],
  "a bound that a healthy canary does not reach": [
    { metrics: [measured("m", GOOD)], timing: { scoreThresholds: { marginal: 100, pass: 100 } } },
    ["healthyFails 1.json:13"],
  ],
  "a pass that never decides": [
    { metrics: [measured("m", GOOD)], timing: { scoreThresholds: { marginal: 80, pass: 60 } } },
    ["passNeverDecides 1.json:14"],
  ],
  "an interval longer than the lifetime": [
    { metrics: [measured("m", GOOD)], timing: { canaryAnalysisIntervalMins: 300 } },
    ["intervalAboveLifetime 1.json:17"],
  ],
  "a lifetime of no whole intervals": [
    {
      metrics: [measured("m", GOOD)],
      timing: { lifetimeDuration: "PT3H", canaryAnalysisIntervalMins: 70 },
    },
    ["lifetimeCut 1.json:16"],
  ],
  "few values": [
    { metrics: [measured("m", GOOD)], timing: { canaryAnalysisIntervalMins: 20 } },
    ["fewSamples 1.json:17"],
  ],
  "few values within a lookback": [
    { metrics: [measured("m", GOOD)], timing: { lookbackMins: 20 } },
    ["fewSamples 1.json:17"],
  ],
};

describe("what is found, and where", () => {
  test.each(Object.entries(CASES))("%s", (_, [files, expected]) => {
    expect(lint(...texts(files)).map(short)).toEqual(expected);
  });
});

type Json = { [key: string]: Json | Json[] | string | number | boolean };

/** Writes the keys of a mend where its finding is. */
function mended(
  [first, second]: readonly [string, string],
  { mend, code, subject }: LintFinding,
): readonly [string, string] {
  const keys = JSON.parse(`{${mend!}}`) as Json;
  const [whole, run] = [JSON.parse(first) as Json, JSON.parse(second) as Json];
  const name = / metric (.*)$/.exec(subject)?.[1];
  if (name !== undefined) {
    const metric = (whole["metrics"] as Json[]).find((one) => one["name"] === name)!;
    merge((metric["analysisConfigurations"] as Json)["canary"] as Json, keys);
  } else if (code === "weightsLost") {
    whole["classifier"] = keys;
  } else merge(run["canaryConfig"] as Json, keys);
  return [JSON.stringify(whole), JSON.stringify(run)];
}

function merge(into: Json, keys: Json): void {
  for (const [key, value] of Object.entries(keys)) {
    const before = into[key];
    const both = typeof before === "object" && !Array.isArray(before);
    if (both && typeof value === "object" && !Array.isArray(value)) merge(before, value);
    else into[key] = value;
  }
}

test("every mend, written into the files, ends its finding", () => {
  const found: string[] = [];
  for (const [files] of Object.values(CASES)) {
    const written = texts(files);
    const before = lint(...written);
    for (const finding of before) {
      if (finding.mend === null) continue;
      const after = lint(...mended(written, finding)).map(({ code }) => code);
      expect(after, finding.code).not.toContain(finding.code);
      found.push(finding.code);
    }
  }
  expect([...new Set(found)].sort()).toEqual([
    "fewSamples",
    "healthyFails",
    "intervalAboveLifetime",
    "lifetimeCut",
    "neverClassified",
    "neverDecides",
    "passNeverDecides",
    "smallDifferenceFails",
    "succeedsWithoutData",
    "weightsLost",
  ]);
});

test("a critical metric has no mend: a silent canary would pass as well", () => {
  const [files] = CASES["a critical metric fails in an outage"]!;
  expect(lint(...texts(files)).map(({ mend }) => mend)).toEqual([null]);
});

test("a request is mended under its own names", () => {
  const timing = { ...request().executionRequest, analysisIntervalMins: 10 };
  const [few] = lint(config([measured("m", GOOD)]), JSON.stringify(timing, null, 2));
  expect(few).toMatchObject({ code: "fewSamples", mend: '"analysisIntervalMins": 30' });
});

test("with a history: how often it happened, only where a version served beside", async () => {
  const out = temporaryDirectory();
  const week = ["--from", "2026-07-06T00:00:00Z", "--to", "2026-07-09T00:00:00Z", "--seed", "7"];
  const world = ["generate", "datasets/worlds/canary.yaml", "--out", `${out}/h`, ...week];
  expect((await inTurn(world)).code).toBe(0);
  const files = ["scenarios/incumbents/canary.json", "scenarios/incumbents/canary-stage.json"];
  const metrics = ["--metric", "latency=latency_p95_ms", "--metric", "errors=error_rate"];
  const lint = ["policy", "lint", ...files, "--history", `${out}/h`, ...metrics, "--json"];
  const { findings } = JSON.parse((await inTurn(lint)).stdout) as {
    findings: (LintFinding & { happened: Happened })[];
  };
  const happened = new Map(findings.map((one) => [one.code, one.happened]));
  const few = happened.get("fewSamples")!;
  const silent = happened.get("succeedsWithoutData")!;
  // Not after the instant rollouts, which leave no other version to compare with.
  expect([few.of, few.deployments]).toEqual([55, 49]);
  expect(silent.deployments).toBe(1);
});

test("the command ends with 1 where it finds something", async () => {
  const files = ["scenarios/incumbents/canary.json", "scenarios/incumbents/canary-stage.json"];
  const { code, stdout } = await inTurn(["policy", "lint", ...files, "--json"]);
  const { findings } = JSON.parse(stdout) as { findings: LintFinding[] };
  expect([code, findings.map((one) => one.code)]).toEqual([
    1,
    ["fewSamples", "succeedsWithoutData"],
  ]);
});
