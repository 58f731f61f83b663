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

/** Four significant digits, more where it has more before the point, with the metric's unit. */
export function measureText(value: number | null, unit: string): string {
  if (value === null || Number.isNaN(value)) return "–";
  if (unit === "share" || unit === "ratio") return `${digits(value * 100)} %`;
  return `${digits(value)}${unit === "" ? "" : ` ${unit}`}`;
}

function digits(value: number): string {
  if (Math.abs(value) >= 1000) return countText(Math.round(value));
  // Below that there is nothing to group, and what is very small keeps its exponent.
  return String(Number(value.toPrecision(4)));
}
