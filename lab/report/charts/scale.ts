/** Scales of all charts, and the rounding that keeps a report's bytes the same every time. */

import { scaleLinear, type ScaleLinear } from "d3-scale";

export function px(value: number): number {
  return Math.round(value * 100) / 100;
}

export function linear(
  domain: readonly [number, number],
  range: readonly [number, number],
): ScaleLinear<number, number> {
  return scaleLinear([...domain], [...range]).clamp(true);
}

/** A scale from zero to a round number above the largest value. */
export function fromNought(
  values: readonly number[],
  range: readonly [number, number],
): ScaleLinear<number, number> {
  const most = Math.max(0, ...values);
  return linear([0, most === 0 ? 1 : most], range).nice(4);
}
