/** How large a breach is. */

import type { SignalEvidence } from "../../engine/index.ts";

/** A tolerance may be zero, and a relative effect without end. */
const SIZE_AT_MOST = 1000;
/** A breach whose effect is not known, such as a silence, is at least as large as was tolerated. */
const SIZE_OF_UNKNOWN = 1;

/** In multiples of what is tolerated; zero where there is no breach. */
export function breachSize({ verdict, effect, tolerance }: SignalEvidence): number {
  if (verdict !== "breach") return 0;
  const size = effect === null ? Number.NaN : Math.abs(effect) / tolerance;
  return Number.isNaN(size) ? SIZE_OF_UNKNOWN : Math.min(size, SIZE_AT_MOST);
}
