/** Seeded counts, and what the count e-process says of them; see count.ts for the table. */

import { BEYOND, type Bounds, type Counts } from "../../engine/detect/detectors/contract.ts";
import { accumulate, startAccumulator } from "../../engine/detect/detectors/detector.ts";
import { observeRate } from "../../engine/detect/baseline/counted.ts";
import type { Baseline } from "../../engine/detect/baseline/residual.ts";
import type { CountSettings, SignalPolicy } from "../../engine/policy/policy.ts";
import { randomStream } from "../../lab/random.ts";
import { policyOf } from "../engine/policyFile.ts";
import { stretchOf } from "./noise.ts";

export const COUNT: CountSettings = {
  ...{ kind: "count", reads: "ratio", baselineMs: 3_600_000, season: false },
  ...{ alpha: 0.01, horizon: 60, clip: 20 },
};

export function signalOf(written: object): SignalPolicy {
  const signal = { metric: "m", exposure: "n", detector: { kind: "count" }, ...written };
  const policy = { policy: "p", owner: "o", assign: [{ otherwise: "full" }] };
  return policyOf({ ...policy, signals: { s: { tolerance: "25%", ...signal } } }).signals[0]!;
}

export function baselineOf(
  signal: SignalPolicy,
  events: readonly number[],
  requests: readonly number[],
): Baseline {
  const settings = signal.detector as CountSettings;
  const series = { service: "s", metric: "m", version: null, percentagePoint: 0.01 };
  const atMs = events.map((_, index) => index * 60_000);
  const values = events.map((count, index) => count / requests[index]!);
  const behind = { requests: [...requests], perMs: null };
  return observeRate(signal, settings, series, false, atMs, values, behind);
}

export function statisticsOf(
  settings: CountSettings,
  baseline: Baseline,
  counts: Counts,
  bounds: Bounds,
): { readonly statistics: readonly number[]; readonly flags: readonly number[] } {
  const samples = { values: counts.events, percentagePoint: 0.01, counts };
  const stretch = { ...stretchOf(counts.events, baseline, () => bounds), samples };
  accumulate(settings, startAccumulator(settings), stretch);
  return { statistics: [...stretch.statistics], flags: [...stretch.flags] };
}

/** Counts of this mean: Poisson, or negative binomial whose variance is three means. */
export function counting(seed: number, mean: number, bursts: boolean): () => number {
  const stream = randomStream("counts", seed, mean, bursts ? 1 : 0);
  const intensity = (): number => {
    if (!bursts) return mean;
    // A gamma intensity of shape mean / 2 and scale 2: half a chi-square of `mean` squares.
    let squares = 0;
    for (let left = Math.round(mean); left > 0; left--) squares += stream.normal() ** 2;
    return squares;
  };
  return () => {
    const limit = Math.exp(-intensity());
    let product = stream.next();
    let count = 0;
    for (; product > limit; count++) product *= stream.next();
    return count;
  };
}

export interface Rates {
  /** Share of watches that are flagged in sixty samples. */
  readonly flagged: number;
  /** Median samples to the first flag; Infinity when fewer than half are found. */
  readonly median: number;
}

/** Watches of sixty samples after baselines of sixty, `times` the events from `onset` on. */
export function countRates(
  runs: number,
  mean: number,
  bursts: boolean,
  times: number,
  requests: number,
  bounds: Bounds,
  onset = 0,
): Rates {
  const signal = signalOf({});
  const delays: number[] = [];
  for (let seed = 0; seed < runs; seed++) {
    const before = counting(seed, mean, bursts);
    const after = counting(1_000_000 + seed, mean * times, bursts);
    const baseline = baselineOf(
      signal,
      Array.from({ length: 60 }, before),
      Array.from({ length: 60 }, () => requests),
    );
    const counts = {
      events: Float64Array.from({ length: 60 }, (_, at) => (at < onset ? before() : after())),
      requests: new Float64Array(60).fill(requests),
    };
    const { flags } = statisticsOf(COUNT, baseline, counts, bounds);
    const first = flags.indexOf(BEYOND, onset);
    delays.push(first < 0 ? Number.POSITIVE_INFINITY : first - onset + 1);
  }
  delays.sort((a, b) => a - b);
  return {
    flagged: delays.filter(Number.isFinite).length / runs,
    median: delays[runs >> 1]!,
  };
}
