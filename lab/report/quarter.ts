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

/** The quarter of which a history has most, the later of two alike; null for no samples. */
export function mainQuarter(manifest: Pick<HistoryManifest, "from" | "to">): Quarter | null {
  const lengthOf = (quarter: Quarter): number => {
    const part = sampledPart(quarter, manifest);
    return part === null ? 0 : part.toMs - part.fromMs;
  };
  return quartersOf(manifest).reduce<Quarter | null>(
    (most, one) => (most === null || lengthOf(one) >= lengthOf(most) ? one : most),
    null,
  );
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
