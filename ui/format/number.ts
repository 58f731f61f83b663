/**
 * Numbers that only this lab shows. Counts are written by lab/counted.ts and those of scorecards
 * by lab/compare/words.ts, for all readers alike.
 */

import { countText } from "../../lab/counted.ts";

/** `36.5 million`, `34,323`: where the size is what matters. */
export function sizeText(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} billion`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} million`;
  return countText(value);
}
