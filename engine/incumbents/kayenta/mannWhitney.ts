/**
 * The Mann-Whitney test of Kayenta (MannWhitney.scala, BrentSolver.java): an interval and an
 * estimate of how much the experiment lies above the control.
 *
 * It is R's `wilcox.test` by the normal approximation, also for small samples. It differs from R in
 * that the estimate keeps the continuity correction. The roots are found as coarsely as there
 * (1e-4), so that results agree to the last step of the search, not only near it.
 */

import { normalQuantile } from "../../detect/detectors/normal.ts";
import { ascending, ranked } from "./statistics.ts";

export interface MannWhitney {
  readonly lower: number;
  readonly upper: number;
  readonly estimate: number;
}

/** Null where all observations are tied: upstream raises. Neither sample is empty or has NaN. */
export function mannWhitney(
  experiment: readonly number[],
  control: readonly number[],
  confidence: number,
): MannWhitney | null {
  const [x, y] = [ascending(experiment), ascending(control)];
  const least = x[0]! - y.at(-1)!;
  const most = x.at(-1)! - y[0]!;
  const quantile = normalQuantile((1 - confidence) / 2);
  let allTied = false;
  const diff = (shift: number, z: number): number => {
    const above = wilcoxonDiff(shift, z, x, y);
    allTied ||= above === null;
    // A root ends the search at once.
    return above ?? 0;
  };
  const bound = (z: number): number => {
    const [atLeast, atMost] = [diff(least, z), diff(most, z)];
    if (atLeast <= 0) return least;
    if (atMost >= 0) return most;
    return rootOf((shift) => diff(shift, z), { least, atLeast, most, atMost });
  };
  const [lower, upper] = [bound(-quantile), bound(quantile)];
  const within = { least, atLeast: diff(least, 0), most, atMost: diff(most, 0) };
  const estimate = rootOf((shift) => diff(shift, 0), within);
  return allTied ? null : { lower, upper, estimate };
}

/**
 * How far the standardised rank sum of `x − shift` lies above a quantile; null where all values are
 * tied then. Both ascending.
 */
export function wilcoxonDiff(
  shift: number,
  quantile: number,
  x: readonly number[],
  y: readonly number[],
): number | null {
  const [m, n] = [x.length, y.length];
  const { rankSum, ties } = ranked(shifted(x, shift), y);
  const above = rankSum - (m * (m + 1)) / 2 - (m * n) / 2;
  const correction = Math.sign(above) * 0.5;
  const sigma = Math.sqrt(((m * n) / 12) * (m + n + 1 - ties / ((m + n) * (m + n - 1))));
  if (sigma === 0) return null;
  return (above - correction) / sigma - quantile;
}

/** Infinity less infinity is NaN, which ranks as the highest value. */
function shifted(x: readonly number[], shift: number): readonly number[] {
  const values = x.map((value) => {
    const less = value - shift;
    return Number.isNaN(less) ? Infinity : less;
  });
  return Number.isFinite(shift) ? values : ascending(values);
}

/** Where the search begins, and the function's values there. */
interface Within {
  readonly least: number;
  readonly atLeast: number;
  readonly most: number;
  readonly atMost: number;
}

const MOST_ITERATIONS = 1001;
const TOLERANCE = 1e-4;

/**
 * Brent's method, in the form that R's `zeroin` made common: three points a < b < c, of which b is
 * the best; the next is found by interpolation where that is safe, else by halving.
 */
function rootOf(f: (at: number) => number, { least, atLeast, most, atMost }: Within): number {
  if (isZero(atLeast)) return least;
  if (isZero(atMost)) return most;
  let [a, fa, b, fb] = [least, atLeast, most, atMost];
  let [c, fc] = [a, fa];
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    const previous = b - a;
    if (Math.abs(fc) < Math.abs(fb)) {
      [a, b, c] = [b, c, b];
      [fa, fb, fc] = [fb, fc, fb];
    }
    const tolerance = 2 * Number.EPSILON * Math.abs(b) + TOLERANCE / 2;
    let step = (c - b) / 2;
    if (Math.abs(step) <= tolerance || isZero(fb)) return b;
    if (Math.abs(previous) >= tolerance && Math.abs(fa) > Math.abs(fb)) {
      const wide = c - b;
      const [up, down] = a === c ? secant(wide, fb / fa) : quadratic(wide, b - a, fa, fb, fc);
      const isInside = up < 0.75 * wide * down - Math.abs(tolerance * down) / 2;
      if (isInside && up < Math.abs((previous * down) / 2)) step = up / down;
    }
    if (Math.abs(step) < tolerance) step = step > 0 ? tolerance : -tolerance;
    [a, fa] = [b, fb];
    b += step;
    fb = f(b);
    if ((fb > 0 && fc > 0) || (fb < 0 && fc < 0)) [c, fc] = [a, fa];
  }
  return b;
}

type Fraction = readonly [up: number, down: number];

function secant(wide: number, slope: number): Fraction {
  return positive(wide * slope, 1 - slope);
}

function quadratic(wide: number, back: number, fa: number, fb: number, fc: number): Fraction {
  const [q, r, s] = [fa / fc, fb / fc, fb / fa];
  return positive(s * (wide * q * (q - r) - back * (r - 1)), (q - 1) * (r - 1) * (s - 1));
}

function positive(up: number, down: number): Fraction {
  return up > 0 ? [up, -down] : [-up, down];
}

/** Within one step of a double of 0. */
function isZero(value: number): boolean {
  return Math.abs(value) <= Number.MIN_VALUE;
}
