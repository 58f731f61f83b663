/** One line of a survival chart. */

export interface SurvivalLine {
  readonly key: string;
  readonly name: string;
  readonly colour: string;
  /** In order of `at`, the first at zero. */
  readonly points: readonly { readonly at: number; readonly left: number }[];
  /** What a pointer over the line reads. */
  readonly words: string;
}
