/**
 * The order of a list by one of its columns. Each order is made once, of all rows; what is found
 * is then taken in it without sorting again.
 */

import { breath } from "../breath.ts";
import type { Findable } from "./finding.ts";

type Sortable = string | number | null;

/** Null where there is no such column: rows stay as they are. */
function columnOf(key: string, policies: readonly string[]): ((one: Findable) => Sortable) | null {
  if (key === "deployment") return ({ row }) => row.deploymentId;
  if (key === "started") return ({ startedAtMs }) => startedAtMs;
  if (key === "team") return ({ row }) => row.team;
  if (key === "kind") return ({ row }) => row.kind;
  if (key === "label") return ({ row }) => row.label;
  const at = policies.findIndex((id) => key === `end:${id}`);
  return at < 0 ? null : ({ ends }) => ends[at] ?? null;
}

/** Rows of a run that is sorted at once, and rows that are merged between two breaths. */
const RUN = 4096;

/**
 * Places of the rows in the order of `team` or, from the greatest down, `-team`; null where there
 * is no such column. Equal ones stay in their order, and what is not known stands last, whichever
 * way. 300,000 texts take a second to sort, in which others are answered.
 */
export async function orderOf(
  rows: readonly Findable[],
  asked: string,
  policies: readonly string[],
): Promise<readonly number[] | null> {
  const column = columnOf(asked.replace(/^-/, ""), policies);
  if (column === null) return null;
  const values = rows.map(column);
  const down = asked.startsWith("-") ? -1 : 1;
  const compare = (one: number, other: number): number => {
    const [a, b] = [values[one]!, values[other]!];
    if (a === b) return one - other;
    if (a === null || b === null) return a === null ? 1 : -1;
    return a < b ? -down : down;
  };
  let runs: number[][] = [];
  for (let from = 0; from < rows.length; from += RUN) {
    const length = Math.min(RUN, rows.length - from);
    runs.push(Array.from({ length }, (_, at) => from + at).sort(compare));
    await breath();
  }
  while (runs.length > 1) {
    const merged: number[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(await merge(runs[at]!, runs[at + 1] ?? [], compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge(
  one: readonly number[],
  other: readonly number[],
  compare: (a: number, b: number) => number,
): Promise<number[]> {
  const merged: number[] = [];
  let [left, right] = [0, 0];
  while (left < one.length || right < other.length) {
    const isLeft =
      right === other.length || (left < one.length && compare(one[left]!, other[right]!) < 0);
    merged.push(isLeft ? one[left++]! : other[right++]!);
    if (merged.length % RUN === 0) await breath();
  }
  return merged;
}
