/**
 * The table of a sweep: a few sums of each policy, for each service and stretch of time. Every
 * number, interval, resample and test of a sweep is made from these, so thousands of policies fit
 * in memory and each has to decide only once.
 */

import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { standingFor } from "../outcome/outcomeList.ts";
import type { Costs } from "../score/costs.ts";
import { sumsOf } from "../score/sums.ts";

/** Sums that depend on what the policy did. */
export const SUMS = [
  "cost",
  "recoverySeconds",
  "falsePositives",
  "misses",
  "nightPages",
  "pages",
  "rollbacks",
  "open",
  "openGood",
  /** Timed regressions whose recovery is not identified. */
  "hiddenTimed",
] as const;
export type SumName = (typeof SUMS)[number];

/** Counts that are the history's own. */
export const COUNTS = ["deployments", "benign", "regressions", "timed"] as const;
export type CountName = (typeof COUNTS)[number];

export interface SweepTable {
  readonly services: readonly string[];
  /** Starts of the stretches and the end of the last: one more than there are stretches. */
  readonly edgesMs: readonly number[];
  /** By stretch, then by service. */
  readonly counts: Readonly<Record<CountName, Float64Array>>;
  /** One policy each: by sum, then by stretch, then by service. */
  readonly rows: readonly Float64Array[];
}

/** Sums of one policy over some stretches, by service. */
export type ServiceSums = Readonly<Record<SumName, Float64Array>>;

/** The cell of a deployment that is not counted. */
export const NO_CELL = -1;

export interface TableMaker {
  readonly counts: SweepTable["counts"];
  /** @param outcomes of one policy, in the same order for every policy */
  readonly rowOf: (outcomes: Listed<Outcome>) => Float64Array;
}

export interface Scoring {
  readonly costs: Costs;
  readonly timezoneOf: (service: string) => string | null;
}

/**
 * @param cells where each deployment belongs: stretch × services + service, or `NO_CELL`
 * @param first outcomes of any policy: counts are the same for all
 */
export function tableMaker(
  cells: Int32Array,
  cellCount: number,
  first: Listed<Outcome>,
  scoring: Scoring,
): TableMaker {
  const counts = Object.fromEntries(
    COUNTS.map((name) => [name, new Float64Array(cellCount)]),
  ) as Record<CountName, Float64Array>;
  // Kept from one policy to the next, because most deployments have the same outcome under both.
  const last = [...standingFor(first)];
  const adds = last.map((outcome, index) => {
    const own = contributionOf(outcome, scoring);
    const cell = cells[index]!;
    if (cell === NO_CELL) return null;
    for (const name of COUNTS) counts[name][cell]! += own.counts[name];
    return own.sums;
  });
  return {
    counts,
    rowOf: (outcomes) => {
      const row = new Float64Array(SUMS.length * cellCount);
      const standing = standingFor(outcomes);
      for (let index = 0; index < standing.length; index++) {
        const outcome = standing.at(index)!;
        if (cells[index] === NO_CELL) continue;
        if (outcome !== last[index]) {
          last[index] = outcome;
          adds[index] = contributionOf(outcome, scoring).sums;
        }
        const sums = adds[index]!;
        if (sums === null) continue;
        let at = cells[index]!;
        for (let sum = 0; sum < SUMS.length; sum++, at += cellCount) row[at]! += sums[sum]!;
      }
      return row;
    },
  };
}

interface Contribution {
  /** The sums of one outcome; null where all are zero, as most are. */
  readonly sums: readonly number[] | null;
  readonly counts: Readonly<Record<CountName, number>>;
}

/** One outcome by the arithmetic of the scorecard, so that both always mean the same. */
function contributionOf(outcome: Outcome, { costs, timezoneOf }: Scoring): Contribution {
  const { sums, seconds } = sumsOf([outcome], costs, timezoneOf(outcome.service));
  const byName: Record<SumName, number> = {
    cost:
      sums.costRollbacks +
      sums.costFalsePositives +
      sums.costDegradation +
      sums.costPages +
      sums.costToil,
    recoverySeconds: seconds.timeToRecovery.reduce((sum, one) => sum + Math.min(one, 3600), 0),
    falsePositives: sums.falsePositiveRollbacks,
    misses: sums.misses,
    nightPages: sums.nightPages,
    pages: sums.pages,
    rollbacks: sums.rollbacks,
    open: sums.open,
    openGood: sums.openGood,
    hiddenTimed: sums.timed - sums.identified,
  };
  const all = SUMS.map((name) => byName[name]);
  return { sums: all.some((one) => one !== 0) ? all : null, counts: sums };
}

/** Stretches `from` to `to` (exclusive) of one policy, by service. */
export function sumsOver(table: SweepTable, policy: number, from: number, to: number): ServiceSums {
  const row = table.rows[policy]!;
  return Object.fromEntries(
    SUMS.map((name, sum) => [name, addStretches(table, row, sum, from, to)]),
  ) as Record<SumName, Float64Array>;
}

export function countsOver(
  table: SweepTable,
  from: number,
  to: number,
): Readonly<Record<CountName, Float64Array>> {
  return Object.fromEntries(
    COUNTS.map((name) => [name, addStretches(table, table.counts[name], 0, from, to)]),
  ) as Record<CountName, Float64Array>;
}

function addStretches(
  { services, edgesMs }: SweepTable,
  values: Float64Array,
  sum: number,
  from: number,
  to: number,
): Float64Array {
  const width = services.length;
  const start = sum * width * (edgesMs.length - 1);
  const total = new Float64Array(width);
  for (let stretch = from; stretch < to; stretch++) {
    const at = start + stretch * width;
    for (let service = 0; service < width; service++) total[service]! += values[at + service]!;
  }
  return total;
}

export function totalOf(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
