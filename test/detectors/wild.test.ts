/**
 * Signals as they are in the wild: every kind, under everything that goes wrong with it.
 * Nothing happens in any of them. Each has the verdict and the reason it must have: what
 * cannot be judged says why, and nothing is healthy for want of anything else to say.
 */

import { describe, expect, test } from "vitest";
import type { SampleColumn } from "../../engine/index.ts";
import { randomStream } from "../../lab/random.ts";
import { judge } from "../engine/columnar.ts";
import { policyOf } from "../engine/policyFile.ts";

const MINUTE_MS = 60_000;
const START_MS = 90 * MINUTE_MS;
const deployment = {
  ...{ deploymentId: "d1", service: "api", environment: "production", kind: "code" as const },
  ...{ startedAtMs: START_MS, version: null, author: null, team: null, criticality: null },
};

interface Kind {
  readonly signal: object;
  /** A sample where all is well, without noise and with it. */
  readonly level: number;
  readonly noise: number;
  readonly counter?: boolean;
  /** What it shows when nobody calls: a ratio of nothing is no number. */
  readonly idle: number;
}
const counted = { exposure: "requests", detector: { kind: "count" } };
const KINDS: Readonly<Record<string, Kind>> = {
  "latency quantile": { signal: { tolerance: "50%" }, level: 200, noise: 10, idle: Number.NaN },
  rate: { signal: { tolerance: "50%", worse: "both" }, level: 40, noise: 2, idle: 0 },
  ratio: { signal: { tolerance: "1pp", ...counted }, level: 0.02, noise: 0.01, idle: Number.NaN },
  availability: {
    signal: { tolerance: "1pp", worse: "down", ...counted },
    ...{ level: 0.98, noise: 0.01, idle: Number.NaN },
  },
  counter: {
    signal: { tolerance: "50%", worse: "down" },
    level: 600,
    noise: 30,
    counter: true,
    idle: 0,
  },
  throughput: { signal: { tolerance: "50%", worse: "down" }, level: 300, noise: 15, idle: 0 },
  conversion: {
    signal: { tolerance: "20%", worse: "down", ...counted },
    ...{ level: 0.1, noise: 0.02, idle: Number.NaN },
  },
};

type Trouble = "nothing" | "irregular" | "missing" | "constant" | "zero traffic" | "two samples";

function columnsOf(kind: Kind, trouble: Trouble): readonly SampleColumn[] {
  const stream = randomStream("wild", trouble, kind.level);
  const atMs: number[] = [];
  for (let at = 0; at < START_MS + 60 * MINUTE_MS; at += 15_000) {
    if (trouble === "two samples" && at < START_MS - 30_000) continue;
    atMs.push(trouble === "irregular" ? at + Math.floor(stream.next() * 12_000) : at);
  }
  const noise = trouble === "constant" ? 0 : kind.noise;
  let total = 0;
  const values = atMs.map((at, index) => {
    const idle = trouble === "zero traffic" && at >= START_MS;
    if (at >= START_MS && atMs[index - 1]! < START_MS) total = 0;
    const value = idle ? kind.idle : kind.level + noise * (2 * stream.next() - 1);
    const isMissing = trouble === "missing" && stream.chance(0.1);
    total += value;
    return isMissing ? Number.NaN : kind.counter === true ? total : value;
  });
  const series = (metric: string, counter: boolean) => ({
    ...{ service: "api", metric, version: null, percentagePoint: 0.01, counter },
  });
  const idleAt = (at: number): boolean => trouble === "zero traffic" && at >= START_MS;
  return [
    { series: series("m", kind.counter === true), atMs, knownAtMs: atMs, values },
    {
      ...{ series: series("requests", false), atMs, knownAtMs: atMs },
      values: atMs.map((at) => (idleAt(at) ? 0 : 400)),
    },
  ];
}

function judged(name: string, trouble: Trouble) {
  const kind = KINDS[name]!;
  const policy = policyOf({
    ...{ policy: "p", owner: "o", watch: "45m", assign: [{ otherwise: "full" }] },
    signals: { s: { metric: "m", ...kind.signal } },
  });
  const judgements = judge(policy, columnsOf(kind, trouble), deployment, []);
  const { verdict, reason } = judgements.at(-1)!.evidence;
  return { verdict, reason, all: judgements.map(({ evidence }) => evidence.verdict) };
}

describe.each(Object.keys(KINDS))("%s", (name) => {
  const idleIsMissing = Number.isNaN(KINDS[name]!.idle);
  const isCounted = "exposure" in KINDS[name]!.signal;

  test.each(["nothing", "irregular", "missing", "constant"] as const)("%s: healthy", (trouble) => {
    expect(judged(name, trouble).verdict).toBe("healthy");
  });

  test("zero traffic: harm where traffic is what is judged, else no data, and why", () => {
    const { verdict, reason } = judged(name, "zero traffic");
    if (!idleIsMissing) expect(verdict).toBe("breach");
    else {
      expect(verdict).toBe("noData");
      expect(reason).toBe(isCounted ? "no request behind m" : "no sample of m");
    }
  });

  test("two samples of history: never healthy, and why", () => {
    const { verdict, reason, all } = judged(name, "two samples");
    expect(verdict).toBe("inconclusive");
    expect(reason).toMatch(/m: \d samples before the deployment, health needs 20/);
    expect(all).not.toContain("healthy");
  });
});

describe("exposure", () => {
  const signal = { tolerance: "1pp", ...counted };
  const policy = policyOf({
    ...{ policy: "p", owner: "o", watch: "45m", assign: [{ otherwise: "full" }] },
    signals: { s: { metric: "m", ...signal } },
  });
  const [ratio, requests] = columnsOf(KINDS["ratio"]!, "nothing") as [SampleColumn, SampleColumn];
  const last = (columns: readonly SampleColumn[]) => judge(policy, columns, deployment, []).at(-1)!;

  test("that is not there makes no verdict", () => {
    expect(last([ratio]).evidence).toMatchObject({
      ...{ verdict: "noData", reason: "no sample of requests behind m" },
    });
  });

  test("that was not there before makes none either, nor does one too small to show harm", () => {
    const of = (value: (at: number) => number): SampleColumn => ({
      ...requests,
      values: Array.from(requests.atMs, value),
    });
    const none = last([ratio, of((at) => (at < START_MS ? 0 : 400))]).evidence;
    expect(none.verdict).toBe("inconclusive");
    expect(none.reason).toBe("m: no request before the deployment: no rate");
    const few = last([ratio, of(() => 0.5)]).evidence;
    expect(few.verdict).toBe("inconclusive");
    expect(few.reason).toMatch(/91 requests would not have shown 5 times what is tolerated/);
  });

  test("in part of the watch is named", () => {
    const values = Array.from(requests.atMs, (_, index) => (index % 3 === 0 ? 0 : 400));
    const { verdict, reason } = last([ratio, { ...requests, values }]).evidence;
    expect(verdict).toBe("inconclusive");
    expect(reason).toMatch(/only \d+(\.\d)? % of the expected samples, 6\d without a request/);
  });
});
