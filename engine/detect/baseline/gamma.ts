/**
 * Quantiles of the gamma distribution, for the interval of a Poisson rate. Of N events in T
 * requests, the quantile p of Gamma(N + 1) over T is an upper bound of the rate with confidence p,
 * and the quantile 1 − p of Gamma(N) over T a lower one (Garwood 1936).
 */

import { gammaln } from "simple-statistics";
import { normalQuantile } from "../detectors/normal.ts";

const ROUNDS_AT_MOST = 100;
const PRECISE = 1e-14;

/**
 * The value below which a Gamma(shape, 1) variable falls with this probability. Newton's method
 * on the regularised incomplete gamma function, from Wilson and Hilferty's approximation (1931),
 * kept between two bounds that only come closer. About twelve digits; 0 for a shape of 0.
 */
export function gammaQuantile(probability: number, shape: number): number {
  if (shape <= 0) return 0;
  const third = 1 / (9 * shape);
  const cube = 1 - third + normalQuantile(probability) * Math.sqrt(third);
  let x = cube > 0 ? shape * cube ** 3 : 0;
  // Near zero P(shape, x) is x^shape / Γ(shape + 1).
  if (x <= 0) x = Math.exp((Math.log(probability) + gammaln(shape + 1)) / shape);
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS_AT_MOST; round++) {
    const error = gammaBelow(shape, x) - probability;
    if (error > 0) high = x;
    else low = x;
    const density = Math.exp((shape - 1) * Math.log(x) - x - gammaln(shape));
    let next = x - error / density;
    if (!(next > low && next < high)) next = high === Infinity ? 2 * x : (low + high) / 2;
    if (Math.abs(next - x) <= PRECISE * x) return next;
    x = next;
  }
  return x;
}

/** Share of a Gamma(shape, 1) variable below x: the regularised incomplete gamma function. */
function gammaBelow(shape: number, x: number): number {
  const front = Math.exp(shape * Math.log(x) - x - gammaln(shape));
  if (x < shape + 1) {
    let term = 1 / shape;
    let sum = term;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= x / (shape + n);
      sum += term;
    }
    return front * sum;
  }
  // Legendre's continued fraction for the share above, by Lentz's method.
  const tiny = 1e-300;
  let b = x + 1 - shape;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; ; n++) {
    const a = -n * (n - shape);
    b += 2;
    d = 1 / (a * d + b || tiny);
    c = b + a / c || tiny;
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-16 || n > 100_000) break;
  }
  return 1 - front * fraction;
}
