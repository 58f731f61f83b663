/**
 * How the best policy compares with its neighbours. On a plateau a little more or less changes
 * little; a spike will probably not be there in the next history. And is it at the end of a range,
 * so that the true best may lie beyond?
 */

import type { Dimension } from "./dimension.ts";
import { resampled, spread, type Resamples } from "./resample.ts";
import { sumsOver, totalOf, type SweepTable } from "./table.ts";
import type { Span } from "./periods.ts";

interface Placed {
  readonly row: number;
  readonly place: readonly number[];
  readonly steps: readonly (number | null)[];
}

export interface Landscape {
  /** Null where the policy has no neighbour among those swept. */
  readonly kind: "plateau" | "spike" | null;
  readonly warnings: readonly string[];
}

/** How many of a scattered design count as neighbours. */
const NEAREST = 4;

export function landscapeOf(
  table: SweepTable,
  dimensions: readonly Dimension[],
  policies: readonly Placed[],
  best: number,
  span: Span,
  resamples: Resamples,
): Landscape {
  const own = policies[best]!;
  const around = neighbours(policies, best);
  const warnings: string[] = [];
  const costs = (row: number): Float64Array => sumsOver(table, row, ...span).cost;
  const mine = costs(own.row);
  const worse = around.filter((at) => {
    const apart = costs(policies[at]!.row).map((cost, service) => cost - mine[service]!);
    return totalOf(apart) > spread(resampled(resamples, apart));
  });
  const kind = around.length === 0 ? null : worse.length > around.length / 2 ? "spike" : "plateau";
  if (kind === "spike") {
    warnings.push(
      `The best stands on a spike: ${worse.length} of its ${around.length} neighbours are ` +
        `clearly worse. Expect less from it on another history.`,
    );
  }
  dimensions.forEach((dimension, index) => {
    const { ordered, values, path } = dimension;
    const step = own.steps[index]!;
    if (!ordered || (values !== null && values.length < 2)) return;
    const last = values === null ? null : values.length - 1;
    const low = last === null ? own.place[index]! < 0.02 : step === 0;
    const high = last === null ? own.place[index]! > 0.98 : step === last;
    if (!low && !high) return;
    const inward = around.find((at) => policies[at]!.steps[index] === step + (low ? 1 : -1));
    // A value further inside is as good, so the end of the range does not limit anything.
    if (inward !== undefined && totalOf(costs(policies[inward]!.row)) <= totalOf(mine)) return;
    warnings.push(
      `${path}: the best value is the ${low ? "first" : "last"} of its range; ` +
        `a better one may lie beyond. Widen the range.`,
    );
  });
  return { kind, warnings };
}

/** The policies one step away in one dimension; in a scattered design the nearest four. */
function neighbours(policies: readonly Placed[], best: number): number[] {
  const own = policies[best]!;
  const isGrid = own.steps.every((step) => step !== null);
  const steps = (other: Placed): number =>
    other.steps.reduce<number>((sum, step, index) => sum + Math.abs(step! - own.steps[index]!), 0);
  if (isGrid) {
    const adjacent = [...policies.keys()].filter((at) => steps(policies[at]!) === 1);
    if (adjacent.length > 0) return adjacent;
  }
  const distance = (at: number): number =>
    Math.hypot(...policies[at]!.place.map((place, index) => place - own.place[index]!));
  return [...policies.keys()]
    .filter((at) => at !== best)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, NEAREST);
}
