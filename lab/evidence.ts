/**
 * How much evidence there is, and how much a verdict takes. `inspect` says it before anybody
 * compares, and everything that speaks of a difference goes by it (compare/enough.ts).
 */

/** The fewest observations, and the fewest effective services, that say anything about others. */
export const EVIDENCE_AT_LEAST = 5;

/**
 * The effective number of clusters: how many equal ones would say as much as these unequal ones
 * (Kish 1965). So one large service among small ones does not count as a large fleet.
 *
 * @param sizes how many observations each cluster has
 */
export function effectiveClusters(sizes: readonly number[]): number {
  let sum = 0;
  let squares = 0;
  for (const size of sizes) {
    sum += size;
    squares += size * size;
  }
  // To nine digits, as scores are: every rule and every text has the same number.
  return squares === 0 ? 0 : Number(((sum * sum) / squares).toPrecision(9));
}
