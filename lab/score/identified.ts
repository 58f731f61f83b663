/**
 * How far a history identifies a score: the share of what the score rests on that the history
 * settles. A deployment is open where history's own rollback hid what the policy would have done,
 * or where it is unknown what people would have answered (`isOpen`); what is not open is settled.
 *
 * A score of which less than half is identified has no interval: resampling services measures the
 * luck of which services there are, and says nothing of what was hidden.
 */

import { belowText } from "../counted.ts";

const IDENTIFIED_AT_LEAST = 0.5;

/** Why a score has no interval. */
export interface LessThanHalf {
  readonly code: "lessThanHalfIdentified";
  readonly identified: number;
}

/** The reason why a score may have no interval; null where it may have one. */
export function lessThanHalf(identified: number): LessThanHalf | null {
  return identified < IDENTIFIED_AT_LEAST ? { code: "lessThanHalfIdentified", identified } : null;
}

/** The same in words: `8 % identified`, with as many digits as show it to be less than half. */
export function identifiedText({ identified }: Pick<LessThanHalf, "identified">): string {
  const percent = 100 * identified;
  const rounded = Math.round(percent);
  const isBelow = rounded < 100 * IDENTIFIED_AT_LEAST;
  return `${isBelow ? rounded : belowText(percent, 100 * IDENTIFIED_AT_LEAST)} % identified`;
}

/** What it means, in a sentence below a table or in a note. */
export const LESS_THAN_HALF =
  "Less than half identified: this history hid most of what the score rests on, so the value is " +
  "a model's and no interval is shown.";
