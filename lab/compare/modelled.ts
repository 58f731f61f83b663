/**
 * What a difference rests on where history hid a part of it: how far the model of that part may
 * be off. Errors are added to that of sampling services (Rubin 1987, with a third part):
 *
 *   draws    what was hidden is drawn a few times only: the variance between draws over their
 *            number
 *   heldOut  the model's error on deployments that history let run and that were hidden for a test,
 *            as large for each deployment of that size that history did hide (heldOut.ts,
 *            bySize.ts)
 *   models   how far other models of what was hidden are from this one: effects that grow, decay or
 *            come in bursts in place of effects that are held. A model counts for less where the
 *            test contradicts it more than this one, or where regressions rarely went so
 *
 * Where too few deployments of a kind could be tested, each that history hid counts as the worst
 * that any draw of any of these models came to, for either policy in turn (grounds.ts).
 */

import type { Listed } from "../history/listed.ts";
import type { Label } from "../history/tables.ts";
import { isOpen, type Outcome } from "../outcome/outcome.ts";
import { valueOfSums, type Field } from "../score/fields.ts";
import { tidy, type Interval, type Range } from "../score/intervals.ts";
import { NO_ROW, totalsOf, type RowPair, type RowScores, type Totals } from "../score/rows.ts";
import { studentQuantile, Z } from "../score/student.ts";
import { restsOn } from "./assumed.ts";
import { binsOf, errorOf, errorsBySize, TESTED_AT_LEAST } from "./bySize.ts";
import type { Bin, ErrorInBin, Moves } from "./bySize.ts";
import { changesBetween, movesOf, type Change, type Draws } from "./changes.ts";
import { kindOf, KINDS, LABELS, type Kind } from "./kinds.ts";
import type { CoinAgain } from "./weighted.ts";

/** The outcomes of each policy, once for each draw. */
export type Drawn = readonly (readonly Listed<Outcome>[])[];

/** The policies evaluated again, in the same order. */
export interface EvaluatedAgain {
  /** Under each other model of what history hid. */
  readonly models: readonly {
    /** How far this history agrees with it, by how long regressions lasted that it let run. */
    readonly weight: number;
    readonly policies: Drawn;
  }[];
  /** With what waited for a coin cut short at the toss; null where no coin was tossed. */
  readonly coins: {
    readonly tosses: CoinAgain["tosses"];
    readonly cut: Drawn;
  } | null;
  /** The test of the models on two of the policies, by their places, made when first asked for. */
  readonly test: (one: number, other: number) => Promise<Test>;
}

/** Known deployments, hidden where one of two policies would have cut them short. */
export interface Test {
  readonly ids: ReadonlySet<string>;
  /** By the place of either policy: its outcomes with these hidden; null where none could be. */
  readonly tested: ReadonlyMap<number, Draws["baseline"]> | null;
  /** How large deployments were when they were cut short; see bySize.ts. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The same under each other model, in their order. */
  readonly models: readonly Test["tested"][];
}

/** The same of two policies. */
export interface PairAgain {
  readonly ids: ReadonlySet<string>;
  readonly tested: Draws | null;
  readonly sizes: ReadonlyMap<string, number>;
  readonly models: readonly {
    readonly weight: number;
    readonly draws: Draws;
    readonly tested: Draws | null;
  }[];
  readonly coins: CoinAgain | null;
}

/** Standard errors of a difference, in the unit of its field. */
export interface ModelErrors {
  readonly draws: number;
  readonly heldOut: number;
  readonly models: number;
  readonly recoveries: number;
  /** What `heldOut` is made of. */
  readonly bySize: readonly ErrorInBin[];
}

/** Deployments that history hid, and such as were hidden for a test, by kind. */
export interface Tested {
  readonly kind: Kind;
  readonly hidden: number;
  readonly tested: number;
}

/** By kind: what a model says of tested deployments in place of what happened. */
type Errors = ReadonlyMap<Kind, readonly Change[]>;

export class Modelled {
  readonly rows: RowPair;
  readonly totals: Totals;
  readonly tested: readonly Tested[];
  readonly #drawn: readonly Totals[];
  readonly #errors: Errors;
  /** Of the kinds that history hid and that were tested. */
  readonly #bins: ReadonlyMap<Kind, readonly Bin[]>;
  readonly #models: readonly {
    readonly weight: number;
    readonly totals: Totals;
    readonly errors: Errors;
  }[];

  /**
   * @param hidden the places of deployments that history hid from either policy
   * @param services in the order of the rows
   */
  constructor(
    readonly draws: Draws,
    again: PairAgain,
    hidden: readonly number[],
    readonly services: readonly string[],
    readonly scores: RowScores,
  ) {
    const rowsOf = ({ baseline, candidate }: Draws): RowPair => ({
      baseline: scores.rowsOf(baseline),
      candidate: scores.rowsOf(candidate),
    });
    this.rows = rowsOf(draws);
    this.totals = totalsOf(this.rows);
    this.#drawn = draws.baseline.map((baseline, draw) =>
      totalsOf(rowsOf({ baseline: [baseline], candidate: [draws.candidate[draw]!] })),
    );
    const labelAt = (place: number): Label => draws.baseline[0]!.at(place)!.label;
    const places = again.tested === null ? [] : testedPlaces(again.ids, again.tested);
    const of = (all: readonly number[], kind: Kind): number[] =>
      all.filter((place) => kindOf(labelAt(place)) === kind);
    this.tested = KINDS.map((kind) => ({
      kind,
      hidden: of(hidden, kind).length,
      tested: of(places, kind).length,
    }));
    const sizeAt = (place: number): number =>
      again.sizes.get(draws.baseline[0]!.at(place)!.deploymentId) ?? 0;
    this.#bins = new Map(
      this.tested
        .filter((one) => one.hidden > 0 && one.tested >= TESTED_AT_LEAST)
        .map(({ kind }) => {
          const known = of(places, kind).map(sizeAt);
          return [kind, binsOf(kind, known, of(hidden, kind).map(sizeAt))];
        }),
    );
    const errorsOf = (tested: Draws | null): Errors =>
      new Map(
        KINDS.map((kind) => [
          kind,
          tested === null ? [] : changesBetween(draws, tested, of(places, kind), services, scores),
        ]),
      );
    this.#errors = errorsOf(again.tested);
    this.#models = again.models.map((one) => ({
      weight: one.weight,
      totals: totalsOf(rowsOf(one.draws)),
      errors: errorsOf(one.tested),
    }));
  }

  /** What a field rests on that history hid and too little could be tested on. */
  untested(field: Field): readonly Tested[] {
    return this.tested.filter(
      ({ kind, hidden, tested }) => hidden > 0 && tested < TESTED_AT_LEAST && isPartOf(field, kind),
    );
  }

  /** Null where the field is no function of sums. */
  errorsOf(field: Field): Omit<ModelErrors, "recoveries"> | null {
    if (valueOfSums(field, NO_ROW, 1) === null) return null;
    const drawn = this.#drawn
      .map((totals) => this.scores.differenceOf(field, totals))
      .filter(isNumber);
    const between = variance(drawn) / Math.max(1, drawn.length);
    // Of few draws the variance is hardly known: Student's t in place of the normal quantile.
    const few = studentQuantile(drawn.length - 1) / Z;
    const tested = [...this.#bins].map(([kind, bins]) => {
      const found = this.#movesOf(field, kind);
      return { isPart: isPartOf(field, kind), bins, found, error: errorOf(bins, found) };
    });
    return {
      draws: tidy(few * Math.sqrt(between)),
      heldOut: tidy(Math.hypot(...tested.map(({ error }) => error))),
      models: tidy(Math.sqrt(this.#modelVariance(field))),
      bySize: tested.flatMap(({ isPart, bins, found }) =>
        isPart ? errorsBySize(bins, found) : [],
      ),
    };
  }

  #modelVariance(field: Field): number {
    const value = this.scores.differenceOf(field, this.totals);
    const own = this.#squaredErrors(field, this.#errors);
    let away = 0;
    // This model counts for one, and is not away from itself.
    let weights = 1;
    for (const { weight: agrees, totals, errors } of this.#models) {
      const other = this.scores.differenceOf(field, totals);
      if (!isNumber(other)) continue;
      const theirs = this.#squaredErrors(field, errors);
      const weight = agrees * (theirs <= own ? 1 : own / theirs);
      away += weight * (other - value) ** 2;
      weights += weight;
    }
    return away / weights;
  }

  /** The squared errors of a model about single deployments. */
  #squaredErrors(field: Field, errors: Errors): number {
    let sum = 0;
    for (const { kind, hidden } of this.tested) {
      if (hidden === 0) continue;
      const moves = movesOf(field, this.totals, errors.get(kind)!, this.scores);
      for (const move of moves) sum += move ** 2;
    }
    return sum;
  }

  #movesOf(field: Field, kind: Kind): Moves {
    const errors = this.#errors.get(kind)!;
    return {
      moves: movesOf(field, this.totals, errors, this.scores),
      services: errors.map(({ service }) => service),
    };
  }
}

/** Does a field rest on deployments of this kind? */
export function isPartOf({ name }: Field, kind: Kind): boolean {
  return LABELS[kind].some((label) => restsOn(name, label));
}

/** Deployments that were hidden for the test, and that it did hide from one of the policies. */
function testedPlaces(ids: ReadonlySet<string>, { baseline, candidate }: Draws): number[] {
  const places = new Set<number>();
  for (const outcomes of [...baseline, ...candidate]) {
    outcomes.forEach((outcome: Outcome, place) => {
      if (ids.has(outcome.deploymentId) && isOpen(outcome)) places.add(place);
    });
  }
  return [...places].sort((a, b) => a - b);
}

/** The interval with the errors of the model added to that of sampling. */
export function widened(
  { low, high }: Interval,
  value: number,
  errors: ModelErrors,
  range: Range,
): Interval {
  const more = Z * Math.hypot(errors.draws, errors.heldOut, errors.models, errors.recoveries);
  return {
    low: tidy(Math.max(range.low, value - Math.hypot(value - low, more))),
    high: tidy(Math.min(range.high, value + Math.hypot(high - value, more))),
  };
}

function isNumber(value: number): boolean {
  return !Number.isNaN(value);
}

function variance(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1);
}
