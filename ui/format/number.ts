/** Plain numbers; those of scorecards are in lab/compare/words.ts, for all readers alike. */

const grouped = new Intl.NumberFormat("en-GB");

/** `36,483,181`. */
export function countText(value: number): string {
  return grouped.format(value);
}

/** `36.5 million`, `34,323`: where the size is what matters. */
export function sizeText(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} billion`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} million`;
  return countText(value);
}

/** `1 deployment`, `2 deployments`. */
export function countOf(value: number, noun: string): string {
  return `${countText(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Four significant digits with the metric's unit. */
export function measureText(value: number | null, unit: string): string {
  if (value === null || Number.isNaN(value)) return "–";
  if (unit === "share" || unit === "ratio") return `${Number((value * 100).toPrecision(4))} %`;
  return `${Number(value.toPrecision(4))}${unit === "" ? "" : ` ${unit}`}`;
}
