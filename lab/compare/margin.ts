/** How much worse a score may become before a change is refused. */

import { tidy } from "../score/intervals.ts";

/** In the unit of the field: absolute, per week, or a share of the baseline. */
export interface Margin {
  readonly amount: number;
  readonly of: "absolute" | "week" | "baseline";
  /** As written in the budget file. */
  readonly text: string;
}

/** The margin of one field of the scorecard. */
export interface Limit {
  readonly field: string;
  readonly margin: Margin;
}

/** The margin in the field's unit; null: a share of nothing is no margin. */
export function marginOf(margin: Margin, baseline: number | null, weeks: number): number | null {
  switch (margin.of) {
    case "absolute":
      return margin.amount;
    case "week":
      return tidy(margin.amount * weeks);
    case "baseline":
      return baseline === null || baseline === 0 ? null : tidy(margin.amount * Math.abs(baseline));
  }
}
