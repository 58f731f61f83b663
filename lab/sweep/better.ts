/**
 * Does the best of many policies beat the incumbent, or does it only look best by luck?
 *
 * The best of 300 equal policies always looks better than the one you have. The test is single-step
 * max-t (Westfall and Young 1993; the same question as White's reality check, Econometrica 68,
 * 2000). Its reference is the best t of all policies when, service by service, the sign of every
 * difference is flipped at random. All policies share the flips, so their correlation is accounted
 * for and policies that do the same cost nothing. Flipping signs by cluster is valid with few
 * clusters, where the bootstrap is not (MacKinnon and Webb). It assumes that without an effect
 * differences are symmetric about zero; where they are rare and one-sided it is conservative.
 */

import { randomStream } from "../random.ts";

export interface Better {
  /** By policy: t of its difference to the incumbent; negative is better, and equal is 0. */
  readonly t: Float64Array;
  /** By policy: the chance that luck alone makes the best of all this good. */
  readonly p: Float64Array;
  /** A policy whose t is below minus this is better than luck explains, at the 5 % level. */
  readonly critical: number;
}

/**
 * Tests all policies of a sweep against the incumbent.
 *
 * @param differences by policy: its difference to the incumbent in every service
 */
export function betterThanLuck(
  differences: readonly Float64Array[],
  flips: number,
  seed: number,
): Better {
  const distinct = new Map<string, number[]>();
  differences.forEach((difference, policy) => {
    const key = difference.join();
    const same = distinct.get(key);
    if (same === undefined) distinct.set(key, [policy]);
    else same.push(policy);
  });
  const t = new Float64Array(differences.length);
  const p = new Float64Array(differences.length).fill(1);
  const groups = [...distinct.values()].filter(([first]) => norm(differences[first!]!) > 0);
  if (groups.length === 0) return { t, p, critical: Number.POSITIVE_INFINITY };
  const services = differences[0]!.length;
  // Scaled once: a flip changes no square, so t is the sum over the root of the squares.
  const scaled = groups.map(([first]) => {
    const difference = differences[first!]!;
    const by = norm(difference);
    return difference.map((one) => one / by);
  });
  groups.forEach((members, group) => {
    for (const member of members) t[member] = sum(scaled[group]!);
  });
  const random = randomStream(seed, "flips", services);
  const best = new Float64Array(flips);
  const signs = new Float64Array(services);
  for (let flip = 0; flip < flips; flip++) {
    for (let service = 0; service < services; service++) {
      signs[service] = random.next() < 0.5 ? -1 : 1;
    }
    let least = 0;
    for (const difference of scaled) {
      let value = 0;
      for (let service = 0; service < services; service++) {
        value += signs[service]! * difference[service]!;
      }
      if (value < least) least = value;
    }
    best[flip] = least;
  }
  best.sort();
  for (let policy = 0; policy < t.length; policy++) {
    if (t[policy]! >= 0) continue;
    // Values that differ only by rounding count as equal.
    p[policy] = (1 + countUpTo(best, t[policy]! + 1e-9)) / (flips + 1);
  }
  return { t, p, critical: -best[Math.floor(0.05 * (flips + 1)) - 1]! };
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((total, one) => total + one * one, 0));
}

function sum(values: Float64Array): number {
  return values.reduce((total, one) => total + one, 0);
}

function countUpTo(ascending: Float64Array, most: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= most) low = middle + 1;
    else high = middle;
  }
  return low;
}
