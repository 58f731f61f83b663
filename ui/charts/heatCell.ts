/** One combination of two knobs. */

export interface HeatCell {
  readonly x: number;
  readonly y: number;
  readonly value: number;
  readonly text: string;
  /** In words, with both knobs. */
  readonly label: string;
  readonly href: string | null;
  readonly mark: "best" | "now" | null;
}
