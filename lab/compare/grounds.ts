/**
 * Verdicts by the model of what history hid, with what would overturn them; see `differencesOf`.
 */

import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Field } from "../score/fields.ts";
import { intervalOf, tidy, type Interval } from "../score/intervals.ts";
import { changed, RowScores, type RowPair } from "../score/rows.ts";
import type { ScoreOptions } from "../score/scorecard.ts";
import type { Difference, GroundVerdict } from "./compare.ts";
import type { Evaluated } from "./evaluate.ts";
import { marginOf, type Limit } from "./margin.ts";
import type { Kind } from "./kinds.ts";
import { isPartOf, Modelled, widened, type ModelErrors, type PairAgain } from "./modelled.ts";
import { BOTH, type Which } from "./bounds.ts";
import { changesBetween, movesOf, waysOf, type Change, type Draws, type Ways } from "./changes.ts";
import { tippingOf, worstWays, type Tipping } from "./tipping.ts";

type Found = Pick<Difference, "modelled" | "untested" | "tipping" | "tippingAtLimit">;

export const NOT_MODELLED: Found = {
  modelled: null,
  untested: [],
  tipping: null,
  tippingAtLimit: null,
};

function speaks({ verdict }: GroundVerdict): boolean {
  return verdict === "better" || verdict === "worse";
}

/** The ground that a verdict rests on, and what it says. */
export function groundOf(
  identified: GroundVerdict,
  modelled: GroundVerdict | null,
): { readonly ground: Difference["ground"]; readonly told: GroundVerdict } {
  if (speaks(identified)) return { ground: "identified", told: identified };
  if (modelled === null) return { ground: null, told: identified };
  const { low, high, verdict } = modelled;
  return { ground: speaks(modelled) ? "modelled" : null, told: { low, high, verdict } };
}

/** The widest of some intervals; null where one is missing. */
export function widest(intervals: readonly (Interval | null)[]): Interval | null {
  const known = intervals.filter((one) => one !== null);
  if (known.length < intervals.length) return null;
  return {
    low: Math.min(...known.map(({ low }) => low)),
    high: Math.max(...known.map(({ high }) => high)),
  };
}

/** A question about one field. */
interface Asked {
  readonly field: Field;
  readonly errors: ModelErrors;
  /** Kinds on which the model could not be tested. */
  readonly untested: ReadonlySet<Kind>;
}

/** Places of deployments in the lists of outcomes. */
interface Parts {
  readonly places: readonly number[];
  readonly recoveries: readonly number[];
}

export class ModelGround {
  readonly #model: Modelled;
  readonly #draws: Draws;
  readonly #scores: RowScores;
  readonly #weeks: number;
  /** Every way in which each may have ended, made when first asked for. */
  #ways: readonly Ways[] | null = null;
  readonly #models: readonly Draws[];
  /** In favour of either policy, the change of each recovery that is modelled to its bound. */
  readonly #recoveries: readonly (readonly Change[])[];

  /**
   * @param resolved the outcomes with every doubt resolved in favour of either policy
   * @param parts places of deployments that history hid, and of recoveries that are modelled
   */
  constructor(
    baseline: Evaluated,
    candidate: Evaluated,
    again: PairAgain,
    readonly resolved: ReadonlyMap<Which, Draws>,
    readonly parts: Parts,
    scoring: ScoreOptions,
  ) {
    this.#draws = { baseline: baseline.draws, candidate: candidate.draws };
    this.#scores = new RowScores(scoring);
    this.#weeks = scoring.weeks;
    const services = servicesOf(baseline.draws[0]!);
    this.#models = again.models.map(({ draws }) => draws);
    const { places, recoveries } = parts;
    this.#model = new Modelled(this.#draws, again, places, services, this.#scores);
    this.#recoveries = BOTH.map((side) =>
      changesBetween(this.#draws, resolved.get(side)!, recoveries, services, this.#scores),
    );
  }

  /**
   * The verdict on one field, from the interval that sampling alone leaves.
   *
   * @param verdictOn an interval
   * @param before the baseline's value
   * @param identified a verdict that holds whatever history hid has no tipping point
   */
  speak(
    field: Field,
    sampled: Interval | null,
    verdictOn: (interval: Interval | null) => GroundVerdict,
    limits: readonly Limit[],
    before: number | null,
    identified: GroundVerdict,
  ): Found {
    const ofHidden = this.#model.errorsOf(field);
    if (ofHidden === null || sampled === null) return NOT_MODELLED;
    const errors = { ...ofHidden, recoveries: tidy(this.#recoveryError(field)) };
    const untested = this.#model.untested(field);
    const asked = { field, errors, untested: new Set(untested.map(({ kind }) => kind)) };
    const interval = this.#interval(asked, sampled);
    if (interval === null) return NOT_MODELLED;
    const modelled = { ...verdictOn(interval), errors };
    const isTold = speaks(modelled) && !speaks(identified);
    const limit = limits.find((one) => one.field === field.name);
    const margin = limit === undefined ? null : marginOf(limit.margin, before, this.#weeks);
    return {
      modelled,
      untested,
      tipping: isTold ? this.#tipping(asked, 0, interval.low > 0) : null,
      tippingAtLimit: margin === null ? null : this.#atLimit(asked, margin, interval),
    };
  }

  /** Each recovery lies anywhere between its bounds, whatever the others do. */
  #recoveryError(field: Field): number {
    const { totals } = this.#model;
    const [one, other] = this.#recoveries.map((ends) =>
      movesOf(field, totals, ends, this.#scores),
    ) as [number[], number[]];
    const variance = one.reduce((sum, move, at) => sum + (move - other[at]!) ** 2 / 12, 0);
    return Math.sqrt(variance);
  }

  /** What could not be tested counts as the worst that was drawn of it, in either direction. */
  #interval(asked: Asked, sampled: Interval): Interval | null {
    const { field, untested } = asked;
    const widen = this.#widen(asked);
    const own = widen(sampled, this.#scores.differenceOf(field, this.#model.totals));
    if (untested.size === 0) return own;
    const atWorst = [true, false].map((isUp) => {
      const spread = this.#scores.spreadOf(field, this.#worstRows(asked, isUp));
      const found = intervalOf(spread);
      return found === null ? null : widen(found, spread.value);
    });
    return widest([own, ...atWorst]);
  }

  /** Within a limit: which flips bring the interval up to it? Null where it is not within. */
  #atLimit(asked: Asked, margin: number, interval: Interval): Tipping | null {
    const isHigher = asked.field.better === "higher";
    const isWithin = isHigher ? interval.low >= -margin : interval.high <= margin;
    if (!isWithin) return null;
    // An interval that touches the limit is within it: it falls where it reaches beyond.
    const beyond = tidy(margin * (1 + 1e-9) + 1e-12);
    return this.#tipping(asked, isHigher ? -beyond : beyond, isHigher);
  }

  #tipping(asked: Asked, threshold: number, isAbove: boolean): Tipping {
    const { field } = asked;
    const hidden = this.#waysOfHidden().filter(({ kind }) => isPartOf(field, kind));
    const side = { threshold, isAbove };
    return tippingOf(field, this.#model.rows, hidden, side, this.#widen(asked), this.#scores);
  }

  /**
   * The rows with each hidden deployment of an untested kind in the way that moves the difference
   * most up, or down, of all ways that any draw of any model came to.
   */
  #worstRows({ field, untested }: Asked, isUp: boolean): RowPair {
    const hidden = this.#waysOfHidden().filter(({ kind }) => untested.has(kind));
    const worst = worstWays(field, this.#model.totals, hidden, isUp, this.#scores);
    return changed(
      this.#model.rows,
      worst.map(({ change }) => change),
    );
  }

  #waysOfHidden(): readonly Ways[] {
    const { services } = this.#model;
    return (this.#ways ??= waysOf(
      this.#draws,
      this.#models,
      this.parts.places,
      services,
      this.#scores,
    ));
  }

  #widen({ field, errors }: Asked): (interval: Interval, value: number) => Interval {
    const range = this.#scores.rangeOf(field, this.#model.totals);
    return (interval, value) => widened(interval, value, errors, range);
  }
}

export function servicesOf(outcomes: Listed<Outcome>): readonly string[] {
  const services = new Set<string>();
  outcomes.forEach(({ service }) => services.add(service));
  return [...services].sort();
}
