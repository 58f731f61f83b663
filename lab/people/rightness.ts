/**
 * How often people are right, as far as a history's own answers say.
 *
 * Who is asked to approve must say yes or no once they look, so among those answers the share of
 * overrides is their odds, however many did not look. In an override window a person may look and
 * let it run, which leaves no trace: such a history cannot tell, and the assumption stays.
 *
 * The likelihood of n answers with skill s each (see `skillAfterWaking`) is a product of
 * o = b + s·(g − b) on good deployments, and b on bad ones, with g = overrideIfGood and
 * b = overrideIfBad. An interval holds the values whose log-likelihood is within 1.92 of the best
 * (95 %, Wilks 1938). In 600 simulations of 120 questions it held g in 95 % and b in 93 %
 * (test/people/rightness.test.ts has 100 of them).
 *
 * An assumption stands unless the answers contradict it: what is used is the value inside the
 * interval that is nearest to the assumed one.
 *
 * Bias: all shifts have the same odds but for skill, and the labels are taken as right. Nothing is
 * known of answers later than history waited.
 */

import type { ShiftModel } from "./model.ts";

/** One answer to a question that had to be decided. */
export interface Decided {
  readonly truthIsBad: boolean;
  readonly overridden: boolean;
  /** What is left of their skill; 1 by day. */
  readonly skill: number;
}

export interface Odds {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Answers that it rests on. */
  readonly answers: number;
}

export type Rightness = Readonly<Record<"overrideIfGood" | "overrideIfBad", Odds>>;

/** Half the 95 % quantile of a chi-squared distribution with one degree of freedom. */
const FALL = 1.92073;
const STEPS = 400;

/** The odds that these answers support; with none all are supported, and the assumed ones stay. */
export function rightnessOf(decided: readonly Decided[], assumed: ShiftModel): Rightness {
  const bad = decided.filter(({ truthIsBad }) => truthIsBad);
  const good = decided.filter(({ truthIsBad }) => !truthIsBad);
  const overrideIfBad = oddsOf(bad, assumed.overrideIfBad, (odds) => odds);
  const b = overrideIfBad.value;
  const overrideIfGood = oddsOf(
    good,
    assumed.overrideIfGood,
    (odds, skill) => b + skill * (odds - b),
  );
  return { overrideIfGood, overrideIfBad };
}

function oddsOf(
  decided: readonly Decided[],
  assumed: number,
  overrides: (odds: number, skill: number) => number,
): Odds {
  const fits = Array.from({ length: STEPS + 1 }, (_, step) => {
    let sum = 0;
    for (const { overridden, skill } of decided) {
      const chance = overrides(step / STEPS, skill);
      sum += Math.log(overridden ? chance : 1 - chance);
    }
    return sum;
  });
  const least = Math.max(...fits) - FALL;
  const low = fits.findIndex((one) => one >= least) / STEPS;
  const high = fits.findLastIndex((one) => one >= least) / STEPS;
  const value = Math.min(high, Math.max(low, assumed));
  return { value, low, high, answers: decided.length };
}
