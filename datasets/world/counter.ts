/**
 * A raw counter of requests, as processes expose them: it only grows, and begins again
 * at zero whenever the process restarts.
 *
 * Restarts: when a rollout is complete, when a rollback took effect, every UTC midnight,
 * and on one day in ten once more for no reason. The nightly one bounds how far back a
 * sample looks, so a window alone is still the window of the whole. Simplification: one
 * process serves everything, so a counter falls to zero at once and not replica by
 * replica.
 */

import { uniform } from "../../lab/random.ts";
import type { Interventions } from "./active.ts";
import { deploymentsBetween } from "./deployments.ts";
import { DAY_MS, EFFECT_MAX_MS, type World } from "./world.ts";

const RESTARTS_A_DAY = 0.1;

/** When the process of a service restarted in [fromMs, toMs), ascending. */
export function restartsBetween(
  world: World,
  service: string,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
): readonly number[] {
  const found: number[] = [];
  for (let day = Math.floor(fromMs / DAY_MS); day * DAY_MS < toMs; day++) {
    found.push(day * DAY_MS);
    if (uniform(world.seed, "restart", service, day) < RESTARTS_A_DAY) {
      found.push(Math.floor((day + uniform(world.seed, "restartAt", service, day)) * DAY_MS));
    }
  }
  // A rollout takes an hour at most, and a rollback belongs to a watch.
  for (const one of deploymentsBetween(world, service, fromMs - EFFECT_MAX_MS, toMs)) {
    const rolledBackMs = interventions(one.deploymentId);
    if (rolledBackMs === null || rolledBackMs > one.finishedAtMs) found.push(one.finishedAtMs);
    if (rolledBackMs !== null) found.push(rolledBackMs);
  }
  return found.filter((atMs) => atMs >= fromMs && atMs < toMs).sort((a, b) => a - b);
}

/**
 * Counts up the requests of consecutive samples. The first of `rates` is the first after
 * a restart, the rest follow one step apart.
 *
 * @param rates requests a second; no NaN among them
 * @param firstMs of the first sample
 */
export function countUp(
  rates: ArrayLike<number>,
  firstMs: number,
  stepMs: number,
  restarts: readonly number[],
): Float64Array {
  const counts = new Float64Array(rates.length);
  let count = 0;
  let next = 0;
  for (let i = 0; i < rates.length; i++) {
    const atMs = firstMs + i * stepMs;
    let countedMs = stepMs;
    // A restart sets the counter to zero: only requests since the last restart count.
    for (; next < restarts.length && restarts[next]! <= atMs; next++) {
      count = 0;
      countedMs = Math.min(stepMs, atMs - restarts[next]!);
    }
    count += Math.round((rates[i]! * countedMs) / 1000);
    counts[i] = count;
  }
  return counts;
}
