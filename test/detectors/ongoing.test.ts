/**
 * An incident that began before the deployment and was not over when it started: the deployment is
 * not blamed for it, and is for what comes on top of it. All detectors, the whole engine.
 */

import { describe, expect, test } from "vitest";
import {
  advanceWatch,
  startWatch,
  takeColumns,
  type SampleColumn,
  type SignalEvidence,
} from "../../engine/index.ts";
import { deployed } from "../engine/deployed.ts";
import { policyOf } from "../engine/policyFile.ts";
import { autoregressive } from "./noise.ts";

const MINUTE_MS = 60_000;
const START_MS = 60 * MINUTE_MS;
const STEP_MS = 15_000;
const COUNT = (2 * START_MS) / STEP_MS;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const series = { service: "api", metric: "m", version: null, percentagePoint: 1 };

/** An incident, from when to when in minutes since the deployment, and what the deployment adds. */
interface Planted {
  readonly from: number;
  readonly to: number;
  readonly harm: number;
}

/** About 100 ms with incidents of 60 % more, or about 1 % with incidents of 5 points more. */
function valuesOf(unit: "relative" | "points", seed: number, { from, to, harm }: Planted) {
  return autoregressive(seed, 0.3, "normal", COUNT).map((residual, index) => {
    const minute = (index * STEP_MS - START_MS) / MINUTE_MS;
    const during = minute >= from && minute < to;
    const after = minute >= 0 ? harm : 0;
    return unit === "relative"
      ? 100 * Math.exp(0.04 * residual) * (during ? 1.6 : 1) * (1 + after)
      : 1 + 0.2 * residual + (during ? 5 : 0) + 10 * after;
  });
}

function judged(
  values: Float64Array,
  signal: object,
  chunk = COUNT,
  more: object = {},
): { readonly last: SignalEvidence; readonly breached: boolean; readonly reasons: string[] } {
  const policy = policyOf({
    policy: "p",
    owner: "o",
    watch: "60m",
    signals: { one: { metric: "m", worse: "up", hold: "0s", ...signal } },
    fusion: "any",
    assign: [{ otherwise: "full" }],
    ...more,
  });
  const atMs = values.map((_, index) => index * STEP_MS);
  let watch = startWatch(policy, deployed(START_MS), []);
  const judgements = [];
  for (let from = 0; from < COUNT; from += chunk) {
    const [at, part] = [atMs.slice(from, from + chunk), values.slice(from, from + chunk)];
    const column: SampleColumn = { series, atMs: at, knownAtMs: at, values: part };
    watch = takeColumns(policy, watch, [column]);
    const step = advanceWatch(policy, watch, at.at(-1)!);
    watch = step.watch;
    judgements.push(...step.judgements);
  }
  judgements.push(...advanceWatch(policy, watch, watch.endsAtMs).judgements);
  return {
    last: judgements.at(-1)!.evidence,
    breached: judgements.some(({ evidence }) => evidence.verdict === "breach"),
    reasons: judgements.map(({ evidence }) => evidence.reason),
  };
}

const TOLERANCE = { relative: "10%", points: "1pp" };
const DETECTORS = [
  { kind: "threshold", breaches: 3, of: 3 },
  { kind: "cusum" },
  { kind: "ewma" },
  { kind: "eprocess" },
  { kind: "mannWhitney" },
  { kind: "outlier" },
] as const;

describe.each(["relative", "points"] as const)("%s", (unit) => {
  describe.each(DETECTORS)("$kind", (detector) => {
    const signal = { tolerance: TOLERANCE[unit], detector };
    const breachesOf = (asked: object, planted: Planted): number =>
      SEEDS.filter((seed) => judged(valuesOf(unit, seed, planted), asked).breached).length;
    /** Must be zero at any look, so it looks at every sample. */
    const breaches = (planted: Planted): number => breachesOf(signal, planted);
    /** A breach at one look in eight is a breach; a look of this detector at harm is dear. */
    const rarely = detector.kind === "mannWhitney" ? { ...detector, every: 8 } : detector;
    const blamed = (planted: Planted): number =>
      breachesOf({ ...signal, detector: rarely }, planted);

    test.each([5, 10, 20])("begun %i minutes before and lasting is not blamed", (minutes) => {
      expect(breaches({ from: -minutes, to: 60, harm: 0 })).toBe(0);
    });

    test("begun before and over ten minutes after the start is not blamed", () => {
      expect(breaches({ from: -5, to: 10, harm: 0 })).toBe(0);
    });

    test("what comes on top of it, or stays after it, is the deployment's", () => {
      expect(blamed({ from: -5, to: 60, harm: 0.4 })).toBe(SEEDS.length);
      expect(blamed({ from: -5, to: 5, harm: 0.4 })).toBe(SEEDS.length);
    });

    test("begun with the deployment, or a sample before, is blamed", () => {
      expect(blamed({ from: 0, to: 60, harm: 0 })).toBe(SEEDS.length);
      expect(blamed({ from: -0.25, to: 60, harm: 0 })).toBe(SEEDS.length);
    });
  });
});

const CUSUM = { tolerance: "10%", detector: { kind: "cusum" } };

test("an incident that lasts to the end is no health, and the reason says since when", () => {
  const { last } = judged(valuesOf("relative", 1, { from: -5, to: 60, harm: 0 }), CUSUM);
  expect(last.verdict).toBe("inconclusive");
  expect(last.reason).toContain("began 5m before the deployment");
  const over = judged(valuesOf("relative", 1, { from: -5, to: 10, harm: 0 }), CUSUM);
  expect(over.last.verdict).toBe("healthy");
});

test("whole columns and single samples give the same", () => {
  for (const to of [10, 60]) {
    const values = valuesOf("relative", 2, { from: -5, to, harm: 0.3 });
    const whole = judged(values, CUSUM);
    for (const chunk of [1, 7]) expect(judged(values, CUSUM, chunk)).toEqual(whole);
  }
});

test("the hard guard counts from the level of the incident too", () => {
  const guarded = { hardGuard: { one: { times: 2 } } };
  const wide = { tolerance: "900%", detector: { kind: "cusum" } };
  const guards = (before: number, after: number): boolean => {
    const noise = autoregressive(1, 0.3, "normal", COUNT);
    const values = noise.map((residual, index) => {
      const minute = (index * STEP_MS - START_MS) / MINUTE_MS;
      const times = minute >= 0 ? after : minute >= -5 ? before : 1;
      return 100 * Math.exp(0.04 * residual) * times;
    });
    return judged(values, wide, COUNT, guarded).breached;
  };
  expect(guards(1, 3)).toBe(true);
  expect(guards(3, 3)).toBe(false);
  expect(guards(3, 1)).toBe(false);
  expect(guards(3, 8)).toBe(true);
});
