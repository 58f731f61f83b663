/** One policy in the plane of two objectives. */

export interface FrontierPoint {
  readonly key: string;
  /** In words: what it is, and how it scores. */
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly xBar: readonly [number, number] | null;
  readonly yBar: readonly [number, number] | null;
  readonly kind: "frontier" | "other" | "now" | "anchor";
  /** A short name that stands beside it; empty: none. */
  readonly name: string;
  /** Where a click leads; null: nowhere. */
  readonly href: string | null;
}
