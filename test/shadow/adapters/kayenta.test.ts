/** Kayenta's remote judge with the config of lab/shadow/adapters/kayenta.md, on a real host. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ROOT } from "../../history/smallWorld.ts";
import { lineTo } from "./line.ts";
import { startStage, type HostOnStage } from "./stage.ts";

const page = readFileSync(join(ROOT, "lab/shadow/adapters/kayenta.md"), "utf8");
const CONFIG = /^```yaml\n([\s\S]*?)^```/m
  .exec(page)![1]!
  .replace("senders:\n", "senders:\n  chat: { secret: env:CHAT, may: [halts] }\n");
const fixture = readFileSync(join(import.meta.dirname, "fixtures/kayenta-judge.json"), "utf8");
interface Recorded {
  readonly canaryConfig: { readonly metrics: readonly object[] };
  readonly metricSetPairList: readonly object[];
}
const RECORDED = JSON.parse(fixture) as Recorded;
const [PAIR] = RECORDED.metricSetPairList;
const TOKEN = "0123456789abcdef";

type Values = readonly (number | string | null)[];
interface Judged {
  readonly judgeName: string;
  readonly results: readonly Readonly<Record<string, unknown>>[];
  readonly groupScores: readonly { readonly name: string; readonly score: number }[];
  readonly score: { readonly score: number; readonly classification: string };
}

let stage: HostOnStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

async function start(config = CONFIG, morePolicy = ""): Promise<void> {
  stage = await startStage(config, ["checkout"], { KAYENTA: TOKEN }, morePolicy);
}

/** As Kayenta sends its user and password. */
const BASIC = `Basic ${Buffer.from(`kayenta:${TOKEN}`).toString("base64")}`;

async function post(
  body: object,
  authorization: string | null = BASIC,
  to = stage!.url,
  timeoutMs = 60_000,
) {
  const response = await fetch(`${to}/v1/kayenta/judge`, {
    method: "POST",
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      "content-type": "application/json",
      ...(authorization === null ? {} : { authorization }),
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** An hour of a metric that varies by 2 %. */
const hour = (level: number, phase = 0): number[] =>
  Array.from({ length: 60 }, (_, at) => level * (1 + 0.02 * Math.sin(at * 1.7 + phase)));
const pairOf = (name: string, control: Values, experiment: Values): object => {
  return { ...PAIR, name, id: `${name}-1`, values: { control, experiment } };
};
const requestOf = (pairs: readonly object[], more: object = {}): object => {
  return { ...RECORDED, metricSetPairList: pairs, ...more };
};
const errors = pairOf("error_rate", hour(0.01), hour(0.01, 1));
const latency = (experiment: Values, control: Values = hour(100)): object =>
  pairOf("latency_ms", control, experiment);

async function judged(pairs: readonly object[], more: object = {}): Promise<Judged> {
  const { status, text } = await post(requestOf(pairs, more));
  expect(status, text).toBe(200);
  return JSON.parse(text) as Judged;
}
const shortOf = ({ results, score }: Judged): unknown[] => [
  ...results.map(({ classification }) => classification),
  score.classification,
  score.score,
];

/** The config with another `canary` configuration of its first metric. */
const configured = (canary: object): object => {
  const { canaryConfig } = RECORDED;
  const [first, ...others] = canaryConfig.metrics;
  const metric = { ...first, analysisConfigurations: { canary } };
  const classifier = { groupWeights: {} };
  return { canaryConfig: { ...canaryConfig, classifier, metrics: [metric, ...others] } };
};

describe("Kayenta's remote judge", () => {
  it("passes a healthy canary, fails a slow one, and is in doubt without evidence", async () => {
    await start();
    const slow = hour(150, 1);
    const recovered = hour(100, 1).map((value, at) => (at >= 20 && at < 40 ? value * 1.5 : value));
    // Both versions are slow in the second half: that is not the canary's doing.
    const shock = (phase: number): number[] =>
      hour(100, phase).map((value, at) => (at < 30 ? value : 2 * value));
    const doubt = ["Nodata", "Pass", "Marginal", 62.5];
    const cases: readonly (readonly [string, readonly object[], readonly unknown[]])[] = [
      ["healthy", [latency(hour(100, 1)), errors], ["Pass", "Pass", "Pass", 100]],
      ["slow", [latency(slow), errors], ["High", "Pass", "Fail", 40]],
      ["slow for a while", [latency(recovered), errors], ["High", "Pass", "Fail", 40]],
      ["both are slow", [latency(shock(1), shock(0)), errors], ["Pass", "Pass", "Pass", 100]],
      ["no samples", [latency([]), errors], doubt],
      ["no number", [latency(Array(60).fill("NaN")), errors], doubt],
      ["few samples", [latency(hour(100).slice(0, 9)), errors], doubt],
      ["no baseline", [latency(slow, []), errors], doubt],
      ["a short baseline", [latency(hour(100), hour(100).slice(0, 9)), errors], doubt],
      [
        "doubt and harm",
        [latency(slow), pairOf("error_rate", [], [])],
        ["High", "Nodata", "Fail", 40],
      ],
    ];
    for (const [name, pairs, expected] of cases) {
      expect(shortOf(await judged(pairs)), name).toEqual(expected);
    }
    expect(await stage!.audit()).toEqual([0, 0]);
  });

  it("answers in Kayenta's shape, and the same request in the same way", async () => {
    await start();
    const request = requestOf([latency(hour(150, 1)), errors]);
    const [first, again] = [await post(request), await post(request)];
    expect(again).toEqual(first);
    const { judgeName, results, groupScores } = JSON.parse(first.text) as Judged;
    expect(judgeName).toBe("Hindsight");
    expect(results[0]).toMatchObject({
      name: "latency_ms",
      id: "latency_ms-1",
      tags: {},
      groups: ["Latency"],
      critical: false,
      muted: false,
      experimentMetadata: { stats: { count: 60 } },
      controlMetadata: { stats: { count: 60 } },
      resultMetadata: { ratio: expect.closeTo(1.5, 2) as number },
    });
    expect(groupScores).toMatchObject([
      { name: "Latency", score: 0 },
      { name: "Errors", score: 100 },
    ]);
  });

  it("heeds critical and muted metrics, and no metric that the policy does not watch", async () => {
    await start();
    const slowErrors = pairOf("error_rate", hour(0.01), hour(0.09, 1));
    const critical = await judged([latency(hour(150)), errors], configured({ critical: true }));
    expect(shortOf(critical)).toEqual(["High", "Pass", "Fail", 0]);
    const doubtful = await judged([latency([]), errors], configured({ critical: true }));
    expect(shortOf(doubtful)).toEqual(["Nodata", "Pass", "Marginal", 62.5]);
    const muted = await judged([latency(hour(150)), errors], configured({ muted: true }));
    expect(shortOf(muted)).toEqual(["High", "Pass", "Pass", 100]);
    const nothing = await judged([latency(hour(100))], configured({ muted: true }));
    expect(shortOf(nothing)).toEqual(["Pass", "Marginal", 62.5]);
    const { canaryConfig } = RECORDED;
    const [first] = canaryConfig.metrics;
    const other = { canaryConfig: { ...canaryConfig, metrics: [{ ...first, name: "queue" }] } };
    const unknown = await judged([pairOf("queue", hour(1), hour(1))], other);
    expect(shortOf(unknown)).toEqual(["Nodata", "Marginal", 60]);
    const both = await judged([latency(hour(150)), slowErrors]);
    expect(shortOf(both)).toEqual(["High", "High", "Fail", 0]);
  });

  it("gives no points to a canary beyond a hard guard of the policy", async () => {
    await start(CONFIG, "hardGuard: { latency: { times: 5 } }\n");
    expect(shortOf(await judged([latency(hour(150)), errors]))).toEqual([
      "High",
      "Pass",
      "Fail",
      40,
    ]);
    expect(shortOf(await judged([latency(hour(700)), errors]))).toEqual([
      "High",
      "Pass",
      "Fail",
      0,
    ]);
  });

  it("fails nothing in a dry run, and passes and fails nothing under a halt", async () => {
    await start(CONFIG.replace("act: true", "act: false"));
    const [good, bad] = [
      [latency(hour(100, 1)), errors],
      [latency(hour(150)), errors],
    ] as const;
    expect(shortOf(await judged(bad))).toEqual(["High", "Pass", "Marginal", 62.5]);
    expect(shortOf(await judged(good))).toEqual(["Pass", "Pass", "Pass", 100]);
    const halt = { halted: true, by: "kim", reason: "a storm" };
    expect(await stage!.send("halt", halt, "h-1", "CHAT")).toBe(200);
    for (const pairs of [good, bad]) {
      expect((await judged(pairs)).score).toMatchObject({ classification: "Marginal" });
    }
  });

  it("refuses a stranger, and what it cannot judge, with no 2xx", async () => {
    await start();
    const pairs = [latency(hour(100)), errors];
    const request = requestOf(pairs);
    expect((await post(request, null)).status).toBe(401);
    expect((await post(request, "Bearer another")).status).toBe(401);
    const equal = requestOf(pairs, { scoreThresholds: { pass: 75, marginal: 75 } });
    const large = requestOf(Array<object>(170).fill(errors));
    const stray = requestOf([pairOf("queue", [], [])]);
    for (const body of [equal, large, stray, requestOf([]), {}]) {
      expect((await post(body)).status).toBe(400);
    }
    expect(stage!.log.join("")).not.toContain(TOKEN);
    const { url } = stage!;
    await stage!.close();
    await expect(fetch(`${url}/v1/kayenta/judge`, { method: "POST" })).rejects.toThrow();
  });

  it("gives the answer that was lost once more, and keeps nothing of either", async () => {
    await start();
    const line = await lineTo(() => stage!.url);
    try {
      const request = requestOf([latency(hour(150, 1)), errors]);
      line.mood = "down";
      await expect(post(request, BASIC, line.url, 500)).rejects.toThrow("fetch failed");
      line.mood = "slow";
      await expect(post(request, BASIC, line.url, 500)).rejects.toThrow("timeout");
      expect(line.lost()).toBeGreaterThan(0);
      line.mood = "well";
      const again = await post(request, BASIC, line.url);
      expect(again).toEqual(await post(request));
      expect(JSON.parse(again.text)).toMatchObject({ score: { classification: "Fail" } });
      expect((await stage!.status())["open"]).toEqual([]);
      expect(await stage!.audit()).toEqual([0, 0]);
    } finally {
      line.close();
    }
  });

  it("never passes a canary of which half the samples are missing", async () => {
    await start();
    const missing = fc.constantFrom(null, "NaN", "Infinity", "-Infinity");
    const value = fc.oneof(missing, fc.double({ noNaN: true }), fc.constantFrom(0, 100));
    const half = fc.shuffledSubarray([...Array(60).keys()], { minLength: 30, maxLength: 60 });
    const property = fc.asyncProperty(
      fc.array(value, { minLength: 60, maxLength: 60 }),
      fc.array(value, { maxLength: 60 }),
      half,
      missing,
      async (canary, control, gone, nothing) => {
        const experiment = canary.map((one, at) => (gone.includes(at) ? nothing : one));
        const { score } = await judged([latency(experiment, control)]);
        expect(score.classification).not.toBe("Pass");
      },
    );
    await fc.assert(property, { numRuns: 40, seed: 27 });
  });
});
