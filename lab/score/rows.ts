/**
 * The sums of a policy as rows of numbers, one a service, for questions that are asked of a
 * difference again and again with a few deployments changed. A difference of such rows is the
 * difference of two scorecards, and its interval is that of `compare`, at a hundredth of the work:
 * nothing but sums is resampled, so fields that are no function of sums are left out.
 */

import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { effectiveClusters } from "../evidence.ts";
import { isTotal, rangeOfSums, valueOfSums, type Field } from "./fields.ts";
import { GroupSums, sumsIn, type Sums } from "./groupSums.ts";
import { differenceRange, type Range, type Spread } from "./intervals.ts";
import { resamplesOf } from "./resamples.ts";
import type { ScoreOptions } from "./scorecard.ts";
import { COUNTED, sumByService, sumsOf } from "./sums.ts";

/** By service, in the order of their names; each in the order of `COUNTED`. */
export type Rows = readonly Float64Array[];

/** Two policies on the same deployments. */
export interface RowPair {
  readonly baseline: Rows;
  readonly candidate: Rows;
}

/** The sums of two policies over all services. */
export interface Totals {
  readonly baseline: Float64Array;
  readonly candidate: Float64Array;
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
  differenceOf(field: Field, { baseline, candidate }: Totals): number {
    const { weeks } = this.#options;
    const valueOf = (row: Float64Array): number =>
      valueOfSums(field, sumsIn(row), weeks) ?? Number.NaN;
    return valueOf(candidate) - valueOf(baseline);
  }

  /** The least and the most that a field's difference can be. */
  rangeOf(field: Field, { baseline, candidate }: Totals): Range {
    const of = (row: Float64Array): Range => rangeOfSums(field, sumsIn(row));
    return differenceRange(of(candidate), of(baseline));
  }

  /** How the difference of a field varies over services. */
  spreadOf(field: Field, pair: RowPair): Spread {
    return this.resampled(pair).spreadOf(field);
  }

  /** The same for many fields, with the services resampled once. */
  resampled({ baseline, candidate }: RowPair): Resampled {
    return new Resampled(
      resampledSums(baseline, this.#options),
      resampledSums(candidate, this.#options),
      this.#options,
    );
  }
}

/** Sums of one policy: of all services, in each bootstrap sample, without and of each service. */
interface ResampledSums {
  readonly whole: Sums;
  readonly samples: GroupSums;
  /** Null where there are too many services, or one. */
  readonly leftOut: GroupSums | null;
  readonly services: readonly Sums[];
}

function resampledSums(rows: Rows, options: ScoreOptions): ResampledSums {
  const { drawn, allButOne } = resamplesOf(rows.length, options);
  const addends = { sums: rows, seconds: null };
  return {
    whole: sumsIn(totalOf(rows)),
    samples: new GroupSums(addends, drawn),
    leftOut: allButOne && new GroupSums(addends, allButOne),
    services: rows.map(sumsIn),
  };
}

/** Two policies whose services were resampled alike. */
export class Resampled {
  constructor(
    readonly baseline: ResampledSums,
    readonly candidate: ResampledSums,
    readonly options: ScoreOptions,
  ) {}

  /** How the difference of a field varies over services. */
  spreadOf(field: Field): Spread {
    const { baseline, candidate, options } = this;
    const services = baseline.services.length;
    const valueOf = (sums: Sums): number => valueOfSums(field, sums, options.weeks)!;
    const drawn = minus(candidate.samples.values(valueOf), baseline.samples.values(valueOf));
    const [before, after] = [baseline.leftOut, candidate.leftOut];
    const left = before && after && minus(after.values(valueOf), before.values(valueOf));
    const clusters = [baseline, candidate].map((one) =>
      effectiveClusters(one.services.map(field.n)),
    );
    return {
      value: valueOf(candidate.whole) - valueOf(baseline.whole),
      samples: services === 1 ? new Float64Array(options.bootstraps).fill(drawn[0]!) : drawn,
      leftOut: left && isTotal(field) ? left.map((value) => grown(value, services)) : left,
      effectiveClusters: Math.min(...clusters),
      smooth: field.smooth,
      range: differenceRange(
        rangeOfSums(field, candidate.whole),
        rangeOfSums(field, baseline.whole),
      ),
    };
  }
}

function minus(to: Float64Array, from: Float64Array): Float64Array {
  return to.map((value, at) => value - from[at]!);
}

/** A total without one of the services, as large as with all of them. */
function grown(value: number, services: number): number {
  return (value * services) / (services - 1);
}

export function newRow(): Float64Array {
  return new Float64Array(COUNTED.length);
}

/** The sums of nothing. */
export const NO_ROW: Sums = sumsIn(newRow());

function totalOf(rows: Rows): Float64Array {
  const added = newRow();
  for (const row of rows) for (let at = 0; at < added.length; at++) added[at]! += row[at]!;
  return added;
}

export function totalsOf({ baseline, candidate }: RowPair): Totals {
  return { baseline: totalOf(baseline), candidate: totalOf(candidate) };
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
