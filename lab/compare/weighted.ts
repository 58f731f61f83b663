/**
 * Differences weighted by coins. Where the policy that made a history tossed a coin before it
 * rolled back, the deployments that waited show what became of all that were tossed. Each counts
 * for as many as it stands for: one over how likely its wait was.
 *
 *   weights only   sums over deployments that need no coin and over those that waited, weighted and
 *                  scaled to the number of tosses (Horvitz and Thompson 1952; self-normalised)
 *   doubly robust  what the model says of all, plus the weighted error of the model about those
 *                  that waited (Robins, Rotnitzky and Zhao 1994; Dudík, Langford and Li 2011)
 *
 * The model is asked about a deployment that waited as if history had rolled it back at the toss.
 * So both outcomes of the coin are imputed alike, and a bad model makes the interval wider but does
 * not bias it. A deployment needs the coin where the model is asked about it for either policy;
 * that is known at the toss, whatever its outcome was.
 *
 * Limits: what history hid without a toss is still modelled (`unsupported`), and so is what follows
 * after a wait is over. Only fields that are a function of sums have weighted differences.
 */

import type { Label } from "../history/tables.ts";
import { isOpen } from "../outcome/outcome.ts";
import { valueOfSums, type Field } from "../score/fields.ts";
import { intervalOf, standardErrorOf, tidy, type Interval } from "../score/intervals.ts";
import {
  add,
  changed,
  newRow,
  NO_ROW,
  type Resampled,
  type RowChange,
  RowScores,
  totalsOf,
  type RowPair,
} from "../score/rows.ts";
import type { ScoreOptions } from "../score/scorecard.ts";
import { restsOn } from "./assumed.ts";
import { changesBetween, movesOf, type Change, type Draws } from "./changes.ts";
import type { GroundVerdict } from "./compare.ts";
import type { Evaluated } from "./evaluate.ts";
import { servicesOf } from "./grounds.ts";
import type { Toss } from "./tosses.ts";

/** A history's coins, and its two policies with all that waited cut short at the toss. */
export interface CoinAgain {
  /** By place in the lists of outcomes. */
  readonly tosses: ReadonlyMap<number, Toss>;
  readonly cut: Draws;
}

export interface Weighted {
  /** Doubly robust. */
  readonly difference: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly verdict: GroundVerdict["verdict"];
  /** By weights alone: no model, and a wider interval. */
  readonly weightsOnly: {
    readonly difference: number | null;
    readonly low: number | null;
    readonly high: number | null;
  };
  /** Deployments that need the coin, and those of them that waited. */
  readonly tossed: number;
  readonly waited: number;
  /** Those that history hid without a toss: modelled all the same. */
  readonly unsupported: number;
  /** What would tell a difference as large as this; null where it is told. */
  readonly wouldTell: WouldTell | null;
}

/** By the variance of the weights: more weeks with the same coin, or a larger coin. */
export interface WouldTell {
  readonly moreWeeks: number;
  /** The smallest coin of 20, 30, 40 or 50 % with which as long a history tells; null: none. */
  readonly probability: number | null;
}

/** A difference is found four times in five where it is so many standard errors. */
const FOUND_AT = 2.8;
/** Fewer that waited may all be of one sort, and then the interval does not know of the rest. */
const WAITED_AT_LEAST = 5;
const COINS = [0.2, 0.3, 0.4, 0.5] as const;

export class WeightedGround {
  readonly #robust: Resampled;
  readonly #weighted: Resampled;
  readonly #rows: RowPair;
  /** Of each that waited and needs the coin: what happened, less what the model says. */
  readonly #errors: readonly { readonly change: Change; readonly propensity: number }[] = [];
  readonly #needs: readonly { readonly label: Label; readonly waited: boolean }[];
  readonly #unsupported: readonly Label[];

  constructor(
    draws: Draws,
    { tosses, cut }: CoinAgain,
    readonly scores: RowScores,
    readonly weeks: number,
  ) {
    const services = servicesOf(draws.baseline[0]!);
    this.#rows = {
      baseline: scores.rowsOf(draws.baseline),
      candidate: scores.rowsOf(draws.candidate),
    };
    const isHidden = (among: Draws, place: number): boolean =>
      [...among.baseline, ...among.candidate].some((outcomes) => isOpen(outcomes.at(place)!));
    const needing = [...tosses].filter(([place, { waited }]) =>
      isHidden(waited ? cut : draws, place),
    );
    const labelAt = (place: number): Label => draws.baseline[0]!.at(place)!.label;
    this.#needs = needing.map(([place, { waited }]) => ({ label: labelAt(place), waited }));
    const unsupported: Label[] = [];
    draws.baseline[0]!.forEach(({ label }, place) => {
      if (!tosses.has(place) && isHidden(draws, place)) unsupported.push(label);
    });
    this.#unsupported = unsupported;
    const waited = needing.filter(([, toss]) => toss.waited);
    const places = waited.map(([place]) => place);
    const errors = changesBetween(cut, draws, places, services, scores);
    this.#errors = errors.map((change, at) => ({ change, propensity: waited[at]![1].propensity }));
    this.#robust = scores.resampled(
      changed(
        this.#rows,
        this.#errors.map(({ change, propensity }) => scaled(change, 1 / propensity - 1)),
      ),
    );
    const rowsAt = (place: number): RowChange => {
      const row = (side: keyof Draws): Float64Array => {
        const mean = newRow();
        for (const outcomes of draws[side]) {
          add(mean, scores.rowOf(outcomes.at(place)!), 1 / draws[side].length);
        }
        return mean;
      };
      const service = services.indexOf(draws.baseline[0]!.at(place)!.service);
      return { service, baseline: row("baseline"), candidate: row("candidate") };
    };
    const weights = waited.reduce((sum, [, { propensity }]) => sum + 1 / propensity, 0);
    const scale = weights === 0 ? 0 : needing.length / weights;
    this.#weighted = scores.resampled(
      changed(
        this.#rows,
        needing.map(([place, { waited: didWait, propensity }]) =>
          scaled(rowsAt(place), didWait ? scale / propensity - 1 : -1),
        ),
      ),
    );
  }

  /** The weighted difference of a field; null where no coin says anything about it. */
  of(field: Field, verdictOn: (interval: Interval | null) => GroundVerdict): Weighted | null {
    if (valueOfSums(field, NO_ROW, 1) === null) return null;
    const isPart = (label: Label): boolean => restsOn(field.name, label);
    const tossed = this.#needs.filter(({ label }) => isPart(label));
    const waited = tossed.filter((one) => one.waited).length;
    if (waited === 0) return null;
    const robust = this.#robust.spreadOf(field);
    if (Number.isNaN(robust.value)) return null;
    const spoken = verdictOn(intervalOf(robust));
    const { low, high } = spoken;
    const verdict = waited < WAITED_AT_LEAST ? "too few to tell" : spoken.verdict;
    const plain = this.#weighted.spreadOf(field);
    const ends = Number.isNaN(plain.value) ? null : intervalOf(plain);
    const isTold = verdict === "better" || verdict === "worse";
    return {
      difference: tidy(robust.value),
      low,
      high,
      verdict,
      weightsOnly: {
        difference: Number.isNaN(plain.value) ? null : tidy(plain.value),
        low: ends?.low ?? null,
        high: ends?.high ?? null,
      },
      tossed: tossed.length,
      waited,
      unsupported: this.#unsupported.filter(isPart).length,
      wouldTell: isTold ? null : this.#wouldTell(field, robust.value, standardErrorOf(robust)),
    };
  }

  /** What is needed for a difference of this size; null where it is none, or is found as it is. */
  #wouldTell(field: Field, value: number, error: number): WouldTell | null {
    const needed = (Math.abs(value) / FOUND_AT) ** 2;
    if (needed === 0 || error === 0) return null;
    // Horvitz and Thompson's own estimate of what the coins add, were they (1 - p) / p larger.
    let ofCoins = 0;
    let perOdds = 0;
    const changes = this.#errors.map(({ change }) => change);
    const moves = movesOf(field, totalsOf(this.#rows), changes, this.scores);
    for (const [at, { propensity }] of this.#errors.entries()) {
      const squared = moves[at]! ** 2;
      ofCoins += (squared * (1 - propensity)) / propensity ** 2;
      perOdds += squared / propensity;
    }
    const rest = Math.max(0, error ** 2 - ofCoins);
    const more = this.weeks * (error ** 2 / needed - 1);
    if (more <= 0) return null;
    const probability = COINS.find((coin) => {
      const smaller = this.#errors.every(({ propensity }) => propensity < coin);
      return smaller && rest + (perOdds * (1 - coin)) / coin <= needed;
    });
    return { moreWeeks: Math.ceil(more), probability: probability ?? null };
  }
}

/** Of two policies on a history with coins; null where it has none. */
export function weightedGround(
  baseline: Pick<Evaluated, "draws">,
  candidate: Pick<Evaluated, "draws">,
  coins: CoinAgain | null,
  scoring: ScoreOptions,
): WeightedGround | null {
  if (coins === null) return null;
  const draws = { baseline: baseline.draws, candidate: candidate.draws };
  return new WeightedGround(draws, coins, new RowScores(scoring), scoring.weeks);
}

function scaled({ service, baseline, candidate }: RowChange, times: number): RowChange {
  const by = (row: Float64Array): Float64Array => row.map((value) => value * times);
  return { service, baseline: by(baseline), candidate: by(candidate) };
}
