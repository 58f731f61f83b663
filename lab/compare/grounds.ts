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
import { changesBetween, moveOf, waysOf, type Change, type Draws, type Ways } from "./changes.ts";
import { tippingOf, type Tipping } from "./tipping.ts";

type Found = Pick<Difference, "modelled" | "untested" | "tipping" | "tippingAtLimit">;

export const NOT_MODELLED: Found = {
  modelled: null,
  untested: [],
  tipping: null,
  tippingAtLimit: null,
};

/** The ground that a verdict rests on, and what it says. */
export function groundOf(
  identified: GroundVerdict,
  modelled: GroundVerdict | null,
): { readonly ground: Difference["ground"]; readonly told: GroundVerdict } {
  const speaks = ({ verdict }: GroundVerdict): boolean =>
    verdict === "better" || verdict === "worse";
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
  /** Kinds of which the model says nothing. */
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
  /** The worst of each hidden deployment for either policy, made when first asked for. */
  readonly #worst = new Map<Which, readonly Change[]>();
  /** Every way in which each may have ended, made when first asked for. */
  #ways: readonly Ways[] | null = null;
  readonly #models: readonly Draws[];
  /** Of each recovery that is modelled, the change to its bounds in favour of either policy. */
  readonly #recoveries: readonly (readonly [Change, Change])[];

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
    const atBounds = BOTH.map((side) =>
      changesBetween(this.#draws, resolved.get(side)!, recoveries, services, this.#scores),
    );
    this.#recoveries = recoveries.map((_, at) => [atBounds[0]![at]!, atBounds[1]![at]!]);
  }

  /**
   * The verdict on one field, from the interval that sampling alone leaves.
   *
   * @param verdictOn an interval
   * @param before the baseline's value
   */
  speak(
    field: Field,
    sampled: Interval | null,
    verdictOn: (interval: Interval | null) => GroundVerdict,
    limits: readonly Limit[],
    before: number | null,
  ): Found {
    const ofHidden = this.#model.errorsOf(field);
    if (ofHidden === null || sampled === null) return NOT_MODELLED;
    const errors = { ...ofHidden, recoveries: tidy(this.#recoveryError(field)) };
    const untested = this.#model.untested(field);
    const asked = { field, errors, untested: new Set(untested.map(({ kind }) => kind)) };
    const interval = this.#interval(asked, sampled);
    if (interval === null) return NOT_MODELLED;
    const modelled = { ...verdictOn(interval), errors };
    const speaks = modelled.verdict === "better" || modelled.verdict === "worse";
    const limit = limits.find((one) => one.field === field.name);
    const margin = limit === undefined ? null : marginOf(limit.margin, before, this.#weeks);
    return {
      modelled,
      untested,
      tipping: speaks ? this.#tipping(asked, 0, interval.low > 0) : null,
      tippingAtLimit: margin === null ? null : this.#atLimit(asked, margin, interval),
    };
  }

  /** Each recovery lies anywhere between its bounds, whatever the others do. */
  #recoveryError(field: Field): number {
    let variance = 0;
    for (const ends of this.#recoveries) {
      const [one, other] = ends.map((end) => moveOf(field, this.#model.rows, end, this.#scores));
      variance += (one! - other!) ** 2 / 12;
    }
    return Math.sqrt(variance);
  }

  /** What could not be tested counts as its worst, for either policy in turn. */
  #interval(asked: Asked, sampled: Interval): Interval | null {
    const { field, untested } = asked;
    const widen = this.#widen(asked);
    const { value } = this.#scores.spreadOf(field, this.#model.rows);
    const own = widen(sampled, value);
    if (untested.size === 0) return own;
    const atWorst = BOTH.map((side) => {
      const spread = this.#scores.spreadOf(field, this.#rowsFor(side, untested));
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
    const { field, untested } = asked;
    // What pushes the difference up speaks for the baseline where lower is better.
    const favoured = !isAbove === (field.better === "lower") ? "baseline" : "candidate";
    const hidden = this.#waysOfHidden().filter(
      ({ kind }) => !untested.has(kind) && isPartOf(field, kind),
    );
    const side = { threshold, isAbove };
    const rows = this.#rowsFor(favoured, untested);
    return tippingOf(field, rows, hidden, side, this.#widen(asked), this.#scores);
  }

  /** The rows with all hidden deployments of some kinds at their worst, in favour of a policy. */
  #rowsFor(favoured: Which, kinds: ReadonlySet<Kind>): RowPair {
    if (kinds.size === 0) return this.#model.rows;
    let worst = this.#worst.get(favoured);
    if (worst === undefined) {
      const { services } = this.#model;
      const becomes = this.resolved.get(favoured)!;
      worst = changesBetween(this.#draws, becomes, this.parts.places, services, this.#scores);
      this.#worst.set(favoured, worst);
    }
    return changed(
      this.#model.rows,
      worst.filter(({ kind }) => kinds.has(kind)),
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
    const { range } = this.#scores.spreadOf(field, this.#model.rows);
    return (interval, value) => widened(interval, value, errors, range);
  }
}

function servicesOf(outcomes: Listed<Outcome>): readonly string[] {
  const services = new Set<string>();
  outcomes.forEach(({ service }) => services.add(service));
  return [...services].sort();
}
