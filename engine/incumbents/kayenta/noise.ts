/** Gaussian noise from a seed: the same seed gives the same noise on every machine. */

/** @returns draws one value of a standard normal distribution after the other */
export function noise(seed: number): () => number {
  const uniform = uniformFrom(seed);
  return () => {
    // Box and Muller; 1 − u is never 0.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  };
}

/** Mulberry32: uniform in [0, 1). */
function uniformFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
