/**
 * How little is too little to tell by: resampling two services, or one regression each, says
 * nothing about a third, however narrow its interval is. One rule for whatever speaks of
 * differences: `compare`, the gate, tags, sweeps, what-ifs, the report, the web lab.
 */

import type { Difference } from "./compare.ts";

/** Resampling fewer observations, or fewer effective services, says nothing about others. */
const EVIDENCE_AT_LEAST = 5;

/** Why a difference is not to be believed, in words; null where there is enough to go by. */
export function tooFew({
  n,
  effectiveClusters,
}: Pick<Difference, "n" | "effectiveClusters">): string | null {
  // What is counted may be a mean over draws.
  if (n < EVIDENCE_AT_LEAST) return `${Number(n.toFixed(1))} to go by`;
  return effectiveClusters < EVIDENCE_AT_LEAST
    ? `${effectiveClusters.toFixed(1)} effective services`
    : null;
}
