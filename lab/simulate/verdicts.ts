/**
 * How good verdicts are, over worlds. The truth of a verdict is what such worlds do: the mean of
 * the true differences, whose sign one world's luck may turn round.
 */

import { quantile } from "simple-statistics";
import type { Interval } from "../score/intervals.ts";
import { SCORES, type Ground, type HeldTo, type WorldResult } from "./oneWorld.ts";

/** Standard errors of a difference that a test at 5 % finds four times in five: 1.96 + 0.84. */
const RESOLVED = 2.8;

/** Scores are rounded to nine digits, so smaller differences are rounding. */
const ROUNDING = 1e-6;

export interface VerdictFidelity {
  readonly score: HeldTo;
  /** The mean true difference, asked minus history's policy; null without a world that has it. */
  readonly difference: number | null;
  /** What one world resolves by sampling alone: 2.8 standard errors, the median over worlds. */
  readonly resolution: number | null;
  /** Verdicts where the difference exceeds its resolution, and twice its resolution. */
  readonly beyondOnce: Decided;
  readonly beyondTwice: Decided;
  /** By the ground they were given on; null: `compare` named none. */
  readonly given: readonly GivenOn[];
}

/** In how many worlds there was something to find, and in how many the verdict found it. */
interface Decided {
  readonly worlds: number;
  readonly right: number;
}

interface GivenOn {
  readonly ground: Ground | null;
  readonly given: number;
  /** The other way round than in such worlds in the mean. */
  readonly wrong: number;
}

const GROUNDS = ["identified", "modelled", null] as const;

export function verdictsOf(
  asked: string,
  results: readonly WorldResult[],
): readonly VerdictFidelity[] {
  const held = results.flatMap(({ asked: all }) =>
    all.filter(({ policy }) => policy === asked).flatMap(({ scores }) => scores),
  );
  return SCORES.map((score): VerdictFidelity => {
    const known = held.flatMap((one) => {
      if (one.score !== score || one.truth === null || one.logTruth === null) return [];
      const isVerdict = one.verdict === "better" || one.verdict === "worse";
      const said = isVerdict ? Math.sign(one.estimate! - one.logEstimate!) : 0;
      const { ground, differenceError } = one;
      return [{ truth: one.truth - one.logTruth, said, ground, differenceError }];
    });
    const truths = known.map(({ truth }) => truth);
    const difference = truths.length === 0 ? null : mean(truths);
    const errors = known.map(({ differenceError }) => differenceError);
    const resolution = errors.length === 0 ? null : RESOLVED * quantile(errors, 0.5);
    const sign = difference === null || Math.abs(difference) < ROUNDING ? 0 : Math.sign(difference);
    const beyond = (times: number): Decided => {
      const found =
        resolution !== null && isKnown(truths) && Math.abs(difference!) > times * resolution;
      return found
        ? { worlds: known.length, right: known.filter(({ said }) => said === sign).length }
        : { worlds: 0, right: 0 };
    };
    const spoke = known.filter(({ said }) => said !== 0);
    return {
      score,
      difference,
      resolution,
      beyondOnce: beyond(1),
      beyondTwice: beyond(2),
      given: GROUNDS.map((ground) => {
        const own = spoke.filter((one) => one.ground === ground);
        return {
          ground,
          given: own.length,
          wrong: own.filter(({ said }) => said === -sign).length,
        };
      }),
    };
  });
}

/** Is the mean beyond two of its own standard errors? With few worlds its sign may be luck. */
function isKnown(truths: readonly number[]): boolean {
  if (truths.length < 2) return false;
  const middle = mean(truths);
  const squares = truths.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const error = Math.sqrt(squares / (truths.length - 1) / truths.length);
  return Math.abs(middle) > Math.max(ROUNDING, 2 * error);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The exact interval of a share, `count` of `n`. */
export function exactInterval(count: number, n: number, level = 0.99): Interval {
  return {
    low: count === 0 ? 0 : edgeOf(count, n, level, 0),
    high: count === n ? 1 : edgeOf(count, n, level, 1),
  };
}

/** Binary search between what was seen and `end`: the last share that the interval contains. */
function edgeOf(count: number, n: number, level: number, end: 0 | 1): number {
  let [inside, outside] = [count / n, end as number];
  while (Math.abs(outside - inside) > 1e-6) {
    const middle = (inside + outside) / 2;
    if (contains(count, n, middle, level)) inside = middle;
    else outside = middle;
  }
  return inside;
}

/**
 * Does the exact interval of a share, `count` of `n`, contain another share? It does unless one of
 * the two binomial tails is below half of what the level leaves out (Clopper and Pearson, 1934).
 */
export function contains(count: number, n: number, share: number, level = 0.99): boolean {
  const tail = (1 - level) / 2;
  let [mass, atMost, below] = [(1 - share) ** n, 0, 0];
  for (let k = 0; k <= count; k++) {
    below = atMost;
    atMost += mass;
    mass *= ((n - k) / (k + 1)) * (share / (1 - share));
  }
  return atMost >= tail && 1 - below >= tail;
}
