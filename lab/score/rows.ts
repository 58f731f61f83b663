/**
 * The sums of a policy as rows of numbers, one a service, for questions that are asked of a
 * difference again and again with a few deployments changed. A difference of such rows is the
 * difference of two scorecards, and its interval is that of `compare`, at a hundredth of the work:
 * nothing but sums is resampled, so fields that are no function of sums are left out.
 */

import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { isTotal, rangeOfSums, valueOfSums, type Field, type Sums } from "./fields.ts";
import { differenceRange, effectiveClusters, LEFT_OUT_AT_MOST, type Spread } from "./intervals.ts";
import { resamples } from "./resamples.ts";
import type { ScoreOptions } from "./scorecard.ts";
import { COUNTED, sumByService, sumsOf } from "./sums.ts";

/** By service, in the order of their names; each in the order of `COUNTED`. */
export type Rows = readonly Float64Array[];

/** Two policies on the same deployments. */
export interface RowPair {
  readonly baseline: Rows;
  readonly candidate: Rows;
}

/** What a change of one deployment's outcome adds to the row of its service. */
export interface RowChange {
  /** The place of its service among the rows. */
  readonly service: number;
  readonly baseline: Float64Array;
  readonly candidate: Float64Array;
}

export class RowScores {
  readonly #options: ScoreOptions;
  /** How often each service is in each bootstrap sample, by number of services. */
  readonly #times = new Map<number, readonly Uint16Array[]>();

  constructor(options: ScoreOptions) {
    this.#options = options;
  }

  /** The rows of one policy, means over its draws. */
  rowsOf(draws: readonly Listed<Outcome>[]): Rows {
    const { costs, timezoneOf } = this.#options;
    return sumByService(draws, costs, timezoneOf).map(({ sums }) =>
      Float64Array.from(COUNTED, (name) => sums[name]),
    );
  }

  /** What one outcome adds to the row of its service. */
  rowOf(outcome: Outcome): Float64Array {
    const { costs, timezoneOf } = this.#options;
    const { sums } = sumsOf([outcome], costs, timezoneOf(outcome.service));
    return Float64Array.from(COUNTED, (name) => sums[name]);
  }

  /** A field's difference, candidate minus baseline; NaN where it has none. */
  differenceOf(field: Field, baseline: Float64Array, candidate: Float64Array): number {
    const { weeks } = this.#options;
    const valueOf = (row: Float64Array): number =>
      valueOfSums(field, toSums(row), weeks) ?? Number.NaN;
    return valueOf(candidate) - valueOf(baseline);
  }

  /** How the difference of a field varies over services. */
  spreadOf(field: Field, { baseline, candidate }: RowPair): Spread {
    const { weeks } = this.#options;
    const before = this.#varying(field, baseline);
    const after = this.#varying(field, candidate);
    const minus = (to: Float64Array, from: Float64Array): Float64Array =>
      to.map((value, at) => value - from[at]!);
    const sums = [toSums(totalOf(baseline)), toSums(totalOf(candidate))] as const;
    return {
      value: valueOfSums(field, sums[1], weeks)! - valueOfSums(field, sums[0], weeks)!,
      samples: minus(after.samples, before.samples),
      leftOut:
        after.leftOut === null || before.leftOut === null
          ? null
          : minus(after.leftOut, before.leftOut),
      effectiveClusters: Math.min(before.clusters, after.clusters),
      smooth: field.smooth,
      range: differenceRange(rangeOfSums(field, sums[1]), rangeOfSums(field, sums[0])),
    };
  }

  #varying(
    field: Field,
    rows: Rows,
  ): {
    readonly samples: Float64Array;
    readonly leftOut: Float64Array | null;
    readonly clusters: number;
  } {
    const { weeks, bootstraps } = this.#options;
    const services = rows.length;
    const shared = {} as Sums;
    const added = new Float64Array(COUNTED.length);
    const valueOf = (): number => valueOfSums(field, fill(shared, added), weeks)!;
    const samples = new Float64Array(bootstraps);
    this.#timesFor(services).forEach((times, round) => {
      added.fill(0);
      for (let service = 0; service < services; service++) {
        const drawn = times[service]!;
        if (drawn === 0) continue;
        const row = rows[service]!;
        for (let at = 0; at < added.length; at++) added[at]! += drawn * row[at]!;
      }
      samples[round] = valueOf();
    });
    if (services === 1) samples.fill(samples[0]!);
    const leaves = services >= 2 && services <= LEFT_OUT_AT_MOST;
    const whole = totalOf(rows);
    const leftOut = Float64Array.from({ length: leaves ? services : 0 }, (_, out) => {
      for (let at = 0; at < added.length; at++) added[at] = whole[at]! - rows[out]![at]!;
      return isTotal(field) ? (valueOf() * services) / (services - 1) : valueOf();
    });
    return {
      samples,
      leftOut: leaves ? leftOut : null,
      clusters: effectiveClusters(rows.map((row) => field.n(fill(shared, row)))),
    };
  }

  #timesFor(services: number): readonly Uint16Array[] {
    let times = this.#times.get(services);
    if (times === undefined) {
      const { seed, bootstraps } = this.#options;
      times = Array.from(resamples(services, seed, bootstraps), (drawn) => {
        const counted = new Uint16Array(services);
        for (const service of drawn) counted[service]!++;
        return counted;
      });
      this.#times.set(services, times);
    }
    return times;
  }
}

export function newRow(): Float64Array {
  return new Float64Array(COUNTED.length);
}

/** The sums of nothing. */
export const NO_ROW: Sums = toSums(newRow());

export function totalOf(rows: Rows): Float64Array {
  const added = newRow();
  for (const row of rows) for (let at = 0; at < added.length; at++) added[at]! += row[at]!;
  return added;
}

/** The rows with changes added; rows without a change are the same objects. */
export function changed({ baseline, candidate }: RowPair, changes: readonly RowChange[]): RowPair {
  const [before, after] = [[...baseline], [...candidate]];
  const own = new Set<number>();
  for (const change of changes) {
    const { service } = change;
    if (!own.has(service)) {
      own.add(service);
      before[service] = before[service]!.slice();
      after[service] = after[service]!.slice();
    }
    add(before[service]!, change.baseline);
    add(after[service]!, change.candidate);
  }
  return { baseline: before, candidate: after };
}

export function add(to: Float64Array, row: Float64Array, times = 1): void {
  for (let at = 0; at < to.length; at++) to[at]! += times * row[at]!;
}

function toSums(row: Float64Array): Sums {
  return fill({} as Sums, row);
}

function fill(sums: Sums, row: Float64Array): Sums {
  for (let at = 0; at < COUNTED.length; at++) sums[COUNTED[at]!] = row[at]!;
  return sums;
}
