/** The quarter a report is about, and how much of it the history has. */

import type { HistoryManifest } from "../history/tables.ts";

export interface Quarter {
  /** Such as `2026Q3`. */
  readonly name: string;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/** `2026Q3` → its calendar months in UTC; null for anything else. */
export function parseQuarter(text: string): Quarter | null {
  const found = /^(\d{4})-?Q([1-4])$/i.exec(text);
  if (found === null) return null;
  return quarterOf(Number(found[1]), Number(found[2]));
}

function quarterOf(year: number, quarter: number): Quarter {
  const month = 3 * (quarter - 1);
  return {
    name: `${year}Q${quarter}`,
    fromMs: Date.UTC(year, month, 1),
    toMs: Date.UTC(year, month + 3, 1),
  };
}

/** The quarters that a history has some part of, in order. */
export function quartersOf({ from, to }: Pick<HistoryManifest, "from" | "to">): Quarter[] {
  if (from === null || to === null) return [];
  const first = new Date(from);
  const quarters: Quarter[] = [];
  for (let index = Math.floor(first.getUTCMonth() / 3); ; index++) {
    const year = first.getUTCFullYear() + Math.floor(index / 4);
    const quarter = quarterOf(year, (index % 4) + 1);
    if (quarter.fromMs >= Date.parse(to)) return quarters;
    quarters.push(quarter);
  }
}

/** Of a quarter so much sampled counts as whole. */
export const WHOLE_SHARE = 0.95;

/**
 * The quarter that is meant where none is named: the last that a history has whole, or else the
 * one that it has most of; null where that is none or several.
 */
export function usualQuarter(manifest: Pick<HistoryManifest, "from" | "to">): Quarter | null {
  const quarters = quartersOf(manifest);
  const above = (least: number): readonly Quarter[] =>
    quarters.filter((quarter) => sampledShare(quarter, manifest) > least);
  const whole = above(WHOLE_SHARE).at(-1);
  if (whole !== undefined) return whole;
  const most = quarters.length === 1 ? quarters : above(0.5);
  return most.length === 1 ? most[0]! : null;
}

/** How much of a quarter a history has, from 0 to 1. */
export function sampledShare(
  quarter: Quarter,
  manifest: Pick<HistoryManifest, "from" | "to">,
): number {
  const part = sampledPart(quarter, manifest);
  if (part === null) return 0;
  return (part.toMs - part.fromMs) / (quarter.toMs - quarter.fromMs);
}

/** The part of a quarter that lies in the history; null where there is none. */
export function sampledPart(
  { fromMs, toMs }: Quarter,
  { from, to }: Pick<HistoryManifest, "from" | "to">,
): { readonly fromMs: number; readonly toMs: number } | null {
  if (from === null || to === null) return null;
  const part = {
    fromMs: Math.max(fromMs, Date.parse(from)),
    toMs: Math.min(toMs, Date.parse(to)),
  };
  return part.fromMs < part.toMs ? part : null;
}
