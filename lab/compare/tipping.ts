/**
 * How much of what history hid would have to be otherwise before a verdict falls.
 *
 * A hidden deployment that ends the other way ends in the way that speaks most against the verdict,
 * of all ways that any model of what was hidden drew. The most damaging ones are changed first,
 * until the interval, computed again, first contains the threshold. That is a tipping point, as
 * used for missing data in trials (Yan, Lee and Li 2009; in the spirit of Rosenbaum 2002).
 */

import type { Field } from "../score/fields.ts";
import { intervalOf, type Interval } from "../score/intervals.ts";
import {
  changed,
  totalsOf,
  type RowChange,
  type RowPair,
  type RowScores,
  type Totals,
} from "../score/rows.ts";
import { movesOf, type Ways } from "./changes.ts";

export interface Tipping {
  /** So many hidden deployments would have to end the other way; null: all do not suffice. */
  readonly flips: number | null;
  /** How many history hid. */
  readonly of: number;
  /** The first of them, the most damaging one first. */
  readonly deployments: readonly string[];
}

const NAMED_AT_MOST = 5;

interface Worst {
  readonly deploymentId: string;
  readonly change: RowChange;
  /** By how much it moves the difference in the direction asked for. */
  readonly damage: number;
}

/**
 * Of each hidden deployment the way in which it may have ended that moves the difference most, up
 * or down; none of one that cannot move it so.
 */
export function worstWays(
  field: Field,
  totals: Totals,
  hidden: readonly Ways[],
  isUp: boolean,
  scores: RowScores,
): readonly Worst[] {
  return hidden.flatMap(({ deploymentId, ways }): readonly Worst[] => {
    const moves = movesOf(field, totals, ways, scores);
    const all = ways.map((change, at): Worst => {
      return { deploymentId, change, damage: isUp ? moves[at]! : -moves[at]! };
    });
    const most = all.reduce((one, other) => (other.damage > one.damage ? other : one));
    return most.damage > 0 ? [most] : [];
  });
}

/**
 * The tipping point of a verdict that the difference lies on one side of a threshold.
 *
 * @param hidden the ways in which hidden deployments may have ended
 * @param isAbove does the verdict say that the difference is above the threshold?
 * @param widen an interval of the rows with what is not known of the model as well
 */
export function tippingOf(
  field: Field,
  rows: RowPair,
  hidden: readonly Ways[],
  { threshold, isAbove }: { readonly threshold: number; readonly isAbove: boolean },
  widen: (interval: Interval, value: number) => Interval,
  scores: RowScores,
): Tipping {
  const worst = [...worstWays(field, totalsOf(rows), hidden, !isAbove, scores)].sort(
    (one, other) => other.damage - one.damage,
  );
  const falls = (count: number): boolean => {
    const changes = worst.slice(0, count).map(({ change }) => change);
    const spread = scores.spreadOf(field, changed(rows, changes));
    const interval = intervalOf(spread);
    if (interval === null) return true;
    const { low, high } = widen(interval, spread.value);
    return isAbove ? low <= threshold : high >= threshold;
  };
  const most = worst.length;
  const flips = most === 0 || !falls(most) ? null : first(1, most, falls);
  const named = worst.slice(0, Math.min(NAMED_AT_MOST, flips ?? 0));
  return { flips, of: hidden.length, deployments: named.map(({ deploymentId }) => deploymentId) };
}

/** The first number for which it holds, of those from `low` to `high`, for which it does. */
function first(low: number, high: number, holds: (count: number) => boolean): number {
  let [least, most] = [low, high];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (holds(middle)) most = middle;
    else least = middle + 1;
  }
  return least;
}
