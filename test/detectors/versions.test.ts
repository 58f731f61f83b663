/**
 * A new version beside the old one: what both feel is not the deployment's doing, what the new one
 * does on top of it is found, and the new one needs no past of its own.
 *
 * An hour of one-minute samples of the old version, then both for `beside` minutes, then the new
 * one alone. What both have in common is a walk, so that before and after differ by themselves.
 */

import { describe, expect, it } from "vitest";
import type { Deployment, Event, Policy, SampleColumn } from "../../engine/index.ts";
import { advanceWatch, startWatch, takeColumns } from "../../engine/detect/watch.ts";
import { randomStream } from "../../lab/random.ts";
import { runLive, toBatches } from "../engine/liveHost.ts";
import { policyOf } from "../engine/policyFile.ts";
import { autoregressive } from "./noise.ts";

const MINUTE_MS = 60_000;
const PAST = 60;
const WATCH = 60;
const START_MS = PAST * MINUTE_MS;
const RUNS = 60;

const LATENCY = { metric: "latency", tolerance: "10%", detector: { kind: "cusum" }, hold: "0s" };
const ERRORS = {
  metric: "errors",
  tolerance: "1pp",
  exposure: "requests",
  detector: { kind: "count" },
  hold: "0s",
};

function policyWith(signal: object): Policy {
  return policyOf({
    policy: "versions",
    owner: "nobody",
    watch: `${WATCH}m`,
    signals: { judged: signal },
    assign: [{ otherwise: "full" }],
  });
}

const deployment: Deployment = {
  deploymentId: "d",
  service: "shop",
  environment: "production",
  kind: "code",
  startedAtMs: START_MS,
  version: "v2",
  author: null,
  team: null,
  criticality: null,
};

interface Happening {
  /** Minutes in which both serve. */
  readonly beside: number;
  /** What both feel, and the new version alone, from which minute on; relative. */
  readonly shock?: number;
  readonly harm?: number;
  readonly onset?: number;
  /**
   * The noise of the new version alone, which has little traffic: standard deviation of its log.
   */
  readonly own?: number;
}

function column(metric: string, version: string, fromMinute: number, values: readonly number[]) {
  const atMs = values.map((_, index) => (fromMinute + index) * MINUTE_MS);
  const series = { service: "shop", metric, version, percentagePoint: 0.01 };
  return { series, atMs, knownAtMs: atMs.map((at) => at + 5000), values };
}

/** Latencies of both versions. */
function latencies(seed: number, happens: Happening): readonly SampleColumn[] {
  const { beside, shock = 0, harm = 0, onset = 10, own = 0.03 } = happens;
  const common = autoregressive(seed, 0.9, "normal", PAST + WATCH);
  const [old, fresh] = [1, 2].map((at) =>
    autoregressive(10_000 * at + seed, 0.3, "normal", PAST + WATCH),
  ) as [Float64Array, Float64Array];
  const level = (minute: number): number =>
    100 * Math.exp(0.08 * common[minute]!) * (minute >= PAST + onset ? 1 + shock : 1);
  const of = (noise: Float64Array, sd: number, from: number, to: number, times: number): number[] =>
    Array.from({ length: to - from }, (_, index) => {
      const minute = from + index;
      const harmed = minute >= PAST + onset ? 1 + times : 1;
      return level(minute) * Math.exp(sd * noise[minute]!) * harmed;
    });
  return [
    column("latency", "v1", 0, of(old, 0.02, 0, PAST + beside, 0)),
    column("latency", "v2", PAST, of(fresh, own, PAST, PAST + WATCH, harm)),
  ];
}

/** Errors of both versions and the requests behind them; the new one has a twentieth. */
function failures(seed: number, happens: Happening): readonly SampleColumn[] {
  const { beside, shock = 0, harm = 0, onset = 10 } = happens;
  const random = randomStream("failures", seed);
  const requests = 4000;
  const ratio = (share: number, rate: number): number => {
    let failed = 0;
    const mean = requests * share * rate;
    for (let left = mean - random.exponential(1); left > 0; left -= random.exponential(1)) failed++;
    return failed / (requests * share);
  };
  const rates = (share: number, from: number, to: number, more: number): number[] =>
    Array.from({ length: to - from }, (_, index) => {
      const late = from + index >= PAST + onset;
      return ratio(share, 0.005 + (late ? shock + more : 0));
    });
  const behind = (share: number, from: number, to: number): number[] =>
    Array.from({ length: to - from }, () => requests * share);
  return [
    column("errors", "v1", 0, rates(0.95, 0, PAST + beside, 0)),
    column("requests", "v1", 0, behind(0.95, 0, PAST + beside)),
    column("errors", "v2", PAST, rates(0.05, PAST, PAST + WATCH, harm)),
    column("requests", "v2", PAST, behind(0.05, PAST, PAST + WATCH)),
  ];
}

function judged(policy: Policy, columns: readonly SampleColumn[]) {
  const watch = takeColumns(policy, startWatch(policy, deployment, []), columns);
  const { judgements } = advanceWatch(policy, watch, watch.endsAtMs);
  const first = judgements.find(({ evidence }) => evidence.verdict === "breach");
  const last = judgements.at(-1)!.evidence;
  return {
    last,
    breachAt: first === undefined ? null : (first.atMs - START_MS) / MINUTE_MS,
  };
}

/** The share of runs that is flagged while both versions serve. */
function flagged(
  signal: object,
  make: (seed: number, happens: Happening) => readonly SampleColumn[],
  happens: Happening,
  isHeard: (column: SampleColumn) => boolean = () => true,
): number {
  const policy = policyWith(signal);
  let found = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const { breachAt } = judged(policy, make(seed, happens).filter(isHeard));
    if (breachAt !== null) found++;
  }
  return found / RUNS;
}

const beside = WATCH;
/** Under another name every version is judged before and after, as all series were before. */
const asOne = ({ series }: SampleColumn): boolean => series.version === "v2";

describe.each([
  ["without the word", LATENCY],
  ["with control: versions", { ...LATENCY, control: "versions" }],
])("a version without a past, %s", (_, signal) => {
  it("is found where it is worse than the old one at the same instants", () => {
    expect(flagged(signal, latencies, { beside, harm: 0.3 })).toBeGreaterThan(0.9);
  });

  it("is not blamed for what the old one feels as well, and for nothing at all", () => {
    expect(flagged(signal, latencies, { beside })).toBeLessThan(0.06);
    expect(flagged(signal, latencies, { beside, shock: 1 })).toBeLessThan(0.06);
    expect(flagged(signal, latencies, { beside, shock: 1, harm: 0.3 })).toBeGreaterThan(0.9);
  });

  it("is not blamed for being noisy because it has little traffic", () => {
    expect(flagged(signal, latencies, { beside, own: 0.15 })).toBeLessThan(0.06);
    expect(flagged(signal, latencies, { beside, own: 0.15, harm: 1 })).toBeGreaterThan(0.9);
  });

  it("says what it was compared with", () => {
    const { last } = judged(policyWith(signal), latencies(1, { beside, shock: 1 }));
    expect(last.verdict).toBe("healthy");
    expect(last.control!.peers).toBe(1);
    expect(last.control!.subtracted).toBeGreaterThan(0.5);
    expect(last.baselineSamples).toBe(PAST);
    expect(last.series).toBe("shop/latency@v2");
  });
});

it("cannot be judged before and after where it has no past and no other version is there", () => {
  const signal = { ...LATENCY, control: "versions" };
  expect(flagged(signal, latencies, { beside, harm: 3 }, asOne)).toBe(0);
  const { last } = judged(policyWith(signal), latencies(1, { beside, harm: 3 }).filter(asOne));
  expect(last.verdict).toBe("inconclusive");
  expect(last.control).toEqual({ peers: 0, subtracted: 0 });
});

describe("what counts events", () => {
  it.each([
    ["without the word", ERRORS],
    ["with it", { ...ERRORS, control: "versions" }],
  ])("is compared by rates, %s", (_, signal) => {
    expect(flagged(signal, failures, { beside })).toBeLessThan(0.06);
    expect(flagged(signal, failures, { beside, shock: 0.04 })).toBeLessThan(0.06);
    expect(flagged(signal, failures, { beside, harm: 0.04 })).toBeGreaterThan(0.95);
    expect(flagged(signal, failures, { beside, shock: 0.02, harm: 0.1 })).toBeGreaterThan(0.9);
  });
});

describe("once the old version is gone", () => {
  const late = { beside: 20, shock: 0.6, onset: 30 };

  it("nothing more is judged with control: versions, and the rollout is healthy", () => {
    const signal = { ...LATENCY, control: "versions" };
    expect(flagged(signal, latencies, late)).toBeLessThan(0.06);
    const { last } = judged(policyWith(signal), latencies(3, late));
    expect(last.verdict).toBe("healthy");
    expect(last.missing).toBeLessThan(0.1);
    expect(last.samples).toBeLessThan(25);
  });

  it("before and after goes on for every other signal", () => {
    expect(flagged(LATENCY, latencies, late)).toBeGreaterThan(0.6);
    expect(flagged(LATENCY, latencies, { ...late, shock: 0 })).toBeLessThan(0.4);
  });

  it("a rollout without a time of both is judged before and after", () => {
    const at = { beside: 0, harm: 0.8, onset: 5 };
    expect(flagged({ ...LATENCY, control: "versions" }, latencies, at)).toBeGreaterThan(0.9);
  });
});

describe("a policy", () => {
  it.each([
    [{ detector: { kind: "novelty" } }, /takes no other version/],
    [{ detector: { kind: "mannWhitney" } }, /takes no other version/],
    [{ of: ["own", "callers"] }, /leave out `of`/],
    [{ counter: true }, /raw counters are not compared/],
    [{ metric: undefined, role: "throughput" }, /share of the traffic/],
    [{ calibrate: {} }, /no quiet past/],
  ])("refuses control: versions with %j", (more, message) => {
    expect(() => policyWith({ ...LATENCY, ...more, control: "versions" })).toThrow(message);
  });
});

describe("a live host", () => {
  /** Late, missing and jittered samples. */
  function ragged(seed: number): SampleColumn[] {
    const random = randomStream("ragged versions", seed);
    const happens = { beside: 15 + 8 * seed, shock: 0.3, harm: 0.2, onset: 12 };
    return [...latencies(seed, happens), ...failures(seed, { ...happens, harm: 0.05 })].map(
      (each) => {
        const delayMs = 5000 * Math.floor(random.next() * 8);
        const shiftMs = 5000 * Math.floor(random.next() * 12);
        const atMs = Float64Array.from(each.atMs, (at) => at + shiftMs);
        const knownAtMs = atMs.map((at) => at + delayMs);
        const values = Float64Array.from(each.values, (value) =>
          random.next() < 0.1 ? Number.NaN : value,
        );
        return { series: each.series, atMs, knownAtMs, values };
      },
    );
  }

  it.each([1, 2, 3, 4, 5])("judges as whole columns do, case %i", (seed) => {
    const control = seed % 2 === 0 ? { control: "versions" } : {};
    const policy = policyOf({
      policy: "versions",
      owner: "nobody",
      watch: `${WATCH}m`,
      signals: { latency: { ...LATENCY, ...control }, errors: { ...ERRORS, ...control } },
      assign: [{ otherwise: "observe" }],
    });
    const columns = ragged(seed);
    const started: Event = {
      kind: "deploymentStarted",
      atMs: START_MS,
      knownAtMs: START_MS,
      deployment,
    };
    const watch = takeColumns(policy, startWatch(policy, deployment, []), columns);
    const whole = advanceWatch(policy, watch, watch.endsAtMs).judgements;
    const live = runLive(policy, [started, ...toBatches(columns)]);
    const seen = live.handled.flatMap(({ event }) =>
      event.kind === "signalJudged" ? [event] : [],
    );
    expect(seen).toEqual(whole);
    expect(whole.length).toBeGreaterThanOrEqual(2);
  });
});
