/** The interval of an effect holds the true effect at the moment that a detector chose. */

import { expect, test } from "vitest";
import { SMOOTHING } from "../../engine/detect/baseline/readings.ts";
import { smoothedVariance } from "../../engine/detect/evidence/interval.ts";
import {
  advanceWatch,
  startWatch,
  takeColumns,
  type Policy,
  type SignalEvidence,
} from "../../engine/index.ts";
import { policyOf } from "../engine/policyFile.ts";
import { autoregressive, type Tail } from "./noise.ts";

const MINUTE_MS = 60_000;
const START_MS = 60 * MINUTE_MS;
const SPREAD = 0.04;
const WATCHES = 300;

const deployment = {
  ...{ deploymentId: "d", service: "s", environment: "production", kind: "code" as const },
  ...{ startedAtMs: START_MS, version: null, author: null, team: null, criticality: null },
};

const WAYS = {
  relative: { tolerance: "10%", valueOf: (r: number, on: number) => 100 * Math.exp(r) * (1 + on) },
  points: { tolerance: "10pp", valueOf: (r: number, on: number) => 1 + r + on },
};

function policyFor(kind: keyof typeof WAYS, detector: object): Policy {
  const { tolerance } = WAYS[kind];
  return policyOf({
    ...{ policy: "p", owner: "o", watch: "60m", fusion: "any" },
    signals: { one: { metric: "m", worse: "up", tolerance, detector, hold: "0s" } },
    assign: [{ otherwise: "full" }],
  });
}

/** All that was judged of one watch: noise about a level, and a lasting change. */
function judged(policy: Policy, values: Float64Array): readonly SignalEvidence[] {
  const atMs = Float64Array.from(values, (_, minute) => minute * MINUTE_MS);
  const series = { service: "s", metric: "m", version: null, percentagePoint: 0.01 };
  const column = { series, atMs, knownAtMs: atMs, values };
  const taken = takeColumns(policy, startWatch(policy, deployment, []), [column]);
  return advanceWatch(policy, taken, START_MS + 61 * MINUTE_MS).judgements.map(
    ({ evidence }) => evidence,
  );
}

/** Of the effects at the first breach, how many lie inside their interval. */
function covered(kind: keyof typeof WAYS, detector: object, phi: number, tail: Tail, on: number) {
  const policy = policyFor(kind, detector);
  let [breaches, inside] = [0, 0];
  for (let seed = 0; seed < WATCHES; seed++) {
    const noise = autoregressive(seed, phi, tail, 120);
    const values = noise.map((r, at) => WAYS[kind].valueOf(SPREAD * r, at < 60 ? 0 : on));
    const found = judged(policy, values).find(({ verdict }) => verdict === "breach");
    if (found?.interval == null) continue;
    breaches++;
    if (found.interval.low <= on && on <= found.interval.high) inside++;
  }
  return { breaches, inside };
}

const CUSUM = { kind: "cusum" };
const TOUCHY = { kind: "threshold", breaches: 1, of: 1 };

test.each([
  ["relative", CUSUM, 0.3, "normal", 0.18],
  ["relative", TOUCHY, 0.3, "normal", 0.05],
  ["relative", TOUCHY, 0.6, "normal", 0.05],
  ["relative", TOUCHY, 0.3, "t3", 0.05],
  ["points", TOUCHY, 0, "normal", 0.05],
] as const)("%s %j phi %d %s: holds %d at the first breach", (kind, detector, phi, tail, on) => {
  const { breaches, inside } = covered(kind, detector, phi, tail, on);
  expect(breaches).toBeGreaterThan(100);
  expect(inside / breaches).toBeGreaterThanOrEqual(0.95);
});

test("the variance of the average is that of simulated noise", () => {
  for (const phi of [0, 0.6]) {
    for (const count of [1, 2, 5, 60]) {
      let squares = 0;
      for (let seed = 0; seed < 2000; seed++) {
        const noise = autoregressive(seed, phi, "normal", count);
        const average = noise.reduce((mean, r) => mean + SMOOTHING * (r - mean), noise[0]!);
        squares += average * average;
      }
      expect(Math.abs(squares / 2000 / smoothedVariance(count, phi) - 1)).toBeLessThan(0.13);
    }
  }
});
