/** A policy in a chart of two scores. */
export interface TradeoffPoint {
  readonly key: string;
  readonly name: string;
  readonly colour: string;
  readonly x: number;
  readonly y: number;
  /** The 95 % interval of the difference from the baseline, placed at the baseline's value. */
  readonly xBar: readonly [number, number] | null;
  readonly yBar: readonly [number, number] | null;
  readonly isBaseline: boolean;
}
