/**
 * Scrambled Sobol points: a few hundred of them fill up to ten dimensions evenly, where
 * a grid would spend its trials on dimensions that do not matter.
 *
 * Direction numbers: S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better
 * two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), file
 * new-joe-kuo-6.21201, first ten dimensions; the same as SciPy's `qmc.Sobol`.
 * Scrambling: nested uniform scrambling by hashing (Owen 1995; the hash of S. Laine and
 * T. Karras, after B. Burley, "Practical hash-based Owen scrambling", JCGT 9(4), 2020).
 */

import { randomStream } from "../random.ts";

/** Degree, coefficients and initial numbers of dimensions 2 to 10. */
const JOE_KUO: readonly (readonly [number, number, readonly number[]])[] = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
];

export const SOBOL_DIMENSIONS = JOE_KUO.length + 1;
const BITS = 32;

/** The direction numbers of one dimension as unsigned 32-bit integers, most significant first. */
function directionsOf(dimension: number): Uint32Array {
  const directions = new Uint32Array(BITS);
  if (dimension === 0) {
    for (let bit = 0; bit < BITS; bit++) directions[bit] = 2 ** (BITS - 1 - bit);
    return directions;
  }
  const [degree, coefficients, initial] = JOE_KUO[dimension - 1]!;
  for (let bit = 0; bit < BITS; bit++) {
    if (bit < degree) directions[bit] = initial[bit]! * 2 ** (BITS - 1 - bit);
    else {
      let word = directions[bit - degree]! ^ (directions[bit - degree]! >>> degree);
      for (let k = 1; k < degree; k++) {
        if (((coefficients >> (degree - 1 - k)) & 1) === 1) word ^= directions[bit - k]!;
      }
      directions[bit] = word;
    }
  }
  return directions;
}

function reverseBits(word: number): number {
  let x = word;
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return (x >>> 16) | (x << 16);
}

/** Flips each bit or not, by the bits above it and the seed, so that points stay stratified. */
function scrambled(word: number, seed: number): number {
  let x = reverseBits(word);
  x = (x + seed) | 0;
  x ^= Math.imul(x, 0x6c50b47c);
  x ^= Math.imul(x, 0xb82f1e52);
  x ^= Math.imul(x, 0xc7afe638);
  x ^= Math.imul(x, 0x8d22f6e6);
  return reverseBits(x) >>> 0;
}

/**
 * `count` points in [0, 1) of so many dimensions, in Gray-code order.
 *
 * @param seed of the scrambling; null gives the plain sequence, which begins at 0
 */
export function sobol(count: number, dimensions: number, seed: number | null): number[][] {
  const points = Array.from({ length: count }, () => new Array<number>(dimensions).fill(0));
  for (let dimension = 0; dimension < dimensions; dimension++) {
    const directions = directionsOf(dimension);
    const shift =
      seed === null ? 0 : Math.floor(randomStream(seed, "sobol", dimension).next() * 2 ** BITS);
    let word = 0;
    for (let index = 0; index < count; index++) {
      // Gray code: one direction number a point, that of the lowest zero bit of the index.
      if (index > 0) word ^= directions[31 - Math.clz32(index & -index)]!;
      const point = seed === null ? word >>> 0 : scrambled(word, shift);
      points[index]![dimension] = point / 2 ** BITS;
    }
  }
  return points;
}
