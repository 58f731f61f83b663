/**
 * The two kinds of randomness in a series, reachable at any sample: autocorrelated
 * noise and counts. Both are functions of (key, sample index) alone.
 */

import { normalAt, normalQuantile, type Counter } from "../../lab/random.ts";

/**
 * Samples between two fresh starts of the noise. Each block begins with a warm-up
 * of its own, so a window needs nothing from before its first block.
 */
export const NOISE_BLOCK = 480;

/** What a truncated start may leave out of the noise, as a share of its sd. */
const FORGOTTEN = 1e-6;

/** Steps until AR(1) noise has forgotten its start: phi^n < 1e-6, so 131 at phi 0.9. */
function warmUpSteps(phi: number): number {
  return phi <= 0 ? 0 : Math.ceil(Math.log(FORGOTTEN) / Math.log(phi));
}

/**
 * Fills `out[0 … count)` with stationary AR(1) noise from sample `first`, the start
 * of a block: x(t) = phi x(t-1) + sqrt(1 - phi^2) e(t), scaled by `sd`.
 *
 * The recursion starts from zero, `warmUpSteps` before the block. Blocks share their
 * innovations (one a sample, by its index), so the noise runs on across a block's
 * edge up to a millionth of its sd.
 */
export function fillNoise(
  out: Float64Array,
  first: number,
  count: number,
  key: Counter,
  phi: number,
  sd: number,
): void {
  const { a, b } = key;
  const innovation = sd * Math.sqrt(1 - phi * phi);
  let x = 0;
  for (let index = first - warmUpSteps(phi); index < first; index++) {
    x = phi * x + innovation * normalAt(a, b, index);
  }
  for (let i = 0; i < count; i++) {
    x = phi * x + innovation * normalAt(a, b, first + i);
    out[i] = x;
  }
}

/**
 * Bends normal noise so that it reaches further up than down, as recorded latencies do: z becomes
 * (exp(skew z) - 1) / skew (Tukey's g). The median stays, and so does the order.
 */
export function bendUpwards(noise: Float64Array, count: number, sd: number, skew: number): void {
  const rate = skew / sd;
  for (let i = 0; i < count; i++) noise[i] = Math.expm1(rate * noise[i]!) / rate;
}

/** Above this mean a count is drawn from the normal with the same mean and variance. */
const NORMAL_FROM_MEAN = 24;

/**
 * The quantile of a negative binomial with this mean and dispersion (variance over
 * mean; 1 is Poisson), by searching up from zero; rounded normal for large means.
 */
export function countQuantile(probability: number, mean: number, dispersion: number): number {
  if (mean > NORMAL_FROM_MEAN) {
    const drawn = mean + Math.sqrt(mean * dispersion) * normalQuantile(probability);
    return drawn <= 0 ? 0 : Math.round(drawn);
  }
  const poisson = dispersion < 1.001;
  const size = poisson ? 0 : mean / (dispersion - 1);
  const ratio = 1 - 1 / dispersion;
  let mass = Math.exp(poisson ? -mean : -size * Math.log(dispersion));
  let sum = mass;
  let count = 0;
  while (probability > sum && count < 500) {
    mass *= poisson ? mean / (count + 1) : ((size + count) / (count + 1)) * ratio;
    count++;
    sum += mass;
  }
  return count;
}
