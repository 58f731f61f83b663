/**
 * When there is too little evidence to speak of a difference: resampling two services says nothing
 * about a third, however narrow the interval is. Everything that speaks of differences uses this
 * one rule: `compare`, the gate, tags, sweeps, what-ifs, the report and the web lab.
 */

import type { Difference } from "./compare.ts";

/** The fewest observations, and the fewest effective services, that say anything about others. */
const EVIDENCE_AT_LEAST = 5;

/** Why there is too little evidence, in words; null where there is enough. */
export function tooFew({
  n,
  effectiveClusters,
}: Pick<Difference, "n" | "effectiveClusters">): string | null {
  // Counts are means over draws, and so may have decimals.
  if (n < EVIDENCE_AT_LEAST) return `${Number(n.toFixed(1))} to go by`;
  return effectiveClusters < EVIDENCE_AT_LEAST
    ? `${effectiveClusters.toFixed(1)} effective services`
    : null;
}
