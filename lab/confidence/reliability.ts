/**
 * Reliability by tenths of what was said, each with its consistency band: between which shares the
 * cases of a tenth would have come true if every forecast were right.
 *
 * Bands by resampling (Bröcker and Smith 2007, "Increasing the reliability of reliability
 * diagrams"): draw the forecasts with replacement, let each come true with the probability it says,
 * and see how often it did in each tenth. The bands hold jointly: all tenths with enough cases
 * are inside at once 95 times in 100 (Bonferroni), so one outside is a finding and not chance.
 */

import { randomStream } from "../random.ts";
import type { Forecast } from "../score/isotonic.ts";

const TENTHS = 10;
/** With fewer cases a band is too wide to say anything. */
export const CASES_AT_LEAST = 30;
const DRAWS_AT_MOST = 2000;
const OUTSIDE = 0.05;

export interface Tenth {
  /** What was said lies from here, up to a tenth more. */
  readonly from: number;
  readonly n: number;
  readonly mean: number;
  readonly observed: number;
  /** Null with fewer than 30 cases. */
  readonly band: { readonly low: number; readonly high: number; readonly isInside: boolean } | null;
}

/** The tenths in which anything was said. */
export function tenthsOf(forecasts: readonly Forecast[], seed: number): readonly Tenth[] {
  const cells = forecasts.map(({ said }) => tenthOf(said));
  const tenths = Array.from({ length: TENTHS }, (_, tenth) => {
    const own = forecasts.filter((_one, at) => cells[at] === tenth);
    const n = own.length;
    const mean = own.reduce((sum, { said }) => sum + said, 0) / n;
    return {
      from: tenth / TENTHS,
      tenth,
      n,
      mean,
      observed: own.filter(({ isSo }) => isSo).length / n,
    };
  }).filter(({ n }) => n > 0);
  const enough = tenths.filter(({ n }) => n >= CASES_AT_LEAST);
  const draws = enough.length === 0 ? [] : sharesDrawn(forecasts, cells, seed);
  const tail = OUTSIDE / Math.max(1, enough.length) / 2;
  return tenths.map(({ tenth, ...own }): Tenth => {
    if (own.n < CASES_AT_LEAST) return { ...own, band: null };
    const shares = Float64Array.from(draws.flatMap((drawn) => drawn[tenth] ?? [])).sort();
    const low = shares[Math.floor(shares.length * tail)]!;
    const high = shares[Math.ceil(shares.length * (1 - tail)) - 1]!;
    return { ...own, band: { low, high, isInside: own.observed >= low && own.observed <= high } };
  });
}

function tenthOf(said: number): number {
  return Math.min(TENTHS - 1, Math.floor(said * TENTHS));
}

/** By draw and tenth: the share that came true; null where the draw has no case in it. */
function sharesDrawn(
  forecasts: readonly Forecast[],
  cells: readonly number[],
  seed: number,
): readonly (readonly (number | null)[])[] {
  const draws = Math.max(500, Math.min(DRAWS_AT_MOST, Math.floor(8_000_000 / forecasts.length)));
  return Array.from({ length: draws }, (_, draw) => {
    const random = randomStream("consistency band", seed, draw);
    const n = new Float64Array(TENTHS);
    const so = new Float64Array(TENTHS);
    for (let taken = 0; taken < forecasts.length; taken++) {
      const at = Math.floor(random.next() * forecasts.length);
      n[cells[at]!]! += 1;
      if (random.chance(forecasts[at]!.said)) so[cells[at]!]! += 1;
    }
    return Array.from(n, (count, tenth) => (count === 0 ? null : so[tenth]! / count));
  });
}
