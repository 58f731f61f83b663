/**
 * Harm in bursts, as recorded incidents have it. Where the numbers come from is in
 * datasets/worlds/README.md.
 */

import type { RandomStream } from "../../lab/random.ts";
import type { More, Recipe } from "./recipe.ts";
import { MINUTE_MS } from "./world.ts";

const BURSTS = {
  /** Of bursts: those of latency. The others are of errors. */
  latency: 0.5,
  /** Medians of the peak, and sds of their logarithm. */
  latencyPeak: 1.5,
  latencySigma: 0.9,
  errorPeak: 0.03,
  errorSigma: 0.8,
  /** What stays between bursts, as a share of the peak. */
  floor: 0.1,
  /** Half-life of a burst, log-uniform, and the mean time from one's start to the next one's. */
  halfLifeMinutes: [1.5, 6],
  everyMinutes: 40,
  /** Heights after the first one, as shares of the peak. */
  heights: [0.3, 1],
} as const;

/**
 * Harm that peaks, half passes and peaks again: the first burst is the highest, each decays, and a
 * small part stays between them.
 */
export function addBursts(recipe: Recipe, onset: number, ends: number, random: RandomStream): void {
  const isLatency = random.chance(BURSTS.latency);
  const peak = isLatency
    ? Math.min(8, random.lognormal(BURSTS.latencyPeak, BURSTS.latencySigma))
    : Math.min(0.6, random.lognormal(BURSTS.errorPeak, BURSTS.errorSigma));
  const scaleMs = random.betweenLog(...BURSTS.halfLifeMinutes) * MINUTE_MS;
  const add = (size: number, more: More): void => {
    if (isLatency) recipe.latency(size, 0.9, 1.1, more);
    else recipe.errors(size, more);
    recipe.add("conversion_rate", -Math.min(0.4, (isLatency ? 0.15 : 1.5) * size), more);
  };
  add(BURSTS.floor * peak, {});
  let height = 1 - BURSTS.floor;
  for (let beginMs = onset; beginMs < ends;) {
    const nextMs = beginMs + random.exponential(BURSTS.everyMinutes) * MINUTE_MS;
    add(height * peak, {
      shape: "decay",
      scaleMs: Math.round(scaleMs),
      onsetMs: Math.round(beginMs),
      endsMs: Math.round(Math.min(ends, nextMs)),
    });
    height = (1 - BURSTS.floor) * random.between(...BURSTS.heights);
    beginMs = nextMs;
  }
}
