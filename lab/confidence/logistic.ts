/**
 * Logistic regression for few cases: coefficients are held near zero by a normal prior, and those
 * whose direction is known keep it, so that more evidence never lowers the answer.
 *
 *     minimise  −log likelihood + ½ Σ (coefficient / PRIOR_SD)²   over standardised features
 *
 * It is ridge regression (le Cessie and van Houwelingen 1992) by coordinate-wise Newton steps, each
 * clipped at zero where the direction is given (as glmnet does: Friedman, Hastie, Tibshirani 2010).
 * The function is convex, so the order of the steps does not matter for the answer.
 */

import { logistic, type Direction, type Logistic } from "../../engine/index.ts";

/** Of a coefficient of a feature with standard deviation one. */
const PRIOR_SD = 0.2;
const STEPS_AT_MOST = 200;
const SMALL_STEP = 1e-5;

/**
 * @param rows one list of features a case, all equally long
 * @throws RangeError where all cases have the same answer
 */
export function fitLogistic(
  rows: readonly (readonly number[])[],
  isSo: readonly boolean[],
  directions: readonly Direction[],
): Logistic {
  const positives = isSo.filter(Boolean).length;
  if (positives === 0 || positives === rows.length) throw new RangeError("one class only");
  const scales = directions.map((_, feature) => scaleOf(rows.map((row) => row[feature]!)));
  const columns = scales.map(({ mean, sd }, feature) =>
    Float64Array.from(rows, (row) => (sd === 0 ? 0 : (row[feature]! - mean) / sd)),
  );
  const betas = new Float64Array(directions.length);
  const linear = new Float64Array(rows.length);
  let intercept = Math.log(positives / (rows.length - positives));
  linear.fill(intercept);
  for (let step = 0; step < STEPS_AT_MOST; step++) {
    let largest = 0;
    const move = (change: number, column: Float64Array | null): void => {
      largest = Math.max(largest, Math.abs(change));
      if (change === 0) return;
      for (let at = 0; at < linear.length; at++) linear[at]! += change * (column?.[at] ?? 1);
    };
    const first = newton(linear, isSo, null, 0, 0);
    intercept += first;
    move(first, null);
    for (const [feature, column] of columns.entries()) {
      if (scales[feature]!.sd === 0) continue;
      const before = betas[feature]!;
      const wanted = before + newton(linear, isSo, column, before, 1 / PRIOR_SD ** 2);
      betas[feature] = clipped(wanted, directions[feature]!);
      move(betas[feature] - before, column);
    }
    if (largest < SMALL_STEP) break;
  }
  const coefficients = scales.map(({ sd }, feature) => (sd === 0 ? 0 : betas[feature]! / sd));
  const shift = scales.reduce((sum, { mean }, feature) => sum + mean * coefficients[feature]!, 0);
  return { intercept: intercept - shift, coefficients };
}

/**
 * One Newton step of one coefficient. The curvature is an upper bound (at most ¼ a case), so the
 * step never overshoots and the function falls at every step.
 */
function newton(
  linear: Float64Array,
  isSo: readonly boolean[],
  column: Float64Array | null,
  beta: number,
  prior: number,
): number {
  let gradient = -prior * beta;
  let curvature = prior;
  for (let at = 0; at < linear.length; at++) {
    const x = column === null ? 1 : column[at]!;
    gradient += x * (Number(isSo[at]) - logistic(linear[at]!));
    curvature += (x * x) / 4;
  }
  return curvature === 0 ? 0 : gradient / curvature;
}

function clipped(beta: number, direction: Direction): number {
  if (direction === 1) return Math.max(0, beta);
  return direction === -1 ? Math.min(0, beta) : beta;
}

function scaleOf(values: readonly number[]): { readonly mean: number; readonly sd: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  // Rounding alone is no spread.
  const isFlat = variance <= 1e-18 * Math.max(1, mean ** 2);
  return { mean, sd: isFlat ? 0 : Math.sqrt(variance) };
}
