/**
 * What things cost, in one relative unit (a page by day is 10). Defaults are
 * assumptions to be replaced by a team's own numbers, never measurements.
 */

export interface Costs {
  /** Carrying out any rollback. */
  readonly rollback: number;
  /** On top, when the deployment was good: the work is thrown back, trust is lost. */
  readonly falsePositive: number;
  /** One minute of a regression that reaches users. */
  readonly degradedMinute: number;
  readonly page: number;
  readonly nightPage: number;
  /** One hour of a person's time. */
  readonly toilHour: number;
  /** Hours a person spends on a false-positive rollback, and on answering a page. */
  readonly hoursPerFalsePositive: number;
  readonly hoursPerPage: number;
}

export const DEFAULT_COSTS: Costs = {
  rollback: 10,
  falsePositive: 60,
  degradedMinute: 10,
  page: 10,
  nightPage: 30,
  toilHour: 60,
  hoursPerFalsePositive: 3,
  hoursPerPage: 0.25,
};
