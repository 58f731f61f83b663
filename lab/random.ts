/**
 * Randomness without a state: every number is a function of its key.
 *
 * Law 1: no number depends on how many were drawn before it, so results do not
 * change with order, workers or cutting. Law 2: the same purpose has the same key
 * under every policy (common random numbers), so the difference between two
 * policies is their own doing and not luck. Law 3: distributions come from inverse
 * CDFs only: monotone in the uniform, so common numbers stay positively correlated.
 *
 * Three sources: `uniform` for a single draw by name, `randomStream` for a short
 * run of draws that belong together, `counter` for millions of samples where each
 * must be reachable alone.
 */

type KeyPart = string | number;

// The four lanes of the hash in progress. Reset by every `hash`; never read across calls.
let h1 = 0;
let h2 = 0;
let h3 = 0;
let h4 = 0;

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function absorb(word: number): void {
  h1 =
    Math.imul(rotate(h1 ^ Math.imul(rotate(Math.imul(word, 0x239b961b), 15), 0xab0e9789), 19), 5) +
    0x561ccd1b;
  h2 =
    Math.imul(rotate(h2 ^ Math.imul(rotate(Math.imul(word, 0xab0e9789), 16), 0x38b34ae5), 17), 5) +
    0x0bcaa747;
  h3 =
    Math.imul(rotate(h3 ^ Math.imul(rotate(Math.imul(word, 0x38b34ae5), 17), 0xa1e38b93), 15), 5) +
    0x96cd1c35;
  h4 =
    Math.imul(rotate(h4 ^ Math.imul(rotate(Math.imul(word, 0xa1e38b93), 18), 0x239b961b), 13), 5) +
    0x32ac3b17;
}

function avalanche(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

function mixLanes(): void {
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
}

const floatView = new DataView(new ArrayBuffer(8));

/**
 * Hashes a key to 128 bits with the body and finaliser of MurmurHash3 (Appleby,
 * public domain), every word going into all four lanes. Parts are set off by
 * their type and length, so `("a", "bc")`, `("ab", "c")`, `(1)` and `("1")` all differ.
 */
function hash(key: readonly KeyPart[]): void {
  h1 = 0x9e3779b9 | 0;
  h2 = 0x243f6a88;
  h3 = 0xb7e15162 | 0;
  h4 = 0x2545f491;
  for (const part of key) {
    if (typeof part === "string") {
      absorb(part.length + 0x10000);
      for (let i = 0; i < part.length; i++) absorb(part.charCodeAt(i));
    } else {
      floatView.setFloat64(0, part);
      absorb(-1);
      absorb(floatView.getInt32(0));
      absorb(floatView.getInt32(4));
    }
  }
  mixLanes();
  h1 = avalanche(h1);
  h2 = avalanche(h2);
  h3 = avalanche(h3);
  h4 = avalanche(h4);
  mixLanes();
}

/**
 * A uniform in [0, 1) with 53 bits, from its key alone.
 *
 * @example uniform(seed, deploymentId, "delay", ordinal, replicate)
 */
export function uniform(...key: readonly KeyPart[]): number {
  hash(key);
  return ((h1 >>> 5) * 67108864 + (h2 >>> 6)) / 9007199254740992;
}

/**
 * The standard normal quantile, by Wichura's algorithm AS 241 (PPND7, Applied
 * Statistics 37, 1988): about seven digits, e.g. `normalQuantile(0.975)` = 1.959964.
 * Probabilities are held inside (2^-53, 1 - 2^-53), so the answer is finite.
 */
export function normalQuantile(probability: number): number {
  const q = probability - 0.5;
  if (q > -0.425 && q < 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    );
  }
  const tail = Math.max(q < 0 ? probability : 1 - probability, 1.1102230246251565e-16);
  let r = Math.sqrt(-Math.log(tail));
  let z: number;
  if (r <= 5) {
    r -= 1.6;
    z =
      (((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777) /
      ((0.12021132975 * r + 0.7370016425) * r + 1);
  } else {
    r -= 5;
    z =
      (((0.017337203997 * r + 0.42868294337) * r + 3.081226386) * r + 6.657905115) /
      ((0.012258202635 * r + 0.24197894225) * r + 1);
  }
  return q < 0 ? -z : z;
}

/** The density of the standard normal at `z`. */
export function normalDensity(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/**
 * The chance that a standard normal is above `z`, by Abramowitz and Stegun 26.2.17: its error is
 * below 7.5e-8. `normalTail(1.959964)` = 0.025.
 */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return normalDensity(z) * polynomial;
}

/** The quantile of a lognormal with this median; `sigma` is the sd of its logarithm. */
export function lognormalQuantile(probability: number, median: number, sigma: number): number {
  return median * Math.exp(sigma * normalQuantile(probability));
}

/** The quantile of an exponential with this mean. */
export function exponentialQuantile(probability: number, mean: number): number {
  return -mean * Math.log1p(-Math.min(probability, 1 - 1.1102230246251565e-16));
}

/** The quantile of a Poisson, by searching up from zero: for small means (a few events a day). */
export function poissonQuantile(probability: number, mean: number): number {
  let mass = Math.exp(-mean);
  let sum = mass;
  let count = 0;
  while (probability > sum && count < 1000) {
    count++;
    mass *= mean / count;
    sum += mass;
  }
  return count;
}

/** A short run of draws that belong together, such as everything about one deployment. */
export interface RandomStream {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  between(low: number, high: number): number;
  /** Log-uniform: every factor of two is as likely as any other. */
  betweenLog(low: number, high: number): number;
  normal(): number;
  lognormal(median: number, sigma: number): number;
  exponential(mean: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Picks a name by its share; shares need not add up to one. */
  weighted<Name extends string>(shares: Readonly<Partial<Record<Name, number>>>): Name;
}

/**
 * A sequential generator started by its key: sfc32 (Doty-Humphrey, PractRand),
 * seeded with the 128-bit hash and twelve steps of warming up. Its draws depend on
 * their order within the stream, so each stream serves one narrow purpose.
 */
export function randomStream(...key: readonly KeyPart[]): RandomStream {
  hash(key);
  let a = h1;
  let b = h2;
  let c = h3;
  let d = h4;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (rotate(c, 21) + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  /** The middle of the 32-bit cell, so that tails are finite and symmetric. */
  const open = (): number => next() + 1.1641532182693481e-10;
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    betweenLog: (low, high) => low * Math.exp(Math.log(high / low) * next()),
    normal: () => normalQuantile(open()),
    lognormal: (median, sigma) => lognormalQuantile(open(), median, sigma),
    exponential: (mean) => exponentialQuantile(open(), mean),
    chance: (share) => next() < share,
    pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!,
    weighted: <Name extends string>(shares: Readonly<Partial<Record<Name, number>>>): Name => {
      const names = Object.keys(shares) as Name[];
      let left = next() * names.reduce((sum, name) => sum + shares[name]!, 0);
      for (const name of names) {
        left -= shares[name]!;
        if (left < 0) return name;
      }
      return names.at(-1)!;
    },
  };
}

/** The key of a counter-based sequence; see `uniformAt`. */
export interface Counter {
  readonly a: number;
  readonly b: number;
}

export function counter(...key: readonly KeyPart[]): Counter {
  hash(key);
  return { a: h1, b: h2 };
}

/**
 * The 32 bits at place `index` of a counter-based sequence: two rounds of an integer
 * hash (Wellons' low-bias constants), one half of the key before each. Two halves,
 * because with one the sequences of two keys would be the same sequence, shifted.
 * `index` is any 32-bit integer, negative ones too. (Written out flat: as two calls
 * of one function it takes four times as long.)
 */
export function bitsAt(a: number, b: number, index: number): number {
  let x = index ^ a;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  x = ((x ^ (x >>> 15)) + b) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** The uniform at a place of a counter-based sequence, in (0, 1) with 32 bits. */
export function uniformAt(a: number, b: number, index: number): number {
  return (bitsAt(a, b, index) + 0.5) / 4294967296;
}

/** 2,048 cells of probability; those at either end are too curved for a straight line. */
const CELLS = 2048;
const CURVED = 16;
const quantiles = Float64Array.from({ length: CELLS + 1 }, (_, cell) =>
  normalQuantile(cell / CELLS),
);

/**
 * The standard normal at a place: `normalQuantile(uniformAt(…))` by a straight line
 * between tabled values, exact beyond 0.8 % on either side. Still monotone in the
 * uniform, off by at most 2e-4, and six times faster (6 ns).
 */
export function normalAt(a: number, b: number, index: number): number {
  const bits = bitsAt(a, b, index);
  const cell = bits >>> 21;
  if (cell < CURVED || cell >= CELLS - CURVED) return normalQuantile((bits + 0.5) / 4294967296);
  const low = quantiles[cell]!;
  const within = ((bits & 0x1fffff) + 0.5) / 0x200000;
  return low + within * (quantiles[cell + 1]! - low);
}
